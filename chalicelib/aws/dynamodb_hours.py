"""Counters of the hours of media that were accepted on a day: an item for each owner and day."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from chalicelib.core import keys
from chalicelib.errors import ServiceBusyError

if TYPE_CHECKING:
    from types_boto3_dynamodb.service_resource import Table
    from types_boto3_dynamodb.type_defs import TransactWriteItemTypeDef

KEPT = timedelta(days=7)
"""Time after which a counter expires."""

REFUSED = "ConditionalCheckFailed"


class HourCounters:
    """The counters, which are in the table of recordings, but in none of its indexes."""

    def __init__(self, table: "Table", clock: Callable[[], datetime]) -> None:
        self._table = table
        self._clock = clock

    def count(
        self, recording_id: str, seconds: int, limits: Mapping[str, int], *, again: bool = False
    ) -> str | None:
        """Add a recording's seconds to today's counters, to all of them or to none.

        The recording is marked in the same transaction, so it is counted once, however often its
        event comes.

        Parameters
        ----------
        recording_id : str
            the recording
        seconds : int
            its length
        limits : mapping of str to int
            each counter's limit in seconds, by its name
        again : bool
            count the recording once more, because it is made again

        Returns
        -------
        counter : str or None
            the counter that has no room for it; None if it was counted, now or before

        Raises
        ------
        ServiceBusyError
            if another recording is being counted at the same moment
        """
        for name, most in limits.items():
            if seconds > most:
                return name
        now = self._clock()
        updates = [
            self._update(
                keys.transcript(recording_id),
                "SET accepted_at = :now",
                "attribute_exists(JsonFile)"
                + ("" if again else " AND attribute_not_exists(accepted_at)"),
                {":now": now.isoformat()},
            ),
            *(
                self._update(
                    keys.hours(f"{now:%Y-%m-%d}", name),
                    "SET expires_at = :until ADD seconds_accepted :more",
                    "attribute_not_exists(seconds_accepted) OR seconds_accepted <= :room",
                    {
                        ":until": round((now + KEPT).timestamp()),
                        ":more": seconds,
                        ":room": most - seconds,
                    },
                )
                for name, most in limits.items()
            ),
        ]
        try:
            self._table.meta.client.transact_write_items(TransactItems=updates)
        except ClientError as exc:
            return _full(exc, list(limits))
        return None

    def _update(
        self, key: str, expression: str, condition: str, values: Mapping[str, Any]
    ) -> "TransactWriteItemTypeDef":
        return {
            "Update": {
                "TableName": self._table.name,
                "Key": {"JsonFile": key},
                "UpdateExpression": expression,
                "ConditionExpression": condition,
                "ExpressionAttributeValues": values,
            }
        }


def _full(exc: ClientError, names: list[str]) -> str | None:
    """Return the counter that refused a transaction; None if the recording was marked before."""
    if exc.response["Error"]["Code"] != "TransactionCanceledException":
        raise exc
    reasons: list[Any] = exc.response["CancellationReasons"]
    marked, *counters = [reason.get("Code") for reason in reasons]
    if marked == REFUSED:
        return None
    for name, code in zip(names, counters, strict=True):
        if code == REFUSED:
            return name
    raise ServiceBusyError("Another recording is being counted.") from exc

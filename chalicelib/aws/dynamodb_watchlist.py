"""The watchlist: recordings with a due look, in a sparse index of the table, ordered by time."""

from collections.abc import Iterator
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, Any

from boto3.dynamodb.conditions import Attr, Key
from botocore.exceptions import ClientError

from chalicelib.aws.dynamodb_shards import N_SHARDS, all_shards, in_order
from chalicelib.core import keys

if TYPE_CHECKING:
    from types_boto3_dynamodb.service_resource import Table

BY_LOOK_AT = "by_look_at"


class Watchlist:
    """The recordings that have not been found complete since their last move.

    ``RecordingTable`` puts a recording on the list whenever one of its branches moves. The index
    has only the keys of these recordings, so listing them reads nothing else.
    """

    def __init__(self, table: "Table", *, n_shards: int = N_SHARDS) -> None:
        self._table = table
        self._n_shards = n_shards

    def due(self, now: datetime, limit: int) -> list[str]:
        """Return the ids of recordings whose look is due, longest due first."""
        found = (keys.recording_id_of(item["JsonFile"]) for item in self._read(now, limit))
        return [recording_id for recording_id in found if recording_id]

    def longest_due(self, now: datetime) -> datetime | None:
        """Return the earliest time at which a look is due."""
        for item in self._read(now, 1):
            return datetime.fromisoformat(item["look_at"])
        return None

    def _read(self, now: datetime, limit: int) -> Iterator[dict[str, Any]]:
        entries = in_order(
            lambda **asked: self._table.query(IndexName=BY_LOOK_AT, **asked),
            all_shards(self._n_shards),
            Key("look_at").lte(now.isoformat()),
            order="look_at",
            newest_first=False,
            limit=limit,
        )
        return islice(entries, limit)

    def put_off(self, recording_id: str, until: datetime) -> None:
        """Set the time of a recording's next look. Do nothing if the recording is gone."""
        self._update(
            recording_id,
            Attr("JsonFile").exists(),
            UpdateExpression="SET look_at = :until",
            ExpressionAttributeValues={":until": until.isoformat()},
        )

    def strike_off(self, recording_id: str, look_at: str) -> None:
        """Take a recording off the list, unless it has moved since ``look_at`` was read."""
        self._update(recording_id, Attr("look_at").eq(look_at), UpdateExpression="REMOVE look_at")

    def _update(self, recording_id: str, condition: Any, **expression: Any) -> None:
        try:
            self._table.update_item(
                Key={"JsonFile": keys.transcript(recording_id)},
                ConditionExpression=condition,
                **expression,
            )
        except ClientError as exc:
            if exc.response["Error"]["Code"] != "ConditionalCheckFailedException":
                raise

"""Claims on a recording's notices, so that only one sender sends each notice."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from boto3.dynamodb.conditions import Attr
from botocore.exceptions import ClientError

from chalicelib.aws.dynamodb_values import assignment, is_refused
from chalicelib.core import keys
from chalicelib.core.recording import NoticeState, Outcome
from chalicelib.core.recording_item import of_notice

if TYPE_CHECKING:
    from types_boto3_dynamodb.service_resource import Table


class NoticeClaims:
    """The notices that were claimed by a sender, and the notices that were sent."""

    def __init__(self, table: "Table", clock: Callable[[], datetime]) -> None:
        self._table = table
        self._clock = clock

    def claim(self, recording_id: str, outcome: Outcome, *, claimed_before: str) -> bool:
        """Claim a notice for sending; return whether it was free.

        A notice that was not sent is free if it was not claimed. It is also free if it was claimed
        before a given time, because that sender has died.
        """
        claimed, sent = of_notice(outcome, NoticeState())
        return self._update(
            recording_id,
            {claimed: self._clock().isoformat()},
            Attr("JsonFile").exists()
            & Attr(sent).not_exists()
            & (Attr(claimed).not_exists() | Attr(claimed).lt(claimed_before)),
        )

    def release(self, recording_id: str, outcome: Outcome) -> None:
        """Release a claim whose notice could not be sent."""
        claimed, _ = of_notice(outcome, NoticeState())
        self._update(recording_id, {claimed: None}, Attr("JsonFile").exists())

    def record(self, recording_id: str, outcome: Outcome) -> None:
        """Record that a notice was sent, so that it is never sent again."""
        sent = of_notice(outcome, NoticeState(sent_at=self._clock().isoformat()))
        self._update(recording_id, sent, Attr("JsonFile").exists())

    def _update(self, recording_id: str, changes: Mapping[str, Any], condition: Any) -> bool:
        try:
            self._table.update_item(
                Key={"JsonFile": keys.transcript(recording_id)},
                **assignment(changes),
                ConditionExpression=condition,
            )
        except ClientError as exc:
            if is_refused(exc):
                return False
            raise
        return True

"""Clients between the handlers and the doubles: each request waits for its turn and its fate."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from types import SimpleNamespace
from typing import Any

from boto3.dynamodb.table import BatchWriter

from support.faults.refusals import refuse
from support.faults.s3_double import Bucket, Response

Ask = Callable[..., Any]


class Client:
    """A client of boto3, or a table, whose requests ``ask(operation, call, **request)`` answers."""

    def __init__(self, ask: Ask, backend: Any) -> None:
        self._ask = ask
        self._backend = backend

    def __getattr__(self, operation: str) -> Ask:
        return partial(self._ask, operation, getattr(self._backend, operation))

    def get_paginator(self, operation: str) -> "Paginator":
        return Paginator(getattr(self, operation))

    @property
    def name(self) -> str:
        return str(self._backend.name)

    @property
    def meta(self) -> SimpleNamespace:
        return SimpleNamespace(client=self)

    def batch_writer(self) -> BatchWriter:
        return BatchWriter(self.name, self)


@dataclass
class Buckets:
    """S3 with every bucket of the account."""

    by_name: Mapping[str, Bucket]

    def __getattr__(self, operation: str) -> Ask:
        def call(*, Bucket: str, **request: Any) -> Response:
            return getattr(self.by_name[Bucket], operation)(**request)

        return call

    def copy_object(
        self,
        *,
        Bucket: str,
        Key: str,
        CopySource: Mapping[str, str],
        CopySourceIfMatch: str | None = None,
        Metadata: Mapping[str, str] | None = None,
        MetadataDirective: str = "COPY",
        **_: Any,
    ) -> Response:
        """Copy within a bucket or from one to another."""
        return self.by_name[Bucket].copy_from(
            self.by_name[CopySource["Bucket"]],
            CopySource["Key"],
            Key,
            if_match=CopySourceIfMatch,
            metadata=(Metadata or {}) if MetadataDirective == "REPLACE" else None,
        )


@dataclass
class Paginator:
    """A paginator: it requests page after page."""

    ask: Ask

    def paginate(self, **request: Any) -> Any:
        while True:
            page = self.ask(**request)
            yield page
            if not page["IsTruncated"]:
                return
            request["ContinuationToken"] = page["NextContinuationToken"]


MOST_DELAY_S = 900
"""https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html"""

MOST_HIDDEN_S = 43_200
"""https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ChangeMessageVisibility.html"""


class Messages:
    """The two queues, their dead letters, and the published notices."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self.waiting: list[dict[str, Any]] = []
        self.dead: list[dict[str, Any]] = []
        self.published: list[tuple[str, str]] = []
        self.notices: list[dict[str, Any]] = []
        """The requests of the published notices."""
        self.sooner: dict[str, timedelta] = {}
        self._n_sent: dict[str, int] = {}

    def send_message(
        self, *, QueueUrl: str, MessageBody: str, DelaySeconds: int = 0, **_: Any
    ) -> Response:
        if not 0 <= DelaySeconds <= MOST_DELAY_S:
            raise refuse("SendMessage", "InvalidParameterValue")
        asked = json.loads(MessageBody)
        queue = QueueUrl.rpartition("/")[2]
        about = asked.get("recording_id") or asked.get("key") or asked.get("name")
        about = about or asked.get("job") or asked["request"]["TranscriptionJobName"]
        self._n_sent[about] = self._n_sent.get(about, 0) + 1
        until = self._clock() + timedelta(seconds=DelaySeconds) if DelaySeconds else None
        message = {"name": f"{about}#{self._n_sent[about]}", "queue": queue, "body": MessageBody}
        self.waiting.append({**message, "receives": 0, "hidden_until": until})
        return {}

    def take(self, queue: str) -> list[dict[str, Any]]:
        """Remove and return the messages of a queue that are not hidden."""
        now = self._clock()
        taken = [
            message
            for message in self.waiting
            if message["queue"] == queue
            and (message["hidden_until"] is None or message["hidden_until"] <= now)
        ]
        self.waiting = [message for message in self.waiting if message not in taken]
        return taken

    def change_message_visibility(
        self, *, ReceiptHandle: str, VisibilityTimeout: int, **_: Any
    ) -> Response:
        if not 0 <= VisibilityTimeout <= MOST_HIDDEN_S:
            raise refuse("ChangeMessageVisibility", "InvalidParameterValue")
        self.sooner[ReceiptHandle] = timedelta(seconds=VisibilityTimeout)
        return {}

    def publish(self, *, Message: str, **more: Any) -> Response:
        body = json.loads(json.loads(Message)["default"])
        self.notices.append({"Message": body, **more})
        self.published.append((body["recording_id"], body["event"]))
        return {}


def do_part(operation: str, call: Ask, request: Mapping[str, Any]) -> Response | None:
    """Do the first half of a batch request, and return the rest; None if it has one element.

    - BatchGetItem and BatchWriteItem: "If at least one of the items is successfully processed",
      the rest comes back as UnprocessedKeys or UnprocessedItems.
      https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html
    - DeleteObjects succeeds, with Errors for the keys that it did not remove.
      https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html
    """
    if operation == "delete_objects":
        done, left = _halves(request["Delete"]["Objects"])
        if not left:
            return None
        call(**{**request, "Delete": {"Objects": done}})
        errors = [{"Key": entry["Key"], "Code": "InternalError", "Message": "?"} for entry in left]
        return {"Errors": errors}
    ((table, asked),) = request["RequestItems"].items()
    if operation == "batch_write_item":
        done, left = _halves(asked)
        answer = call(RequestItems={table: done}) if left else None
        return answer and {**answer, "UnprocessedItems": {table: left}}
    done, left = _halves(asked["Keys"])
    answer = call(RequestItems={table: {**asked, "Keys": done}}) if left else None
    return answer and {**answer, "UnprocessedKeys": {table: {**asked, "Keys": left}}}


def _halves(things: list[Any]) -> tuple[list[Any], list[Any]]:
    # A handler may iterate over a set, whose order differs in the next process.
    ordered = sorted(things, key=repr)
    middle = (len(things) + 1) // 2
    return ordered[:middle], ordered[middle:]

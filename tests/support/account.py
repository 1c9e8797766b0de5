"""An AWS account in memory, for tests of the pipeline that bring each event themselves.

The doubles are those of the histories, with whole pages and indexes that are never behind. So these
tests take milliseconds; ``tests/aws`` and ``tests/api`` check our requests with moto.
"""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from typing import Any

import boto3

from chalicelib.config import Settings
from chalicelib.services import Services
from support.faults.clients import Buckets, Client, Messages
from support.faults.connecting import ENVIRONMENT, INDEXES, SEARCH_INDEXES, Clients, connect
from support.faults.dynamodb_double import Table
from support.faults.mediaconvert_double import MediaConvertDouble
from support.faults.s3_double import Bucket
from support.faults.transcribe_double import TranscribeDouble, Transcription


class Account:
    """The doubles, and the services of an application on them."""

    def __init__(self) -> None:
        self.settings = Settings.from_env(ENVIRONMENT)
        self.buckets = {self.settings.media_bucket: Bucket()}
        self.s3 = S3(self.buckets)
        self.table = _current(Table(("JsonFile",), INDEXES))
        self.search = _current(Table(("recording_id", "term"), SEARCH_INDEXES, name="search"))
        self.messages = Messages(_now)
        self.transcribe = TranscribeDouble(self.buckets, _ignore, _now, keeps_running=False)
        self.mediaconvert = MediaConvertDouble(self.buckets, _ignore, _now)
        self.clients = Clients(
            s3=Client(_at_once, self.s3),
            table=Client(_at_once, self.table),
            search=Client(_at_once, self.search),
            messages=Client(_at_once, self.messages),
            transcribe=Client(_at_once, self.transcribe),
            mediaconvert=Client(_at_once, self.mediaconvert),
        )
        self.services = self.connect()

    def connect(self, clock: Callable[[], datetime] | None = None, **variables: str) -> Services:
        """Return the services of an application with other variables, or another clock."""
        settings = Settings.from_env(ENVIRONMENT | variables)
        return connect(settings, self.clients, clock or _now)

    def put(self, key: str, body: bytes, **metadata: str) -> str:
        """Put an upload; return its recording's id."""
        self.s3.put_object(Bucket=self.settings.media_bucket, Key=key, Body=body, Metadata=metadata)
        upload = self.services.media.find(key)
        assert upload is not None
        return upload.recording_id

    def remove(self, key: str) -> None:
        """Remove an upload."""
        self.s3.delete_object(Bucket=self.settings.media_bucket, Key=key)

    def objects(self) -> set[str]:
        """Return the keys of the stage's bucket."""
        return set(self.buckets[self.settings.media_bucket].objects)

    def take(self, queue: str = "features") -> list[dict[str, Any]]:
        """Receive and delete the messages of a queue that are visible."""
        bodies = [message["body"] for message in self.messages.take(queue)]
        return [json.loads(body) for body in bodies]

    def job(self, name: str) -> Transcription:
        """Return a transcription job, whose status a test may change."""
        return self.transcribe.jobs[name]


class S3(Buckets):
    """S3, and the signer of addresses, which needs no service."""

    @property
    def generate_presigned_url(self) -> Callable[..., str]:
        return _signer().generate_presigned_url

    @property
    def generate_presigned_post(self) -> Callable[..., dict[str, Any]]:
        return _signer().generate_presigned_post


@cache
def _signer() -> Any:
    config = boto3.session.Config(signature_version="s3v4", s3={"addressing_style": "virtual"})
    session = boto3.session.Session("AKIDEXAMPLE", "secret", region_name="us-east-1")
    return session.client("s3", config=config)


def _current(table: Table) -> Table:
    """Let the table's indexes show every change at once."""
    table.on_change = lambda _: table.catch_up()
    return table


def _at_once(_operation: str, call: Callable[..., Any], *places: Any, **given: Any) -> Any:
    return call(*places, **given)


def _now() -> datetime:
    return datetime.now(UTC)


def _ignore(_detail: Any) -> None:
    """Tell nobody of an event: the test brings it."""

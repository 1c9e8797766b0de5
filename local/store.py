"""Keeps what local mode holds in a folder, so that it is there after a restart.

Everything is written as it changes, not at the end: what was uploaded survives a kill as well.
"""

import hashlib
import json
import os
import shutil
import sqlite3
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote_plus

import boto3
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.s3 import notifications
from moto.s3.models import s3_backends

from chalicelib.core.recording import Branch, Status

_TABLES = """
create table if not exists objects (
    bucket text, key text, file text, etag text, headers text, primary key (bucket, key));
create table if not exists items (key text primary key, item text);
create table if not exists service_jobs (
    service text, name text, job text, primary key (service, name));
"""

TRANSCRIBE, MEDIACONVERT = "transcribe", "mediaconvert"
"""The services that jobs are kept of."""


class Store:
    """A folder with a database of what there is and a file for each object's bytes."""

    def __init__(self, folder: Path, table: str) -> None:
        self._files = folder / "objects"
        self._files.mkdir(parents=True, exist_ok=True)
        self._table = table
        self._lock = threading.Lock()
        self._database = sqlite3.connect(
            folder / "earshot.sqlite", check_same_thread=False, isolation_level=None
        )
        self._database.executescript(_TABLES)
        self._dynamodb = boto3.client("dynamodb")
        self._s3 = boto3.client("s3")
        # Asked directly where the API does not tell: ETags cannot be chosen through it.
        self._objects = s3_backends[DEFAULT_ACCOUNT_ID]["aws"]

    def close(self) -> None:
        """Write nothing more."""
        with self._lock:
            self._database.close()

    def keep_item(self, key: str) -> None:
        """Write down an item as it is now, or that it is gone."""
        response = self._dynamodb.get_item(
            TableName=self._table, Key={"JsonFile": {"S": key}}, ConsistentRead=True
        )
        if "Item" in response:
            self._write("replace into items values (?, ?)", key, json.dumps(response["Item"]))
        else:
            self._write("delete from items where key = ?", key)

    def keep_job(self, service: str, name: str, job: dict[str, Any] | None) -> None:
        """Write down a service's job as it is now, or that it is gone."""
        if job is None:
            self._write("delete from service_jobs where service = ? and name = ?", service, name)
        else:
            self._write(
                "replace into service_jobs values (?, ?, ?)", service, name, json.dumps(job)
            )

    def keep_objects(self, event: dict[str, Any]) -> None:
        """Write down the objects that an S3 event is about, as they are now."""
        for record in event["Records"]:
            bucket = record["s3"]["bucket"]["name"]
            key = unquote_plus(record["s3"]["object"]["key"])
            self.keep_object(bucket, key)

    def keep_object(self, bucket: str, key: str) -> None:
        """Write down an object as it is now, or that it is gone."""
        # Keys can be longer than a file's name may be, and hold what it may not.
        file = self._files / hashlib.sha256(f"{bucket}/{key}".encode()).hexdigest()
        stored = self._objects.get_object(bucket, key)
        if stored is None:
            self._write("delete from objects where bucket = ? and key = ?", bucket, key)
            file.unlink(missing_ok=True)
            return
        etag = stored.etag.strip('"')
        headers = json.dumps(dict(stored.metadata))
        if self._kept(bucket, key) == (etag, headers):
            return
        arriving = file.with_suffix(f".{threading.get_ident()}")
        with arriving.open("wb") as target:
            body = self._s3.get_object(Bucket=bucket, Key=key)["Body"]
            shutil.copyfileobj(body, target)
        # The file is as old as the object: that tells a job begun before it from one begun after.
        put_at = stored.last_modified.replace(tzinfo=UTC).timestamp()
        os.utime(arriving, (put_at, put_at))
        arriving.replace(file)
        self._write(
            "replace into objects values (?, ?, ?, ?, ?)",
            bucket,
            key,
            file.name,
            etag,
            headers,
        )

    def _kept(self, bucket: str, key: str) -> tuple[str, str] | None:
        with self._lock:
            row: tuple[str, str] | None = self._database.execute(
                "select etag, headers from objects where bucket = ? and key = ?", (bucket, key)
            ).fetchone()
        return row

    def _write(self, statement: str, *values: str) -> None:
        with self._lock:
            self._database.execute(statement, values)

    def jobs(self, service: str) -> list[dict[str, Any]]:
        """Return the jobs that were kept of a service."""
        with self._lock:
            rows = self._database.execute(
                "select job from service_jobs where service = ?", (service,)
            ).fetchall()
        return [json.loads(job) for (job,) in rows]

    def restore(self) -> None:
        """Put every item and every object back."""
        for (text,) in self._database.execute("select item from items").fetchall():
            item = json.loads(text)
            # The message that this worker had was never answered: it is waiting again.
            if item[Branch.FEATURES]["S"] == Status.IN_PROGRESS:
                item[Branch.FEATURES]["S"] = Status.PENDING.value
            # Whoever was to send these has ended with the process.
            for claim in [name for name in item if name.endswith("_claimed_at")]:
                del item[claim]
            self._dynamodb.put_item(TableName=self._table, Item=item)
        for bucket, key, file, etag, headers in self._rows():
            # Given its ETag, for that of a multipart upload does not follow from the bytes.
            kept = self._files / file
            stored = self._objects.put_object(
                bucket, key, kept.read_bytes(), etag=etag, disable_notification=True
            )
            put_at = datetime.fromtimestamp(kept.stat().st_mtime, UTC)
            stored.last_modified = put_at.replace(tzinfo=None)
            stored.set_metadata(json.loads(headers))

    def tell_again(self) -> None:
        """Send each restored object's event again, so that unfinished work goes on."""
        for bucket, key, *_ in self._rows():
            stored = self._objects.get_object(bucket, key)
            if stored is not None:
                notifications.send_event(
                    DEFAULT_ACCOUNT_ID,
                    notifications.S3NotificationEvent.OBJECT_CREATED_PUT_EVENT,
                    self._objects.get_bucket(bucket),
                    stored,
                )

    def _rows(self) -> list[tuple[str, str, str, str, str]]:
        with self._lock:
            return self._database.execute(
                "select bucket, key, file, etag, headers from objects"
            ).fetchall()

"""Storage of local mode's data in a folder, for the next start.

Every change is written at once, so an upload also survives a kill. If an object cannot be written,
it is removed from the bucket again, and the uploader gets an error.
"""

import errno
import hashlib
import json
import logging
import os
import shutil
import sqlite3
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import ClientError
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.s3 import notifications
from moto.s3.models import FakeKey, s3_backends

from chalicelib.core import keys
from chalicelib.core.recording import Branch, Status
from local import stack
from local.data_folder import DAMAGED, hold, open_database
from local.labels import LABEL, Row, remove_file, write_label

TRANSCRIBE, MEDIACONVERT = "transcribe", "mediaconvert"
"""The services whose jobs are stored."""

SPARE_BYTES = 2**20
"""Bytes of the disk that an upload leaves free, for items and the database's journal."""

STOPPING = "Local mode is stopping."

log = logging.getLogger(__name__)


class NotKeptError(Exception):
    """An object or an item cannot be stored: the disk is full, or local mode is stopping."""


class Store:
    """A folder with a database of all objects and items, and a file for each object's bytes."""

    def __init__(self, folder: Path, table: str) -> None:
        self._folder = folder
        self._files = folder / "objects"
        self._table = table
        self._keeping = threading.Lock()
        self._lock = threading.Lock()
        self._is_closed = False
        self._held = hold(folder)
        self._database = open_database(folder, self._files)
        self._dynamodb = boto3.client("dynamodb")
        # moto's objects are used directly, because ETags cannot be set through the API.
        self._objects = s3_backends[DEFAULT_ACCOUNT_ID]["aws"]

    def close(self) -> None:
        """Stop writing."""
        with self._lock:
            self._is_closed = True
            self._database.close()
            self._held.close()

    def refusal(self, n_bytes: int) -> str | None:
        """Return why an object of so many bytes cannot be stored, or None if there is room."""
        free = shutil.disk_usage(self._folder).free
        if n_bytes + SPARE_BYTES <= free:
            return None
        return f"The disk of {self._folder} is full: {free} bytes are free, and {n_bytes} came."

    def keep_item(self, key: str) -> None:
        """Store the present state of an item, or its removal.

        If the disk is full, the item is created again from its upload at the next start.
        """
        response = self._dynamodb.get_item(
            TableName=self._table, Key={"JsonFile": {"S": key}}, ConsistentRead=True
        )
        if "Item" in response:
            self._write("replace into items values (?, ?)", key, json.dumps(response["Item"]))
        else:
            self._write("delete from items where key = ?", key)

    def keep_job(self, service: str, name: str, job: dict[str, Any] | None) -> None:
        """Store the present state of a service's job, or its removal."""
        if job is None:
            self._write("delete from service_jobs where service = ? and name = ?", service, name)
        else:
            self._write(
                "replace into service_jobs values (?, ?, ?)", service, name, json.dumps(job)
            )

    def keep_object(self, bucket: str, key: str) -> None:
        """Store the present state of an object, or its removal.

        Raise NotKeptError if this fails; then the bucket has its former contents.
        """
        # Two requests may write an object at the same time. One must not restore the old contents
        # while the other stores new ones.
        with self._keeping:
            self._keep_object(bucket, key)

    def _keep_object(self, bucket: str, key: str) -> None:
        if self._is_closed:
            raise NotKeptError(STOPPING)
        before = self._kept(bucket, key)
        stored = self._objects.get_object(bucket, key)
        if stored is None:
            if before:
                # Remove the bytes first: the database may need their space.
                remove_file(self._files, before[0])
            self._write("delete from objects where bucket = ? and key = ?", bucket, key)
            return
        etag = stored.etag.strip('"')
        headers = json.dumps(dict(stored.metadata))
        if before and before[1:] == (etag, headers):
            return
        # A hash, because a key can be too long for a file name and have forbidden characters. New
        # bytes get a new file, so row and file always belong together, even after a kill.
        name = hashlib.sha256(json.dumps([bucket, key, etag]).encode()).hexdigest()
        file = self._files / name
        arriving = file.with_suffix(f".{threading.get_ident()}")
        try:
            # Write the object that was found: the key may have another one by now, or none.
            arriving.write_bytes(stored.value)
            # The file gets the object's time, which says whether a job began before or after.
            put_at = stored.last_modified.replace(tzinfo=UTC).timestamp()
            os.utime(arriving, (put_at, put_at))
            arriving.replace(file)
            row = (bucket, key, name, etag, headers)
            write_label(self._files, row)
            with self._lock:
                self._database.execute("replace into objects values (?, ?, ?, ?, ?)", row)
        except (OSError, sqlite3.OperationalError) as exc:
            arriving.unlink(missing_ok=True)
            if not _is_full(exc):
                raise
            self._put_back(bucket, key)
            raise NotKeptError(f"The disk of {self._folder} is full.") from exc
        if before and before[0] != name:
            remove_file(self._files, before[0])

    def _put_back(self, bucket: str, key: str) -> None:
        """Restore the stored object of a key in the bucket, or remove the key."""
        there = self._objects.get_bucket(bucket).keys
        if key in there:
            there.pop(key)
        for row in self._rows():
            if row[:2] == (bucket, key):
                self._restore_object(*row)

    def _kept(self, bucket: str, key: str) -> tuple[str, str, str] | None:
        with self._lock:
            row: tuple[str, str, str] | None = self._database.execute(
                "select file, etag, headers from objects where bucket = ? and key = ?",
                (bucket, key),
            ).fetchone()
        return row

    def _write(self, statement: str, *values: str) -> None:
        try:
            with self._lock:
                if self._is_closed:
                    raise NotKeptError(STOPPING)
                self._database.execute(statement, values)
        except sqlite3.OperationalError as exc:
            if not _is_full(exc):
                raise
            log.warning("%s is full, so %s is not kept", self._folder, values[0])

    def jobs(self, service: str) -> list[dict[str, Any]]:
        """Return the stored jobs of a service."""
        with self._lock:
            rows = self._database.execute(
                "select job from service_jobs where service = ?", (service,)
            ).fetchall()
        return [json.loads(job) for (job,) in rows]

    def restore(self) -> bool:
        """Restore every item and object; report each one that cannot be restored.

        Return whether there was anything.
        """
        items = self._database.execute("select key, item from items").fetchall()
        rows = self._rows()
        for key, text in items:
            try:
                self._restore_item(json.loads(text))
            except (ValueError, KeyError, TypeError, ClientError):
                # The event of its upload creates it again.
                log.warning("the item %s is damaged: its recording is processed anew", key)
                self._write("delete from items where key = ?", key)
        for row in rows:
            self._restore_object(*row)
        # Files that were incomplete when the process ended.
        known = {f"{row[2]}{suffix}" for row in rows for suffix in ("", LABEL)}
        for left in self._files.iterdir():
            if left.name not in known and not left.name.endswith(DAMAGED):
                left.unlink()
        for row in rows:
            file = self._files / row[2]
            if file.exists() and not file.with_suffix(LABEL).exists():
                write_label(self._files, row)  # an earlier version wrote none
        return bool(items or rows)

    def _restore_item(self, item: dict[str, Any]) -> None:
        # The worker's message was never answered, so it is waiting again.
        if item[Branch.FEATURES]["S"] == Status.IN_PROGRESS:
            item[Branch.FEATURES]["S"] = Status.PENDING.value
        # The process that should have sent these has ended.
        for claim in [name for name in item if name.endswith("_claimed_at")]:
            del item[claim]
        self._dynamodb.put_item(TableName=self._table, Item=item)

    def _restore_object(self, bucket: str, key: str, file: str, etag: str, headers: str) -> None:
        kept = self._files / file
        try:
            body = kept.read_bytes()
            put_at = datetime.fromtimestamp(kept.stat().st_mtime, UTC)
        except OSError as exc:
            self._miss(bucket, key, f"cannot be read: {exc.strerror}")
            return
        # The ETag of a multipart object is not a digest of its bytes.
        if "-" not in etag and hashlib.md5(body).hexdigest() != etag:  # noqa: S324  # as S3 does
            kept.rename(kept.with_suffix(DAMAGED))
            self._miss(bucket, key, f"is not what was uploaded; its bytes are in {file}{DAMAGED}")
            return
        if bucket not in self._objects.buckets:
            self._objects.create_bucket(bucket, stack.REGION)  # a source bucket of an earlier run
        # The stored ETag is set, because a multipart upload's ETag does not follow from its bytes.
        stored = self._objects.put_object(bucket, key, body, etag=etag, disable_notification=True)
        stored.last_modified = put_at.replace(tzinfo=None)
        stored.set_metadata(json.loads(headers))

    def _miss(self, bucket: str, key: str, reason: str) -> None:
        log.warning("s3://%s/%s is lost: its file in %s %s", bucket, key, self._files, reason)
        self._write("delete from objects where bucket = ? and key = ?", bucket, key)

    def tell_again(self, media_bucket: str) -> None:
        """Send the event of each restored object again, so that unfinished work continues.

        The event of an upload's removal is sent again if its recording is still there: the process
        may have been killed between the removals of the upload and of its recording.
        """
        for bucket, key, *_ in self._rows():
            self._tell(bucket, key)
        for key in self._sources():
            if not keys.is_original(key) and self._objects.get_object(media_bucket, key) is None:
                self._tell(media_bucket, key)

    def _tell(self, bucket: str, key: str) -> None:
        """Send the event of an object that is there, or of the removal of one that is not."""
        stored = self._objects.get_object(bucket, key)
        event = notifications.S3NotificationEvent.OBJECT_CREATED_PUT_EVENT
        if stored is None:
            event = notifications.S3NotificationEvent.OBJECT_REMOVED_DELETE_EVENT
            stored = FakeKey(key, b"", DEFAULT_ACCOUNT_ID, self._objects.region_name)
        notifications.send_event(
            DEFAULT_ACCOUNT_ID, event, self._objects.get_bucket(bucket), stored
        )

    def _sources(self) -> set[str]:
        """Return the upload keys of all recordings."""
        with self._lock:
            rows = self._database.execute("select item from items").fetchall()
        items = [json.loads(text) for (text,) in rows]
        return {item["source_key"]["S"] for item in items if "source_key" in item}

    def _rows(self) -> list[Row]:
        with self._lock:
            return self._database.execute(
                "select bucket, key, file, etag, headers from objects"
            ).fetchall()


def _is_full(exc: Exception) -> bool:
    if isinstance(exc, OSError):
        return exc.errno in (errno.ENOSPC, errno.EDQUOT)
    return getattr(exc, "sqlite_errorcode", None) in (
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR_WRITE,
    )

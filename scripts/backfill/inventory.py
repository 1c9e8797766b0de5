"""S3 Inventory: a list of a bucket that S3 has written, as CSV or Parquet.

The format: https://docs.aws.amazon.com/AmazonS3/latest/userguide/storage-inventory-location.html
"""

import csv
import gzip
import io
import json
import tempfile
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any
from urllib.parse import unquote_plus

from chalicelib.core import keys
from scripts.backfill.listing import Listed
from scripts.console import CommandError

COLUMNS = {
    "Key": "key",
    "Size": "size",
    "ETag": "e_tag",
    "LastModifiedDate": "last_modified_date",
    "StorageClass": "storage_class",
    "IsLatest": "is_latest",
    "IsDeleteMarker": "is_delete_marker",
}
"""The columns that are read: their names in a manifest, and in a Parquet file."""

NEEDED = ("Key", "Size", "ETag", "LastModifiedDate")
ROWS = 10_000
"""Rows of a Parquet file that are in memory at once."""


def list_inventory(s3: Any, manifest: str, *, bucket: str) -> Iterator[Listed]:
    """Yield the objects of an inventory: the latest versions, without delete markers.

    Parameters
    ----------
    manifest : str
        the address or the path of the inventory's ``manifest.json``
    bucket : str
        the bucket that the inventory must be about

    Raises
    ------
    CommandError
        if it is an inventory of another bucket, lacks a column, or has another format
    """
    document = _manifest(s3, manifest)
    if document.get("sourceBucket") != bucket:
        raise CommandError(
            f"The inventory lists the bucket {document.get('sourceBucket')!r}, not {bucket!r}."
        )
    rows = {"CSV": _csv_rows, "Parquet": _parquet_rows}.get(document["fileFormat"])
    if rows is None:
        raise CommandError(
            f"The inventory is written as {document['fileFormat']}: only CSV and Parquet are read. "
            "Set one of these in the bucket's inventory configuration."
        )
    for row in rows(s3, document):
        if row.get("IsLatest", "true") == "false" or row.get("IsDeleteMarker") == "true":
            continue
        yield Listed(
            key=row["Key"],
            etag=row["ETag"].strip('"'),
            size=int(row["Size"]),
            modified_at=datetime.fromisoformat(row["LastModifiedDate"]).astimezone(UTC),
            storage_class=row.get("StorageClass") or "STANDARD",
        )


def _manifest(s3: Any, address: str) -> dict[str, Any]:
    bucket, key = keys.place(address)
    if bucket:
        text = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    else:
        try:
            text = Path(address).read_bytes()
        except OSError as exc:
            raise CommandError(f"The manifest {address!r} cannot be read: {exc.strerror}.") from exc
    try:
        found: dict[str, Any] = json.loads(text)
    except ValueError as exc:
        raise CommandError(f"{address} is not JSON: {exc}.") from exc
    if missing := {"files", "fileFormat", "destinationBucket"} - set(found):
        raise CommandError(
            f"{address} is not the manifest.json of an S3 Inventory: it has no "
            f"{' and no '.join(sorted(missing))}."
        )
    return found


def _files(s3: Any, document: Mapping[str, Any]) -> Iterator[IO[bytes]]:
    """Yield each file of an inventory, copied to disk: Parquet is read from its end."""
    bucket = document["destinationBucket"].rpartition(":")[2]
    for file in document["files"]:
        with tempfile.TemporaryFile() as copy:
            s3.download_fileobj(bucket, file["key"], copy)
            copy.seek(0)
            yield copy


def _check(names: set[str]) -> None:
    if missing := [name for name in NEEDED if name not in names]:
        raise CommandError(
            f"The inventory lacks {', '.join(missing)}: add these optional fields to the bucket's "
            "inventory configuration. The next inventory has them."
        )


def _csv_rows(s3: Any, document: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    names = [name.strip() for name in str(document.get("fileSchema", "")).split(",")]
    _check(set(names))
    for file in _files(s3, document):
        with gzip.open(file) as packed, io.TextIOWrapper(packed, "utf-8", newline="") as text:
            for values in csv.reader(text):
                row = dict(zip(names, values, strict=False))
                yield {**row, "Key": unquote_plus(row["Key"])}


def _parquet_rows(s3: Any, document: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    try:
        from pyarrow import parquet  # noqa: PLC0415  # an optional package
    except ImportError as exc:
        raise CommandError(
            "The inventory is written as Parquet, and pyarrow, which reads it, is not installed: "
            "`.venv/bin/python -m pip install --require-hashes -r requirements/archive.txt`, or "
            "let S3 write the inventory as CSV."
        ) from exc
    for file in _files(s3, document):
        table = parquet.ParquetFile(file)
        there = {
            name: column for name, column in COLUMNS.items() if column in table.schema_arrow.names
        }
        _check(set(there))
        for batch in table.iter_batches(batch_size=ROWS, columns=list(there.values())):
            for found in batch.to_pylist():
                yield {name: _text(found[column]) for name, column in there.items()}


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, datetime):
        return (value if value.tzinfo else value.replace(tzinfo=UTC)).isoformat()
    return "" if value is None else str(value)

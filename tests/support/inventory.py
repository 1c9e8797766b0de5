"""Lists of a bucket's objects, as S3 Inventory writes them."""

import gzip
import io
import json
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import quote_plus

import pytest

from scripts.backfill.listing import Listed

HEADS = "Bucket, Key, Size, LastModifiedDate, ETag, StorageClass"


def csv_file(bucket: str, objects: Sequence[Listed]) -> bytes:
    lines = [
        f'"{bucket}","{quote_plus(one.key, safe="/")}","{one.size}",'
        f'"{one.modified_at.strftime("%Y-%m-%dT%H:%M:%S.000Z")}","{one.etag}","STANDARD"\n'
        for one in objects
    ]
    return gzip.compress("".join(lines).encode())


def parquet_file(bucket: str, objects: Sequence[Listed]) -> bytes:
    """Return a list with versions. The last key has a delete marker as its latest version."""
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet  # noqa: PLC0415  # as above

    deleted = Listed("deleted.wav", "e0", 0, objects[-1].modified_at)
    rows = [*objects, deleted]
    modified_at = [one.modified_at for one in rows]
    table = pyarrow.table(
        {
            "bucket": [bucket] * len(rows),
            "key": [one.key for one in rows],
            "size": [one.size for one in rows],
            "last_modified_date": pyarrow.array(modified_at, pyarrow.timestamp("ms")),
            "e_tag": [one.etag for one in rows],
            "storage_class": ["STANDARD"] * len(rows),
            "is_latest": [True] * len(rows),
            "is_delete_marker": [one is deleted for one in rows],
        }
    )
    file = io.BytesIO()
    parquet.write_table(table, file)
    return file.getvalue()


FORMATS: dict[str, Callable[[str, Sequence[Listed]], bytes]] = {
    "CSV": csv_file,
    "Parquet": parquet_file,
}


def store(
    s3: Any, lists: str, written_as: str, bucket: str, body: bytes, *, heads: str = HEADS
) -> str:
    """Store a list and its manifest in the bucket ``lists``, and return the manifest's address."""
    data, key = f"inventory/{written_as}/data/1", f"inventory/{written_as}/manifest.json"
    s3.put_object(Bucket=lists, Key=data, Body=body)
    manifest = {
        "sourceBucket": bucket,
        "destinationBucket": f"arn:aws:s3:::{lists}",
        "version": "2016-11-30",
        "fileFormat": written_as,
        "fileSchema": heads,
        "files": [{"key": data, "size": len(body), "MD5checksum": ""}],
    }
    s3.put_object(Bucket=lists, Key=key, Body=json.dumps(manifest).encode())
    return f"s3://{lists}/{key}"

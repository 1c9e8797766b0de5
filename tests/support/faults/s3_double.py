"""An S3 bucket in memory, with only the requests that Earshot makes.

``test_doubles.py`` compares it with moto. moto itself is too slow here: a history makes some
hundred requests, and thousands of histories are run. Rules that moto does not follow have a link to
AWS's page.
"""

import hashlib
import io
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from support.faults.refusals import refuse

PAGE = 1000
ARCHIVED = frozenset({"GLACIER", "DEEP_ARCHIVE"})
Response = dict[str, Any]


def _nobody(operation: str, key: str) -> None:
    """Ignore a change."""


def _now() -> datetime:
    return datetime.now(UTC)


class Bucket:
    """The objects of a bucket. ``on_change(operation, key)`` is called for every change."""

    def __init__(
        self,
        on_change: Callable[[str, str], object] = _nobody,
        clock: Callable[[], datetime] = _now,
        *,
        page: int = PAGE,
    ) -> None:
        self.objects: dict[str, tuple[bytes, str, dict[str, str]]] = {}
        self._clock = clock
        self._page = page
        self.headers: dict[str, dict[str, str]] = {}
        """The ContentType and StorageClass that each object was put with, if any."""

        self._modified: dict[str, datetime] = {}
        self._parts: dict[str, tuple[datetime, dict[int, bytes]]] = {}
        self.in_parts: dict[str, str] = {}
        """The keys of multipart uploads that have not ended, by their ids."""
        self._n_uploads = 0
        self.last_removed = (b"", "")
        self._on_change = on_change

    def _store(
        self,
        key: str,
        body: bytes,
        etag: str,
        metadata: Mapping[str, str],
        modified: datetime | None = None,
    ) -> Response:
        self.objects[key] = (body, etag, dict(metadata))
        # S3's times have no fraction of a second.
        self._modified[key] = (modified or self._clock()).replace(microsecond=0)
        self._on_change("put", key)
        return {"ETag": f'"{etag}"'}

    def put_object(
        self,
        *,
        Key: str,
        Body: Any = b"",
        Metadata: Mapping[str, str] | None = None,
        IfMatch: str | None = None,
        IfNoneMatch: str | None = None,
        **more: Any,
    ) -> Response:
        """Write an object, if S3's conditions on the existing object hold.

        https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
        """
        if IfNoneMatch and Key in self.objects:
            raise refuse("PutObject", "PreconditionFailed", 412)
        if IfMatch and Key not in self.objects:
            raise refuse("PutObject", "NoSuchKey", 404)
        self._check("PutObject", Key, IfMatch)
        body = Body if isinstance(Body, bytes) else Body.read()
        names = ("ContentType", "StorageClass")
        self.headers[Key] = {name: more[name] for name in names if name in more}
        return self._store(Key, body, md5(body), Metadata or {})

    def head_object(self, *, Key: str, **_: Any) -> Response:
        if Key not in self.objects:
            raise refuse("HeadObject", "404", 404)
        body, etag, metadata = self.objects[Key]
        return {
            "ETag": f'"{etag}"',
            "ContentLength": len(body),
            "Metadata": metadata,
            "LastModified": self._modified[Key],
            **self.headers.get(Key, {}),
        }

    def get_object(
        self, *, Key: str, Range: str | None = None, IfMatch: str | None = None, **_: Any
    ) -> Response:
        """Read an object, unless it is archived and has not been restored.

        https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
        """
        if Key not in self.objects:
            raise refuse("GetObject", "NoSuchKey", 404)
        if self.headers.get(Key, {}).get("StorageClass") in ARCHIVED:
            raise refuse("GetObject", "InvalidObjectState", 403)
        body, etag, metadata = self.objects[Key]
        self._check("GetObject", Key, IfMatch)
        if Range is None:
            return _answer(body, 200, ETag=f'"{etag}"') | {"Metadata": metadata}
        first, last = re.fullmatch(r"bytes=(\d*)-(\d*)", Range).groups()
        n = len(body)
        start = int(first) if first else max(0, n - int(last))
        stop = min(int(last) + 1, n) if first and last else n
        if start >= n:
            raise refuse("GetObject", "InvalidRange", 416, ActualObjectSize=str(n))
        span = f"bytes {start}-{stop - 1}/{n}"
        answer = _answer(body[start:stop], 206, ETag=f'"{etag}"', ContentRange=span)
        return answer | {"Metadata": metadata}

    def copy_from(
        self,
        source: "Bucket",
        source_key: str,
        key: str,
        *,
        if_match: str | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> Response:
        """Copy an object of this bucket or another.

        S3's condition applies: 412 if the source has another ETag.
        https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html
        """
        if source_key not in source.objects:
            raise refuse("CopyObject", "NoSuchKey", 404)
        source._check("CopyObject", source_key, if_match)
        body, etag, found = source.objects[source_key]
        # A copy is written in one piece, so its ETag is that of its bytes.
        etag = md5(body) if "-" in etag else etag
        self._store(key, body, etag, found if metadata is None else metadata)
        return {"CopyObjectResult": {"ETag": f'"{etag}"'}}

    def copy_object(
        self,
        *,
        Key: str,
        CopySource: Mapping[str, str],
        CopySourceIfMatch: str | None = None,
        Metadata: Mapping[str, str] | None = None,
        MetadataDirective: str = "COPY",
        **_: Any,
    ) -> Response:
        given = (Metadata or {}) if MetadataDirective == "REPLACE" else None
        source_key = CopySource["Key"]
        return self.copy_from(self, source_key, Key, if_match=CopySourceIfMatch, metadata=given)

    def list_objects_v2(
        self,
        *,
        Prefix: str = "",
        StartAfter: str = "",
        ContinuationToken: str = "",
        MaxKeys: int = PAGE,
        **_: Any,
    ) -> Response:
        after = ContinuationToken or StartAfter
        found = [key for key in sorted(self.objects) if key.startswith(Prefix) and key > after]
        # S3 may return fewer keys than requested, with IsTruncated.
        most = min(MaxKeys, self._page)
        page: Response = {"IsTruncated": len(found) > most}
        if found:
            page["Contents"] = [
                {
                    "Key": key,
                    "ETag": f'"{self.objects[key][1]}"',
                    "Size": len(self.objects[key][0]),
                    "LastModified": self._modified[key],
                }
                for key in found[:most]
            ]
        if page["IsTruncated"]:
            page["NextContinuationToken"] = found[most - 1]
        return page

    def delete_objects(self, *, Delete: Mapping[str, Any], **_: Any) -> Response:
        for entry in Delete["Objects"]:
            self.delete_object(Key=entry["Key"])
        return {}

    def delete_object(self, *, Key: str, IfMatch: str | None = None, **_: Any) -> Response:
        """Remove an object, if it exists and has the given ETag.

        "If the ETag doesn't match, the delete operation fails with a 412 Precondition Failed."
        https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-deletes.html
        """
        if Key in self.objects:
            self._check("DeleteObject", Key, IfMatch)
            body, etag, _metadata = self.objects.pop(Key)
            self.last_removed = (body, etag)
            self._on_change("delete", Key)
        return {}

    def _check(self, operation: str, key: str, if_match: str | None) -> None:
        if if_match is not None and if_match.strip('"') not in ("*", self.objects[key][1]):
            raise refuse(operation, "PreconditionFailed", 412)

    def create_multipart_upload(self, Key: str, **_: Any) -> Response:
        self._n_uploads += 1
        upload_id = f"upload-{self._n_uploads}"
        self._parts[upload_id] = (self._clock(), {})
        self.in_parts[upload_id] = Key
        return {"UploadId": upload_id}

    def upload_part(self, *, UploadId: str, PartNumber: int, Body: Any, **_: Any) -> Response:
        body = Body if isinstance(Body, bytes) else Body.read()
        self._parts[UploadId][1][PartNumber] = body
        return {"ETag": f'"{md5(body)}"'}

    def complete_multipart_upload(
        self, *, Key: str, UploadId: str, MultipartUpload: Mapping[str, Any], **_: Any
    ) -> Response:
        """Create an object from its parts, with the time at which its upload began.

        "For multipart uploads, the object creation date is the date of initiation of the
        multipart upload", not that of its completion.
        https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingMetadata.html
        """
        if UploadId not in self._parts:
            raise refuse("CompleteMultipartUpload", "NoSuchUpload", 404)
        if not MultipartUpload["Parts"]:
            raise refuse("CompleteMultipartUpload", "MalformedXML")
        begun, numbered = self._parts.pop(UploadId)
        del self.in_parts[UploadId]
        parts = [body for _, body in sorted(numbered.items())]
        return self._store(Key, b"".join(parts), etag_of_parts(parts), {}, begun)

    def touch(self, key: str) -> None:
        """Create an object with the present time."""
        self._modified[key] = self._clock().replace(microsecond=0)

    def abort_multipart_upload(self, *, UploadId: str, **_: Any) -> Response:
        self._parts.pop(UploadId, None)
        self.in_parts.pop(UploadId, None)
        return {}


def md5(body: bytes) -> str:
    """Return the ETag of an object that was put in one piece."""
    return hashlib.md5(body).hexdigest()  # noqa: S324  # as S3 does


def etag_of_parts(parts: list[bytes]) -> str:
    """Return the ETag of an object that was put in parts."""
    digests = b"".join(hashlib.md5(part).digest() for part in parts)  # noqa: S324  # as S3 does
    return f"{md5(digests)}-{len(parts)}"


def halves(body: bytes) -> list[bytes]:
    """Return the parts of a multipart upload."""
    return [body[: len(body) // 2], body[len(body) // 2 :]]


def _answer(body: bytes, status: int, **headers: str) -> Response:
    metadata = {"HTTPStatusCode": status, "RetryAttempts": 0}
    return {
        "Body": io.BytesIO(body),
        "ContentLength": len(body),
        "ResponseMetadata": metadata,
        **headers,
    }

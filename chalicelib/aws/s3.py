"""The bucket: look up, read by ranges, write in parts, remove."""

from collections.abc import Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, BinaryIO, cast
from urllib.parse import urlsplit

import smart_open.s3
from botocore.exceptions import ClientError

from chalicelib.aws.s3_spilling import SpillingWriter
from chalicelib.core import keys
from chalicelib.core.media_types import media_type
from chalicelib.core.recording import Recording
from chalicelib.core.upload import Upload
from chalicelib.errors import MediaError, SourceClosedError, TooLargeError, UploadChangedError

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client
    from types_boto3_s3.type_defs import GetObjectOutputTypeDef, ObjectIdentifierTypeDef

RANGE_BYTES = 8 * 2**20
"""Most bytes of one ranged GET; the buffer is much smaller."""

PART_BYTES = 8 * 2**20
"""Bytes of a part of a multipart upload, which is in memory until it is sent."""

EXPIRES_IN_S = 3600
"""Seconds that a presigned address is valid, enough to listen to a recording."""

FROZEN = (
    "The object is in S3 Glacier, where it cannot be read: restore it first, then process it again."
)

_GONE = frozenset({"404", "NoSuchKey", "NotFound", "412", "PreconditionFailed"})


class MediaStore:
    """One bucket, and the originals in the source buckets, which are read where they lie.

    An original's key is its whole address, ``s3://bucket/key``. It can be looked up, read and
    presigned, and is never written, copied or removed.
    """

    def __init__(
        self,
        client: "S3Client",
        bucket: str,
        sources: Collection[str] = (),
        *,
        part_bytes: int = PART_BYTES,
    ) -> None:
        self._client = client
        self.bucket = bucket
        self.sources = sources
        self._part_bytes = part_bytes

    def uri(self, key: str) -> str:
        """Return the ``s3://`` address of an object, for other services."""
        bucket, key = self._place(key)
        return f"s3://{bucket}/{key}"

    def _place(self, key: str) -> tuple[str, str]:
        """Return the bucket and the key in it. Raise SourceClosedError for any other bucket."""
        bucket, inner = keys.place(key)
        if bucket is not None and bucket not in self.sources:
            raise SourceClosedError(bucket)
        return bucket or self.bucket, inner

    def find(self, key: str) -> Upload | None:
        """Return the object that is under a key now, or None."""
        bucket, inner = self._place(key)
        try:
            head = self._client.head_object(Bucket=bucket, Key=inner)
        except ClientError as exc:
            if exc.response["Error"]["Code"] in _GONE:
                return None
            raise
        return Upload(
            bucket=bucket,
            key=key,
            etag=head["ETag"].strip('"'),
            size=head["ContentLength"],
            metadata=head["Metadata"],
            modified_at=head["LastModified"].isoformat(),
        )

    def find_source(self, recording: Recording) -> Upload | None:
        """Return the upload of a recording, or None if it is gone or replaced."""
        upload = self.find(recording.source_key)
        return upload if upload and upload.recording_id == recording.id else None

    def read_head(self, upload: Upload, n_bytes: int) -> bytes:
        """Return an upload's first bytes.

        Raise UploadChangedError if it is no longer there, and MediaError if it is in a storage
        class that cannot be read.
        """
        if upload.size == 0:
            return b""
        bucket, key = self._place(upload.key)
        try:
            response = self._client.get_object(
                Bucket=bucket,
                Key=key,
                Range=f"bytes=0-{n_bytes - 1}",
                IfMatch=upload.etag,
            )
        except ClientError as exc:
            if exc.response["Error"]["Code"] in _GONE:
                raise UploadChangedError(upload.key) from exc
            if exc.response["Error"]["Code"] == "InvalidObjectState":
                raise MediaError(FROZEN) from exc
            raise
        return response["Body"].read()

    @contextmanager
    def open(self, upload: Upload) -> Iterator[BinaryIO]:
        """Open exactly these bytes for seeking and reading, by ranged requests.

        Raise UploadChangedError if the object was replaced, also during reading.
        """
        bucket, key = self._place(upload.key)
        try:
            with smart_open.s3.open(
                bucket,
                key,
                "rb",
                client=self._client,
                range_chunk_size=RANGE_BYTES,
                client_kwargs={"S3.Client.get_object": {"IfMatch": upload.etag}},
            ) as source:
                yield cast("BinaryIO", source)
        except OSError as exc:
            cause = getattr(exc, "backend_error", None)
            if isinstance(cause, ClientError) and cause.response["Error"]["Code"] in _GONE:
                raise UploadChangedError(upload.key) from exc
            raise

    @contextmanager
    def create(self, key: str) -> Iterator[BinaryIO]:
        """Open a new object for writing; it appears when the block ends, or not at all.

        An object of at most ``part_bytes`` is written in one request, a larger one in parts.
        """
        with ExitStack() as stack:
            parts = partial(stack.enter_context, self._create_in_parts(key))
            writer = SpillingWriter(self._part_bytes, parts)
            yield cast("BinaryIO", writer)
            # Not after an error, so that nothing incomplete appears.
            if writer.held is not None:
                self.write(key, writer.held)

    @contextmanager
    def _create_in_parts(self, key: str) -> Iterator[BinaryIO]:
        writer: Any = smart_open.s3.open(
            self.bucket,
            key,
            "wb",
            client=self._client,
            min_part_size=self._part_bytes,
            client_kwargs={"S3.Client.create_multipart_upload": {"ContentType": media_type(key)}},
        )
        try:
            with writer:
                yield cast("BinaryIO", writer)
        except BaseException:
            # If aborting has failed too, the writer would complete the object with its parts when
            # it is collected. The bucket's lifecycle removes the parts.
            writer._upload_id = None  # noqa: SLF001  # smart_open has no public way to abort
            raise

    def write(self, key: str, body: bytes, metadata: Mapping[str, str] | None = None) -> None:
        """Write a small object at once."""
        self._client.put_object(
            Bucket=self.bucket,
            Key=key,
            Body=body,
            ContentType=media_type(key),
            Metadata=metadata or {},
        )

    def find_body(self, key: str) -> tuple[bytes, str] | None:
        """Return the bytes of a small object and its ETag, or None if it does not exist."""
        response = self._get(key)
        return (response["Body"].read(), response["ETag"]) if response else None

    def _get(self, key: str) -> "GetObjectOutputTypeDef | None":
        try:
            return self._client.get_object(Bucket=self.bucket, Key=key)
        except ClientError as exc:
            if exc.response["Error"]["Code"] in _GONE:
                return None
            raise

    def write_over(self, key: str, body: bytes, etag: str) -> bool:
        """Replace a small object if it still has this ETag; return whether it was replaced.

        https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
        """
        try:
            self._client.put_object(
                Bucket=self.bucket, Key=key, Body=body, ContentType=media_type(key), IfMatch=etag
            )
        except ClientError as exc:
            if exc.response["Error"]["Code"] in (*_GONE, "ConditionalRequestConflict"):
                return False
            raise
        return True

    def read(self, key: str, *, most: int | None = None) -> bytes | None:
        """Return the bytes of a small object, or None if it does not exist.

        If it has more than ``most`` bytes, raise TooLargeError before reading.
        """
        body, _ = self.read_with_metadata(key, most=most)
        return body

    def read_with_metadata(
        self, key: str, *, most: int | None = None
    ) -> tuple[bytes | None, Mapping[str, str]]:
        """Return the result of ``read``, and the object's metadata."""
        response = self._get(key)
        if response is None:
            return None, {}
        if most is not None and response["ContentLength"] > most:
            response["Body"].close()
            raise TooLargeError(response["ContentLength"], most)
        return response["Body"].read(), response["Metadata"]

    def copy(self, source_key: str, key: str) -> bool:
        """Copy an object within the bucket; return whether it existed."""
        try:
            self._client.copy_object(
                Bucket=self.bucket, Key=key, CopySource={"Bucket": self.bucket, "Key": source_key}
            )
        except ClientError as exc:
            if exc.response["Error"]["Code"] in _GONE:
                return False
            raise
        return True

    def copy_upload(self, upload: Upload, key: str) -> None:
        """Copy exactly these bytes within the bucket, up to 5 GB in one request.

        Raise UploadChangedError if they are no longer there.
        """
        try:
            self._client.copy_object(
                Bucket=self.bucket,
                Key=key,
                CopySource={"Bucket": self.bucket, "Key": upload.key},
                CopySourceIfMatch=f'"{upload.etag}"',
            )
        except ClientError as exc:
            if exc.response["Error"]["Code"] in _GONE:
                raise UploadChangedError(upload.key) from exc
            raise

    def page(self, prefix: str, after: str) -> tuple[list[Upload], bool]:
        """Return up to 1,000 objects below a prefix after a key, and whether there are more.

        Their metadata are missing, because a listing does not contain them.
        """
        page = self._client.list_objects_v2(Bucket=self.bucket, Prefix=prefix, StartAfter=after)
        found = [
            Upload(self.bucket, entry["Key"], entry["ETag"].strip('"'), entry["Size"])
            for entry in page.get("Contents", [])
        ]
        return found, page["IsTruncated"]

    def keys(self, prefix: str) -> set[str]:
        """Return every key that starts with a prefix, for the outputs of one recording."""
        return {key for page in self._listed(prefix) for key in page}

    def remove_upload(self, upload: Upload) -> None:
        """Remove exactly this object; if it was replaced, the new one stays. Safe to repeat."""
        try:
            self._client.delete_object(
                Bucket=self.bucket, Key=upload.key, IfMatch=f'"{upload.etag}"'
            )
        except ClientError as exc:
            if exc.response["Error"]["Code"] not in _GONE:
                raise

    def presign(self, key: str, *, media_type: str, disposition: str) -> dict[str, Any]:
        """Return a presigned address of an object, with a file name and a media type."""
        bucket, inner = self._place(key)
        url = self._client.generate_presigned_url(
            "get_object",
            Params={
                "Bucket": bucket,
                "Key": inner,
                "ResponseContentType": media_type,
                "ResponseContentDisposition": disposition,
            },
            ExpiresIn=EXPIRES_IN_S,
        )
        return {"url": url, "expires_in_s": EXPIRES_IN_S}

    def presign_post(self, key: str, *, content_type: str, max_bytes: int) -> dict[str, Any]:
        """Return the address and form of an upload with one key, one type and a largest size."""
        form: dict[str, Any] = self._client.generate_presigned_post(
            self.bucket,
            key,
            Fields={"Content-Type": content_type},
            Conditions=[
                {"Content-Type": content_type},
                ["content-length-range", 1, max_bytes],
            ],
            ExpiresIn=EXPIRES_IN_S,
        )
        return {**form, "expires_in_s": EXPIRES_IN_S}

    @property
    def origin(self) -> str:
        """The origin of the bucket's presigned addresses, where browsers read and write objects."""
        return self._origin(self.bucket)

    @property
    def source_origins(self) -> tuple[str, ...]:
        """The origins of the originals' presigned addresses."""
        return tuple(self._origin(bucket) for bucket in self.sources)

    def _origin(self, bucket: str) -> str:
        url = self._client.generate_presigned_url(
            "get_object", Params={"Bucket": bucket, "Key": "-"}
        )
        address = urlsplit(url)
        return f"{address.scheme}://{address.netloc}"

    def remove(self, prefix: str, *, keep: str | None = None) -> None:
        """Remove everything whose key starts with a prefix, except one key. Safe to repeat."""
        for page in self._listed(prefix):
            objects: list[ObjectIdentifierTypeDef] = [{"Key": key} for key in page if key != keep]
            if not objects:
                continue
            answer = self._client.delete_objects(Bucket=self.bucket, Delete={"Objects": objects})
            # The request may succeed although some objects were not removed.
            if errors := answer.get("Errors"):
                raise ClientError({"Error": errors[0]}, "DeleteObjects")

    def _listed(self, prefix: str) -> Iterator[list[str]]:
        """Yield the keys that start with a prefix, up to 1,000 at a time."""
        pages = self._client.get_paginator("list_objects_v2").paginate(
            Bucket=self.bucket, Prefix=prefix
        )
        for page in pages:
            if contents := page.get("Contents"):
                yield [entry["Key"] for entry in contents]

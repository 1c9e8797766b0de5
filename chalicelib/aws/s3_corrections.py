"""The corrections of each recording: one small object. A write fails if another write was first.

S3's conditional writes compare the object's ETag:
https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from chalicelib.core import keys

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

_REFUSED = frozenset({"PreconditionFailed", "412", "ConditionalRequestConflict", "NoSuchKey"})


@dataclass(frozen=True, slots=True)
class Stored:
    """The object of a recording's corrections, and its ETag; None if there is no object."""

    body: bytes | None = None
    etag: str | None = None


class CorrectionStore:
    """The objects of corrections, beside the transcripts."""

    def __init__(self, client: "S3Client", bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def read(self, recording_id: str) -> Stored:
        """Return the present object of a recording's corrections."""
        try:
            found = self._client.get_object(Bucket=self._bucket, Key=keys.corrections(recording_id))
        except ClientError as exc:
            if exc.response["Error"]["Code"] == "NoSuchKey":
                return Stored()
            raise
        return Stored(found["Body"].read(), found["ETag"].strip('"'))

    def write(self, recording_id: str, body: bytes, *, over: str | None) -> str | None:
        """Write the object if its ETag is still ``over``; None means that there is no object yet.

        Return the new ETag, or None if another write was first.
        """
        condition: dict[str, Any] = {"IfMatch": f'"{over}"'} if over else {"IfNoneMatch": "*"}
        try:
            written = self._client.put_object(
                Bucket=self._bucket,
                Key=keys.corrections(recording_id),
                Body=body,
                ContentType="application/json",
                **condition,
            )
        except ClientError as exc:
            if exc.response["Error"]["Code"] in _REFUSED:
                return None
            raise
        return str(written["ETag"]).strip('"')

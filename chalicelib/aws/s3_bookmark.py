"""The place that ``reconcile`` has reached in its walk, in one small object."""

import json
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from chalicelib.core.keys import BOOKMARK

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client


class Bookmark:
    """Storage for the place of the walk between runs; without a place, the walk starts again."""

    def __init__(self, client: "S3Client", bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def read(self) -> tuple[str, str]:
        """Return the stage and the place in it that were written last, or two empty texts."""
        try:
            body = self._client.get_object(Bucket=self._bucket, Key=BOOKMARK)["Body"].read()
        except ClientError as exc:
            if exc.response["Error"]["Code"] == "NoSuchKey":
                return "", ""
            raise
        place = json.loads(body)
        return place["stage"], place["after"]

    def write(self, stage: str, after: str) -> None:
        """Remember a place."""
        body = json.dumps({"stage": stage, "after": after}).encode()
        self._client.put_object(Bucket=self._bucket, Key=BOOKMARK, Body=body)

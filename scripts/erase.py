"""Erase one recording with every version of it: ``python -m scripts.erase dev ID``.

A deletion leaves the objects' older versions in the bucket for a month. This command also deletes
the versions of the upload and of all outputs, the item, and the rows of the search table. Only
versions of exactly these bytes are deleted; other bytes under the same name are another recording.
Safe to repeat.
"""

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import boto3

from chalicelib.config import Settings
from chalicelib.core import keys
from chalicelib.pipeline.removal import delete_outputs_jobs_and_item
from chalicelib.services import connect
from scripts.stage import enter_stage

if TYPE_CHECKING:
    from chalicelib.services import Services

AT_ONCE = 1000


def erase(recording_id: str, services: "Services", s3: Any) -> int:
    """Erase a recording; return the number of deleted versions."""
    recording = services.recordings.find(recording_id)
    media, results = services.media.bucket, services.results.bucket
    n_erased = 0
    if recording:
        # Before the item: after an interruption, the item still names the upload.
        if not keys.is_original(recording.source_key):
            found = _versions(s3, media, recording.source_key)
            its = [one for one in found if _is_of(one, recording_id, media)]
            n_erased += _delete(s3, media, its)
        delete_outputs_jobs_and_item(recording, services)
    jobs = keys.jobs(recording_id, services.settings.job_prefix)
    for prefix in (*keys.derived_prefixes(recording_id), jobs):
        n_erased += _delete(s3, results, list(_versions(s3, results, prefix)))
    # The copies of the upload that its jobs have read.
    n_erased += _delete(s3, media, list(_versions(s3, media, jobs)))
    return n_erased


def _versions(s3: Any, bucket: str, prefix: str) -> Iterator[dict[str, Any]]:
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=prefix):
        yield from page.get("Versions", [])
        yield from page.get("DeleteMarkers", [])


def _is_of(version: dict[str, Any], recording_id: str, bucket: str) -> bool:
    """Return whether a version has a recording's bytes; a delete marker has no bytes."""
    return "ETag" in version and recording_id == keys.recording_id(
        version["Key"], bucket=bucket, etag=version["ETag"].strip('"'), size=version["Size"]
    )


def _delete(s3: Any, bucket: str, versions: list[dict[str, Any]]) -> int:
    for first in range(0, len(versions), AT_ONCE):
        part = versions[first : first + AT_ONCE]
        objects = [{"Key": one["Key"], "VersionId": one["VersionId"]} for one in part]
        answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": objects, "Quiet": True})
        for error in answer.get("Errors", []):
            raise OSError(f"S3 keeps a version of {error['Key']}: {error['Message']}")
    return len(versions)


def main(arguments: list[str] | None = None) -> int:
    """Erase the recording that the command line names, after its id was typed again."""
    given = enter_stage("make erase", __doc__, arguments, names=["recording_id"])
    print(f"This erases {given.recording_id} of stage {given.stage}, with every version of it.")
    print("It cannot be restored. Type the recording's id to continue: ", end="", flush=True)
    if sys.stdin.readline().strip() != given.recording_id:
        print("Not confirmed: nothing was erased.", file=sys.stderr)
        return 1
    n_erased = erase(given.recording_id, connect(Settings.from_env()), boto3.client("s3"))
    print(f"{n_erased} versions of objects were erased.")
    return 0


if __name__ == "__main__":
    sys.exit(main())

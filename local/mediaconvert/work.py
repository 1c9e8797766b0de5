"""The work of one transcoding job: fetch the input, encode it, write the outputs."""

import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from boto3.exceptions import S3UploadFailedError
from boto3.s3.transfer import TransferConfig
from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.core.media_types import media_type
from chalicelib.errors import MediaError
from local.mediaconvert.jobs import COMPLETE, ERROR, Job, details
from local.mediaconvert.transcoder import Encoded
from local.mediaconvert.worker import TranscoderProcess

# Two of the codes that the service documents: a file that is damaged or of an unknown kind cannot
# be opened (1010), and all unknown errors have one code (1999). Messages are not documented.
UNREADABLE, NO_INPUT, NO_WRITE_ACCESS, FAULT = 1010, 1404, 1433, 1999

# One request after another, because the whole process shares one pool of connections.
_TRANSFER = TransferConfig(use_threads=False)


def transcoded(
    job: Job,
    s3: Any,
    process: TranscoderProcess,
    *,
    wanted: Callable[[], bool],
    on_progress: Callable[[float], None],
) -> Job:
    """Do one job and return it in its final state. Write nothing if it is no longer ``wanted``."""
    with tempfile.TemporaryDirectory(prefix="earshot-") as folder:
        source, made = Path(folder) / "source", Path(folder) / "made"
        bucket, key = job.source
        try:
            s3.download_file(bucket, key, str(source), Config=_TRANSFER)
        except (ClientError, BotoCoreError, ValueError) as exc:
            return failed(job, NO_INPUT, f"Unable to open input file [{key}]: [{exc}]")
        try:
            encoded = process.run(source, job.parameters["Settings"], made, on_progress)
        except MediaError as exc:
            return failed(job, UNREADABLE, str(exc))
        if not wanted():
            return job
        try:
            _upload(job, s3, encoded, made)
        except (ClientError, BotoCoreError, S3UploadFailedError) as exc:
            return failed(job, NO_WRITE_ACCESS, f"Unable to write to the output: [{exc}]")
    return replace(job, status=COMPLETE, details=details(job, encoded))


def failed(job: Job, code: int, message: str) -> Job:
    """Return a job that has ended with an error."""
    return replace(job, status=ERROR, error_code=code, error_message=message)


def _upload(job: Job, s3: Any, encoded: list[list[Encoded]], made: Path) -> None:
    for i, ((bucket, folder), group) in enumerate(zip(job.destinations, encoded, strict=True)):
        for name in (name for output in group for name in output.files):
            s3.upload_file(
                str(made / str(i) / name),
                bucket,
                folder + name,
                ExtraArgs={"ContentType": media_type(name)},
                Config=_TRANSFER,
            )

"""Amazon Transcribe: start, look up and delete a job."""

from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from chalicelib.errors import JobRejectedError, ServiceBusyError

if TYPE_CHECKING:
    from types_boto3_transcribe import TranscribeServiceClient
    from types_boto3_transcribe.type_defs import TranscriptionJobTypeDef

_NO_SUCH_JOB = frozenset({"NotFoundException", "BadRequestException"})
# Transcribe answers BadRequestException if a job's name is unknown.
_BUSY = frozenset({"LimitExceededException", "ThrottlingException"})
# Errors that remain after botocore's five retries with jitter.


class Transcriber:
    """The account's transcription jobs."""

    def __init__(self, client: "TranscribeServiceClient") -> None:
        self._client = client

    def start(self, request: dict[str, Any]) -> bool:
        """Start a job. Return False if a job with its name exists.

        Raise JobRejectedError with Transcribe's message if it refuses the request, and
        ServiceBusyError if it refuses the request for now.
        """
        try:
            self._client.start_transcription_job(**request)
        except ClientError as exc:
            error = exc.response["Error"]
            if error["Code"] == "ConflictException":
                return False
            if error["Code"] == "BadRequestException":
                raise JobRejectedError(error["Message"]) from exc
            if error["Code"] in _BUSY:
                raise ServiceBusyError(error["Message"]) from exc
            raise
        return True

    def find(self, name: str) -> "TranscriptionJobTypeDef | None":
        """Return Transcribe's description of a job, or None."""
        try:
            response = self._client.get_transcription_job(TranscriptionJobName=name)
        except ClientError as exc:
            if exc.response["Error"]["Code"] in _NO_SUCH_JOB:
                return None
            raise
        return response["TranscriptionJob"]

    def delete(self, name: str) -> None:
        """Delete a job, if it exists. Safe to repeat.

        Transcribe takes five deletions a second. Jobs beyond this number stay, and disappear by
        themselves after 90 days: such a job has the recording's key, and nothing else of the
        recording.

        https://docs.aws.amazon.com/transcribe/latest/dg/limits-guidelines.html
        """
        try:
            self._client.delete_transcription_job(TranscriptionJobName=name)
        except ClientError as exc:
            if exc.response["Error"]["Code"] not in _NO_SUCH_JOB | _BUSY:
                raise

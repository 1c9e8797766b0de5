"""Amazon's MediaConvert: start, find and cancel a job."""

from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from chalicelib.errors import JobRejectedError, ServiceBusyError

if TYPE_CHECKING:
    from types_boto3_mediaconvert import MediaConvertClient
    from types_boto3_mediaconvert.type_defs import JobTypeDef

_REFUSALS = frozenset({"BadRequestException", "ForbiddenException"})
_BUSY = frozenset(
    {"TooManyRequestsException", "ThrottlingException", "ServiceQuotaExceededException"}
)
_PAGE = 20
"""Number of the latest jobs that are searched; the wanted job has just been started."""


class Transcoder:
    """The account's transcoding jobs."""

    def __init__(self, client: "MediaConvertClient") -> None:
        self._client = client

    def start(self, request: dict[str, Any]) -> str:
        """Start a job and return its id; a repeat within a minute returns the first job's id.

        Raise JobRejectedError with MediaConvert's message if it refuses the request, and
        ServiceBusyError if it refuses the request for now.
        """
        try:
            response = self._client.create_job(**request)
        except ClientError as exc:
            error = exc.response["Error"]
            if error["Code"] in _REFUSALS:
                raise JobRejectedError(error["Message"]) from exc
            if error["Code"] in _BUSY:
                raise ServiceBusyError(error["Message"]) from exc
            raise
        return str(response["Job"]["Id"])

    def find(self, token: str) -> str | None:
        """Return the id of the job with a token, if the job is one of the latest."""
        jobs = self._client.list_jobs(MaxResults=_PAGE, Order="DESCENDING")["Jobs"]
        return next(
            (str(job["Id"]) for job in jobs if job.get("ClientRequestToken") == token), None
        )

    def get(self, job_id: str) -> "JobTypeDef | None":
        """Return MediaConvert's description of a job, or None."""
        try:
            return self._client.get_job(Id=job_id)["Job"]
        except ClientError as exc:
            if exc.response["Error"]["Code"] == "NotFoundException":
                return None
            raise

    def cancel(self, job_id: str) -> None:
        """Stop a job if it is still running. Safe to repeat."""
        try:
            self._client.cancel_job(Id=job_id)
        except ClientError as exc:
            # A job that has ended or no longer exists cannot be stopped.
            if exc.response["Error"]["Code"] not in {
                "NotFoundException",
                "ConflictException",
                "BadRequestException",
            }:
                raise

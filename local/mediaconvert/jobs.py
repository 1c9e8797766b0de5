"""Transcoding jobs: their state, and their form in MediaConvert's API and events."""

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from local.mediaconvert.transcoder import Encoded

SUBMITTED, PROGRESSING, COMPLETE = "SUBMITTED", "PROGRESSING", "COMPLETE"
CANCELED, ERROR = "CANCELED", "ERROR"
UNFINISHED = frozenset({SUBMITTED, PROGRESSING})

TOKEN_S = 60.0
"""Seconds that a ClientRequestToken is remembered: one minute, as in the service."""

_MILLISECONDS = 1000
_Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Job:
    """One job, in the form that is stored across restarts. Times are seconds since 1970."""

    id: str
    parameters: _Json
    created: float
    status: str = SUBMITTED
    started: float | None = None
    finished: float | None = None
    error_code: int | None = None
    error_message: str | None = None
    details: Sequence[_Json] = ()

    @property
    def source(self) -> tuple[str, str]:
        """The bucket and key to read."""
        return _location(self.parameters["Settings"]["Inputs"][0].get("FileInput", ""))

    @property
    def destinations(self) -> list[tuple[str, str]]:
        """The bucket and the folder of each output group."""
        found = []
        for group in self.parameters["Settings"]["OutputGroups"]:
            uri = group["OutputGroupSettings"]["FileGroupSettings"]["Destination"]
            bucket, key = _location(uri)
            folder, slash, _ = key.rpartition("/")
            found.append((bucket, folder + slash))
        return found

    @property
    def metadata(self) -> dict[str, str]:
        """Metadata of the job's creator, repeated in each event."""
        return dict(self.parameters.get("UserMetadata") or {})

    def answers(self, token: str | None) -> bool:
        """Return whether a request with this token is a repeat of this job's request."""
        is_recent = time.time() - self.created < TOKEN_S
        return bool(token) and is_recent and self.parameters.get("ClientRequestToken") == token

    def to_json(self) -> _Json:
        """Return plain JSON that ``from_json`` reads."""
        return asdict(self)

    @classmethod
    def from_json(cls, state: _Json) -> "Job":
        """Return the job that ``to_json`` described."""
        return cls(**state)

    def shown(self, *, arn: str, percent: int | None) -> _Json:
        """Return the job as GetJob does, with the model's names."""
        echoed = ("Role", "Settings", "UserMetadata", "ClientRequestToken", "StatusUpdateInterval")
        shown: _Json = {k: self.parameters[k] for k in (*echoed, "Queue") if k in self.parameters}
        shown |= {
            "Id": self.id,
            "Arn": arn,
            "Status": self.status,
            "CreatedAt": self.created,
            "Timing": {"SubmitTime": self.created},
        }
        if self.started is not None:
            shown["Timing"]["StartTime"] = self.started
        if self.finished is not None:
            shown["Timing"]["FinishTime"] = self.finished
        if self.status == PROGRESSING:
            shown |= {"CurrentPhase": "TRANSCODING", "JobPercentComplete": percent or 0}
        if self.error_code is not None:
            shown |= {"ErrorCode": self.error_code, "ErrorMessage": self.error_message}
        if self.details:
            shown["OutputGroupDetails"] = [
                {"OutputDetails": [_shown_output(output) for output in group["outputDetails"]]}
                for group in self.details
            ]
        return shown

    def event(self, *, queue: str, account_id: str) -> _Json:
        """Return the detail of the event for the job's status."""
        detail: _Json = {
            "timestamp": round((self.finished or self.started or self.created) * _MILLISECONDS),
            "accountId": account_id,
            "queue": self.parameters.get("Queue") or queue,
            "jobId": self.id,
            "status": self.status,
            "userMetadata": self.metadata,
        }
        if self.status == COMPLETE:
            detail |= {"outputGroupDetails": list(self.details), "paddingInserted": 0}
        if self.status == ERROR:
            detail |= {"errorCode": self.error_code, "errorMessage": self.error_message}
        return detail


def details(job: Job, encoded: Sequence[Sequence[Encoded]]) -> list[_Json]:
    """Return an output's details in a COMPLETE event: the last file of each output, as in AWS."""
    return [
        {
            "outputDetails": [
                {
                    "outputFilePaths": [f"s3://{bucket}/{folder}{output.files[-1]}"],
                    "durationInMs": output.duration_ms,
                }
                | (
                    {"videoDetails": {"widthInPx": output.width, "heightInPx": output.height}}
                    if output.width
                    else {}
                )
                for output in group
            ],
            "type": "FILE_GROUP",
        }
        for (bucket, folder), group in zip(job.destinations, encoded, strict=True)
    ]


def progress_event(job: Job, fraction: float, *, queue: str, account_id: str) -> _Json:
    """Return the detail of a STATUS_UPDATE event."""
    percent = round(100 * fraction)
    phases = {
        "PROBING": {"status": "COMPLETE", "percentComplete": 100},
        "TRANSCODING": {"status": "PROGRESSING", "percentComplete": percent},
        "UPLOADING": {"status": "PENDING", "percentComplete": 0},
    }
    return job.event(queue=queue, account_id=account_id) | {
        "timestamp": round(time.time() * _MILLISECONDS),
        "status": "STATUS_UPDATE",
        "jobProgress": {
            "phaseProgress": phases,
            "jobPercentComplete": percent,
            "currentPhase": "TRANSCODING",
            "retryCount": 0,
        },
    }


def _shown_output(output: _Json) -> _Json:
    shown: _Json = {"DurationInMs": output["durationInMs"]}
    if video := output.get("videoDetails"):
        shown["VideoDetails"] = {
            "WidthInPx": video["widthInPx"],
            "HeightInPx": video["heightInPx"],
        }
    return shown


def _location(uri: str) -> tuple[str, str]:
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return bucket, key

"""Amazon Transcribe and MediaConvert in memory: jobs that end when the world says so."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from support.faults.storage_double import Bucket, Response, refuse

REMEMBERED_S = 60


def words_of(body: bytes) -> list[str]:
    """Return what is heard in a recording: words that no other recording has."""
    digest = hashlib.sha256(body).hexdigest()
    return [digest[:6], digest[6:12]]


def transcript_of(body: bytes) -> bytes:
    """Return the transcript that Transcribe writes for a recording."""
    words = words_of(body)
    items = [
        {
            "type": "pronunciation",
            "start_time": f"{0.1 + 0.3 * number:.1f}",
            "end_time": f"{0.3 + 0.3 * number:.1f}",
            "alternatives": [{"confidence": "0.9", "content": word}],
        }
        for number, word in enumerate(words)
    ]
    results = {"transcripts": [{"transcript": " ".join(words)}], "items": items}
    return json.dumps({"status": "COMPLETED", "results": results}).encode()


@dataclass
class Transcription:
    """A job, and the bytes that it has read if it has begun."""

    request: dict[str, Any]
    created: datetime
    status: str = "QUEUED"
    reason: str | None = None
    heard: bytes | None = None

    @property
    def media_key(self) -> str:
        return self.request["Media"]["MediaFileUri"].split("/", 3)[3]


@dataclass
class TranscribeDouble:
    """The account's transcription jobs."""

    bucket: Bucket
    put_event: Callable[[str, dict[str, Any]], object]
    clock: Callable[[], datetime]
    jobs: dict[str, Transcription] = field(default_factory=dict)

    def start_transcription_job(self, **request: Any) -> Response:
        name = request["TranscriptionJobName"]
        if name in self.jobs:
            raise refuse("StartTranscriptionJob", "ConflictException")
        job = Transcription(request, self.clock())
        if job.media_key not in self.bucket.objects:
            raise refuse("StartTranscriptionJob", "BadRequestException")
        self.jobs[name] = job
        return {}

    def get_transcription_job(self, *, TranscriptionJobName: str) -> Response:
        job = self._job("GetTranscriptionJob", TranscriptionJobName)
        shown = {"TranscriptionJobStatus": job.status, "CreationTime": job.created}
        return {"TranscriptionJob": shown | ({"FailureReason": job.reason} if job.reason else {})}

    def delete_transcription_job(self, *, TranscriptionJobName: str) -> Response:
        self._job("DeleteTranscriptionJob", TranscriptionJobName)
        del self.jobs[TranscriptionJobName]
        return {}

    def _job(self, operation: str, name: str) -> Transcription:
        if name not in self.jobs:
            raise refuse(operation, "BadRequestException")
        return self.jobs[name]

    # --- what happens by itself ---

    def unfinished(self) -> list[str]:
        return [name for name, job in self.jobs.items() if job.status in ("QUEUED", "IN_PROGRESS")]

    def advance(self, name: str, *, fails: bool) -> None:
        """Let a job begin, or end."""
        job = self.jobs[name]
        if job.status == "QUEUED":
            job.status = "IN_PROGRESS"
            found = self.bucket.objects.get(job.media_key)
            job.heard = found[0] if found else None
            return
        if fails or job.heard is None:
            job.status, job.reason = "FAILED", "Internal failure. Try your request again."
            self.put_event("transcribe", {"TranscriptionJobName": name})
            return
        job.status = "COMPLETED"
        self.bucket.put_object(Key=job.request["OutputKey"], Body=transcript_of(job.heard))


@dataclass
class MediaConvertDouble:
    """The account's transcoding jobs."""

    bucket: Bucket
    put_event: Callable[[str, dict[str, Any]], object]
    clock: Callable[[], datetime]
    jobs: dict[str, dict[str, Any]] = field(default_factory=dict)

    def create_job(self, **request: Any) -> Response:
        for job in self.jobs.values():
            age = (self.clock() - job["Created"]).total_seconds()
            if job["ClientRequestToken"] == request["ClientRequestToken"] and age < REMEMBERED_S:
                return {"Job": job}
        job_id = f"{len(self.jobs) + 1:04}-job"
        self.jobs[job_id] = {
            "Id": job_id,
            "Status": "PROGRESSING",
            "Created": self.clock(),
            **request,
        }
        return {"Job": self.jobs[job_id]}

    def list_jobs(self, *, MaxResults: int, **_: Any) -> Response:
        return {
            "Jobs": [self.jobs[job_id] for job_id in sorted(self.jobs, reverse=True)][:MaxResults]
        }

    def get_job(self, *, Id: str) -> Response:
        if Id not in self.jobs:
            raise refuse("GetJob", "NotFoundException", 404)
        return {"Job": self.jobs[Id]}

    def cancel_job(self, *, Id: str) -> Response:
        if self.jobs[Id]["Status"] != "PROGRESSING":
            raise refuse("CancelJob", "ConflictException", 409)
        self.jobs[Id]["Status"] = "CANCELED"
        self._tell(Id)
        return {}

    # --- what happens by itself ---

    def unfinished(self) -> list[str]:
        return [job_id for job_id, job in self.jobs.items() if job["Status"] == "PROGRESSING"]

    def advance(self, job_id: str, *, fails: bool) -> None:
        """Let a job end."""
        job = self.jobs[job_id]
        source = job["Settings"]["Inputs"][0]["FileInput"].split("/", 3)[3]
        found = self.bucket.objects.get(source)
        if fails or found is None:
            job |= {"Status": "ERROR", "ErrorCode": 1999, "ErrorMessage": "Unexpected error"}
            self._tell(job_id)
            return
        job["Status"] = "COMPLETE"
        groups = []
        for group in job["Settings"]["OutputGroups"]:
            base = group["OutputGroupSettings"]["FileGroupSettings"]["Destination"]
            (output,) = group["Outputs"]
            extension = output.get("Extension", output["ContainerSettings"]["Container"].lower())
            numbers = (".0000000", ".0000001") if extension == "jpg" else ("",)
            for number in numbers:
                path = f"{base}{number}.{extension}"
                self.bucket.put_object(Key=path.split("/", 3)[3], Body=found[0])
            groups.append({"outputDetails": [{"outputFilePaths": [path], "durationInMs": 2000}]})
        job["OutputGroupDetails"] = [{"OutputDetails": [{"DurationInMs": 2000}]} for _ in groups]
        self._tell(job_id, outputGroupDetails=groups)

    def _tell(self, job_id: str, **more: Any) -> None:
        job = self.jobs[job_id]
        detail = {"jobId": job_id, "status": job["Status"], "userMetadata": job["UserMetadata"]}
        if "ErrorCode" in job:
            detail |= {"errorCode": job["ErrorCode"], "errorMessage": job["ErrorMessage"]}
        self.put_event("mediaconvert", detail | more)

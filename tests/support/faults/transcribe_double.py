"""Amazon Transcribe in memory; the world decides when jobs begin and end."""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from chalicelib.core import keys
from support.faults.refusals import refuse
from support.faults.s3_double import Bucket, Response

DELETIONS_PER_S = 5
"""https://docs.aws.amazon.com/transcribe/latest/dg/limits-guidelines.html"""

START_S, STEP_S = 0.1, 0.3
"""Times at which the first word begins, and from each to the next."""

UNFINISHED = ("QUEUED", "IN_PROGRESS")


def words_of(body: bytes) -> list[str]:
    """Return the words of a recording, which no other recording has."""
    digest = hashlib.sha256(body).hexdigest()
    return [f"w{digest[:6]}", f"w{digest[6:12]}"]


def transcript_of(body: bytes) -> bytes:
    """Return Transcribe's transcript of a recording."""
    words = words_of(body)
    items = [
        {
            "type": "pronunciation",
            "start_time": f"{START_S + STEP_S * number:.1f}",
            "end_time": f"{0.3 + 0.3 * number:.1f}",
            "alternatives": [{"confidence": "0.9", "content": word}],
        }
        for number, word in enumerate(words)
    ]
    results = {"transcripts": [{"transcript": " ".join(words)}], "items": items}
    return json.dumps({"status": "COMPLETED", "results": results}).encode()


def place_of(uri: str) -> tuple[str, str]:
    """Return the bucket and the key of an ``s3://`` address."""
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return bucket, key


@dataclass
class Transcription:
    """A job, and the bytes that it has read if it has begun."""

    request: dict[str, Any]
    created: datetime
    status: str = "QUEUED"
    reason: str | None = None
    heard: bytes | None = None

    @property
    def media(self) -> tuple[str, str]:
        """The bucket and key that the job reads."""
        return place_of(self.request["Media"]["MediaFileUri"])


@dataclass
class TranscribeDouble:
    """The account's transcription jobs.

    ``keeps_running``: whether a job can be deleted only after it has ended. "BadRequestException
    ... can occur when the entity you're trying to delete doesn't exist or if it's in a non-terminal
    state (such as IN PROGRESS)", says the service model of DeleteTranscriptionJob.
    """

    buckets: Mapping[str, Bucket]
    put_event: Callable[[dict[str, Any]], object]
    clock: Callable[[], datetime]
    keeps_running: bool = True
    jobs: dict[str, Transcription] = field(default_factory=dict)
    deletions: list[datetime] = field(default_factory=list)

    def start_transcription_job(self, **request: Any) -> Response:
        name = request["TranscriptionJobName"]
        if name in self.jobs:
            raise refuse("StartTranscriptionJob", "ConflictException")
        job = Transcription(request, self.clock())
        bucket, key = job.media
        if key not in self.buckets[bucket].objects:
            raise refuse("StartTranscriptionJob", "BadRequestException")
        self.jobs[name] = job
        return {"TranscriptionJob": self._shown(name)}

    def get_transcription_job(self, *, TranscriptionJobName: str) -> Response:
        self._job("GetTranscriptionJob", TranscriptionJobName)
        return {"TranscriptionJob": self._shown(TranscriptionJobName)}

    def list_transcription_jobs(
        self, *, JobNameContains: str = "", MaxResults: int = 5, NextToken: str = "", **_: Any
    ) -> Response:
        found = [name for name in sorted(self.jobs) if JobNameContains in name and name > NextToken]
        answer: Response = {
            "TranscriptionJobSummaries": [self._shown(name) for name in found[:MaxResults]]
        }
        if found[MaxResults:]:
            answer["NextToken"] = found[MaxResults - 1]
        return answer

    def delete_transcription_job(self, *, TranscriptionJobName: str) -> Response:
        now = self.clock()
        self.deletions = [at for at in self.deletions if now - at < timedelta(seconds=1)]
        if len(self.deletions) >= DELETIONS_PER_S:
            raise refuse("DeleteTranscriptionJob", "LimitExceededException")
        self.deletions.append(now)
        job = self._job("DeleteTranscriptionJob", TranscriptionJobName)
        if self.keeps_running and job.status in UNFINISHED:
            raise refuse("DeleteTranscriptionJob", "BadRequestException")
        del self.jobs[TranscriptionJobName]
        return {}

    def _shown(self, name: str) -> dict[str, Any]:
        job = self.jobs[name]
        shown = {
            "TranscriptionJobName": name,
            "TranscriptionJobStatus": job.status,
            "CreationTime": job.created,
            "Media": job.request["Media"],
        }
        return shown | ({"FailureReason": job.reason} if job.reason else {})

    def _job(self, operation: str, name: str) -> Transcription:
        if name not in self.jobs:
            raise refuse(operation, "BadRequestException")
        return self.jobs[name]

    # --- changes without a request ---

    def unfinished(self) -> list[str]:
        """Return the names of the waiting and running jobs."""
        return [name for name, job in self.jobs.items() if job.status in UNFINISHED]

    def advance(self, name: str, *, fails: bool) -> None:
        """Start or end a job."""
        job = self.jobs[name]
        if job.status == "QUEUED":
            job.status = "IN_PROGRESS"
            bucket, key = job.media
            found = self.buckets[bucket].objects.get(key)
            job.heard = found[0] if found else None
        elif fails or job.heard is None:
            job.status, job.reason = "FAILED", "Internal failure. Try your request again."
        else:
            self._write(job, job.heard)
            job.status = "COMPLETED"
        if job.status in ("COMPLETED", "FAILED"):
            detail = {"TranscriptionJobName": name, "TranscriptionJobStatus": job.status}
            self.put_event(detail)

    def _write(self, job: Transcription, heard: bytes) -> None:
        bucket, key = self.buckets[job.request["OutputBucketName"]], job.request["OutputKey"]
        for extension in job.request.get("Subtitles", {}).get("Formats", ()):
            subtitles = f"{key.removesuffix('.json')}.{extension}"
            bucket.put_object(Key=subtitles, Body=" ".join(words_of(heard)).encode())
        redaction = job.request.get("ContentRedaction", {}).get("RedactionOutput")
        if redaction:
            folder, _, name = key.rpartition("/")
            redacted = f"{folder}/{keys.REDACTED}{name}"
            bucket.put_object(Key=redacted, Body=transcript_of(heard))
        if redaction != "redacted":
            bucket.put_object(Key=key, Body=transcript_of(heard))

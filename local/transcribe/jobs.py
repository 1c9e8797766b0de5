"""Transcription jobs: their state, their form in the service's API, and the store of all jobs."""

import base64
import threading
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from local.transcribe.requests import (
    JOB_EXISTS,
    JOB_MISSING,
    JOB_UNFINISHED,
    RefusedError,
    bad_request,
    media_location,
    output_key,
    service_model,
)

QUEUED, IN_PROGRESS, COMPLETED, FAILED = "QUEUED", "IN_PROGRESS", "COMPLETED", "FAILED"

_PAGE_SIZE = 5  # the service's default
_Json = dict[str, Any]
_ECHOED = (
    "TranscriptionJobName",
    "LanguageCode",
    "IdentifyLanguage",
    "IdentifyMultipleLanguages",
    "LanguageOptions",
    "MediaFormat",
    "MediaSampleRateHertz",
    "Media",
    "ContentRedaction",
    "JobExecutionSettings",
    "ModelSettings",
    "LanguageIdSettings",
    "ToxicityDetection",
    "Tags",
)
_DEFAULT_SETTINGS = {"ChannelIdentification": False, "ShowAlternatives": False}
_SUMMARY = (
    "TranscriptionJobName",
    "CreationTime",
    "StartTime",
    "CompletionTime",
    "LanguageCode",
    "TranscriptionJobStatus",
    "FailureReason",
    "ContentRedaction",
    "ModelSettings",
    "IdentifyLanguage",
    "IdentifyMultipleLanguages",
    "IdentifiedLanguageScore",
    "LanguageCodes",
    "ToxicityDetection",
)
# The regional variant of a language if the request does not name one.
_DEFAULT_VARIANT = {
    "en": "en-US",
    "es": "es-US",
    "fr": "fr-FR",
    "de": "de-DE",
    "pt": "pt-BR",
    "ar": "ar-SA",
    "zh": "zh-CN",
    "et": "et-EE",
}


@dataclass(frozen=True, slots=True)
class Job:
    """One job, in the form that is stored across restarts. Times are seconds since 1970."""

    parameters: _Json
    created: float
    status: str = QUEUED
    started: float | None = None
    completed: float | None = None
    failure_reason: str | None = None
    outcome: _Json = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The job's name, unique among jobs."""
        return str(self.parameters["TranscriptionJobName"])

    @property
    def media(self) -> tuple[str, str]:
        """The bucket and key to read."""
        return media_location(self.parameters["Media"]["MediaFileUri"])

    @property
    def output(self) -> tuple[str, str]:
        """The bucket and key to write."""
        return self.parameters["OutputBucketName"], output_key(self.parameters)

    @property
    def language(self) -> str | None:
        """The primary subtag of the requested language, or None to identify it."""
        code = self.parameters.get("LanguageCode")
        return str(code).split("-")[0] if code else None

    def to_json(self) -> _Json:
        """Return plain JSON that ``from_json`` reads."""
        return asdict(self)

    @classmethod
    def from_json(cls, state: _Json) -> "Job":
        """Return the job that ``to_json`` described."""
        return cls(**state)

    def shown(self, region: str) -> _Json:
        """Return the job as GetTranscriptionJob does."""
        shown = {name: self.parameters[name] for name in _ECHOED if name in self.parameters}
        shown["TranscriptionJobStatus"] = self.status
        shown["CreationTime"] = self.created
        shown["Transcript"] = {}
        shown["Settings"] = _DEFAULT_SETTINGS | self.parameters.get("Settings", {})
        if self.started is not None:
            shown["StartTime"] = self.started
        if self.completed is not None:
            shown["CompletionTime"] = self.completed
        if self.failure_reason is not None:
            shown["FailureReason"] = self.failure_reason
        if subtitles := self.parameters.get("Subtitles"):
            shown["Subtitles"] = {"OutputStartIndex": 0} | subtitles
        if self.status == COMPLETED:
            bucket, key = self.output
            shown["Transcript"] = {"TranscriptFileUri": object_url(region, bucket, key)}
            uris = [object_url(region, bucket, k) for k in self.outcome.get("subtitle_keys", ())]
            if subtitles:
                shown["Subtitles"]["SubtitleFileUris"] = uris
            shown |= self.outcome.get("fields", {})
        return shown

    def summary(self, region: str) -> _Json:
        """Return the job as ListTranscriptionJobs does."""
        shown = self.shown(region)
        summary = {name: shown[name] for name in _SUMMARY if name in shown}
        return summary | {"OutputLocationType": "CUSTOMER_BUCKET"}


class JobBook:
    """All jobs by name, oldest first. Safe for threads.

    A job is replaced, never changed. If a name is deleted and used again, it is another job.
    """

    def __init__(self, region: str) -> None:
        self._region = region
        self._lock = threading.Lock()
        self._jobs: dict[str, Job] = {}
        self._last_created = 0.0

    def add(self, parameters: _Json) -> Job:
        """Add a job if its name is free."""
        with self._lock:
            if parameters["TranscriptionJobName"] in self._jobs:
                raise RefusedError("ConflictException", JOB_EXISTS)
            # No two jobs have the same time of creation, because it identifies jobs and orders
            # pages.
            self._last_created = max(time.time(), self._last_created + 1e-3)
            job = Job(parameters, created=self._last_created)
            self._jobs[job.name] = job
            return job

    def get(self, name: str) -> Job:
        """Return a job, or raise the service's error if it does not exist."""
        with self._lock:
            job = self._jobs.get(name)
        if job is None:
            # The service answers this, not the NotFoundException of the API reference.
            raise bad_request(JOB_MISSING)
        return job

    def remove(self, name: str) -> None:
        """Remove a job that has ended; refuse one that has not, as the service does.

        "BadRequestException ... can occur when the entity you're trying to delete doesn't exist or
        if it's in a non-terminal state (such as IN PROGRESS)":
        https://docs.aws.amazon.com/transcribe/latest/APIReference/API_DeleteTranscriptionJob.html
        """
        with self._lock:
            job = self._jobs.get(name)
            if job is not None and job.status not in (COMPLETED, FAILED):
                raise bad_request(JOB_UNFINISHED)
            self._jobs.pop(name, None)

    def replace(self, before: Job, after: Job) -> bool:
        """Replace ``before`` with ``after``, if ``before`` is still stored."""
        with self._lock:
            if self._jobs.get(before.name) is not before:
                return False
            self._jobs[after.name] = after
            return True

    def listed(self, parameters: _Json) -> _Json:
        """Answer ListTranscriptionJobs: newest first, by page."""
        with self._lock:
            newest_first = list(reversed(self._jobs.values()))
        status, part = parameters.get("Status"), parameters.get("JobNameContains", "").lower()
        before = _created_from(parameters["NextToken"]) if "NextToken" in parameters else None
        wanted = [
            job
            for job in newest_first
            if (not status or job.status == status)
            and part in job.name.lower()
            and (before is None or job.created < before)
        ]
        size = parameters.get("MaxResults", _PAGE_SIZE)
        page = wanted[:size]
        answer: _Json = {"TranscriptionJobSummaries": [job.summary(self._region) for job in page]}
        if status:
            answer["Status"] = status
        if len(wanted) > size:
            answer["NextToken"] = _token(page[-1].created)
        return answer

    def state(self, name: str) -> _Json | None:
        """Return one job as plain JSON, or None if it is gone."""
        with self._lock:
            job = self._jobs.get(name)
        return job.to_json() if job else None

    def to_json(self) -> list[_Json]:
        """Return every job as plain JSON, oldest first."""
        with self._lock:
            return [job.to_json() for job in self._jobs.values()]

    def restore(self, states: Iterable[_Json]) -> list[Job]:
        """Restore stored jobs and return them; the unfinished ones are queued again."""
        restored = []
        for state in states:
            job = Job.from_json(state)
            if job.status == IN_PROGRESS:
                job = replace(job, status=QUEUED)
            restored.append(job)
            with self._lock:
                self._jobs[job.name] = job
                self._last_created = max(self._last_created, job.created)
        return restored


def object_url(region: str, bucket: str, key: str) -> str:
    """Return an object's address in the service's form."""
    return f"https://s3.{region}.amazonaws.com/{bucket}/{key}"


def language_code(language: str, parameters: _Json) -> str:
    """Return the service's code for an identified language, from the offered ones if possible."""
    offered = parameters.get("LanguageOptions", ())
    known = service_model().shape_for("LanguageCode").metadata["enum"]
    variants = [code for code in (*offered, *known) if code.split("-")[0] == language]
    if variants and variants[0] in offered:
        return str(variants[0])
    return _DEFAULT_VARIANT.get(language) or str((variants or [language])[0])


def _token(created: float) -> str:
    return base64.urlsafe_b64encode(repr(created).encode()).decode()


def _created_from(token: str) -> float:
    try:
        return float(base64.urlsafe_b64decode(token))
    except ValueError as exc:
        raise bad_request("The NextToken is not one that this service gave.") from exc

"""A transcription job: its state, and how the service's API shows it."""

from dataclasses import asdict, dataclass, field
from typing import Any

from local.transcribe_requests import media_location, output_key, service_model

QUEUED, IN_PROGRESS, COMPLETED, FAILED = "QUEUED", "IN_PROGRESS", "COMPLETED", "FAILED"

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
# The regional variant that stands for a language when the request does not name one.
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
    """One job, exactly as it is kept across restarts. Times are seconds since 1970."""

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
        """The primary subtag of the language that was asked for, None to have it identified."""
        code = self.parameters.get("LanguageCode")
        return str(code).split("-")[0] if code else None

    def to_json(self) -> _Json:
        """Return plain JSON that ``from_json`` takes back."""
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


def object_url(region: str, bucket: str, key: str) -> str:
    """Return an object's address in the form that the service reports it."""
    return f"https://s3.{region}.amazonaws.com/{bucket}/{key}"


def language_code(language: str, parameters: _Json) -> str:
    """Return the service's code for an identified language, one that was offered if possible."""
    offered = parameters.get("LanguageOptions", ())
    known = service_model().shape_for("LanguageCode").enum
    variants = [code for code in (*offered, *known) if code.split("-")[0] == language]
    if variants and variants[0] in offered:
        return str(variants[0])
    return _DEFAULT_VARIANT.get(language) or str((variants or [language])[0])

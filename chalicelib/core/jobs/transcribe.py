"""The request to Amazon Transcribe, built from its options."""

from dataclasses import dataclass
from typing import Any

from chalicelib.core import keys

FAULTS_OF_THE_FILE = (
    "Unsupported media format",
    "The media format provided does not match",
    "Invalid sample rate",
    "The sample rate provided does not match",
    "Invalid file size",
    "Invalid number of channels",
)
"""First words of the reasons that Amazon Transcribe's API reference lists for a failed job.

All of them are about the file, which would fail again. For any other reason a retry may help.
"""


@dataclass(frozen=True, slots=True)
class TranscriptionOptions:
    """Options of a transcription job.

    ``languages`` is one code, several codes to choose among, or empty to identify among all.
    """

    languages: tuple[str, ...] = ("en-US",)
    max_speakers: int = 0
    vocabulary: str = ""
    vocabulary_filter: str = ""
    vocabulary_filter_method: str = "mask"
    redaction: str = ""
    subtitles: tuple[str, ...] = ()
    data_access_role_arn: str = ""

    def transcript_key(self, recording_id: str) -> str:
        """Return the key of the transcript to index: the redacted one, if redaction is on."""
        if self.redaction:
            return keys.redacted_transcript(recording_id)
        return keys.transcript(recording_id)


def job_request(
    recording_id: str,
    *,
    media_uri: str,
    media_format: str,
    output_bucket: str,
    options: TranscriptionOptions,
) -> dict[str, Any]:
    """Return the arguments of StartTranscriptionJob for one recording.

    The sample rate is left out on purpose: if it differs from the file's, the job fails.
    """
    request: dict[str, Any] = {
        "TranscriptionJobName": recording_id,
        "Media": {"MediaFileUri": media_uri},
        "MediaFormat": media_format,
        "OutputBucketName": output_bucket,
        "OutputKey": keys.transcript(recording_id),
        **_language(options),
    }
    if settings := _settings(options):
        request["Settings"] = settings
    if options.redaction:
        request["ContentRedaction"] = {
            "RedactionType": "PII",
            "RedactionOutput": options.redaction,
        }
    if options.subtitles:
        request["Subtitles"] = {"Formats": list(options.subtitles), "OutputStartIndex": 1}
    if options.data_access_role_arn:
        request["JobExecutionSettings"] = {
            "AllowDeferredExecution": True,
            "DataAccessRoleArn": options.data_access_role_arn,
        }
    return request


def _language(options: TranscriptionOptions) -> dict[str, Any]:
    if len(options.languages) == 1:
        return {"LanguageCode": options.languages[0]}
    if options.languages:
        return {"IdentifyLanguage": True, "LanguageOptions": list(options.languages)}
    return {"IdentifyLanguage": True}


def _settings(options: TranscriptionOptions) -> dict[str, Any]:
    settings: dict[str, Any] = {}
    if options.max_speakers:
        settings |= {"ShowSpeakerLabels": True, "MaxSpeakerLabels": options.max_speakers}
    if options.vocabulary:
        settings["VocabularyName"] = options.vocabulary
    if options.vocabulary_filter:
        settings["VocabularyFilterName"] = options.vocabulary_filter
        settings["VocabularyFilterMethod"] = options.vocabulary_filter_method
    return settings

"""The request to Amazon Transcribe, built from its options."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
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

MOST_LANGUAGES = 5
"""Most languages in LanguageIdSettings."""

MOST_TAGS = 50
"""https://docs.aws.amazon.com/transcribe/latest/dg/tagging.html"""

AMAZON, EARSHOT = "transcribe", "earshot"
TRANSCRIBERS = frozenset({AMAZON, EARSHOT})
"""Names of the transcribers: Amazon Transcribe, and Earshot's own recogniser."""

LANGUAGES = frozenset(
    (
        *("ab-GE", "af-ZA", "am-ET", "ar-AE", "ar-SA", "ast-ES", "az-AZ", "ba-RU", "be-BY"),
        *("bg-BG", "bn-IN", "bs-BA", "ca-ES", "ckb-IQ", "ckb-IR", "cs-CZ", "cy-GB", "cy-WL"),
        *("da-DK", "de-CH", "de-DE", "el-GR", "en-AB", "en-AU", "en-GB", "en-IE", "en-IN"),
        *("en-NZ", "en-US", "en-WL", "en-ZA", "es-ES", "es-MX", "es-US", "et-EE", "et-ET"),
        *("eu-ES", "fa-AF", "fa-IR", "fi-FI", "fr-CA", "fr-FR", "ga-IE", "gd-GB", "gl-ES"),
        *("gu-IN", "ha-NG", "he-IL", "hi-IN", "hr-HR", "ht-HT", "hu-HU", "hy-AM", "id-ID"),
        *("is-IS", "it-IT", "ja-JP", "jv-ID", "ka-GE", "kab-DZ", "kk-KZ", "km-KH", "kn-IN"),
        *("ko-KR", "ky-KG", "lg-IN", "lt-LT", "lv-LV", "mhr-RU", "mi-NZ", "mk-MK", "ml-IN"),
        *("mn-MN", "mr-IN", "ms-MY", "mt-MT", "my-MM", "ne-NP", "nl-NL", "no-NO", "or-IN"),
        *("pa-IN", "pl-PL", "ps-AF", "pt-BR", "pt-PT", "ro-RO", "ru-RU", "rw-RW", "si-LK"),
        *("sk-SK", "sl-SI", "so-SO", "sq-AL", "sr-RS", "su-ID", "sv-SE", "sw-BI", "sw-KE"),
        *("sw-RW", "sw-TZ", "sw-UG", "ta-IN", "te-IN", "th-TH", "tl-PH", "tr-TR", "tt-RU"),
        *("ug-CN", "uk-UA", "uz-UZ", "vi-VN", "wo-SN", "zh-CN", "zh-HK", "zh-TW", "zu-ZA"),
    )
)
"""The codes of Amazon Transcribe's model."""

NAME = re.compile(r"[0-9a-zA-Z._-]{1,200}")
"""Name of a vocabulary, a filter or a language model."""


@dataclass(frozen=True, slots=True)
class TranscriptionOptions:
    """Options of a transcription job.

    ``languages`` is one code, several codes to choose among, or empty to identify among all.
    Vocabularies, filters and models are named by the code of the language that each is made for.
    """

    languages: tuple[str, ...] = ("en-US",)
    is_multilingual: bool = False
    has_channels: bool = False
    max_speakers: int = 0
    max_alternatives: int = 0
    vocabularies: Mapping[str, str] = field(default_factory=dict)
    vocabulary_filters: Mapping[str, str] = field(default_factory=dict)
    vocabulary_filter_method: str = "mask"
    language_models: Mapping[str, str] = field(default_factory=dict)
    redaction: str = ""
    pii_types: tuple[str, ...] = ()
    finds_toxicity: bool = False
    subtitles: tuple[str, ...] = ()
    data_access_role_arn: str = ""
    key_arn: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    transcriber: str = AMAZON

    @property
    def is_identifying(self) -> bool:
        """Tell whether Transcribe is to find out the language."""
        return len(self.languages) != 1

    @property
    def refusal(self) -> str | None:
        """The reason why the transcriber would refuse these options; None if it takes them.

        https://docs.aws.amazon.com/transcribe/latest/APIReference/API_StartTranscriptionJob.html
        https://docs.aws.amazon.com/transcribe/latest/dg/pii-redaction-batch.html
        https://docs.aws.amazon.com/transcribe/latest/dg/toxicity.html
        """
        named = {*self.vocabularies, *self.vocabulary_filters, *self.language_models}
        if strangers := named - {*self.languages}:
            return (
                f"A vocabulary, filter or model is for {', '.join(sorted(strangers))}, which is "
                "none of the languages."
            )
        if self.is_multilingual and not self.is_identifying:
            return "Several languages in one recording need several codes of languages, or auto."
        if self.is_multilingual and self.language_models:
            return "A custom language model does not go with several languages in one recording."
        if self.is_identifying and named and len(self.languages) > MOST_LANGUAGES:
            return f"Vocabularies, filters and models go with {MOST_LANGUAGES} languages at most."
        if self.redaction and self.is_identifying:
            return "Redaction needs one language: it does not go with their identification."
        if self.pii_types and not self.redaction:
            return "Types of personal data are named, and redaction is off."
        if self.finds_toxicity and self.languages != ("en-US",):
            return "Toxic speech is found in en-US alone."
        return self._refusal_of_names() or self._refusal_of_tags() or self._refusal_of_own()

    def _refusal_of_own(self) -> str | None:
        """The reason why Earshot's own recogniser would refuse these options."""
        if self.transcriber != EARSHOT:
            return None
        if self.is_identifying or not self.languages[0].startswith("en-"):
            asked = ", ".join(self.languages) or "auto"
            return f"Earshot's own recogniser understands English alone, and not {asked}."
        asked_for = {
            "speaker labels": self.max_speakers,
            "redaction": self.redaction,
            "alternatives": self.max_alternatives,
            "vocabularies": self.vocabularies,
            "vocabulary filters": self.vocabulary_filters,
            "custom language models": self.language_models,
            "toxic speech": self.finds_toxicity,
            "tags": self.tags,
        }
        if refused := [name for name, value in asked_for.items() if value]:
            return f"Earshot's own recogniser has no {' and no '.join(refused)}."
        return None

    def _refusal_of_names(self) -> str | None:
        if unknown := sorted({*self.languages} - LANGUAGES):
            return f"Amazon Transcribe has no language {', '.join(unknown)}; en-US is one."
        names = {
            *self.vocabularies.values(),
            *self.vocabulary_filters.values(),
            *self.language_models.values(),
        }
        if odd := sorted(name for name in names if not NAME.fullmatch(name)):
            return (
                f"{odd[0]!r} is no name of a vocabulary, filter or model: it has letters, digits,"
                " `.`, `_` and `-`, up to 200."
            )
        return None

    def _refusal_of_tags(self) -> str | None:
        if len(self.tags) > MOST_TAGS:
            return f"{len(self.tags)} tags are more than {MOST_TAGS}."
        for key, value in self.tags.items():
            if not 1 <= len(key) <= 128 or len(value) > 256:  # noqa: PLR2004  # the model's
                return f"The tag {key[:128]!r} has a key over 128 or a value over 256 characters."
            if key.lower().startswith("aws:"):
                return f"The tag {key!r} begins with aws:, which is for AWS alone."
        return None

    def transcript_key(self, recording_id: str) -> str:
        """Return the key of the transcript to index: the redacted one, if redaction is on."""
        if self.redaction:
            return keys.redacted_transcript(recording_id)
        return keys.transcript(recording_id)


def job_request(
    job: keys.Job,
    *,
    media_uri: str,
    media_format: str,
    output_bucket: str,
    options: TranscriptionOptions,
) -> dict[str, Any]:
    """Return the arguments of StartTranscriptionJob for one attempt.

    The service is not asked for subtitles, because it does not say whether they are there when the
    transcript is there. Earshot makes them of the transcript.

    The sample rate is left out on purpose: if it differs from the file's, the job fails.
    """
    request: dict[str, Any] = {
        "TranscriptionJobName": job.name,
        "Media": {"MediaFileUri": media_uri},
        "MediaFormat": media_format,
        "OutputBucketName": output_bucket,
        "OutputKey": job.transcript(),
        # Without this field S3's key encrypts the answer, and not the bucket's own key.
        **({"OutputEncryptionKMSKeyId": options.key_arn} if options.key_arn else {}),
        **_language(options),
    }
    if settings := _settings(options):
        request["Settings"] = settings
    if options.redaction:
        request["ContentRedaction"] = {
            "RedactionType": "PII",
            "RedactionOutput": options.redaction,
            **({"PiiEntityTypes": list(options.pii_types)} if options.pii_types else {}),
        }
    if options.tags:
        request["Tags"] = [{"Key": key, "Value": value} for key, value in options.tags.items()]
    if options.finds_toxicity:
        request["ToxicityDetection"] = [{"ToxicityCategories": ["ALL"]}]
    if options.data_access_role_arn:
        request["JobExecutionSettings"] = {
            "AllowDeferredExecution": True,
            "DataAccessRoleArn": options.data_access_role_arn,
        }
    return request


def _language(options: TranscriptionOptions) -> dict[str, Any]:
    if not options.is_identifying:
        (language,) = options.languages
        model = options.language_models.get(language)
        settings = {"ModelSettings": {"LanguageModelName": model}} if model else {}
        return {"LanguageCode": language, **settings}
    identify = "IdentifyMultipleLanguages" if options.is_multilingual else "IdentifyLanguage"
    request: dict[str, Any] = {identify: True}
    if options.languages:
        request["LanguageOptions"] = list(options.languages)
    named = {
        language: {
            name: names[language]
            for name, names in (
                ("VocabularyName", options.vocabularies),
                ("VocabularyFilterName", options.vocabulary_filters),
                ("LanguageModelName", options.language_models),
            )
            if language in names
        }
        for language in options.languages
    }
    if by_language := {language: names for language, names in named.items() if names}:
        # "If you're using automatic language identification ... use instead the LanguageIdSettings
        # parameter": Transcribe's API reference, of Settings.
        request["LanguageIdSettings"] = by_language
    return request


def _settings(options: TranscriptionOptions) -> dict[str, Any]:
    settings: dict[str, Any] = {}
    if options.max_speakers:
        settings |= {"ShowSpeakerLabels": True, "MaxSpeakerLabels": options.max_speakers}
    if options.has_channels:
        settings["ChannelIdentification"] = True
    if options.max_alternatives:
        settings |= {"ShowAlternatives": True, "MaxAlternatives": options.max_alternatives}
    if options.vocabulary_filters:
        settings["VocabularyFilterMethod"] = options.vocabulary_filter_method
    if not options.is_identifying:
        (language,) = options.languages
        for name, names in (
            ("VocabularyName", options.vocabularies),
            ("VocabularyFilterName", options.vocabulary_filters),
        ):
            if language in names:
                settings[name] = names[language]
    return settings

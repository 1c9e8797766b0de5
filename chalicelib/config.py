"""The application's settings, read from environment variables; ``variables`` has the rules."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from chalicelib import variables
from chalicelib.core.dsp.parameters import FeatureParameters
from chalicelib.core.jobs.ladder import Ladder
from chalicelib.core.jobs.transcribe import AMAZON, TRANSCRIBERS, TranscriptionOptions
from chalicelib.core.probe.quotas import Quotas
from chalicelib.errors import ParameterError
from chalicelib.variables import SettingError

SUBTITLE_FORMATS = frozenset({"srt", "vtt"})
REDACTIONS = frozenset({"redacted", "redacted_and_unredacted"})
FILTER_METHODS = frozenset({"mask", "remove", "tag"})
PRESETS = Path(__file__).with_name("presets.json")
EXAMPLE_DOMAIN = "https://example.auth.us-east-1.amazoncognito.com"
# An origin becomes part of a header. Only the loopback address may lack TLS: nobody can listen
# there.
ORIGIN = re.compile(r"https://[a-z0-9.-]+|http://127\.0\.0\.1:[0-9]+")
CHALICE_LOCAL = (
    "While make run runs, this line sets what chalice local needs:\n"
    '  eval "$(.venv/bin/python -m local variables)"'
)
MEASURING_CONCURRENCY = 5
RECOGNISING_CONCURRENCY = 2
NO_QUOTAS = Quotas()
# A new account runs ten functions at once, of all kinds.
DATASETS_CONCURRENCY = variables.CONCURRENCIES[0]
FEATURE_PREFIX = "FEATURE_"
TRANSCRIBE_PREFIX = "TRANSCRIBE_"
TRANSCRIBER = "TRANSCRIBER"
OF_A_LANGUAGE = ("vocabulary", "vocabulary_filter", "language_model", "toxicity", "multilingual")
"""Options that fit only the stage's languages."""

OF_TRANSCRIBE = (*OF_A_LANGUAGE, "max_alternatives", "tags")
"""Options of the stage that are left out if a recording has another transcriber.

Redaction and speaker labels are not among them, but are refused: redaction protects people, and a
transcript without speaker labels is not what was asked for.
"""

BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")  # S3's rule for a bucket's name
MAX_SPEAKERS = range(2, 31)  # Amazon Transcribe's bounds for MaxSpeakerLabels
MAX_ALTERNATIVES = range(2, 11)  # and for MaxAlternatives
CHANNELS = frozenset({"each", "mix"})


@dataclass(frozen=True, slots=True)
class Settings:
    """The values that differ between stages."""

    media_bucket: str
    results_bucket: str
    metadata_table: str
    search_table: str
    features_queue_url: str
    datasets_queue_url: str
    speech_queue_url: str
    transcription: TranscriptionOptions
    transcription_variables: Mapping[str, str]
    feature_parameters: Mapping[str, str]
    ladder: Ladder
    mediaconvert_role_arn: str = ""
    mediaconvert_queue_arn: str = ""
    source_buckets: tuple[str, ...] = ()
    measuring_concurrency: int = MEASURING_CONCURRENCY
    recognising_concurrency: int = RECOGNISING_CONCURRENCY
    quotas: Quotas = NO_QUOTAS
    notices_topic_arn: str = ""
    failures_topic_arn: str = ""
    api_url: str = ""
    log_file: str = ""
    administrators: tuple[str, ...] = ()
    caller_arn: str = ""
    stand_in: str = ""
    aligner: str = ""
    cognito_user_pool_arn: str = ""
    cognito_domain: str = ""
    cognito_client_ids: tuple[str, ...] = ()

    @property
    def job_prefix(self) -> str:
        """The beginning of this stage's job names, as of its queues' names: ``earshot-dev-``."""
        return self.features_queue.removesuffix("features")

    @property
    def features_queue(self) -> str:
        """Name of the queue, the end of its URL."""
        return self.features_queue_url.rpartition("/")[2]

    @property
    def datasets_queue(self) -> str:
        """Name of the queue of data sets."""
        return self.datasets_queue_url.rpartition("/")[2]

    @property
    def speech_queue(self) -> str:
        """Name of the queue of speech to be recognised."""
        return self.speech_queue_url.rpartition("/")[2]

    @property
    def account_id(self) -> str:
        """The account, which a queue's URL names before the queue."""
        return self.speech_queue_url.split("/")[-2]

    @classmethod
    def from_env(cls, environ: Mapping[str, str] = os.environ) -> "Settings":
        """Read the settings. Raise SettingError with the variable's name if one is unusable."""
        media_bucket = variables.required(environ, "MEDIA_BUCKET_NAME")
        return cls(
            media_bucket=media_bucket,
            results_bucket=environ.get("RESULTS_BUCKET_NAME") or media_bucket,
            metadata_table=variables.required(environ, "METADATA_TABLE_NAME"),
            search_table=variables.required(environ, "SEARCH_TABLE_NAME"),
            features_queue_url=variables.required(environ, "FEATURES_QUEUE_URL"),
            datasets_queue_url=variables.required(environ, "DATASETS_QUEUE_URL"),
            speech_queue_url=variables.required(environ, "SPEECH_QUEUE_URL"),
            transcription=_transcription(environ),
            transcription_variables={
                name: value
                for name, value in environ.items()
                if name.startswith(TRANSCRIBE_PREFIX) or name in ("KMS_KEY_ARN", TRANSCRIBER)
            },
            feature_parameters=_feature_parameters(environ),
            # Read here, because every deployment imports the application and so checks the ladder.
            ladder=Ladder.parse(PRESETS.read_text()),
            mediaconvert_role_arn=environ.get("MEDIACONVERT_ROLE_ARN", ""),
            mediaconvert_queue_arn=environ.get("MEDIACONVERT_QUEUE_ARN", ""),
            source_buckets=_source_buckets(environ),
            measuring_concurrency=variables.concurrency(
                environ, "MEASURING_CONCURRENCY", MEASURING_CONCURRENCY
            ),
            recognising_concurrency=variables.concurrency(
                environ, "RECOGNISING_CONCURRENCY", RECOGNISING_CONCURRENCY
            ),
            notices_topic_arn=environ.get("NOTICES_TOPIC_ARN", ""),
            failures_topic_arn=environ.get("FAILURES_TOPIC_ARN", ""),
            api_url=environ.get("API_URL", ""),
            log_file=environ.get("LOG_FILE", ""),
            quotas=Quotas(
                owner_hours=variables.hours(environ, "OWNER_HOURS_PER_DAY"),
                stage_hours=variables.hours(environ, "STAGE_HOURS_PER_DAY"),
            ),
            administrators=variables.listed(environ.get("ADMINISTRATORS", "")),
            # For `chalice local`, which checks no signatures. In Lambda this is always empty.
            caller_arn=environ.get("CALLER_ARN", "") if "AWS_CHALICE_CLI_MODE" in environ else "",
            stand_in=environ.get("EARSHOT_STAND_IN", ""),
            aligner=environ.get("EARSHOT_ALIGNER", ""),
            cognito_user_pool_arn=environ.get("COGNITO_USER_POOL_ARN", ""),
            cognito_domain=_cognito_domain(environ),
            cognito_client_ids=_cognito_client_ids(environ),
        )

    def transcription_of(self, own: Mapping[str, str]) -> TranscriptionOptions:
        """Return the options of a recording: its own, and the stage's for the rest.

        In another language the stage's vocabularies, filters, models and toxicity are left out.
        With Earshot's own recogniser everything is left out that only Amazon Transcribe has, except
        redaction and speaker labels. Raise ParameterError if the options cannot be used.
        """
        if not own:
            return self.transcription
        stage, left_out = self.transcription_variables, set[str]()
        if own.get("language") not in (None, stage.get("TRANSCRIBE_LANGUAGE") or "en-US"):
            left_out |= {_variable(name) for name in OF_A_LANGUAGE}
        if own.get("transcriber") not in (None, stage.get(TRANSCRIBER) or AMAZON):
            left_out |= {_variable(name) for name in OF_TRANSCRIBE}
        kept = {name: text for name, text in stage.items() if name not in left_out}
        try:
            return _transcription(kept | {_variable(name): text for name, text in own.items()})
        except SettingError as exc:
            name = exc.name.removeprefix(TRANSCRIBE_PREFIX).lower().replace("_", "-")
            message = str(exc).removeprefix(exc.name).strip()
            raise ParameterError(name, message) from exc


def _variable(name: str) -> str:
    return TRANSCRIBER if name == "transcriber" else f"{TRANSCRIBE_PREFIX}{name.upper()}"


def read() -> Settings:
    """Read the settings of this process.

    If Chalice's command runs, print one sentence about the error and end. Otherwise Chalice would
    print a traceback and, if it reloads, wait for ever.
    """
    try:
        return Settings.from_env()
    except SettingError as exc:
        if "AWS_CHALICE_CLI_MODE" not in os.environ:
            raise
        # If Chalice reloads, a thread imports the application, and an exception does not leave a
        # thread.
        os.write(2, f"{exc}. {CHALICE_LOCAL}\n".encode())
        os._exit(1)


def _cognito_domain(environ: Mapping[str, str]) -> str:
    name = "COGNITO_DOMAIN"
    domain = environ.get(name, "").rstrip("/")
    if not domain:
        return ""
    if not ORIGIN.fullmatch(domain):
        raise SettingError(name, f"must be an address such as {EXAMPLE_DOMAIN}, not {domain!r}")
    needed = "COGNITO_USER_POOL_ARN"
    if not environ.get(needed):
        raise SettingError(needed, f"is not set, and {name} is")
    return domain


def _cognito_client_ids(environ: Mapping[str, str]) -> tuple[str, ...]:
    name, pool = "COGNITO_CLIENT_ID", "COGNITO_USER_POOL_ARN"
    client_ids = variables.listed(environ.get(name, ""))
    if environ.get(pool) and not client_ids:
        # Without this setting the tokens of every other application of the pool would be accepted.
        raise SettingError(name, f"is not set, and {pool} is")
    return client_ids


def _transcription(environ: Mapping[str, str]) -> TranscriptionOptions:
    language = environ.get("TRANSCRIBE_LANGUAGE") or "en-US"
    languages = () if language == "auto" else variables.listed(language)
    options = TranscriptionOptions(
        languages=languages,
        is_multilingual=variables.is_yes(environ, "TRANSCRIBE_MULTILINGUAL"),
        has_channels=variables.choice(environ, "TRANSCRIBE_CHANNELS", CHANNELS) == "each",
        max_speakers=variables.number(environ, "TRANSCRIBE_MAX_SPEAKERS", MAX_SPEAKERS),
        max_alternatives=variables.number(environ, "TRANSCRIBE_MAX_ALTERNATIVES", MAX_ALTERNATIVES),
        vocabularies=variables.by_language(environ, "TRANSCRIBE_VOCABULARY", languages),
        vocabulary_filters=variables.by_language(
            environ, "TRANSCRIBE_VOCABULARY_FILTER", languages
        ),
        vocabulary_filter_method=variables.choice(
            environ, "TRANSCRIBE_VOCABULARY_FILTER_METHOD", FILTER_METHODS
        )
        or "mask",
        language_models=variables.by_language(environ, "TRANSCRIBE_LANGUAGE_MODEL", languages),
        redaction=variables.choice(environ, "TRANSCRIBE_REDACTION", REDACTIONS),
        pii_types=variables.listed(environ.get("TRANSCRIBE_PII_TYPES", "")),
        finds_toxicity=variables.is_yes(environ, "TRANSCRIBE_TOXICITY"),
        subtitles=_subtitles(environ),
        data_access_role_arn=environ.get("TRANSCRIBE_DATA_ACCESS_ROLE_ARN", ""),
        key_arn=environ.get("KMS_KEY_ARN", ""),
        tags=variables.tags(environ, "TRANSCRIBE_TAGS"),
        transcriber=variables.choice(environ, TRANSCRIBER, TRANSCRIBERS) or AMAZON,
    )
    if options.refusal:
        raise SettingError("The settings of Transcribe", f"do not go together: {options.refusal}")
    return options


def _feature_parameters(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the tables' parameters by name; raise SettingError if one cannot be used."""
    found = {
        name.removeprefix(FEATURE_PREFIX).lower(): value
        for name, value in environ.items()
        if name.startswith(FEATURE_PREFIX) and value
    }
    known = FeatureParameters.names(*found)
    for name in found.keys() - set(known):
        near = FeatureParameters.nearest(name)
        hint = f" Did you mean {FEATURE_PREFIX}{near.upper()}?" if near else ""
        raise SettingError(
            f"{FEATURE_PREFIX}{name.upper()}",
            f"is not a parameter of the tables; these are {', '.join(sorted(known))}.{hint}",
        )
    try:
        FeatureParameters.parse(found)
    except ParameterError as exc:
        message = str(exc).removeprefix(f"{exc.name}: ")
        raise SettingError(
            f"{FEATURE_PREFIX}{exc.name.upper()}", f"is unusable: {message}"
        ) from exc
    return found


def _source_buckets(environ: Mapping[str, str]) -> tuple[str, ...]:
    name = "SOURCE_BUCKETS"
    buckets = variables.listed(environ.get(name, ""))
    for bucket in buckets:
        if not BUCKET.fullmatch(bucket):
            raise SettingError(
                name, f"must be names of buckets, such as archive,calls-2019, not {bucket!r}"
            )
    return buckets


def _subtitles(environ: Mapping[str, str]) -> tuple[str, ...]:
    formats = variables.listed(environ.get("TRANSCRIBE_SUBTITLES", ""))
    if not SUBTITLE_FORMATS.issuperset(formats):
        raise SettingError("TRANSCRIBE_SUBTITLES", f"must name srt, vtt or both, not {formats!r}")
    return formats

import boto3
import botocore.session
import pytest
from botocore.stub import Stubber

from chalicelib.core import keys
from chalicelib.core.jobs.transcribe import LANGUAGES, TranscriptionOptions, job_request

JOB = keys.Job("earshot-dev-", "talk-0123456789ab", "t", 7)


def request(options: TranscriptionOptions | None = None) -> dict:
    return job_request(
        JOB,
        media_uri="s3://media/jobs/earshot-dev-talk-0123456789ab-t7/input.wav",
        media_format="wav",
        output_bucket="results",
        options=options or TranscriptionOptions(),
    )


def test_a_job_writes_its_transcript_into_a_separate_folder():
    asked = request()

    assert asked["TranscriptionJobName"] == "earshot-dev-talk-0123456789ab-t7"
    assert asked["OutputBucketName"] == "results"
    assert asked["OutputKey"] == "jobs/earshot-dev-talk-0123456789ab-t7/transcript.json"
    assert asked["MediaFormat"] == "wav"
    assert asked["LanguageCode"] == "en-US"


def test_the_sample_rate_is_left_to_transcribe():
    assert "MediaSampleRateHertz" not in request()


@pytest.mark.parametrize(
    ("languages", "expected"),
    [
        (("de-DE",), {"LanguageCode": "de-DE"}),
        ((), {"IdentifyLanguage": True}),
        (
            ("en-US", "de-DE"),
            {"IdentifyLanguage": True, "LanguageOptions": ["en-US", "de-DE"]},
        ),
    ],
)
def test_a_request_has_exactly_one_way_of_choosing_the_language(languages, expected):
    asked = request(TranscriptionOptions(languages=languages))

    assert {name: asked[name] for name in asked if "Language" in name} == expected


NAMES = {"vocabularies": "names", "vocabulary_filters": "swearing", "language_models": "law"}
ONE = TranscriptionOptions(
    languages=("en-US",),
    has_channels=True,
    max_speakers=4,
    max_alternatives=3,
    **{option: {"en-US": name} for option, name in NAMES.items()},
    vocabulary_filter_method="remove",
    redaction="redacted",
    pii_types=("NAME", "PHONE"),
    finds_toxicity=True,
    tags={"study": "a"},
    subtitles=("srt", "vtt"),
    data_access_role_arn="arn:aws:iam::123456789012:role/transcribe",
    key_arn="arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab",
)
AMONG_TWO = TranscriptionOptions(
    languages=("en-US", "de-DE"),
    max_speakers=4,
    vocabularies={"de-DE": "namen"},
    vocabulary_filters={"en-US": "swearing"},
    language_models={"en-US": "law"},
)
BOTH = TranscriptionOptions(
    languages=("en-US", "de-DE"), is_multilingual=True, vocabularies={"en-US": "names"}
)


@pytest.mark.parametrize("options", [ONE, AMONG_TWO, BOTH, TranscriptionOptions(languages=())])
def test_the_service_model_accepts_every_option(options):
    asked = request(options)

    assert options.refusal is None
    client = boto3.client("transcribe", region_name="us-east-1")
    with Stubber(client) as stubber:
        stubber.add_response("start_transcription_job", {}, asked)
        client.start_transcription_job(**asked)


def test_the_options_of_one_language_are_settings():
    asked = request(ONE)

    assert asked["Settings"] == {
        "ShowSpeakerLabels": True,
        "MaxSpeakerLabels": 4,
        "ChannelIdentification": True,
        "ShowAlternatives": True,
        "MaxAlternatives": 3,
        "VocabularyName": "names",
        "VocabularyFilterName": "swearing",
        "VocabularyFilterMethod": "remove",
    }
    assert asked["ModelSettings"] == {"LanguageModelName": "law"}
    assert asked["ContentRedaction"] == {
        "RedactionType": "PII",
        "RedactionOutput": "redacted",
        "PiiEntityTypes": ["NAME", "PHONE"],
    }
    assert asked["ToxicityDetection"] == [{"ToxicityCategories": ["ALL"]}]
    assert "Subtitles" not in asked  # made of the transcript
    assert asked["JobExecutionSettings"]["AllowDeferredExecution"] is True


def test_vocabularies_are_given_by_language_if_the_language_is_identified():
    """Check that they are not in Settings, where Transcribe would refuse or ignore them."""
    asked = request(AMONG_TWO)

    assert asked["LanguageIdSettings"] == {
        "en-US": {"VocabularyFilterName": "swearing", "LanguageModelName": "law"},
        "de-DE": {"VocabularyName": "namen"},
    }
    assert asked["Settings"] == {
        "ShowSpeakerLabels": True,
        "MaxSpeakerLabels": 4,
        "VocabularyFilterMethod": "mask",
    }
    assert "ModelSettings" not in asked


def test_several_languages_in_one_recording_are_identified_as_such():
    asked = request(BOTH)

    assert asked["IdentifyMultipleLanguages"] is True
    assert "IdentifyLanguage" not in asked
    assert asked["LanguageIdSettings"] == {"en-US": {"VocabularyName": "names"}}


def test_the_languages_are_those_of_the_service_model():
    model = botocore.session.get_session().get_service_model("transcribe")

    assert set(model.shape_for("LanguageCode").enum) == LANGUAGES


SIX = ("en-US", "de-DE", "fr-FR", "it-IT", "es-ES", "pt-PT")


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"languages": (), "vocabularies": {"en-US": "names"}}, "none of the languages"),
        ({"languages": ("de-DE",), "vocabulary_filters": {"en-US": "a"}}, "none of the languages"),
        ({"is_multilingual": True}, "several codes of languages"),
        (
            {"languages": SIX[:2], "is_multilingual": True, "language_models": {"en-US": "law"}},
            "language model",
        ),
        ({"languages": SIX, "vocabularies": {"en-US": "names"}}, "5 languages at most"),
        ({"languages": (), "redaction": "redacted"}, "identification"),
        ({"pii_types": ("NAME",)}, "redaction is off"),
        ({"languages": ("de-DE",), "finds_toxicity": True}, "en-US alone"),
        ({"languages": ("de",)}, "no language de"),
        ({"vocabularies": {"en-US": "my names"}}, "'my names' is no name"),
        ({"tags": {"aws:study": "a"}}, "for AWS alone"),
        ({"tags": {"k" * 129: "a"}}, "over 128"),
        ({"tags": {f"k{n}": "" for n in range(51)}}, "more than 50"),
    ],
)
def test_options_that_transcribe_does_not_combine_are_refused_with_a_sentence(options, reason):
    assert reason in str(TranscriptionOptions(**options).refusal)


def test_redaction_indexes_the_redacted_transcript():
    options = TranscriptionOptions(redaction="redacted_and_unredacted")

    assert options.transcript_key("a") == "transcripts/redacted-a.json"
    assert TranscriptionOptions().transcript_key("a") == "transcripts/a.json"

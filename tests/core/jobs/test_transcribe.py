import boto3
import pytest
from botocore.stub import Stubber

from chalicelib.core.jobs.transcribe import TranscriptionOptions, job_request


def request(options: TranscriptionOptions | None = None) -> dict:
    return job_request(
        "talk-0123456789ab",
        media_uri="s3://media/uploads/me/ä talk.wav",
        media_format="wav",
        output_bucket="results",
        options=options or TranscriptionOptions(),
    )


def test_a_job_writes_its_transcript_under_the_recordings_name():
    asked = request()

    assert asked["TranscriptionJobName"] == "talk-0123456789ab"
    assert asked["OutputBucketName"] == "results"
    assert asked["OutputKey"] == "transcripts/talk-0123456789ab.json"
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
def test_exactly_one_way_of_choosing_the_language_is_asked_for(languages, expected):
    asked = request(TranscriptionOptions(languages=languages))

    assert {name: asked[name] for name in asked if "Language" in name} == expected


def test_every_option_together_is_a_request_that_the_service_model_takes():
    asked = request(
        TranscriptionOptions(
            languages=("en-US", "de-DE"),
            max_speakers=4,
            vocabulary="names",
            vocabulary_filter="swearing",
            vocabulary_filter_method="remove",
            redaction="redacted",
            subtitles=("srt", "vtt"),
            data_access_role_arn="arn:aws:iam::123456789012:role/transcribe",
        )
    )

    client = boto3.client("transcribe", region_name="us-east-1")
    with Stubber(client) as stubber:
        stubber.add_response("start_transcription_job", {}, asked)
        client.start_transcription_job(**asked)

    assert asked["Settings"] == {
        "ShowSpeakerLabels": True,
        "MaxSpeakerLabels": 4,
        "VocabularyName": "names",
        "VocabularyFilterName": "swearing",
        "VocabularyFilterMethod": "remove",
    }
    assert asked["ContentRedaction"]["RedactionOutput"] == "redacted"
    assert asked["Subtitles"]["Formats"] == ["srt", "vtt"]
    assert asked["JobExecutionSettings"]["AllowDeferredExecution"] is True


def test_redaction_indexes_the_redacted_transcript():
    options = TranscriptionOptions(redaction="redacted_and_unredacted")

    assert options.transcript_key("a") == "transcripts/redacted-a.json"
    assert TranscriptionOptions().transcript_key("a") == "transcripts/a.json"

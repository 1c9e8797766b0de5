"""Each trigger and route reaches its work."""

import json
import time
from dataclasses import replace
from urllib.parse import quote_plus

import boto3
import pytest
from botocore.exceptions import ClientError
from chalice.app import SQSEventConfig
from chalice.test import Client
from moto.backends import get_backend
from support.answers import job_name, put_answer
from support.media import wav

from chalicelib.config import Settings
from chalicelib.core.recording import BranchState, Recording
from chalicelib.variables import SettingError

KEY = "uploads/alice/my talk + 100% ü.wav"


@pytest.fixture
def client(application):
    with Client(application.app) as client:
        yield client


def s3_event(bucket: str, key: str) -> dict:
    return {"Records": [{"s3": {"bucket": {"name": bucket}, "object": {"key": quote_plus(key)}}}]}


def test_an_uploads_event_reaches_its_recording_for_any_name(client, services, put):
    recording_id = put(KEY, wav())

    client.lambda_.invoke("receive_upload", s3_event(services.media.bucket, KEY))

    assert services.recordings.get(recording_id).source_key == KEY


def test_a_message_is_measured_and_a_transcript_stored(client, services, put):
    recording_id = put(KEY, wav())
    client.lambda_.invoke("receive_upload", s3_event(services.media.bucket, KEY))
    document = {"results": {"transcripts": [{"transcript": "Hi"}], "items": []}}
    transcript_key = put_answer(services, recording_id, document)

    message = json.dumps({"recording_id": recording_id})
    client.lambda_.invoke("extract_features", client.events.generate_sqs_event([message]))
    client.lambda_.invoke("store_transcript", s3_event(services.media.bucket, transcript_key))

    found = services.recordings.get(recording_id)
    assert found.statuses == {
        "transcription": "COMPLETED",
        "features": "COMPLETED",
        "renditions": "SKIPPED",
    }


def test_a_message_asks_for_an_object_of_an_archive(client, services, put):
    """The object was there before there were events."""
    recording_id = put(KEY, wav())

    message = json.dumps({"task": "archive", "key": KEY, "owner": "bob", "only": "features"})
    client.lambda_.invoke("extract_features", client.events.generate_sqs_event([message]))

    found = services.recordings.get(recording_id)
    assert (found.owner, found.transcription.status) == ("bob", "SKIPPED")


@pytest.mark.parametrize(("attempt", "delay_s"), [(1, 60), (2, 120), (3, 240), (4, 480)])
def test_a_message_whose_extraction_fails_comes_back_after_minutes(
    client, services, put, attempt, delay_s
):
    """Lambda leaves it to the queue's own time-out, which is an hour and a half."""
    put(KEY, wav())
    client.lambda_.invoke("receive_upload", s3_event(services.media.bucket, KEY))
    sqs = boto3.client("sqs")
    (message,) = sqs.receive_message(QueueUrl=services.settings.features_queue_url)["Messages"]
    event = client.events.generate_sqs_event([message["Body"]])
    event["Records"][0]["receiptHandle"] = message["ReceiptHandle"]
    event["Records"][0]["attributes"]["ApproximateReceiveCount"] = str(attempt)
    boto3.client("dynamodb").delete_table(TableName=services.settings.metadata_table)

    with pytest.raises(ClientError):
        client.lambda_.invoke("extract_features", event)

    (queue,) = (
        queue
        for queue in get_backend("sqs")["123456789012"]["us-east-1"].queues.values()
        if queue.name == services.settings.features_queue
    )
    (waiting,) = queue._messages  # it gives nobody the time that it waits for
    assert waiting.visible_at / 1000 - time.time() == pytest.approx(delay_s, abs=20)


def test_as_many_recordings_are_measured_at_once_as_the_settings_say(application):
    sources = [one for one in application.app.event_sources if isinstance(one, SQSEventConfig)]

    assert [source.maximum_concurrency for source in sources] == [5, 2, 2]
    environment = {
        "MEDIA_BUCKET_NAME": "a",
        "METADATA_TABLE_NAME": "b",
        "SEARCH_TABLE_NAME": "c",
        "FEATURES_QUEUE_URL": "d",
        "DATASETS_QUEUE_URL": "e",
        "SPEECH_QUEUE_URL": "f",
    }
    many = Settings.from_env(environment | {"MEASURING_CONCURRENCY": "500"})
    assert many.measuring_concurrency == 500
    for text in ("1", "1001", "all"):
        with pytest.raises(SettingError, match="2 to 1000"):
            Settings.from_env(environment | {"MEASURING_CONCURRENCY": text})


def test_a_failed_job_is_written_to_its_recording(client, services, put):
    recording_id = put(KEY, wav())
    client.lambda_.invoke("receive_upload", s3_event(services.media.bucket, KEY))
    name = job_name(services, recording_id)
    from moto.transcribe.models import transcribe_backends  # noqa: PLC0415  # needs mock_aws

    transcribe_backends["123456789012"]["us-east-1"].transcriptions[name].status = "FAILED"

    detail = {"TranscriptionJobName": name, "TranscriptionJobStatus": "FAILED"}
    event = client.events.generate_cw_event(
        "aws.transcribe", "Transcribe Job State Change", detail, []
    )
    client.lambda_.invoke("record_transcription_state", event)

    assert services.recordings.get(recording_id).statuses["transcription"] == "FAILED"


def test_a_failed_transcoding_job_is_written_to_its_recording(client, services, put):
    recording_id = put(KEY, wav())
    upload = services.media.find(KEY)
    recording = Recording.of(upload, created_at="2024-01-01T00:00:00+00:00")
    services.recordings.create(replace(recording, renditions=BranchState(attempt=7)))

    detail = {
        "status": "ERROR",
        "jobId": "1-job",
        "errorCode": 1040,
        "errorMessage": "Bad input",
        "userMetadata": {"recording_id": recording_id, "attempt": "7"},
    }
    event = client.events.generate_cw_event(
        "aws.mediaconvert", "MediaConvert Job State Change", detail, []
    )
    client.lambda_.invoke("store_renditions", event)

    assert services.recordings.get(recording_id).statuses["renditions"] == "FAILED"


def test_a_removed_upload_removes_its_recording(client, services, put):
    put(KEY, wav())
    client.lambda_.invoke("receive_upload", s3_event(services.media.bucket, KEY))
    boto3.client("s3").delete_object(Bucket=services.media.bucket, Key=KEY)

    client.lambda_.invoke("remove_recording", s3_event(services.media.bucket, KEY))

    assert services.recordings.page() == ([], None)

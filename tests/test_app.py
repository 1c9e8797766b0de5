"""Each trigger and route reaches its work."""

import json
from urllib.parse import quote_plus

import boto3
import pytest
from chalice.test import Client
from support.media import wav

from chalicelib.core import keys
from chalicelib.core.recording import Recording

KEY = "uploads/alice/my talk + 100% ü.wav"


@pytest.fixture
def client(application):
    with Client(application.app) as client:
        yield client


def s3_event(bucket: str, key: str) -> dict:
    return {"Records": [{"s3": {"bucket": {"name": bucket}, "object": {"key": quote_plus(key)}}}]}


def test_an_uploads_event_reaches_its_recording_whatever_its_name(client, services, put):
    recording_id = put(KEY, wav())

    client.lambda_.invoke("receive_upload", s3_event(services.media.bucket, KEY))

    assert services.recordings.get(recording_id).source_key == KEY


def test_a_message_is_measured_and_a_transcript_stored(client, services, put):
    recording_id = put(KEY, wav())
    client.lambda_.invoke("receive_upload", s3_event(services.media.bucket, KEY))
    transcript_key = keys.transcript(recording_id)
    document = {"results": {"transcripts": [{"transcript": "Hi"}], "items": []}}
    boto3.client("s3").put_object(
        Bucket=services.media.bucket, Key=transcript_key, Body=json.dumps(document).encode()
    )

    message = json.dumps({"recording_id": recording_id})
    client.lambda_.invoke("extract_features", client.events.generate_sqs_event([message]))
    client.lambda_.invoke("store_transcript", s3_event(services.media.bucket, transcript_key))

    found = services.recordings.get(recording_id)
    assert found.statuses == {
        "transcription": "COMPLETED",
        "features": "COMPLETED",
        "renditions": "SKIPPED",
    }


def test_a_failed_job_is_written_on_its_recording(client, services, put):
    recording_id = put(KEY, wav())
    client.lambda_.invoke("receive_upload", s3_event(services.media.bucket, KEY))
    from moto.transcribe.models import transcribe_backends  # noqa: PLC0415  # needs mock_aws

    transcribe_backends["123456789012"]["us-east-1"].transcriptions[recording_id].status = "FAILED"

    detail = {"TranscriptionJobName": recording_id, "TranscriptionJobStatus": "FAILED"}
    event = client.events.generate_cw_event(
        "aws.transcribe", "Transcribe Job State Change", detail, []
    )
    client.lambda_.invoke("record_transcription_state", event)

    assert services.recordings.get(recording_id).statuses["transcription"] == "FAILED"


def test_a_failed_transcoding_job_is_written_on_its_recording(client, services, put):
    recording_id = put(KEY, wav())
    upload = services.media.find(KEY)
    services.recordings.create(Recording.of(upload, created_at="2024-01-01T00:00:00+00:00"))

    detail = {
        "status": "ERROR",
        "jobId": "1-job",
        "errorCode": 1040,
        "errorMessage": "Bad input",
        "userMetadata": {"recording_id": recording_id},
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

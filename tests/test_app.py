"""Each trigger and route reaches its work."""

import importlib
import json
import sys
from urllib.parse import quote_plus

import boto3
import pytest
from chalice.test import Client
from media import wav

from chalicelib.core import keys
from chalicelib.core.recording import Recording, Upload

KEY = "uploads/alice/my talk + 100% ü.wav"


@pytest.fixture
def module(services):  # noqa: ARG001  # the application reads its settings as it is imported
    sys.modules.pop("app", None)
    return importlib.import_module("app")


@pytest.fixture
def client(module):
    with Client(module.app) as client:
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


def make(services, owner: str, number: int) -> Recording:
    upload = Upload(bucket="media", key=f"uploads/{owner}/{number}.wav", etag="e", size=number)
    recording = Recording.of(upload, created_at=f"2024-01-01T00:00:{number:02}+00:00")
    services.recordings.create(recording)
    return recording


def test_a_recording_is_shown_with_its_status(client, services):
    recording = make(services, "alice", 1)

    response = client.http.get(f"/recordings/{recording.id}")

    assert response.status_code == 200
    assert response.json_body["status"] == "PENDING"
    assert response.json_body["source_key"] == "uploads/alice/1.wav"


def test_an_unknown_recording_is_not_found(client):
    response = client.http.get("/recordings/nothing-0123456789ab")

    assert response.status_code == 404
    assert response.json_body["Message"].startswith("There is no recording")


@pytest.mark.parametrize("owner", ["?owner=alice&", "?"])
def test_pages_hold_every_recording_once(client, services, owner):
    made = {make(services, "alice", number).id for number in range(7)}

    listed, cursor = [], ""
    while cursor is not None:
        body = client.http.get(f"/recordings{owner}limit=3&cursor={cursor}").json_body
        listed += [recording["recording_id"] for recording in body["recordings"]]
        cursor = body["cursor"]

    assert len(listed) == 7
    assert set(listed) == made


def test_an_owners_recordings_come_newest_first_and_nobody_elses(client, services):
    make(services, "bob", 9)
    made = [make(services, "alice", number).id for number in range(3)]

    body = client.http.get("/recordings?owner=alice").json_body

    assert [recording["recording_id"] for recording in body["recordings"]] == made[::-1]


@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=many", "limit=1000", "cursor=nonsense", "cursor=W10"],
)
def test_an_unusable_query_is_answered_with_a_sentence(client, query):
    response = client.http.get(f"/recordings?{query}")

    assert response.status_code == 400
    assert response.json_body["Message"].endswith(".")


def test_every_route_asks_who_is_there(module):
    views = [view for methods in module.app.routes.values() for view in methods.values()]

    assert all(view.authorizer for view in views)

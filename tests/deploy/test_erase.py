"""Exactly one recording is erased, with all its versions."""

import io
import json
import sys

import boto3
import pytest
from support.answers import answer_key
from support.media import wav

from chalicelib.pipeline import events
from scripts import erase, replay, stage

KEY = "uploads/alice/talk.wav"


@pytest.fixture
def s3(services):
    client = boto3.client("s3")
    client.put_bucket_versioning(
        Bucket=services.media.bucket, VersioningConfiguration={"Status": "Enabled"}
    )
    return client


@pytest.fixture
def entered(services, monkeypatch):
    """A deployed stage of this account, with the environment that the services have."""
    variables = {"MEDIA_BUCKET_NAME": services.media.bucket}
    config = {"stages": {"dev": {"environment_variables": variables}}}
    monkeypatch.setattr(stage, "read_config", lambda _: config)


def make(services, put, key: str, seconds: float) -> str:
    recording_id = put(key, wav(seconds))
    events.receive_upload(key, services)
    events.extract_features(recording_id, services)
    document = {"results": {"transcripts": [{"transcript": "hello there"}], "items": []}}
    transcript = answer_key(services, recording_id)
    boto3.client("s3").put_object(
        Bucket=services.results.bucket, Key=transcript, Body=json.dumps(document).encode()
    )
    events.store_transcript(transcript, services)
    return recording_id


def versions(s3, bucket: str) -> dict[str, int]:
    found = s3.list_object_versions(Bucket=bucket)
    counted: dict[str, int] = {}
    for one in [*found.get("Versions", []), *found.get("DeleteMarkers", [])]:
        counted[one["Key"]] = counted.get(one["Key"], 0) + 1
    return counted


def test_all_versions_of_a_recording_are_erased_and_none_of_others(services, put, s3):
    other = make(services, put, "uploads/alice/talk.wav.wav", 0.7)
    before = versions(s3, services.media.bucket)
    recording_id = make(services, put, KEY, 0.6)
    put(KEY, wav(0.6))

    n_erased = erase.erase(recording_id, services, s3)

    assert versions(s3, services.media.bucket) == before
    assert n_erased > 5
    assert services.recordings.find(recording_id) is None
    assert services.recordings.find(other) is not None
    assert erase.erase(recording_id, services, s3) == 0


def test_other_bytes_under_the_same_name_are_another_recording(services, put, s3):
    recording_id = make(services, put, KEY, 0.6)
    later = make(services, put, KEY, 0.8)

    erase.erase(recording_id, services, s3)

    assert services.media.find(KEY).recording_id == later
    assert services.recordings.find(later) is not None
    assert not [key for key in versions(s3, services.results.bucket) if recording_id in key]


@pytest.mark.usefixtures("entered")
def test_nothing_is_erased_unless_the_id_is_typed_again(services, put, s3, monkeypatch, capsys):
    recording_id = make(services, put, KEY, 0.6)
    before = versions(s3, services.media.bucket)
    monkeypatch.setattr(sys, "stdin", io.StringIO("yes\n"))

    assert erase.main(["dev", recording_id]) == 1

    assert versions(s3, services.media.bucket) == before
    assert "nothing was erased" in capsys.readouterr().err


@pytest.mark.usefixtures("entered")
def test_the_command_erases_after_the_id_was_typed_again(services, put, s3, monkeypatch, capsys):
    recording_id = make(services, put, KEY, 0.6)
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{recording_id}\n"))

    assert erase.main(["dev", recording_id]) == 0

    assert versions(s3, services.media.bucket) == {}
    assert "were erased" in capsys.readouterr().out


@pytest.mark.usefixtures("entered")
def test_a_replay_does_the_missing_work_of_one_recording(services, put, capsys):
    recording_id = make(services, put, KEY, 0.6)
    services.results.remove(f"features/{recording_id}/")

    assert replay.main(["dev", recording_id]) == 0

    assert services.recordings.get(recording_id).statuses["features"] == "PENDING"
    said = capsys.readouterr().out
    assert "before: transcription COMPLETED, features COMPLETED" in said
    assert "features PENDING" in said


@pytest.mark.usefixtures("entered")
def test_a_replay_of_no_recording_says_so(services, capsys):  # noqa: ARG001  # an account
    assert replay.main(["dev", "nobody-0123456789ab"]) == 1
    assert "no recording" in capsys.readouterr().err


@pytest.mark.parametrize("command", [erase, replay])
@pytest.mark.usefixtures("entered")
def test_a_stage_that_was_not_deployed_is_named_in_a_sentence(capsys, command):
    with pytest.raises(SystemExit) as ended:
        command.main(["prod", "nobody-0123456789ab"])

    assert ended.value.code == 1
    assert "make deploy STAGE=prod" in capsys.readouterr().err

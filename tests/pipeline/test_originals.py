"""Originals: objects of source buckets, which are read where they lie, and only read."""

from dataclasses import replace

import pytest
from support.answers import job_name, put_answer
from support.faults.s3_double import Bucket
from support.media import wav

from chalicelib.api.recordings import delete_recording
from chalicelib.core import keys
from chalicelib.core.recording import Branch, Outcome, Status
from chalicelib.errors import SourceClosedError
from chalicelib.pipeline import events
from chalicelib.pipeline.archives import _skipped, receive_from_archive
from chalicelib.pipeline.reconciliation import look, reconcile
from chalicelib.pipeline.walk import WALK

BUCKET = "archive"
KEY = "calls/2019/a b+c.wav"
SOURCE_KEY = f"s3://{BUCKET}/{KEY}"
DOCUMENT = {"results": {"transcripts": [{"transcript": ""}], "items": []}}


@pytest.fixture
def stage(account):
    """The services of a stage with a source bucket, which holds one recording."""
    account.buckets[BUCKET] = Bucket()
    account.s3.put_object(Bucket=BUCKET, Key=KEY, Body=wav())
    return account.connect(SOURCE_BUCKETS=BUCKET)


def receive(stage, **asked):
    upload = stage.media.find(SOURCE_KEY)
    receive_from_archive(SOURCE_KEY, stage, **asked)
    return stage.recordings.get(upload.recording_id)


def finish(stage, recording):
    put_answer(stage, recording.id, DOCUMENT)
    events.store_transcript(f"jobs/{job_name(stage, recording.id)}/transcript.json", stage)
    events.extract_features(recording.id, stage)
    return stage.recordings.get(recording.id)


def walk(stage):
    reconcile(stage, pages=len(WALK)).raise_failures()


def test_an_original_is_measured_and_transcribed_where_it_lies(account, stage):
    recording = receive(stage, owner="alice")
    job = stage.transcriber.find(job_name(stage, recording.id))

    done = finish(stage, recording)

    assert job["Media"]["MediaFileUri"] == SOURCE_KEY
    assert done.source_key == SOURCE_KEY
    assert (done.status, done.owner) == (Status.COMPLETED, "alice")
    assert set(account.buckets[BUCKET].objects) == {KEY}
    assert {key.partition("/")[0] for key in account.objects()} == {
        "features",
        "transcripts",
    }
    # Nobody gets 200,000 mails.
    assert done.notice(Outcome.DONE).sent_at == done.created_at
    address = stage.media.presign(SOURCE_KEY, media_type="audio/wav", disposition="inline")["url"]
    assert address.startswith(f"{stage.media.source_origins[0]}/calls/2019/")


def test_a_second_message_and_another_round_change_nothing(stage):
    recording = finish(stage, receive(stage, owner="alice"))

    receive(stage, owner="bob")
    walk(stage)

    assert stage.recordings.get(recording.id) == replace(
        recording, look_at=stage.recordings.get(recording.id).look_at
    )


def test_a_deleted_recording_leaves_its_original_and_does_not_come_back(account, stage):
    recording = finish(stage, receive(stage))

    removed = delete_recording(recording, stage)
    walk(stage)

    assert not removed.upload
    assert set(account.buckets[BUCKET].objects) == {KEY}
    assert stage.recordings.find(recording.id) is None


def test_process_again_keeps_the_owner(stage):
    recording = finish(stage, receive(stage, owner="alice"))

    again = events.reprocess(recording, stage)

    assert again.owner == "alice"
    assert again.transcription.status == Status.IN_PROGRESS


def test_if_an_original_is_removed_its_outputs_are(account, stage):
    recording = finish(stage, receive(stage))
    account.s3.delete_object(Bucket=BUCKET, Key=KEY)

    walk(stage)

    assert stage.recordings.find(recording.id) is None
    assert account.objects() <= {keys.BOOKMARK}


def test_if_its_bucket_is_not_named_any_more_all_stays_and_says_why(account, stage):
    recording = finish(stage, receive(stage))
    closed = account.connect()

    walk(closed)

    assert look(recording.id, closed).status == Status.COMPLETED
    assert stage.recordings.find(recording.id) is not None
    with pytest.raises(SourceClosedError, match="SOURCE_BUCKETS does not name"):
        closed.media.find_source(recording)


def test_a_replaced_original_is_another_recording(account, stage):
    recording = finish(stage, receive(stage))
    account.s3.put_object(Bucket=BUCKET, Key=KEY, Body=wav(f0_hz=300))

    other = receive(stage)

    assert other.id != recording.id
    assert stage.recordings.find(recording.id) is None


@pytest.mark.parametrize(
    ("only", "statuses"),
    [
        ("features", ("SKIPPED", "PENDING", "SKIPPED")),
        ("transcription", ("IN_PROGRESS", "SKIPPED", "SKIPPED")),
    ],
)
def test_only_what_is_asked_for_is_started(stage, only, statuses):
    recording = receive(stage, only=only)

    assert tuple(recording.statuses.values()) == statuses
    assert recording.renditions.reason == f"Only {only} was asked for."


def test_a_transcript_of_mov_gets_the_renditions_that_it_needs():
    assert _skipped("s3://archive/a.mov", Branch.TRANSCRIPTION) == {Branch.FEATURES}
    assert _skipped("s3://archive/a.mov", Branch.FEATURES) == set(Branch) - {Branch.FEATURES}


def test_an_object_in_glacier_fails_with_what_to_do(account, stage):
    account.s3.put_object(Bucket=BUCKET, Key=KEY, Body=wav(), StorageClass="GLACIER")

    recording = receive(stage)

    assert recording.status == Status.FAILED
    assert "restore it first" in recording.reason


def test_no_upload_can_be_named_like_an_original():
    assert keys.place(SOURCE_KEY) == (BUCKET, KEY)
    assert keys.place("uploads/alice/s3://b/c.wav") == (None, "uploads/alice/s3://b/c.wav")
    assert keys.owner(SOURCE_KEY) == keys.NOBODY
    assert keys.recording_id(SOURCE_KEY, bucket=BUCKET, etag="e", size=1).startswith("calls-2019-")

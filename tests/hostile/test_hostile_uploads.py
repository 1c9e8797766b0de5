"""Hostile recordings end with a status and a reason, and the next one is measured."""

import json
from dataclasses import replace
from datetime import timedelta
from itertools import count
from pathlib import Path

import pytest
from support import corpus
from support.account import Account
from support.answers import put_answer
from support.media import wav

from chalicelib.core.recording import Branch, Status
from chalicelib.core.recording_item import flat
from chalicelib.pipeline import events, transcription
from chalicelib.pipeline.features import READING_LASTS

pytestmark = [pytest.mark.slow, pytest.mark.timeout(60)]


@pytest.fixture
def services():
    """Services of a stage without MediaConvert; the queue's name has the prefix of its jobs."""
    queue = "https://sqs.us-east-1.amazonaws.com/123456789012/earshot-local-features"
    return Account().connect(MEDIACONVERT_ROLE_ARN="", FEATURES_QUEUE_URL=queue)


@pytest.fixture
def put(services):
    """Put an object into the bucket; return its recording's id."""

    def put_object(key: str, body: bytes, **metadata: str) -> str:
        services.media.write(key, body, metadata)
        return services.media.find(key).recording_id

    return put_object


@pytest.fixture
def measured(services, put):
    """Process an upload with the deployed functions, without Transcribe; return its recording."""

    def run(key: str, body: bytes, services=services, **metadata: str):
        recording_id = put(key, body, **metadata)
        events.receive_upload(key, services)
        recording = services.recordings.get(recording_id)
        if recording.status_of(Branch.FEATURES) == Status.PENDING:
            events.extract_features(recording_id, services)
        return services.recordings.get(recording_id)

    return run


@pytest.mark.parametrize("name", corpus.UPLOADS)
def test_a_hostile_recording_ends_and_the_next_is_measured(measured, name):
    make, status, reason = corpus.UPLOADS[name]

    recording = measured(f"uploads/mallory/{name}", make())
    following = measured("uploads/alice/good.wav", wav(1.0))

    told = flat(recording).get("features_reason", "")
    ended = recording.status_of(Branch.FEATURES)
    assert ended in ("COMPLETED", "FAILED")
    assert ended == (status or ended), told
    assert reason in told
    assert ended == "COMPLETED" or told.endswith("."), "a failure is told in a sentence"
    assert following.status_of(Branch.FEATURES) == Status.COMPLETED


def test_a_recording_that_is_too_long_is_ended_even_if_its_file_is_small(measured):
    bomb = corpus.packed_silence(4.1)
    assert len(bomb) < 1_000_000

    recording = measured("uploads/mallory/bomb.flac", bomb, sr="native", tables="energy")

    assert flat(recording)["features_reason"] == "The recording is longer than 4 h."
    assert recording.status_of(Branch.FEATURES) == Status.FAILED


def test_a_recording_that_takes_too_long_to_read_is_ended(services, measured):
    moments = (services.clock() + n * READING_LASTS / 5 for n in count())
    late = replace(services, clock=lambda: next(moments))

    recording = measured("uploads/mallory/slow.wav", wav(60.0), late)

    assert "takes too long to decode" in flat(recording)["features_reason"]
    assert recording.status_of(Branch.FEATURES) == Status.FAILED
    assert flat(measured("uploads/alice/good.wav", wav(1.0)))["features"] == "COMPLETED"


def test_tables_that_take_too_long_to_write_end_the_recording(services, measured):
    read = 3  # looks at the clock, before the first table is written
    moments = (services.clock() + max(0, n - read) * READING_LASTS / 5 for n in count())
    late = replace(services, clock=lambda: next(moments))

    recording = measured("uploads/mallory/wide.wav", wav(30.0), late, **{"hop-length": "16"})

    assert "tables take too long to write" in flat(recording)["features_reason"]
    assert recording.status_of(Branch.FEATURES) == Status.FAILED


def test_a_misspelt_parameter_is_remarked_on_the_recording(measured):
    recording = measured("uploads/alice/good.wav", wav(1.0), nmfcc="20")

    assert recording.status_of(Branch.FEATURES) == Status.COMPLETED
    assert flat(recording)["features_reason"] == ("nmfcc is no parameter; did you mean n_mfcc?")


def test_a_file_that_is_too_large_is_refused_by_its_size_without_a_look_into_it(services, put):
    class Huge:
        """A bucket whose one file is larger than can be taken, and must not be opened."""

        def __init__(self, media):
            self.find, self.read_head, self.bucket = self._find, media.read_head, media.bucket
            self._media = media

        def _find(self, key):
            return replace(self._media.find(key), size=50 << 30)

        def find_source(self, recording):
            return self.find(recording.source_key)

    put("uploads/mallory/huge.mp4", b"\0\0\0\x20ftypisom" + bytes(100))
    services = replace(services, media=Huge(services.media))

    events.receive_upload("uploads/mallory/huge.mp4", services)

    upload = services.media.find("uploads/mallory/huge.mp4")
    recording = services.recordings.get(upload.recording_id)
    assert "has 50.0 GB, and at most 2 GB" in flat(recording)["features_reason"]
    assert flat(recording)["renditions_reason"] == flat(recording)["features_reason"]


def test_reading_ends_in_time_for_the_tables_to_be_written():
    config = json.loads((Path(__file__).parents[2] / ".chalice/config.json").read_text())
    timeout_s = config["lambda_functions"]["extract_features"]["lambda_timeout"]

    assert timedelta(seconds=timeout_s) - READING_LASTS >= timedelta(minutes=4)


@pytest.mark.parametrize(
    "key",
    [
        "jobs/theirs.json",
        "jobs/a/b.json",
        "jobs/.json",
        "jobs/../uploads/x.json",
        "jobs/other-stage-talk-0123456789ab-t1/transcript.json",
        "jobs/earshot-local-/transcript.json",
        "jobs/earshot-local-talk-0123456789ab-t/transcript.json",
        "jobs/earshot-local-talk-0123456789ab-x1/transcript.json",
        "jobs/" + "x" * 900 + ".json",
    ],
)
def test_objects_of_other_stages_below_jobs_are_not_changed(services, key):
    services.results.write(key, b"theirs")

    events.store_transcript(key, services)

    assert services.results.read(key) == b"theirs"
    assert services.recordings.page(owner=None, cursor=None, limit=10)[0] == []


@pytest.mark.parametrize("name", corpus.TRANSCRIPTS)
def test_a_hostile_transcript_ends_its_branch_and_nothing_else(services, put, name):
    make, field = corpus.TRANSCRIPTS[name]
    key = "uploads/alice/talk.wav"
    recording_id = put(key, wav(1.0))
    events.receive_upload(key, services)
    events.store_transcript(put_answer(services, recording_id, make()), services)
    events.extract_features(recording_id, services)

    found = services.recordings.get(recording_id)
    assert found.status_of(Branch.FEATURES) == Status.COMPLETED
    if field:
        assert found.status_of(Branch.TRANSCRIPTION) == Status.FAILED
        assert flat(found)["transcription_reason"].startswith("The transcript cannot be read:")
        assert field in flat(found)["transcription_reason"]
    else:
        assert found.status_of(Branch.TRANSCRIPTION) == Status.COMPLETED


def test_a_transcript_that_is_too_large_is_not_read(services, put):
    key = "uploads/alice/talk.wav"
    recording_id = put(key, wav(1.0))
    events.receive_upload(key, services)
    body = b'{"results": {"items": []}}' + b" " * transcription.DOCUMENT_BYTES

    events.store_transcript(put_answer(services, recording_id, body), services)

    found = services.recordings.get(recording_id)
    assert "it has 32 MB, and at most 32 MB are read" in flat(found)["transcription_reason"]

"""The right things happen for each event, twice over too."""

import csv
import io
import json

import numpy as np
import pytest
from support.answers import answer_key, job_name, put_answer
from support.media import encode, flac_lasting, wav

from chalicelib.core import keys
from chalicelib.core.recording import Branch, Recording, Status
from chalicelib.core.recording_item import flat
from chalicelib.pipeline import events, transcription

KEY = "uploads/alice/my talk.wav"

TRANSCRIPT = {
    "status": "COMPLETED",
    "results": {
        "transcripts": [{"transcript": "Hello there."}],
        "items": [
            {
                "type": "pronunciation",
                "start_time": "0.1",
                "end_time": "0.4",
                "alternatives": [{"confidence": "0.9", "content": "Hello"}],
            },
            {
                "type": "pronunciation",
                "start_time": "0.5",
                "end_time": "0.8",
                "alternatives": [{"confidence": "0.7", "content": "there"}],
            },
            {"type": "punctuation", "alternatives": [{"confidence": "0.0", "content": "."}]},
        ],
    },
}
SILENT = {"results": {"transcripts": [{"transcript": ""}], "items": []}}


def store(services, recording_id: str, document: object = TRANSCRIPT) -> None:
    events.store_transcript(put_answer(services, recording_id, document), services)


def test_an_upload_becomes_an_item_a_job_and_a_message(account, services, put):
    recording_id = put(KEY, wav())

    events.receive_upload(KEY, services)

    recording = services.recordings.get(recording_id)
    assert recording.statuses == {
        "transcription": "IN_PROGRESS",
        "features": "PENDING",
        "renditions": "SKIPPED",
    }
    assert flat(recording)["owner"] == "alice"
    assert list(account.transcribe.jobs) == [job_name(services, recording_id)]
    assert account.take() == [{"recording_id": recording_id}]


def test_an_upload_seen_twice_has_one_item_and_one_job(account, services, put):
    recording_id = put(KEY, wav())

    events.receive_upload(KEY, services)
    before = services.recordings.get(recording_id)
    events.receive_upload(KEY, services)

    assert services.recordings.get(recording_id) == before
    assert list(account.transcribe.jobs) == [job_name(services, recording_id)]


def test_an_upload_that_is_gone_before_its_event_comes_leaves_nothing(account, services):
    events.receive_upload(KEY, services)

    assert services.recordings.page() == ([], None)
    assert list(account.transcribe.jobs) == []


def test_a_folder_is_no_recording(services, put):
    put("uploads/alice/", b"")

    events.receive_upload("uploads/alice/", services)

    assert services.recordings.page() == ([], None)


@pytest.mark.parametrize(
    ("key", "body", "told"),
    [
        ("uploads/alice/notes.txt", b"hello", "webm, amr, mov or mkv"),
        ("uploads/alice/a.wav", b"", "0 bytes"),
        ("uploads/alice/a.wav", b"\x89PNG\r\n\x1a\n" + bytes(100), "PNG image"),
    ],
)
def test_what_is_no_recording_fails_with_a_reason_and_costs_nothing(
    account, services, put, key, body, told
):
    recording_id = put(key, body)

    events.receive_upload(key, services)

    recording = services.recordings.get(recording_id)
    assert recording.status == Status.FAILED
    assert told in recording.reason
    assert list(account.transcribe.jobs) == []
    assert account.take() == []


def test_other_bytes_under_the_same_key_supersede_the_recording(account, services, put):
    old = put(KEY, wav(f0_hz=220))
    events.receive_upload(KEY, services)
    events.extract_features(old, services)
    store(services, old)

    new = put(KEY, wav(f0_hz=440))
    events.receive_upload(KEY, services)

    recordings, _ = services.recordings.page()
    assert [recording.id for recording in recordings] == [new]
    assert list(account.transcribe.jobs) == [job_name(services, new)]
    assert account.objects() == {KEY, f"jobs/{job_name(services, new)}/input.wav"}


def test_a_removed_upload_takes_everything_with_it(account, services, put):
    recording_id = put(KEY, wav())
    events.receive_upload(KEY, services)
    events.extract_features(recording_id, services)
    store(services, recording_id)
    account.remove(KEY)

    events.remove_recording(KEY, services)
    events.remove_recording(KEY, services)

    assert services.recordings.page() == ([], None)
    assert list(account.transcribe.jobs) == []
    assert account.objects() == set()


def test_a_late_removal_does_not_touch_what_is_there(services, put):
    recording_id = put(KEY, wav())
    events.receive_upload(KEY, services)

    events.remove_recording(KEY, services)

    assert services.recordings.get(recording_id).source_key == KEY


def test_a_transcript_is_written_on_its_recording(services, put):
    recording_id = put(KEY, wav())
    events.receive_upload(KEY, services)

    store(services, recording_id)

    found = services.recordings.get(recording_id)
    assert found.status_of(Branch.TRANSCRIPTION) == Status.COMPLETED
    assert flat(found)["transcript"] == "Hello there."
    assert flat(found)["language_code"] == "en-US"
    assert flat(found)["word_count"] == 2
    assert flat(found)["mean_confidence"] == pytest.approx(0.8)


def test_a_silent_recordings_transcript_is_empty_and_says_so(services, put):
    recording_id = put(KEY, wav())
    events.receive_upload(KEY, services)

    store(services, recording_id, SILENT)

    found = services.recordings.get(recording_id)
    assert found.status_of(Branch.TRANSCRIPTION) == Status.COMPLETED
    assert flat(found)["transcript"] == ""
    assert found.reason == "No speech was recognised."


def test_a_transcript_of_a_megabyte_is_kept_as_an_excerpt(services, put):
    recording_id = put(KEY, wav())
    events.receive_upload(KEY, services)
    long = {"results": {"transcripts": [{"transcript": "ä " * 400_000}], "items": []}}

    store(services, recording_id, long)

    found = flat(services.recordings.get(recording_id))
    assert len(found["transcript"].encode()) <= transcription.TRANSCRIPT_BYTES
    assert found["transcript_truncated"] is True


@pytest.mark.parametrize("document", [{}, [], {"results": {"items": 1}}, "hello"])
def test_a_transcript_of_another_shape_fails_with_the_reason(services, put, document):
    recording_id = put(KEY, wav())
    events.receive_upload(KEY, services)

    store(services, recording_id, document)

    found = services.recordings.get(recording_id)
    assert found.status_of(Branch.TRANSCRIPTION) == Status.FAILED
    assert "transcript" in found.reason


def test_a_transcript_of_a_recording_that_is_gone_is_removed(account, services, put):
    recording_id = put(KEY, wav())
    events.receive_upload(KEY, services)
    late = answer_key(services, recording_id)
    account.remove(KEY)
    events.remove_recording(KEY, services)
    services.results.write(late, json.dumps(TRANSCRIPT).encode())

    events.store_transcript(late, services)

    assert account.objects() == set()
    assert services.recordings.page() == ([], None)


def test_a_stray_file_among_the_jobs_is_left_alone(account, services):
    key = "jobs/notes.json"
    services.results.write(key, b"{}")

    events.store_transcript(key, services)

    assert account.objects() == {key}


def test_features_are_written_beside_the_item(services, put):
    recording_id = put(KEY, wav(2.0))
    events.receive_upload(KEY, services)

    events.extract_features(recording_id, services)

    found = services.recordings.get(recording_id)
    assert found.status_of(Branch.FEATURES) == Status.COMPLETED
    assert flat(found)["duration_s"] == 2
    body = services.results.read(keys.features(recording_id, "mfcc.csv"))
    rows = list(csv.reader(io.StringIO(body.decode())))
    assert rows[0] == [f"mfcc_{i}" for i in range(1, 14)]
    assert len(rows) - 1 == flat(found)["n_frames"]


def test_a_recordings_own_metadata_chooses_its_parameters(services, put):
    recording_id = put(KEY, wav(), **{"n-mfcc": "20", "speaker": "Alice"})
    events.receive_upload(KEY, services)

    events.extract_features(recording_id, services)

    header = services.results.read_head(
        services.results.find(keys.features(recording_id, "mfcc.csv")), 400
    )
    assert b"mfcc_20" in header


def test_an_unusable_parameter_fails_by_its_name(services, put):
    recording_id = put(KEY, wav(), **{"n-mfcc": "many"})
    events.receive_upload(KEY, services)

    events.extract_features(recording_id, services)

    found = services.recordings.get(recording_id)
    assert found.status_of(Branch.FEATURES) == Status.FAILED
    assert found.reason == "n_mfcc: 'many' is not a whole number."


def test_a_recording_that_cannot_be_decoded_fails_and_keeps_its_transcription(services, put):
    recording_id = put(KEY, b"RIFF\x24\x00\x00\x00WAVE" + bytes(200))
    events.receive_upload(KEY, services)

    events.extract_features(recording_id, services)

    found = services.recordings.get(recording_id)
    assert found.status_of(Branch.FEATURES) == Status.FAILED
    assert found.status_of(Branch.TRANSCRIPTION) == Status.IN_PROGRESS
    assert found.reason


def test_what_cannot_be_decoded_fails_also_before_its_renditions_are_decided(services, put):
    """The message may be received while the function that sent it is still at work."""
    recording_id = put("uploads/bob/noise.mp3", bytes(range(256)) * 40)
    upload = services.media.find("uploads/bob/noise.mp3")
    created = Recording.of(upload, created_at=services.clock().isoformat())
    services.recordings.create(created)
    assert created.renditions.status == Status.PENDING

    events.extract_features(recording_id, services)

    found = services.recordings.get(recording_id)
    assert found.status_of(Branch.FEATURES) == Status.FAILED
    assert found.reason == "The recording cannot be read: Format not recognised."


def test_features_that_are_done_are_not_done_again(services, put):
    recording_id = put(KEY, wav())
    events.receive_upload(KEY, services)
    events.extract_features(recording_id, services)
    before = services.recordings.get(recording_id)

    events.extract_features(recording_id, services)

    assert services.recordings.get(recording_id) == before


def test_features_of_a_replaced_upload_are_not_extracted(account, services, put):
    old = put(KEY, wav(f0_hz=220))
    events.receive_upload(KEY, services)
    put(KEY, wav(f0_hz=440))

    events.extract_features(old, services)

    assert account.objects() == {KEY}


def test_a_failed_job_becomes_a_failed_transcription_with_its_reason(account, services, put):
    recording_id = put(KEY, wav())
    events.receive_upload(KEY, services)
    name = job_name(services, recording_id)
    job = account.job(name)
    job.status, job.reason = "FAILED", "The media format does not match."

    events.record_transcription_failure(name, services)

    found = services.recordings.get(recording_id)
    assert found.status_of(Branch.TRANSCRIPTION) == Status.FAILED
    assert found.reason == "The media format does not match."


def test_a_late_failure_does_not_undo_a_transcript(account, services, put):
    recording_id = put(KEY, wav())
    events.receive_upload(KEY, services)
    store(services, recording_id)
    name = job_name(services, recording_id)
    account.job(name).status = "FAILED"

    events.record_transcription_failure(name, services)

    found = services.recordings.get(recording_id)
    assert found.status_of(Branch.TRANSCRIPTION) == Status.COMPLETED
    assert found.reason is None


@pytest.mark.parametrize("status", ["IN_PROGRESS", "COMPLETED"])
def test_an_event_of_a_failure_counts_only_if_the_job_has_failed(account, services, put, status):
    recording_id = put(KEY, wav())
    events.receive_upload(KEY, services)
    name = job_name(services, recording_id)
    account.job(name).status = status

    events.record_transcription_failure(name, services)

    found = services.recordings.get(recording_id)
    assert found.status_of(Branch.TRANSCRIPTION) == Status.IN_PROGRESS


def test_a_failed_job_that_is_not_ours_is_ignored(services):
    events.record_transcription_failure("somebody-elses-job", services)

    assert services.recordings.page() == ([], None)


def test_a_recording_uploaded_again_after_its_removal_is_transcribed_anew(
    account, services, put, later
):
    body = wav()
    recording_id = put(KEY, body)
    events.receive_upload(KEY, services)
    first = job_name(services, recording_id)
    account.job(first).status = "COMPLETED"
    services.recordings.delete(recording_id)  # a clean-up that was cut short before the job

    # In AWS a removal and an upload are never within one millisecond.
    events.receive_upload(KEY, later(milliseconds=10))

    second = job_name(services, recording_id)
    assert second != first
    assert services.transcriber.find(second)["TranscriptionJobStatus"] != "COMPLETED"
    found = services.recordings.get(recording_id)
    assert found.status_of(Branch.TRANSCRIPTION) == Status.IN_PROGRESS


def words(services, recording_id: str) -> list[dict[str, str]]:
    body = services.results.read(keys.features(recording_id, "words.csv"))
    return list(csv.DictReader(io.StringIO(body.decode())))


@pytest.mark.parametrize("metadata", [{}, {"gzip": "true"}])
@pytest.mark.parametrize("transcript_first", [True, False])
def test_whichever_comes_last_joins_the_words(services, put, transcript_first, metadata):
    recording_id = put(KEY, wav(1.0, f0_hz=220), **metadata)
    events.receive_upload(KEY, services)
    steps = [
        lambda: store(services, recording_id),
        lambda: events.extract_features(recording_id, services),
    ]

    for step in steps if transcript_first else reversed(steps):
        assert not services.recordings.get(recording_id).is_settled
        step()

    assert services.recordings.get(recording_id).is_settled
    rows = words(services, recording_id)
    assert [row["word"] for row in rows] == ["Hello", "there"]
    assert float(rows[0]["f0_median_hz"]) == pytest.approx(220, rel=0.01)
    summary = json.loads(services.results.read(keys.features(recording_id, "summary.json")))
    assert (summary["recording_id"], summary["n_words"]) == (recording_id, 2)
    assert summary["f0_median_st"] == pytest.approx(36, abs=0.2)
    assert (summary["source_key"], summary["duration_s"]) == (KEY, 1.0)


def test_a_join_that_was_cut_short_is_made_up_for_by_the_next_delivery(account, services, put):
    recording_id = put(KEY, wav())
    events.receive_upload(KEY, services)
    events.extract_features(recording_id, services)
    store(services, recording_id)
    key = {"JsonFile": keys.transcript(recording_id)}
    account.table.update_item(Key=key, UpdateExpression="REMOVE word_table_keys")

    events.extract_features(recording_id, services)

    assert services.recordings.get(recording_id).is_settled


def test_tables_without_pitch_are_not_joined_and_not_waited_for(account, services, put):
    recording_id = put(KEY, wav(), tables="mfcc")
    events.receive_upload(KEY, services)
    events.extract_features(recording_id, services)
    store(services, recording_id)

    assert services.recordings.get(recording_id).is_settled
    assert keys.features(recording_id, "words.csv") not in account.objects()


def test_each_channels_tables_have_a_name_of_their_own(services, put):
    y = np.random.default_rng(1).normal(scale=0.1, size=(16_000, 2))
    recording_id = put(KEY, encode(y, "WAV"), channels="each")
    events.receive_upload(KEY, services)

    events.extract_features(recording_id, services)

    found = flat(services.recordings.get(recording_id))["feature_keys"]
    assert {"mfcc.ch1", "mfcc.ch2", "pitch.ch1", "pitch.ch2"} <= found.keys()


def test_a_recording_of_five_hours_costs_nothing_and_says_why(account, services, put):
    recording_id = put("uploads/alice/long.flac", flac_lasting(5))

    events.receive_upload("uploads/alice/long.flac", services)

    recording = services.recordings.get(recording_id)
    assert recording.statuses == {
        "transcription": "FAILED",
        "features": "FAILED",
        "renditions": "SKIPPED",
    }
    assert recording.reason == (
        "The recording is too long: it lasts 5.0 h, and at most 4 h can be taken."
    )
    assert list(account.transcribe.jobs) == []
    assert account.take() == []


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (wav(0.4), "too short"),
        (encode(np.zeros(96_000), "WAV", 96_000), "96000 samples a second"),
        (encode(np.zeros((16_000, 6)), "WAV"), "6 channels"),
    ],
)
def test_what_transcribe_would_refuse_is_measured_all_the_same(account, services, put, body, told):
    recording_id = put(KEY, body)

    events.receive_upload(KEY, services)
    events.extract_features(recording_id, services)

    recording = services.recordings.get(recording_id)
    assert recording.statuses == {
        "transcription": "FAILED",
        "features": "COMPLETED",
        "renditions": "SKIPPED",
    }
    assert told in recording.reason
    assert list(account.transcribe.jobs) == []
    assert account.take() == [{"recording_id": recording_id}]

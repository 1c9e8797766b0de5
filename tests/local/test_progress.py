"""The progress of a recording goes from 0 to 1, with an estimate of the time left."""

import io
import time
from dataclasses import replace
from types import SimpleNamespace

import pytest
from rich.console import Console

from chalicelib.core import keys
from chalicelib.core.recording import BranchState, Recording, Status
from chalicelib.core.upload import Upload
from local.progress import Progress
from local.shares import HeardParts, Shares, seconds_left

UPLOAD = Upload(bucket="media", key="uploads/me/call.wav", etag="e", size=1)


def recording(**statuses):
    states = {"transcription": "IN_PROGRESS", "features": "COMPLETED", "renditions": "SKIPPED"}
    branches = {
        branch: BranchState(Status(status)) for branch, status in (states | statuses).items()
    }
    return replace(Recording.of(UPLOAD, created_at="2024-01-01T00:00:00+00:00"), **branches)


def shown(recording, heard=0.0, encoded=0.0):
    """Return the terminal's line for a recording in work."""
    observers = []
    job = keys.Job("earshot-local-", recording.id, "t", 1)
    shares = Shares(
        [SimpleNamespace(progress=lambda: {job.name: heard})],
        SimpleNamespace(progress=lambda: {recording.id: encoded}),
        "earshot-local-",
    )
    runtime = SimpleNamespace(observe=observers.append, shares=shares)
    console = Console(file=io.StringIO(), width=120)
    progress = Progress(runtime, console)
    for observer in observers:
        observer(recording.id, recording)
    console.print(progress._bars())
    return " ".join(console.file.getvalue().split())


def test_skipped_and_finished_branches_do_not_count_as_done():
    assert " 0 % transcribing" in shown(recording())


def test_the_progress_is_that_of_the_slowest_branch():
    video = recording(renditions="IN_PROGRESS")

    assert "30 % transcribing, encoding" in shown(video, heard=0.9, encoded=0.3)


def test_a_recording_that_waits_for_its_features_says_so():
    assert "100 % measuring" in shown(recording(transcription="COMPLETED", features="PENDING"))


def test_the_progress_does_not_go_back_while_the_outcome_of_a_job_is_stored():
    one, observers = recording(), []
    running = {keys.Job("earshot-local-", one.id, "t", 1).name: 0.6}
    encoding = SimpleNamespace(progress=dict)
    shares = Shares([SimpleNamespace(progress=lambda: running)], encoding, "earshot-local-")
    console = Console(file=io.StringIO(), width=120)
    progress = Progress(SimpleNamespace(observe=observers.append, shares=shares), console)
    observers[0](one.id, one)

    console.print(progress._bars())
    running.clear()
    console.print(progress._bars())

    assert console.file.getvalue().count(" 60 % ") == 2


def test_the_time_left_follows_from_the_pace_so_far():
    assert seconds_left(100.0, 0.1, now=120.0, share=0.5) == pytest.approx(25.0)


def test_there_is_no_estimate_before_there_is_a_pace():
    assert seconds_left(100.0, 0.1, now=120.0, share=0.11) is None


def test_the_page_is_told_the_share_of_each_branch_and_the_time_left(monkeypatch):
    now, heard = [100.0], [0.1]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    one = recording(renditions="IN_PROGRESS")
    job = keys.Job("earshot-local-", one.id, "t", 1)
    shares = Shares(
        [SimpleNamespace(progress=lambda: {job.name: heard[0], "another-stage's": 0.9})],
        SimpleNamespace(progress=lambda: {one.id: 0.7}),
        "earshot-local-",
    )

    first = shares.described()
    now[0], heard[0] = 120.0, 0.5
    second = shares.described()

    assert first[one.id]["transcription"] == {"share": 0.1, "left_s": None}
    assert second[one.id]["transcription"] == {"share": 0.5, "left_s": pytest.approx(25.0)}
    assert second[one.id]["renditions"] == {"share": 0.7, "left_s": None}
    assert second.keys() == {one.id}


def test_a_recording_that_is_heard_in_parts_has_the_share_of_those_that_are_heard():
    job = keys.Job("earshot-local-", recording().id, keys.RECOGNISER, 1)
    other = keys.Job("earshot-local-", recording().id, keys.TRANSCRIBE, 1)
    heard = HeardParts("earshot-local-")
    assert heard.progress() == {}

    for key in (*(job.part(number, "wav") for number in range(4)), job.parts, other.input("wav")):
        heard.note("media", key)
    assert heard.progress() == {job.name: 0.0}
    for number in (2, 0, 2):
        heard.note("media", job.part(number, "words"))
    assert heard.progress() == {job.name: 0.5}

    heard.note("media", job.transcript())
    assert heard.progress() == {}

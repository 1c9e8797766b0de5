"""The progress of a recording goes from 0 to 1, with an estimate of the time left."""

import io
from types import SimpleNamespace

import pytest
from rich.console import Console

from chalicelib.core.recording import Recording
from local.progress import Progress, seconds_left


def recording(**statuses):
    branches = {"transcription": "IN_PROGRESS", "features": "COMPLETED", "renditions": "SKIPPED"}
    return Recording(
        {
            "recording_id": "call",
            "owner": "me",
            "source_key": "uploads/me/call.wav",
            **branches,
            **statuses,
        }
    )


def shown(recording, heard=0.0, encoded=0.0):
    """Return the terminal's line for a recording in work."""
    observers = []
    runtime = SimpleNamespace(
        observe=observers.append,
        transcribe=SimpleNamespace(progress=lambda: {"call": heard}),
        mediaconvert=SimpleNamespace(progress=lambda: {"call": encoded}),
    )
    console = Console(file=io.StringIO(), width=120)
    progress = Progress(runtime, console)
    for observer in observers:
        observer("call", recording)
    console.print(progress._bars())
    return " ".join(console.file.getvalue().split())


def test_skipped_and_finished_branches_do_not_count_as_done():
    assert " 0 % transcribing" in shown(recording())


def test_the_progress_is_that_of_the_slowest_branch():
    video = recording(renditions="IN_PROGRESS")

    assert "30 % transcribing, encoding" in shown(video, heard=0.9, encoded=0.3)


def test_a_recording_that_waits_for_its_features_says_so():
    assert "100 % measuring" in shown(recording(transcription="COMPLETED", features="PENDING"))


def test_the_time_left_follows_from_the_pace_so_far():
    assert seconds_left(100.0, 0.1, now=120.0, share=0.5) == pytest.approx(25.0)


def test_there_is_no_estimate_before_there_is_a_pace():
    assert seconds_left(100.0, 0.1, now=120.0, share=0.11) is None

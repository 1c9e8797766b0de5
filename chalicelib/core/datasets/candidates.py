"""Recordings as sources of a data set, or the reason why they cannot be."""

from typing import Any

from chalicelib.core.datasets.models import LeftOut, Recipe, Source
from chalicelib.core.recording import Branch, Recording, Status


def source_of(recording: Recording, *, audio: str) -> Source | LeftOut:
    """Return a recording as a source, or the reason why it is left out.

    Parameters
    ----------
    recording : Recording
        as it is now
    audio : str
        address of its upload
    """
    measured, summary = recording.measurement, recording.transcript
    if reason := refusal(recording):
        return LeftOut(recording.id, reason)
    if measured is None or summary is None:
        raise TypeError(recording)
    parameters: Any = measured.feature_parameters
    return Source(
        recording_id=recording.id,
        owner=recording.owner,
        audio=audio,
        sample_rate_hz=measured.source_sample_rate_hz,
        n_samples=round(measured.duration_s * measured.source_sample_rate_hz),
        n_channels=measured.channels,
        n_frames=measured.n_frames,
        recipe=Recipe(
            sr=measured.sample_rate_hz,
            hop_length=int(parameters["hop_length"]),
            n_mfcc=int(parameters["n_mfcc"]),
        ),
        language=summary.language_code,
    )


def refusal(recording: Recording) -> str | None:
    """Return why a recording cannot be in a data set, or None if it can."""
    if not recording.is_settled:
        return "It is still being processed."
    for branch in (Branch.TRANSCRIPTION, Branch.FEATURES):
        if recording.status_of(branch) != Status.COMPLETED:
            reason = recording.state(branch).reason or ""
            return f"Its {branch} is {recording.status_of(branch)}. {reason}".strip()
    if "segments" not in recording.word_table_keys:
        return "It has no table of segments: its tables are of single channels, or without pitch."
    return None

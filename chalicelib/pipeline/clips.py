"""Clips: parts of a recording's sound, written beside its tables when they are asked for."""

from typing import TYPE_CHECKING

from chalicelib.core import keys
from chalicelib.core.recording import Recording
from chalicelib.errors import NotThereError

if TYPE_CHECKING:
    from chalicelib.services import Services


def make_clip(recording: Recording, start_s: float, end_s: float, services: "Services") -> str:
    """Write a part of a recording as WAV; return its key. Safe to repeat.

    It is made of the upload, or of the audio track if the recording was measured from that.
    Raise MediaError if there is no such part, and NotThereError if the upload is gone.
    """
    key = keys.clip(recording.id, start_s, end_s)
    if services.results.find(key):
        return key
    # numpy and soundfile take longer to import than most requests take to answer.
    from chalicelib.core.audio.clips import read_clip, write_wav  # noqa: PLC0415  # as above

    track_key = recording.measurement.measured_key if recording.measurement else None
    track_key = track_key or recording.rendered.audio_track_key
    track = services.results.find(track_key) if track_key else None
    store, upload = services.media, services.media.find_source(recording)
    if upload is None:
        raise NotThereError("The upload is no longer in the bucket.")
    if track:
        store, upload = services.results, track
    with store.open(upload) as source:
        y, sr = read_clip(source, start_s, end_s)
    with services.results.create(key) as stream:
        write_wav(stream, y, sr)
    return key

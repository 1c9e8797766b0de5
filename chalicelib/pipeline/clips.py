"""Clips: parts of a recording's sound or of its tables, written when they are asked for."""

import gzip
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, BinaryIO, cast

from chalicelib.core import keys
from chalicelib.core.recording import Recording
from chalicelib.core.results import Measurement
from chalicelib.core.upload import Upload
from chalicelib.errors import NotThereError

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy as np

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

    with _open_sound(recording, services) as source:
        y, sr = read_clip(source, start_s, end_s)
    with services.results.create(key) as stream:
        write_wav(stream, y, sr)
    return key


def read_sound(
    recording: Recording,
    part: tuple[float, float],
    services: "Services",
    *,
    sr: int,
    channel: int | None = None,
) -> "np.ndarray":
    """Return a part of a recording as mono float32 samples: of one channel, or the mix.

    Raise MediaError if there is no such part, and NotThereError if the upload is gone.
    """
    from chalicelib.core.audio.clips import mono, read_clip  # noqa: PLC0415  # as above

    with _open_sound(recording, services) as source:
        return mono(*read_clip(source, *part), to_sr=sr, channel=channel)


@contextmanager
def _open_sound(recording: Recording, services: "Services") -> Iterator[BinaryIO]:
    track_key = recording.measurement.measured_key if recording.measurement else None
    track_key = track_key or recording.rendered.audio_track_key
    track = services.results.find(track_key) if track_key else None
    store, upload = services.media, services.media.find_source(recording)
    if upload is None:
        raise NotThereError("The upload is no longer in the bucket.")
    if track:
        store, upload = services.results, track
    with store.open(upload) as source:
        yield source


def make_rows(
    recording: Recording,
    measurement: Measurement,
    table: Upload,
    part: tuple[float, float],
    services: "Services",
) -> str:
    """Write the rows of a table that lie in a part of a recording as CSV; return their key.

    They are written each time, because a table may be made again. Raise RequestError if the
    table's rows have no times.
    """
    from chalicelib.core.features.rows import rows_between  # noqa: PLC0415  # as above

    start_s, end_s = part
    name = keys.table_name(table.key.rpartition("/")[2])
    key = keys.clip(recording.id, start_s, end_s, f"{name}.csv")
    with ExitStack() as stack:
        lines: Iterable[bytes] = stack.enter_context(services.results.open(table))
        if table.key.endswith(".gz"):
            lines = stack.enter_context(gzip.open(cast("BinaryIO", lines)))
        rows = rows_between(lines, start_s, end_s, frame_s=measurement.frame_s)
        written = stack.enter_context(services.results.create(key))
        for row in rows:
            written.write(row)
    return key

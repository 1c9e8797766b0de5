"""Every table keeps within its limits: options at their edges, memory at any length, numbers."""

import gc
import tracemalloc
from contextlib import ExitStack
from dataclasses import fields
from itertools import product

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.measuring import encode, measure
from support.signals import vowel

from chalicelib.core.dsp.parameters import FeatureParameters
from chalicelib.core.features.bounds import MOST_NUMBERS
from chalicelib.core.features.extract import extract
from chalicelib.core.features.tracks.spectral import SpectralOptions
from chalicelib.core.features.tracks.track import Source
from chalicelib.core.registry import DEFAULT_TABLES, TABLES, track_class
from chalicelib.errors import EarshotError, MediaError

NEW = sorted(set(TABLES) - set(DEFAULT_TABLES))
WITH_OPTIONS = [table for table in NEW if track_class(table).options]
SHORT = encode(vowel(0.12, 8000), 8000)


def edges(field):
    """Return the extreme and the usual values of an option, as text."""
    allowed = field.metadata
    if allowed["choices"]:
        return [str(choice) for choice in allowed["choices"]]
    if isinstance(field.default, bool):
        return ["true", "false"]
    return [f"{value:g}" for value in (allowed["low"], field.default, allowed["high"])]


@pytest.mark.parametrize("table", WITH_OPTIONS)
@settings(max_examples=8, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_any_options_at_their_edges_are_measured_or_refused_with_a_reason(table, data):
    options = {
        f"{table}_{field.name}": data.draw(st.sampled_from(edges(field)), label=field.name)
        for field in fields(track_class(table).options)
    }

    try:
        _, tables = measure(SHORT, tables=table, **options)
    except EarshotError as exc:
        text = f"{exc}"
    else:
        text = tables[f"{table}.csv"].decode().lower()

    assert text
    assert "nan" not in text.split("\n", 1)[-1]
    assert "inf" not in text.split("\n", 1)[-1]


def peak_bytes(table, seconds, sr=8000):
    """Return the most memory that a track takes for a signal, and its rows while it is read."""
    block = np.random.default_rng(0).normal(0, 0.1, sr).astype(np.float32)
    more = {"spectral": SpectralOptions(contrast_bands=4)} if table == "spectral" else {}
    parameters = FeatureParameters(sr=sr, tables=(table,), options=more)
    gc.collect()
    tracemalloc.start()
    with ExitStack() as stack:
        track = track_class(table)(parameters, Source(sr=8000, native_sr=8000), stack)
        for _ in range(seconds):
            track.push(block[np.newaxis] if track.apart else block)
        track.finish()
        for _ in track.table().lines:
            pass
        _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak


@pytest.mark.slow
@pytest.mark.parametrize("table", NEW)
def test_memory_does_not_grow_with_the_length(table):
    peak_bytes(table, 2)  # what is made once
    short, long = peak_bytes(table, 10), peak_bytes(table, 40)

    # Half a minute at 8 kHz has 2 MB of samples; rows are in memory up to 4 MiB.
    assert long - short < 4 << 20, (short, long)
    assert long < 60 << 20


def test_a_table_of_too_many_numbers_is_refused_before_reading():
    media = encode(np.zeros(8000), 8000)
    header = bytearray(media[:44])
    claimed = 3 * 3600 * 8000 * 2
    header[4:8], header[40:44] = ((claimed + n).to_bytes(4, "little") for n in (36, 0))
    parameters = FeatureParameters.parse(
        {"tables": "fbank", "fbank_frame_shift": "1", "fbank_num_mel_bins": "80"}
    )

    numbers_per_s = 81 * 1000
    assert numbers_per_s * 3 * 3600 > MOST_NUMBERS
    with pytest.raises(MediaError, match=r"hold 875 million numbers.* or fewer tables"):
        extract(Sized(bytes(header), claimed + 44), parameters, lambda _: None)


class Sized:
    """A file that has a head, and zeros after it up to its size."""

    def __init__(self, head, size):
        self._head, self._size, self._at = head, size, 0

    def seek(self, offset, whence=0):
        self._at = offset + (0, self._at, self._size)[whence]
        return self._at

    def read(self, n=-1):
        n = min(self._size - self._at, 1 << 20 if n < 0 else n)
        found = self._head[self._at : self._at + n].ljust(n, b"\0")
        self._at += n
        return found

    def tell(self):
        return self._at


@pytest.mark.parametrize(("table", "channels"), list(product(NEW, [1, 3])))
def test_the_numbers_that_are_counted_are_those_that_are_written(table, channels):
    seconds = 3
    y = np.stack([vowel(seconds, 16_000)] * channels, axis=1)
    _, tables = measure(encode(y, 16_000), tables=table)

    with ExitStack() as stack:
        source = Source(sr=22_050, native_sr=16_000, n_channels=channels)
        track = track_class(table)(FeatureParameters(tables=(table,)), source, stack)

    written = tables.rows(f"{table}.csv").size
    if table == "quality":
        assert written < 10
    else:
        assert written == pytest.approx(track.numbers_per_s * seconds, rel=0.15)

"""RMS and zero crossings equal librosa's, for a signal in blocks of any size."""

import librosa
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.measuring import noise

from chalicelib.core.dsp.energy import EnergyMeter


def energy_of(pieces, frame_length=2048, hop_length=512):
    with EnergyMeter(frame_length=frame_length, hop_length=hop_length) as meter:
        for piece in pieces:
            meter.push(piece)
        meter.finish()
        return np.concatenate(list(meter.rows())).T


@settings(max_examples=40)
@given(
    n=st.integers(1, 9000),
    cuts=st.lists(st.integers(0, 9000), max_size=8),
    frame_length=st.sampled_from([16, 400, 512, 2048]),
    hop_length=st.sampled_from([16, 160, 441, 512, 3000]),
)
def test_energy_equals_that_of_librosa_however_the_signal_is_cut(n, cuts, frame_length, hop_length):
    y = noise(n)[:, 0].astype(np.float32)
    framing = {"frame_length": frame_length, "hop_length": hop_length}

    rms, rate = energy_of(np.split(y, sorted(min(cut, n) for cut in cuts)), **framing)

    np.testing.assert_allclose(rms, librosa.feature.rms(y=y, **framing)[0], rtol=1e-5)
    theirs = librosa.feature.zero_crossing_rate(y, **framing)[0]
    np.testing.assert_array_equal(rate, theirs.astype(np.float32))


@pytest.mark.parametrize(
    "y",
    [
        np.zeros(5000),
        np.full(5000, -0.5),
        np.tile([1e-11, -1e-11], 2500),
        np.tile([1e-9, -1e-9], 2500),
        np.tile([0.0, -0.1], 2500),
    ],
    ids=["silence", "negative DC", "nearer than zero", "just beyond zero", "zero is positive"],
)
def test_energy_of_known_signals_equals_that_of_librosa(y):
    y = y.astype(np.float32)

    rms, rate = energy_of([y])

    np.testing.assert_allclose(rms, librosa.feature.rms(y=y)[0], rtol=1e-5)
    np.testing.assert_array_equal(rate, librosa.feature.zero_crossing_rate(y)[0])

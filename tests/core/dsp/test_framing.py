"""Frames do not depend on how the signal is cut into blocks."""

import librosa
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.core.dsp.framing import Framer


def frames_of(y, cuts, frame_length, hop_length):
    framer = Framer(frame_length, hop_length)
    pieces = [framer.push(piece).copy() for piece in np.split(y, sorted(cuts))]
    return np.concatenate([*pieces, framer.finish()])


@given(
    n=st.integers(1, 300),
    cuts=st.lists(st.integers(0, 300), max_size=8),
    frame_length=st.integers(1, 40),
    hop_length=st.integers(1, 90),
)
def test_frames_do_not_depend_on_the_cuts(n, cuts, frame_length, hop_length):
    y = np.arange(1, n + 1, dtype=np.float32)

    frames = frames_of(y, [min(cut, n) for cut in cuts], frame_length, hop_length)

    padded = np.pad(y, frame_length // 2)
    whole = librosa.util.frame(padded, frame_length=frame_length, hop_length=hop_length)
    np.testing.assert_array_equal(frames, whole.T)


@pytest.mark.parametrize("n", [0, 1, 511, 512, 513])
def test_there_is_a_frame_around_each_hop(n):
    frames = frames_of(np.zeros(n, dtype=np.float32), [], 2048, 512)

    assert len(frames) == 1 + n // 512

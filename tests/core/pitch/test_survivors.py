"""Undecided frames wait until all paths agree, in memory or in a file."""

import numpy as np
import pytest

from chalicelib.core.pitch.survivors import UNVOICED, Survivors

RNG_SEED = 3
EVERYTHING, NOTHING = 1 << 30, 0


def segment(*paths):
    pitches = np.array(paths, np.int16).T
    return pitches, np.linspace(0, 1, len(pitches))


@pytest.mark.parametrize("memory_bytes", [EVERYTHING, NOTHING])
def test_frames_on_which_all_paths_agree_are_taken(memory_bytes):
    survivors = Survivors(memory_bytes=memory_bytes)
    survivors.append(*segment([1, 2, 3, 4], [1, 2, 7, 4]), np.array([0, 0]))

    pitches, probs = survivors.take()

    assert pitches.tolist() == [1, 2]
    assert probs.tolist() == [0, 1 / 3]


@pytest.mark.parametrize("memory_bytes", [EVERYTHING, NOTHING])
def test_frames_are_decided_when_later_paths_share_one_past(memory_bytes):
    survivors = Survivors(memory_bytes=memory_bytes)
    survivors.append(*segment([1, 2], [1, UNVOICED]), np.array([0, 0]))
    survivors.take()

    survivors.append(*segment([3, 4], [3, 5]), np.array([1, 1]))
    pitches, _ = survivors.take()

    assert pitches.tolist() == [UNVOICED, 3]
    assert survivors.finish(0)[0].tolist() == [4]


@pytest.mark.parametrize("memory_bytes", [EVERYTHING, NOTHING])
def test_the_end_decides_between_paths_that_never_met(memory_bytes):
    survivors = Survivors(memory_bytes=memory_bytes)
    for pitch in range(5):
        survivors.append(*segment([pitch], [pitch + 10]), np.array([0, 1]))
        assert len(survivors.take()[0]) == 0

    pitches, _ = survivors.finish(1)

    assert pitches.tolist() == [10, 11, 12, 13, 14]


def test_unvoiced_paths_that_never_met_are_decided():
    survivors = Survivors()
    survivors.append(*segment([UNVOICED] * 3, [UNVOICED] * 3), np.array([0, 1]))

    pitches, _ = survivors.take()

    assert pitches.tolist() == [UNVOICED] * 3


def test_frames_in_memory_and_in_a_file_give_the_same_result():
    rng = np.random.default_rng(RNG_SEED)
    survivors = [Survivors(memory_bytes=limit) for limit in (EVERYTHING, 500, NOTHING)]
    taken = [[] for _ in survivors]
    n_before = 1
    for _ in range(300):
        n_frames, n_paths = rng.integers(1, 20), rng.integers(1, 9)
        pitches = rng.integers(0, 3, (n_frames, n_paths)).astype(np.int16)
        entry = rng.integers(0, n_before, n_paths)
        for each, frames in zip(survivors, taken, strict=True):
            each.append(pitches, np.full(n_frames, 0.5), entry)
            frames.append(each.take()[0])
        n_before = n_paths
    for each, frames in zip(survivors, taken, strict=True):
        frames.append(each.finish(0)[0])

    first, *others = [np.concatenate(frames) for frames in taken]

    for other in others:
        np.testing.assert_array_equal(first, other)


def test_the_memory_of_undecided_frames_is_bounded():
    survivors = Survivors(memory_bytes=10_000)

    for _ in range(200):
        survivors.append(*segment(range(256), range(1, 257)), np.array([0, 1]))
        survivors.take()

    assert sum(each.nbytes for each in survivors._runs) < 20_000
    assert len(survivors.finish(0)[0]) == 200 * 256

"""The compiled kernels give numpy's results; other tests compare both with librosa."""

import importlib.util
import platform
import sys
from types import ModuleType

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.core.dsp import kernels
from chalicelib.core.dsp.compiled_mel import make_mel_spectrum
from chalicelib.core.dsp.mel import mel_slabs
from chalicelib.core.dsp.mel_spectrum import MelSpectrum
from chalicelib.core.dsp.parameters import FeatureParameters
from chalicelib.core.pitch import compiled_yin
from chalicelib.core.pitch.compiled_lattice import CompiledLattice
from chalicelib.core.pitch.compiled_yin import _twiddles, has_numpys_bits
from chalicelib.core.pitch.lattice import Lattice
from chalicelib.core.pitch.parameters import PitchParameters
from chalicelib.core.pitch.transitions import Transitions

pytestmark = pytest.mark.skipif(
    kernels.library is None, reason="the kernels are not compiled here: `make kernels`"
)
SR = 22050
MOVES = Transitions.of(PitchParameters(sr=SR, resolution=0.5, hop_length=100))


def frames_of(n_frames, n_fft, hop_length):
    y = np.random.default_rng(n_fft).standard_normal(n_fft + n_frames * hop_length)
    windows = np.lib.stride_tricks.sliding_window_view(y.astype(np.float32), n_fft)
    return windows[::hop_length][:n_frames]


@pytest.mark.parametrize("n_fft", [2**i for i in range(4, 16)])
@pytest.mark.parametrize("n_frames", [1, 4, 7])
def test_the_mel_spectrum_is_that_of_a_plain_transform(n_fft, n_frames):
    parameters = FeatureParameters(n_fft=n_fft, n_mels=40)
    window = np.random.default_rng(1).random(n_fft)
    frames = frames_of(n_frames, n_fft, 100)

    mel = make_mel_spectrum(parameters, sr=SR, window=window)(frames)

    power = np.abs(np.fft.rfft(frames * window)) ** 2
    slabs = mel_slabs(parameters, sr=SR, n_fft=n_fft)
    expected = np.hstack([power[:, bins] @ weights.T for _, bins, weights in slabs])
    np.testing.assert_allclose(mel, expected, rtol=1e-6)


@pytest.mark.parametrize("layout", [None, (2, 4, 8), (3, 8, 8, 8), (3, 4, 8, 4)])
def test_kernels_of_another_version_are_not_called(monkeypatch, caplog, layout):
    package = ModuleType("earshot_kernels")
    package.library = object()
    if layout:
        package.layout = layout
    monkeypatch.setitem(sys.modules, "earshot_kernels", package)
    specification = importlib.util.spec_from_file_location("kernels", kernels.__file__)
    loaded = importlib.util.module_from_spec(specification)

    specification.loader.exec_module(loaded)

    assert loaded.library is None
    assert loaded.version() is None
    assert "Compile them anew: make kernels" in caplog.text


@pytest.mark.parametrize(("n_fft", "is_compiled"), [(2048, True), (2000, False), (401, False)])
def test_numpy_transforms_lengths_that_are_not_a_power_of_two(n_fft, is_compiled):
    found = make_mel_spectrum(FeatureParameters(), sr=SR, window=np.ones(n_fft))

    assert isinstance(found, MelSpectrum) != is_compiled


@pytest.mark.skipif(
    platform.machine() != "x86_64", reason="elsewhere numpy's transform may fuse its products"
)
@pytest.mark.parametrize("frame_length", [8, 128, 2048, 8192])
def test_an_autocorrelation_is_used_only_if_it_is_numpys_to_the_last_bit(frame_length, monkeypatch):
    assert has_numpys_bits.__wrapped__(frame_length)

    monkeypatch.setattr(compiled_yin, "_twiddles", lambda n: np.nextafter(_twiddles(n), 2))

    assert not has_numpys_bits.__wrapped__(frame_length)


@pytest.mark.parametrize("frame_length", [16, 1000, 1024, 4096])
def test_numpy_transforms_frames_that_are_not_half_a_power_of_four(frame_length):
    assert not has_numpys_bits(frame_length)


observed = st.dictionaries(
    st.integers(0, MOVES.n_bins - 1), st.sampled_from([1e-9, 0.01, 0.2]), max_size=5
)


@settings(max_examples=50)
@given(observations=st.lists(observed, min_size=1, max_size=30), n_rows=st.integers(2, 9))
def test_a_lattice_has_the_same_likelihoods_to_the_last_bit(observations, n_rows):
    lattices = Lattice(MOVES, n_rows=n_rows), CompiledLattice(MOVES, n_rows=n_rows)
    for observation in observations:
        bins = np.array(sorted(observation), np.intp)
        probs = np.array([observation[each] for each in sorted(observation)])
        log_unvoiced = float(np.log((1 - min(probs.sum(), 0.999)) / MOVES.n_bins))
        for lattice in lattices:
            if lattice.row == n_rows - 1:
                lattice.restart()
            lattice.step(bins, np.log(probs), log_unvoiced)

        plain, compiled = lattices
        row = plain.row
        np.testing.assert_array_equal(compiled._unvoiced[row], plain._unvoiced[row])
        np.testing.assert_array_equal(compiled._voiced[row], plain._voiced[row])
        np.testing.assert_array_equal(compiled.states(row), plain.states(row))
        assert compiled.best() == plain.best()

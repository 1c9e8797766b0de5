"""The compiled kernels compute what numpy does; other tests hold both against librosa."""

import numpy as np
import pytest

from chalicelib.core import kernels
from chalicelib.core.compiled_mel import make_mel_spectrum
from chalicelib.core.mel import mel_slabs
from chalicelib.core.mel_spectrum import MelSpectrum
from chalicelib.core.parameters import FeatureParameters

pytestmark = pytest.mark.skipif(
    kernels.library is None, reason="the kernels are not compiled here: `make kernels`"
)
SR = 22050


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
    slabs = mel_slabs(sr=SR, n_fft=n_fft, n_mels=40, fmin=0.0, fmax=None, htk=False)
    expected = np.hstack([power[:, bins] @ weights.T for _, bins, weights in slabs])
    np.testing.assert_allclose(mel, expected, rtol=1e-6)


@pytest.mark.parametrize(("n_fft", "is_compiled"), [(2048, True), (2000, False), (401, False)])
def test_numpy_transforms_what_is_no_power_of_two(n_fft, is_compiled):
    found = make_mel_spectrum(FeatureParameters(), sr=SR, window=np.ones(n_fft))

    assert isinstance(found, MelSpectrum) != is_compiled

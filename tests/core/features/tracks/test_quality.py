"""``quality`` tells what was done to a voice: clipped, moved, cut, narrowed, put into noise."""

import json

import numpy as np
import pytest
from scipy import special
from support.measuring import SPEECH, encode, measure, noise
from support.signals import vowel

from chalicelib.core.dsp.quality import WADA_DB, WADA_G

SR = 16_000
N = 2 * SR


def quality(y, sr=SR, **options):
    _, tables = measure(encode(y, sr, subtype="FLOAT"), tables="quality", **options)
    values = json.loads(tables["features.json"])["values"]["quality"]
    row = tables.rows("quality.csv")
    assert row.shape == (1, len(values))
    return values


def gamma_speech(n):
    """Amplitudes as WADA takes speech to have: a gamma distribution of shape 0.4."""
    random = np.random.default_rng(4)
    return random.gamma(0.4, size=n) * random.choice([-1, 1], size=n)


def test_clipped_samples_are_counted_over_all_channels():
    y = np.full((N, 2), 0.5)
    y[: N // 4, 0] = 1.0
    y[N // 2 :, 1] = -1.0

    assert quality(y)["clipped_share"] == pytest.approx((0.25 + 0.5) / 2)
    assert quality(y, quality_clip_threshold=0.5)["clipped_share"] == 1


def test_the_offset_is_that_of_the_worst_channel():
    y = noise(N, channels=2, level=0.01) + np.array([0.01, -0.05])

    assert quality(y)["dc_offset"] == pytest.approx(-0.05, abs=1e-3)


def test_silence_is_counted():
    y = np.where(np.arange(N) < N // 4, 0.5, 0.001)

    assert quality(y)["silent_share"] == pytest.approx(0.75)


def test_activity_is_the_time_with_sound_and_its_level():
    y = 0.5 * np.sin(np.arange(4 * SR)) * (np.arange(4 * SR) < SR)

    found = quality(y)

    # A second of four, with 0.2 s of hangover and the fall of the envelope.
    assert 0.25 < found["speech_share"] < 0.36
    assert found["speech_level_dbfs"] == pytest.approx(-9.03, abs=1.5)


def test_a_steady_sound_is_active_all_the_time():
    found = quality(0.5 * np.sin(np.arange(N)))

    assert found["speech_share"] == pytest.approx(1, abs=0.05)
    assert found["speech_level_dbfs"] == pytest.approx(-9.03, abs=0.2)


@pytest.mark.parametrize("snr_db", [0, 10, 20, 40])
def test_noise_is_found_in_signals_distributed_as_speech(snr_db):
    y = gamma_speech(200_000)
    random = np.random.default_rng(1)
    noisy = y + random.normal(0, np.sqrt(np.mean(y**2) / 10 ** (snr_db / 10)), len(y))

    assert quality(noisy / 100)["snr_db"] == pytest.approx(snr_db, abs=1)


@pytest.mark.skipif(not SPEECH.exists(), reason="the shared recordings are not here")
@pytest.mark.parametrize("snr_db", [0, 5])
def test_noise_is_found_in_real_speech(snr_db):
    import soundfile as sf  # noqa: PLC0415  # after the reason to skip

    y, sr = sf.read(SPEECH / "librivox-0870.wav")
    random = np.random.default_rng(1)
    noisy = y + random.normal(0, np.sqrt(np.mean(y**2) / 10 ** (snr_db / 10)), len(y))

    assert quality(noisy, sr)["snr_db"] == pytest.approx(snr_db, abs=2)


def test_the_curve_of_wada_has_the_limits_of_both_distributions():
    gaussian = np.log(np.sqrt(2 / np.pi)) - (np.log(2) + special.digamma(0.5)) / 2
    gamma = np.log(0.4) - special.digamma(0.4)

    assert WADA_G[0] == pytest.approx(gaussian, abs=1e-4)
    assert gamma - 0.03 < WADA_G[-1] < gamma
    # Three numbers of the paper's authors' own table.
    published = dict(zip([-10, 0, 20], [0.41231718, 0.46221153, 0.95655449], strict=True))
    for db, g in published.items():
        assert WADA_G[list(WADA_DB).index(db)] == pytest.approx(g, abs=4e-3)
    assert (np.diff(WADA_G) > 0).all()


def test_a_telephones_band_is_found_whatever_the_rate():
    wide = noise(N * 3)[:, 0]
    spectrum = np.fft.rfft(wide)
    spectrum[np.fft.rfftfreq(len(wide), 1 / 48_000) > 3400] = 0

    assert quality(wide, 48_000)["bandwidth_hz"] > 23_900
    assert quality(np.fft.irfft(spectrum), 48_000)["bandwidth_hz"] == pytest.approx(3400, abs=50)


def test_digital_silence_has_no_level_and_no_ratio():
    found = quality(np.zeros(N))

    assert found["silent_share"] == 1
    assert [found[name] for name in ("speech_share", "snr_db", "bandwidth_hz")] == [None] * 3


def test_a_voice_is_without_fault():
    found = quality(vowel(2, SR, level=0.5))

    assert found["clipped_share"] == 0
    assert abs(found["dc_offset"]) < 0.05
    assert found["bandwidth_hz"] < 8000

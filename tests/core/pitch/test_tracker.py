"""Pitch equals ``librosa.pyin`` on every frame, for samples in blocks of any size."""

import hashlib
from pathlib import Path

import librosa
import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st
from support.measuring import EXACT, PRUNES

from chalicelib.core.pitch.tracker import PitchTracker, joined, track_pitch
from chalicelib.errors import MediaError, ParameterError

pytestmark = pytest.mark.usefixtures("each_path")

SPEECH = Path(__file__).parents[3] / "../shared/speech"
SR = 22050
RNG_SEED = 7


def speechlike(*, sr=SR, duration_s=3.0):
    """Gliding voiced stretches of many harmonics, between noise and pauses."""
    rng = np.random.default_rng(RNG_SEED)
    t = np.arange(int(sr * duration_s)) / sr
    f0_hz = 140 + 50 * np.sin(2 * np.pi * 0.7 * t) + 8 * np.sin(2 * np.pi * 5 * t)
    phase = 2 * np.pi * np.cumsum(f0_hz) / sr
    voice = sum(np.sin(k * phase) / k for k in range(1, 12))
    voiced = np.sin(2 * np.pi * 1.3 * t) > -0.3
    spoken = np.sin(2 * np.pi * 0.5 * t) > -0.7
    y = spoken * (0.2 * voiced * voice + 0.05 * ~voiced * rng.standard_normal(len(t)))
    return (y + 1e-4 * rng.standard_normal(len(t))).astype(np.float32)


def tone(f0_hz, *, sr=SR, duration_s=1.0):
    return librosa.tone(f0_hz, sr=sr, duration=duration_s).astype(np.float32)


def click(n=SR):
    y = np.zeros(n, np.float32)
    y[n // 3] = 1
    return y


def noise(n=SR, *, dtype=np.float32):
    return (0.1 * np.random.default_rng(RNG_SEED).standard_normal(n)).astype(dtype)


def tone_between_noises():
    return np.concatenate(
        [noise(8000), tone(200.0), noise(8000), tone(333.0), np.zeros(8000, "f4")]
    )


SIGNALS = {
    "a low tone": lambda: tone(70.0),
    "a tone": lambda: tone(220.0),
    "a high tone": lambda: tone(480.0),
    "two tones": lambda: 0.5 * tone(150.0) + 0.5 * tone(401.0),
    "a tone between noises": tone_between_noises,
    "a chirp": lambda: librosa.chirp(fmin=70, fmax=480, sr=SR, duration=3).astype(np.float32),
    "a clipped tone": lambda: np.clip(4 * tone(130.0), -1, 1),
    "a square wave": lambda: np.sign(tone(98.0)),
    "silence": lambda: np.zeros(SR, np.float32),
    "noise then silence": lambda: np.concatenate([noise(9000), np.zeros(30000, np.float32)]),
    "a constant": lambda: np.full(SR, 0.3, np.float32),
    "a click": click,
    "noise": noise,
    "faint noise": lambda: 1e-6 * noise(),
    "samples so small that squares vanish": lambda: np.float32(1e-25) * noise(),
    "samples so large that squares overflow": lambda: np.float32(1e25) * noise(),
    "double precision": lambda: noise(dtype=np.float64) + tone(180.0),
    "speech-like": speechlike,
}


references: dict[tuple, tuple[np.ndarray, ...]] = {}
"""Results of librosa, as each path of our own is held against the same."""


def reference(y, **options):
    asked = (hashlib.sha256(y).digest(), y.dtype, repr(EXACT | options))
    if asked not in references:
        with np.errstate(all="ignore"):
            references[asked] = librosa.pyin(y, **(EXACT | options))
    return references[asked]


def assert_equals_librosa(frames, expected):
    f0, voiced_flag, voiced_prob = expected
    np.testing.assert_array_equal(frames.f0, f0)
    np.testing.assert_array_equal(frames.voiced_flag, voiced_flag)
    np.testing.assert_allclose(frames.voiced_prob, voiced_prob, rtol=0, atol=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize("fmax", [500.0, 2093.0])
@pytest.mark.parametrize("name", SIGNALS)
def test_pitch_is_that_of_librosa(name, fmax):
    y = SIGNALS[name]()

    frames = track_pitch(y, sr=SR, fmax=fmax)

    assert_equals_librosa(frames, reference(y, sr=SR, fmin=65.0, fmax=fmax))


@pytest.mark.slow
@pytest.mark.parametrize("sr", [8000, 11025, 16000, 44100, 48000])
@pytest.mark.parametrize(("fmin", "fmax"), [(65.0, 500.0), (80.0, 2093.0), (61.7, 1234.5)])
def test_pitch_is_that_of_librosa_at_every_rate_and_range(sr, fmin, fmax):
    y = speechlike(sr=sr, duration_s=1.5)

    frames = track_pitch(y, sr=sr, fmin=fmin, fmax=fmax)

    assert_equals_librosa(frames, reference(y, sr=sr, fmin=fmin, fmax=fmax))


@pytest.mark.slow
@pytest.mark.parametrize(
    "options",
    [
        {"hop_length": 160},
        {"hop_length": 3000, "max_transition_rate": 4.0},
        {"hop_length": 20},
        {"frame_length": 1024, "hop_length": 256},
        {"frame_length": 4096, "hop_length": 1024},
        {"center": False},
        {"n_thresholds": 17},
        {"beta_parameters": (1, 18)},
        {"beta_parameters": (3, 7)},
        {"boltzmann_parameter": 0.05},
        {"resolution": 0.35},
        {"resolution": 0.9, "hop_length": 700},
        {"resolution": 0.35, "hop_length": 560},
        {"max_transition_rate": 4.0},
        {"switch_prob": 0.3},
        {"switch_prob": 1e-300},
        {"no_trough_prob": 0.9},
    ],
    ids=str,
)
def test_pitch_is_that_of_librosa_with_other_parameters(options):
    y = np.concatenate([speechlike(duration_s=1.0), tone(111.0, duration_s=0.5)])

    frames = track_pitch(y, sr=SR, **options)

    expected = reference(y, sr=SR, fmin=65.0, fmax=500.0, **({"hop_length": 512} | options))
    assert_equals_librosa(frames, expected)


@pytest.mark.slow
@pytest.mark.skipif(not PRUNES, reason="librosa 0.11 searches all moves: librosa 1.0 (Python 3.12)")
@pytest.mark.parametrize("least", [1e-4, 1e-3, 1e-8])
@pytest.mark.parametrize("fmax", [500.0, 2093.0])
@pytest.mark.parametrize("name", SIGNALS)
def test_pitch_without_unlikely_moves_is_that_of_librosa(name, fmax, least):
    y = SIGNALS[name]()

    frames = track_pitch(y, sr=SR, fmax=fmax, transition_min_prob=least)

    options = {"sr": SR, "fmin": 65.0, "fmax": fmax, "transition_min_prob": least}
    assert_equals_librosa(frames, reference(y, **options))


def test_a_limit_that_leaves_no_move_is_refused_with_one_that_does():
    with pytest.raises(ParameterError, match=r"^transition_min_prob: 0.1 leaves a pitch bin") as no:
        track_pitch(tone(111.0), sr=SR, transition_min_prob=0.1)
    most = float(str(no.value).rpartition(" ")[2])

    assert len(track_pitch(tone(111.0), sr=SR, transition_min_prob=most * 0.9))


@pytest.mark.parametrize(
    "n",
    [0, 1, 2, 511, 512, 513, 1023, 1024, 1025, 2047, 2048, 16895, 16896, 16897, 147_455, 147_456],
)
def test_pitch_is_that_of_librosa_at_every_length(n):
    y = np.tile(speechlike(), 3)[:n]

    frames = track_pitch(y, sr=SR)

    assert len(frames) == 1 + n // 512
    assert_equals_librosa(frames, reference(y, sr=SR, fmin=65.0, fmax=500.0))


@pytest.mark.slow
@pytest.mark.skipif(not SPEECH.exists(), reason="the recordings are not part of the project")
@pytest.mark.parametrize("fmax", [500.0, 2093.0])
@pytest.mark.parametrize("path", sorted(SPEECH.glob("*.[wf][al]*")), ids=lambda path: path.name)
def test_pitch_of_real_speech_is_that_of_librosa(path, fmax):
    y, sr = soundfile.read(path, dtype="float32", always_2d=True)
    y = y.mean(axis=1)

    frames = track_pitch(y, sr=sr, fmax=fmax)

    assert_equals_librosa(frames, reference(y, sr=sr, fmin=65.0, fmax=fmax))


@pytest.mark.slow
@settings(max_examples=40)
@given(st.lists(st.integers(0, 30_000), max_size=12))
def test_pitch_does_not_depend_on_how_the_samples_are_cut(lengths):
    y = speechlike()
    cuts = np.minimum(np.cumsum(lengths, dtype=int), len(y))
    whole = track_pitch(y, sr=SR)

    tracker = PitchTracker(sr=SR)
    runs = [tracker.push(block) for block in np.split(y, cuts)]
    frames = joined([*runs, tracker.finish()])

    assert_equals_librosa(frames, (whole.f0, whole.voiced_flag, whole.voiced_prob))


def test_samples_may_come_one_by_one():
    y = speechlike()[:3000]

    tracker = PitchTracker(sr=SR)
    runs = [tracker.push(y[i : i + 1]) for i in range(len(y))]

    assert_equals_librosa(
        joined([*runs, tracker.finish()]), reference(y, sr=SR, fmin=65.0, fmax=500.0)
    )


@pytest.mark.parametrize("f0_hz", [80.0, 220.0, 440.0])
def test_pitch_of_a_pure_tone_is_its_frequency(f0_hz):
    frames = track_pitch(tone(f0_hz), sr=SR)

    error_octaves = np.log2(frames.f0[frames.voiced_flag] / f0_hz)
    assert abs(np.median(error_octaves)) < 0.01


def test_silence_is_unvoiced():
    frames = track_pitch(np.zeros(11025), sr=SR)

    assert np.isnan(frames.f0).all()
    assert not frames.voiced_flag.any()


def test_frames_come_out_before_the_end():
    y = np.tile(speechlike(), 10)
    tracker = PitchTracker(sr=SR)

    pushed = sum(len(tracker.push(block)) for block in np.array_split(y, 50))

    assert pushed > 0.7 * len(y) / 512


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_sample_that_is_not_a_number_is_refused(value):
    y = tone(220.0)
    y[100] = value

    with pytest.raises(MediaError, match="not finite"):
        track_pitch(y, sr=SR)


def test_a_recording_without_a_whole_frame_is_refused():
    with pytest.raises(MediaError, match="shorter than one frame"):
        track_pitch(np.zeros(100), sr=SR, center=False)


def test_two_channels_are_refused():
    with pytest.raises(ValueError, match=r"\(2, 100\)"):
        track_pitch(np.zeros((2, 100)), sr=SR)


@pytest.mark.parametrize("dtype", [np.int16, np.float16, np.complex64])
def test_samples_of_another_type_are_refused(dtype):
    with pytest.raises(ValueError, match=np.dtype(dtype).name):
        track_pitch(np.zeros(100, dtype), sr=SR)


def test_a_change_of_precision_is_refused():
    tracker = PitchTracker(sr=SR)
    tracker.push(np.zeros(10, np.float32))

    with pytest.raises(ValueError, match="float64"):
        tracker.push(np.zeros(10, np.float64))

"""``fbank`` and ``mfcc_kaldi`` are kaldi-native-fbank's without dither, over Kaldi's options."""

import io

import kaldi_native_fbank as knf
import librosa
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.measuring import SPEECH, encode, measure
from support.signals import vowel

from chalicelib.core.dsp.kaldi import MelScale, warp
from chalicelib.errors import ParameterError

SAME = 1e-3
VOICE = encode(vowel(0.6, 16_000) + 0.01, 16_000)
FRAMES = {
    "frame_length": "frame_length_ms",
    "frame_shift": "frame_shift_ms",
    "preemphasis_coefficient": "preemph_coeff",
    "remove_dc_offset": "remove_dc_offset",
    "window_type": "window_type",
    "blackman_coeff": "blackman_coeff",
    "round_to_power_of_two": "round_to_power_of_two",
    "snip_edges": "snip_edges",
    "sample_frequency": "samp_freq",
}
MEL = {"num_mel_bins": "num_bins", "low_freq": "low_freq", "high_freq": "high_freq"}


def reference(table, y, options):
    """Return the features of samples by kaldi-native-fbank, with the same options."""
    kind = "Fbank" if table == "fbank" else "Mfcc"
    opts = getattr(knf, f"{kind}Options")()
    opts.frame_opts.dither = 0
    opts.mel_opts.num_bins = 23
    if kind == "Mfcc":
        opts.use_energy = True
        opts.energy_floor = 0.0
    for name, value in options.items():
        place, names = (
            (opts.frame_opts, FRAMES)
            if name in FRAMES
            else (opts.mel_opts, MEL)
            if name in MEL
            else (opts, {name: name})
        )
        setattr(place, names[name], value)
    extractor = getattr(knf, f"Online{kind}")(opts)
    extractor.accept_waveform(opts.frame_opts.samp_freq, (y * 32768).tolist())
    extractor.input_finished()
    return np.array([extractor.get_frame(i) for i in range(extractor.num_frames_ready)])


def rows(media, table, options):
    named = {f"{table}_{name}": value for name, value in options.items()}
    return measure(media, tables=table, **named)[1].rows(f"{table}.csv")


def compare(table, media, options):
    y, _ = librosa.load(io.BytesIO(media), sr=options.get("sample_frequency", 16_000))

    ours = rows(media, table, options)[:, 1:]

    theirs = reference(table, y, options).reshape(-1, ours.shape[1])
    assert ours.shape == theirs.shape
    np.testing.assert_allclose(ours, theirs, atol=SAME, rtol=1e-5)


SHARED = [
    {},
    {"frame_length": 20.0, "frame_shift": 7.0},
    {"snip_edges": False},
    {"snip_edges": False, "frame_shift": 40.0},
    {"preemphasis_coefficient": 0.5},
    {"remove_dc_offset": False},
    *({"window_type": kind} for kind in ("hamming", "hanning", "sine", "rectangular")),
    {"window_type": "blackman", "blackman_coeff": 0.4},
    {"round_to_power_of_two": False},
    {"num_mel_bins": 40, "low_freq": 60.0, "high_freq": -400.0},
    {"use_energy": True, "raw_energy": False},
    {"use_energy": True, "energy_floor": 1e9},
    {"use_energy": True, "htk_compat": True},
    {"sample_frequency": 8000},
]


@pytest.mark.parametrize("options", [*SHARED, {"use_log_fbank": True, "use_power": False}], ids=str)
def test_the_filterbank_equals_kaldis(options):
    compare("fbank", VOICE, options)


@pytest.mark.parametrize(
    "options",
    [
        *SHARED,
        {"num_ceps": 20, "cepstral_lifter": 0.0},
        {"use_energy": False},
        {"use_energy": False, "htk_compat": True},
    ],
    ids=str,
)
def test_the_coefficients_equal_kaldis(options):
    compare("mfcc_kaldi", VOICE, options)


@pytest.mark.skipif(not SPEECH.exists(), reason="the shared recordings are not here")
@pytest.mark.parametrize("table", ["fbank", "mfcc_kaldi"])
def test_speech_equals_kaldis(table):
    compare(table, (SPEECH / "cards-001.wav").read_bytes(), {})


@settings(max_examples=25)
@given(n=st.integers(1, 1300), snip=st.booleans(), shift=st.sampled_from([5.0, 10.0, 33.0, 90.0]))
def test_any_length_gives_the_frames_of_kaldi(n, snip, shift):
    media = encode(vowel(1300 / 16_000, 16_000)[:n], 16_000)

    compare("fbank", media, {"snip_edges": snip, "frame_shift": shift})


def test_energies_without_logarithm_equal_kaldis():
    options = {"use_log_fbank": False}
    y, _ = librosa.load(io.BytesIO(VOICE), sr=16_000)

    ours = rows(VOICE, "fbank", options)[:, 1:]

    np.testing.assert_allclose(ours, reference("fbank", y, options), rtol=1e-3)


def test_the_mean_is_subtracted_on_request():
    plain, centred = (rows(VOICE, "fbank", {"subtract_mean": yes})[:, 1:] for yes in (False, True))

    np.testing.assert_allclose(centred, plain - plain.mean(axis=0), atol=1e-4)


def test_vtln_scales_the_middle_and_keeps_both_ends():
    mel = MelScale(
        num_mel_bins=23, low_freq=20, high_freq=8000, vtln_low=100, vtln_high=7500, vtln_warp=1.25
    )

    warped = warp(np.array([20.0, 1000.0, 4000.0, 8000.0]), mel)

    np.testing.assert_allclose(warped, [20, 800, 3200, 8000])
    assert np.abs(rows(VOICE, "fbank", {"vtln_warp": 1.1}) - rows(VOICE, "fbank", {})).max() > 0.1


def test_the_times_are_the_centres_of_the_frames():
    np.testing.assert_allclose(rows(VOICE, "fbank", {})[:2, 0], [0.0125, 0.0225])
    np.testing.assert_allclose(rows(VOICE, "fbank", {"snip_edges": False})[:2, 0], [0.005, 0.015])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"num_mel_bins": 200}, r"fbank_num_mel_bins: 200 are too many: band \d+ has no bin of"),
        ({"high_freq": 9000}, r"fbank_high_freq: 9000 is no frequency above fbank_low_freq, 20 Hz"),
        ({"window_type": "kaiser"}, r"fbank_window_type: 'kaiser' is not povey, hamming"),
        ({"vtln_warp": 1.9, "vtln_high": 150}, r"fbank_vtln_warp: 1.9 moves fbank_vtln_low"),
        ({"frame_length": 1000, "sample_frequency": 48000}, r"48000 samples at 48000 Hz, and at"),
        (
            {"round_to_power_of_two": False, "frame_length": 25.1},
            r"401 samples at 16000 Hz, and without fbank_round_to_power_of_two",
        ),
    ],
)
def test_options_that_do_not_fit_are_refused_with_the_reason(options, message):
    with pytest.raises(ParameterError, match=message):
        rows(VOICE, "fbank", options)


def test_more_coefficients_than_bands_are_refused():
    with pytest.raises(ParameterError, match=r"num_ceps: 30 is more than mfcc_kaldi_num_mel_bins"):
        rows(VOICE, "mfcc_kaldi", {"num_ceps": 30})

"""One pass gives every table, with librosa's numbers, and a summary of how it was made."""

import gzip
import io
import json
import os
import re
import tracemalloc
from contextlib import contextmanager

import librosa
import numpy as np
import pytest
from support.measuring import (
    EXACT,
    SPEECH,
    Tables,
    assert_equal_mfcc,
    encode,
    librosa_mfcc,
    measure,
    noise,
)

from chalicelib.core.features.extract import FeatureParameters, extract
from chalicelib.core.features.tracks.mfcc import MfccOptions
from chalicelib.errors import MediaError, ParameterError


def speech_like(seconds, sr=22050):
    """A gliding voice with pauses, in which pitch is found."""
    t = np.arange(int(seconds * sr)) / sr
    phase = 2 * np.pi * np.cumsum(140 + 40 * np.sin(2 * np.pi * t / 3)) / sr
    voice = sum(np.sin(k * phase) / k for k in range(1, 9)) * 0.2
    return voice * (np.sin(2 * np.pi * t) > -0.3) + noise(len(t), level=1e-3)[:, 0]


def test_every_table_equals_librosa():
    media = encode(speech_like(6), 22050)
    y, sr = librosa.load(io.BytesIO(media))

    _, tables = measure(media)

    energy, pitch = tables.rows("energy.csv"), tables.rows("pitch.csv")
    f0, voiced, voiced_prob = librosa.pyin(y, sr=sr, fmin=65, fmax=500, **EXACT)
    assert_equal_mfcc(tables.rows("mfcc.csv"), librosa_mfcc(media))
    np.testing.assert_allclose(energy[:, 1], librosa.feature.rms(y=y)[0], rtol=1e-5, atol=1e-9)
    np.testing.assert_array_equal(energy[:, 2], librosa.feature.zero_crossing_rate(y)[0])
    np.testing.assert_allclose(pitch[:, 0], librosa.times_like(f0, sr=sr), atol=2e-6)
    np.testing.assert_array_equal(pitch[:, 1], f0.astype(np.float32))
    np.testing.assert_array_equal(pitch[:, 2], voiced)
    np.testing.assert_allclose(pitch[:, 3], voiced_prob, atol=1e-7)


@pytest.mark.skipif(not SPEECH.exists(), reason="the shared recordings are not here")
def test_pitch_and_energy_of_real_speech_equal_those_of_librosa():
    media = (SPEECH / "jfk.flac").read_bytes()
    y, sr = librosa.load(io.BytesIO(media))

    _, tables = measure(media, tables=("energy", "pitch"))

    energy, pitch = tables.rows("energy.csv"), tables.rows("pitch.csv")
    f0, voiced, _ = librosa.pyin(y, sr=sr, fmin=65, fmax=500, **EXACT)
    np.testing.assert_allclose(energy[:, 1], librosa.feature.rms(y=y)[0], rtol=1e-5, atol=1e-9)
    np.testing.assert_array_equal(energy[:, 2], librosa.feature.zero_crossing_rate(y)[0])
    np.testing.assert_array_equal(pitch[:, 1], f0.astype(np.float32))
    np.testing.assert_array_equal(pitch[:, 2], voiced)


def test_the_tables_have_the_documented_columns():
    _, tables = measure(encode(noise(9000), 22050), deltas=1, n_mfcc=2)

    assert tables.header("mfcc.csv") == "mfcc_1,mfcc_2,delta_1,delta_2"
    assert tables.header("energy.csv") == "time_s,rms,zero_crossing_rate"
    assert tables.header("pitch.csv") == "time_s,f0_hz,voiced,voiced_prob"


@pytest.mark.parametrize("deltas", [0, 2])
def test_the_times_of_mfcc_are_those_of_pitch_and_its_numbers_stay(deltas):
    media = encode(speech_like(1), 22050)
    options = {"mfcc": MfccOptions(times=True)}

    summary, timed = measure(media, tables=("mfcc", "pitch"), deltas=deltas, options=options)

    _, plain = measure(media, tables=("mfcc",), deltas=deltas)
    assert timed.header("mfcc.csv") == f"time_s,{plain.header('mfcc.csv')}"
    rows = timed.rows("mfcc.csv")
    np.testing.assert_array_equal(rows[:, 0], timed.rows("pitch.csv")[:, 0])
    np.testing.assert_array_equal(rows[:, 1:], plain.rows("mfcc.csv"))
    assert summary.parameters.to_dict()["mfcc_times"] is True


def test_an_unvoiced_frame_has_an_empty_f0():
    _, tables = measure(encode(np.zeros(4000), 22050), tables=("pitch",))

    assert tables["pitch.csv"].split(b"\n")[1].startswith(b"0.0,,0,")


@pytest.mark.parametrize("n_fft", [512, 401, 2048])
@pytest.mark.parametrize("hop_length", [160, 441, 1500])
def test_all_tables_have_the_same_frames(n_fft, hop_length):
    media = encode(noise(441 * 160 // 5), 22050)

    summary, tables = measure(media, n_fft=n_fft, hop_length=hop_length)

    rows = [len(tables.rows(name)) for name in summary.tables]
    assert rows == [summary.n_frames] * 3


def test_deltas_equal_those_of_librosa():
    media = encode(noise(22050 * 40), 22050)

    _, tables = measure(media, tables=("mfcc",), deltas=2)

    mfcc, delta, delta2 = np.split(tables.rows("mfcc.csv"), 3, axis=1)
    np.testing.assert_allclose(delta, librosa.feature.delta(mfcc.T).T, atol=1e-4)
    np.testing.assert_allclose(delta2, librosa.feature.delta(mfcc.T, order=2).T, atol=1e-4)


def test_a_recording_too_short_for_deltas_is_refused():
    with pytest.raises(MediaError, match="too short for deltas: they need 9 frames, it has 8"):
        measure(encode(noise(512 * 7), 22050), deltas=1)


def test_each_channel_can_be_measured_apart():
    y = noise(22050, channels=2)
    media = encode(y, 22050)

    summary, tables = measure(media, channels="each", tables=("mfcc", "energy"))

    assert summary.tables == ("mfcc.ch1.csv", "energy.ch1.csv", "mfcc.ch2.csv", "energy.ch2.csv")
    for channel in (0, 1):
        alone = encode(y[:, channel], 22050)
        ours = tables.rows(f"mfcc.ch{channel + 1}.csv")
        assert_equal_mfcc(ours, librosa_mfcc(alone))


def test_more_channels_than_can_be_measured_apart_are_refused():
    with pytest.raises(MediaError, match="255 channels: at most 16"):
        measure(encode(noise(10, channels=255), 8000), channels="each")


def test_an_archive_holds_the_tables_in_the_shapes_of_librosa():
    media = encode(speech_like(3), 22050)

    summary, tables = measure(media, npz=True, deltas=1)

    archive = np.load(io.BytesIO(tables["features.npz"]))
    n = summary.n_frames
    assert archive["mfcc"].shape == archive["delta"].shape == (13, n)
    np.testing.assert_array_equal(archive["mfcc"].T, tables.rows("mfcc.csv")[:, :13])
    np.testing.assert_array_equal(archive["rms"], tables.rows("energy.csv")[:, 1])
    np.testing.assert_array_equal(archive["f0"].astype(np.float32), tables.rows("pitch.csv")[:, 1])
    assert archive["voiced_flag"].dtype == bool
    np.testing.assert_allclose(archive["times"], np.arange(n) * 512 / 22050, atol=1e-6)


def test_gzipped_tables_hold_the_same_and_are_the_same_bytes_each_time():
    media = encode(noise(30000), 22050)

    _, plain = measure(media, tables=("mfcc",))
    _, once = measure(media, tables=("mfcc",), gzip=True, npz=True)
    _, again = measure(media, tables=("mfcc",), gzip=True, npz=True)

    assert gzip.decompress(once["mfcc.csv.gz"]) == plain["mfcc.csv"]
    assert once == again


def test_only_the_tables_that_are_asked_for_are_written():
    summary, tables = measure(encode(noise(4000), 22050), tables=("energy",))

    assert summary.tables == ("energy.csv",)
    assert set(tables) == {"energy.csv", "display.json", "features.json"}


def test_a_pitch_range_beyond_the_sample_rate_is_refused_by_its_name():
    with pytest.raises(ParameterError, match=r"^f0_max: 500\.0 is above half"):
        measure(encode(noise(100), 100), sr=None, tables=("pitch",))


def test_a_hop_too_long_for_pitch_omits_pitch_only_and_names_the_longest_hop():
    media = encode(speech_like(2, sr=11025), 11025)

    summary, _ = measure(media, sr=11025, hop_length=1024)

    assert summary.tables == ("mfcc.csv", "energy.csv")
    assert summary.f0_frame_length is None
    assert "There is no pitch table. hop_length: 1024 is too long at sr=11025" in summary.remark
    assert "or a lower f0_min" in summary.remark
    longest = int(re.search(r"hop_length of at most (\d+)", summary.remark)[1])
    assert measure(media, sr=11025, hop_length=longest)[0].remark is None
    with pytest.raises(ParameterError, match=r"^hop_length: "):
        measure(media, sr=11025, hop_length=1024, tables=("pitch",))


@pytest.mark.parametrize(("sr", "f0_min"), [(22050, 65.0), (22050, 20.0), (48000, 40.0)])
def test_the_summary_has_the_frame_length_that_pitch_was_computed_with(sr, f0_min):
    media = encode(speech_like(2), 22050)

    _, tables = measure(media, sr=sr, f0_min=f0_min, tables=("pitch",))

    told = json.loads(tables["features.json"])["f0_frame_length"]
    y, _ = librosa.load(io.BytesIO(media), sr=sr)
    f0, voiced, _ = librosa.pyin(
        y, sr=sr, fmin=f0_min, fmax=500, frame_length=told, hop_length=512, **EXACT
    )
    np.testing.assert_array_equal(tables.rows("pitch.csv")[:, 1], f0.astype(np.float32))
    np.testing.assert_array_equal(tables.rows("pitch.csv")[:, 2], voiced)


def test_tables_that_would_take_too_long_are_refused_before_reading():
    class Unread(io.BytesIO):
        furthest = 0

        def read(self, size=-1):
            data = super().read(size)
            self.furthest = max(self.furthest, self.tell())
            return data

    media = Unread(encode(np.zeros(16000 * 180), 16000))
    asked = FeatureParameters(sr=48000, hop_length=16, n_mels=512, n_mfcc=512, deltas=2, npz=True)
    tables = Tables()

    with pytest.raises(MediaError, match=r"540,000 frames would hold 1,666 million numbers"):
        extract(media, asked, tables.open)

    assert not tables
    assert media.furthest <= 1 << 20


def test_writing_ends_when_the_time_is_over():
    tables = Tables()
    is_late = iter([False] * 30 + [True] * 1000).__next__

    with pytest.raises(MediaError, match="tables take too long to write"):
        extract(
            io.BytesIO(encode(noise(22050 * 30), 22050)),
            FeatureParameters(gzip=True),
            tables.open,
            is_late=is_late,
        )

    assert "features.json" not in tables


def test_given_remarks_come_first():
    tables = Tables()
    media = io.BytesIO(encode(noise(9000), 22050)[:9000])

    summary = extract(media, FeatureParameters(), tables.open, remarks=["Mind the gap."])

    assert summary.remark.startswith("Mind the gap. The file ends early")


def test_a_recording_longer_than_allowed_is_refused():
    media = encode(np.zeros(8000 * 120), 8000)

    with pytest.raises(MediaError, match=r"longer than 0\.01 h"):
        extract(io.BytesIO(media), FeatureParameters(), Tables().open, longest_s=36)


def test_the_summary_has_the_parameters_and_versions(each_path):
    tables = Tables()
    media = io.BytesIO(encode(noise(16000, channels=2), 16000, form="FLAC"))

    summary = extract(media, FeatureParameters(), tables.open, provenance={"etag": "abc"})

    written = json.loads(tables["features.json"])
    assert written["parameters"]["n_mfcc"] == 13
    assert written["etag"] == "abc"
    assert written["source_sample_rate_hz"] == summary.source_sample_rate_hz == 16000
    assert written["sample_rate_hz"] == summary.sample_rate_hz == 22050
    assert written["channels"] == summary.channels == 2
    assert written["duration_s"] == summary.duration_s == 1.0
    assert written["n_frames"] == summary.n_frames == 44
    assert written["versions"].keys() >= {"earshot", "numpy", "soxr", "libsndfile"}
    assert (written["versions"]["kernels"] is None) == (each_path == "numpy")
    assert written["remark"] is summary.remark is None
    shown = {summary.display, summary.spectrogram}
    assert {*summary.tables, *shown} == tables.keys() - {"features.json"}


def test_memory_does_not_grow_with_the_length():
    def peak_bytes(seconds):
        media = io.BytesIO(encode(noise(8000 * seconds, level=0.01), 8000))
        tracemalloc.start()
        extract(media, FeatureParameters(tables=("mfcc", "energy")), discarding)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return peak

    # The longer recording has 9 MB more of log-mel rows, and 35 MB more of samples at 22,050 Hz.
    assert peak_bytes(600) < peak_bytes(200) + (1 << 20)


@contextmanager
def discarding(_name):
    with open(os.devnull, "wb") as stream:  # noqa: PTH123  # devnull is not a file's path
        yield stream


def test_samples_that_are_not_numbers_are_refused_and_no_table_is_written():
    y = noise(30000)
    y[20000] = np.nan
    tables = Tables()

    with pytest.raises(MediaError, match="not numbers"):
        extract(io.BytesIO(encode(y, 22050, subtype="FLOAT")), FeatureParameters(), tables.open)

    assert not tables

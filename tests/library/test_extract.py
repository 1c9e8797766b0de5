"""``earshot.extract`` gives the pipeline's numbers as arrays, and says what it cannot do."""

import io
import re
import shutil
import subprocess
import sys

import librosa
import numpy as np
import pytest
from support.measuring import LARGEST, encode, measure, noise
from support.running import ROOT, SAMPLE

import earshot

SR = 22_050


@pytest.fixture
def wav():
    t = np.arange(SR) / SR
    voice = 0.3 * np.sin(2 * np.pi * 180 * t) + 0.1 * np.sin(2 * np.pi * 360 * t)
    return encode(np.stack([voice, noise(SR)[:, 0]], axis=1), SR)


def test_the_arrays_are_those_of_the_files(wav):
    found = earshot.extract(io.BytesIO(wav), "mfcc,pitch", n_mfcc=20)

    _, tables = measure(wav, tables=("mfcc", "pitch"), n_mfcc=20)
    pitch = tables.rows("pitch.csv")
    assert set(found) == {"mfcc", "f0", "voiced_flag", "voiced_prob"}
    np.testing.assert_array_equal(found["mfcc"].T, tables.rows("mfcc.csv"))
    np.testing.assert_array_equal(found["f0"].astype(np.float32), pitch[:, 1])
    np.testing.assert_allclose(found.times, pitch[:, 0], atol=1e-6)


def test_the_coefficients_are_those_of_librosa(wav):
    y, sr = librosa.load(io.BytesIO(wav))

    found = earshot.extract(io.BytesIO(wav), tables=["mfcc"])

    theirs = librosa.feature.mfcc(y=y, sr=sr, n_mfcc=13)
    assert np.abs(found["mfcc"] - theirs).max() <= LARGEST
    np.testing.assert_allclose(found.times, librosa.times_like(theirs, sr=sr), atol=1e-6)


def test_a_path_may_be_given_as_text_or_as_a_path(wav, tmp_path):
    path = tmp_path / "talk.wav"
    path.write_bytes(wav)

    by_text, by_path = earshot.extract(str(path), "energy"), earshot.extract(path, "energy")

    np.testing.assert_array_equal(by_text["rms"], by_path["rms"])
    assert by_text.summary.duration_s == 1.0
    assert "rms: (44,)" in repr(by_text)


def test_each_channel_is_an_axis(wav):
    found = earshot.extract(io.BytesIO(wav), "mfcc,energy", channels="each")

    assert found["mfcc"].shape == (2, 13, 44)
    assert found["rms"].shape == (2, 44)
    assert found.times.shape == (44,)


def test_a_table_has_its_own_options_and_times(wav):
    found = earshot.extract(io.BytesIO(wav), "logmel,energy", logmel_n_mels=128, channels="each")

    assert found["logmel"].shape == (2, 128, 100)
    assert found["logmel_times"].shape == (100,)
    assert found["rms"].shape == (2, *found.times.shape)


def test_the_code_of_the_guide_runs(tmp_path):
    guide = (ROOT / "docs/guides/library.md").read_text()
    (block,) = re.findall(r"```python\n(.*?)```", guide, re.DOTALL)
    shutil.copyfile(SAMPLE, tmp_path / "talk.wav")
    code = "\n".join(line.removeprefix("   ") for line in block.splitlines())

    said = subprocess.check_output(
        [sys.executable, "-c", code], cwd=tmp_path, env={"PYTHONPATH": str(ROOT)}, text=True
    )

    assert said.splitlines()[0].startswith("<Features of 5.92 s: mfcc: (13, 256), f0: (256,)")


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"logmel_nmels": 80}, r"^logmel_nmels: it is no parameter; did you mean logmel_n_mels\?"),
        ({"logmel_n_mels": 81}, r"^logmel_n_mels: 81 is not 80 or 128"),
        ({"n_mfc": 20}, r"^n_mfc: it is no parameter; did you mean n_mfcc\?"),
        ({"npz": True}, "^npz: it is no parameter"),
        ({"n_mfcc": 0}, "^n_mfcc: 0 is not between 1 and 512"),
        ({"tables": "mfcc,words"}, "^tables: 'mfcc,words' is not some of"),
    ],
)
def test_a_parameter_that_cannot_be_used_is_refused(wav, parameters, message):
    with pytest.raises(earshot.ParameterError, match=message):
        earshot.extract(io.BytesIO(wav), **parameters)


def test_a_recording_that_cannot_be_read_is_refused(tmp_path):
    with pytest.raises(earshot.MediaError, match=r"cannot be read: No such file"):
        earshot.extract(tmp_path / "nothing.wav")
    with pytest.raises(earshot.MediaError):
        earshot.extract(io.BytesIO(b"no sound at all"))

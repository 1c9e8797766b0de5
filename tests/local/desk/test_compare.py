"""The comparison measures Earshot and librosa on a recording, each in a separate process."""

import os
import subprocess
import sys
from concurrent.futures.process import BrokenProcessPool

import librosa
import numpy as np
import pytest
import soundfile
from support.running import ROOT

from local.desk import compare as comparing
from local.desk.compare import compare, main, report


def write_voice(path, seconds=2.0, sr=16000):
    t = np.arange(int(seconds * sr)) / sr
    y = sum(np.sin(2 * np.pi * 150 * k * t) / k for k in range(1, 6)) * 0.2
    soundfile.write(path, y, sr)
    return path


@pytest.mark.slow
def test_comparing_a_recording_shows_that_both_sides_agree(tmp_path):
    comparison = compare(write_voice(tmp_path / "voice.wav"), tmp_path)

    assert comparison.frames_librosa == comparison.frames_earshot == 87
    assert comparison.voicing_differs == 0
    assert max(d.largest for d in comparison.differences) <= 5e-4
    assert comparison.librosa.cpu_s > 0
    assert comparison.earshot.peak_mb < comparison.librosa.peak_mb
    assert "frames                          87          87" in report(comparison)
    assert f"librosa {librosa.__version__} on Python 3." in report(comparison)


@pytest.mark.slow
def test_the_command_prints_the_comparison_of_each_file(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    path = write_voice(tmp_path / "voice.flac", seconds=0.5)

    status = main([str(path)])

    assert status == 0
    assert capsys.readouterr().out.startswith("voice.flac, 0.5 s")


@pytest.mark.slow
def test_a_file_that_cannot_be_compared_gives_a_reason_and_the_next_is_compared(tmp_path):
    reasons = {
        "missing.wav": "No such file or directory.",
        "empty.wav": "empty",
        "notes.txt": "cannot be read",
        "folder": "Is a directory.",
    }
    (tmp_path / "empty.wav").write_bytes(b"")
    (tmp_path / "notes.txt").write_text("no sound at all, and long enough to look at")
    (tmp_path / "folder").mkdir()
    write_voice(tmp_path / "voice.wav", seconds=0.5)

    ended = subprocess.run(
        [sys.executable, "-m", "local", "compare", *reasons, "voice.wav"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=200,
    )

    assert ended.returncode == 1
    lines = ended.stderr.splitlines()
    assert len(lines) == len(reasons)
    for line, (name, reason) in zip(lines, reasons.items(), strict=True):
        assert line.startswith(f"{name}: ")
        assert reason in line
    assert ended.stdout.startswith("voice.wav, 0.5 s")


def crash(_path, _archive):
    os.abort()


def test_a_side_that_crashes_ends_the_comparison(tmp_path, monkeypatch):
    monkeypatch.setattr(comparing, "measure_with_librosa", crash)

    with pytest.raises(BrokenProcessPool):
        compare(write_voice(tmp_path / "voice.wav"), tmp_path)

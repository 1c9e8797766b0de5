"""The benchmark's scripts do what they are timed for."""

import json
import subprocess
import sys
from pathlib import Path

import librosa
import numpy as np
import pytest
import soundfile

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


@pytest.fixture
def recording(tmp_path):
    path = tmp_path / "noise.wav"
    soundfile.write(path, np.random.default_rng(0).normal(0, 0.1, 30000), 44100)
    return path


def run(script, *arguments):
    return subprocess.run(
        [sys.executable, str(BENCHMARKS / script), *map(str, arguments)],
        check=True,
        capture_output=True,
        text=True,
    ).stdout


def test_the_recipe_that_is_timed_writes_the_table_of_the_original(recording, tmp_path):
    table = tmp_path / "mfcc.csv"

    run("earshot_mfcc.py", recording, table)

    y, sr = librosa.load(recording)
    theirs = librosa.feature.mfcc(y=y, sr=sr, n_mfcc=13).T
    ours = np.loadtxt(table, delimiter=",", skiprows=1)
    np.testing.assert_allclose(ours, theirs, atol=5e-4)


@pytest.mark.parametrize("work", ["mfcc", "energy", "pitch", "together", "floor", "decode"])
def test_each_kind_of_work_tells_the_seconds_of_its_runs(recording, work):
    seconds = json.loads(run("warm.py", work, recording, 2))

    assert len(seconds) == 2


def test_a_recording_is_made_as_long_as_it_is_asked_for(tmp_path):
    run("recordings.py", tmp_path / "speech.wav", 2)

    assert soundfile.info(tmp_path / "speech.wav").duration == 2.0

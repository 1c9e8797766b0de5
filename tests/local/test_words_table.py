"""The values of each word in words.csv equal librosa's over the same span."""

import csv
import json
from pathlib import Path

import librosa
import numpy as np
import pytest
from PIL import Image
from support.measuring import EXACT
from support.running import ROOT, SAMPLE, process_as_json

from local.desk.chart import main as chart

pytestmark = pytest.mark.slow

JFK = ROOT.parent / "shared" / "speech" / "jfk.flac"
FIVE_CENTS = 2 ** (5 / 1200)


@pytest.mark.parametrize(
    "recording",
    [
        SAMPLE,
        pytest.param(
            JFK, marks=pytest.mark.skipif(not JFK.exists(), reason="the shared speech is not here")
        ),
    ],
    ids=lambda path: path.name,
)
def test_every_word_has_a_row_and_its_median_is_that_of_librosa(recording, tmp_path):
    _, (outcome,) = process_as_json("--out", tmp_path, recording)

    heard = json.loads(Path(outcome["outputs"]["transcript"]).read_text())["results"]["items"]
    with Path(outcome["outputs"]["words"]).open(newline="") as table:
        rows = list(csv.DictReader(table))
    spoken = [item for item in heard if item["type"] == "pronunciation"]
    assert [row["word"] for row in rows] == [w["alternatives"][0]["content"] for w in spoken]
    y, sr = librosa.load(recording)
    f0, voiced, _ = librosa.pyin(y, sr=sr, fmin=65, fmax=500, **EXACT)
    times = librosa.times_like(f0, sr=sr)
    for row, word in zip(rows, spoken, strict=True):
        inside = (times >= float(word["start_time"])) & (times < float(word["end_time"])) & voiced
        if not inside.any():
            assert row["f0_median_hz"] == ""
            continue
        ratio = float(row["f0_median_hz"]) / np.median(f0[inside])
        assert 1 / FIVE_CENTS < ratio < FIVE_CENTS
    assert sum(row["f0_median_hz"] != "" for row in rows) > 0.8 * len(rows)

    summary = json.loads(Path(outcome["outputs"]["summary"]).read_text())
    assert (summary["n_words"], summary["n_speakers"]) == (len(rows), 1)
    assert 80 < summary["speaking_rate_wpm"] <= summary["articulation_rate_wpm"] < 300
    assert summary["f0_p05_hz"] < summary["f0_median_hz"] < summary["f0_p95_hz"]

    folder = Path(outcome["outputs"]["words"]).parent
    assert chart(folder) == 0
    with Image.open(folder / "words.png") as picture:
        assert picture.width > 600

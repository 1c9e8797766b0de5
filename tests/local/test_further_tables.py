"""Further tables by the command: asked for in a setting, and found in the folder."""

import csv
import json
from pathlib import Path

import pytest
from support.running import SAMPLE, process

pytestmark = pytest.mark.slow


def test_every_table_of_a_recording_is_made_by_the_command(tmp_path):
    tables = "mfcc,pitch,energy,logmel,fbank,spectral,loudness,quality,formants,voice"

    ended = process("--json", "--out", tmp_path, SAMPLE, FEATURE_TABLES=tables)

    assert ended.returncode == 0, ended.stderr
    outputs = json.loads(ended.stdout.splitlines()[0])["outputs"]
    assert set(tables.split(",")) <= set(outputs)
    timed = [Path(outputs[name]) for name in tables.split(",") if name != "quality"]
    assert {path.read_text().partition(",")[0] for path in timed} == {"time_s"}
    with Path(outputs["words"]).open(newline="") as table:
        rows = list(csv.DictReader(table))
    vowels = [float(row["formants_f1_hz_median"]) for row in rows if row["formants_f1_hz_median"]]
    assert len(vowels) > 0.8 * len(rows)
    assert all(150 < f1 < 1200 for f1 in vowels)
    assert float(rows[0]["voice_hnr_db_median"]) > 0
    assert float(rows[0]["mfcc_1_mean"]) < 0
    summary = json.loads(Path(outputs["summary"]).read_text())
    assert -40 < summary["loudness_integrated_lufs"] < -5
    assert 0 < summary["quality_speech_share"] <= 1
    assert summary["voice_jitter_local"] < 0.1


def test_the_times_can_be_left_out_of_mfcc_for_programs_that_read_a_matrix(tmp_path):
    ended = process(
        *("--json", "--out", tmp_path, SAMPLE), FEATURE_TABLES="mfcc", FEATURE_MFCC_TIMES="no"
    )

    outputs = json.loads(ended.stdout.splitlines()[0])["outputs"]
    assert Path(outputs["mfcc"]).read_text().startswith("mfcc_1,")

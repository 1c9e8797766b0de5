"""The command ``earshot``: the tables of files, and a way to local mode."""

import json
import subprocess
import sys

import pytest
from support.measuring import encode, measure, noise

from earshot.command import main

SR = 22_050


@pytest.fixture
def talk(tmp_path):
    path = tmp_path / "talk.wav"
    path.write_bytes(encode(noise(SR), SR))
    return path


def test_the_tables_are_the_pipelines(talk, tmp_path, capsys):
    given = ["features", str(talk), "--tables", "mfcc,pitch", "--n-mfcc", "20"]

    status = main([*given, "--out", str(tmp_path / "out")])

    _, tables = measure(talk.read_bytes(), tables=("mfcc", "pitch"), n_mfcc=20)
    folder = tmp_path / "out/talk"
    written = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert status == 0
    assert written.keys() == tables.keys()
    assert written == dict(tables)
    assert json.loads(written["features.json"])["n_frames"] == 44
    assert capsys.readouterr().out.splitlines() == [
        f"{talk}: 1.00 s, 44 frames",
        *(f"  {folder / name}" for name in ("mfcc.csv", "pitch.csv", "features.json")),
    ]


def test_a_table_has_its_own_options(talk, tmp_path):
    given = ["features", str(talk), "--tables", "logmel", "--logmel-n-mels", "128"]

    assert main([*given, "--out", str(tmp_path)]) == 0

    header = (tmp_path / "talk/logmel.csv").read_text().partition("\n")[0]
    assert header.count(",") == 128


def test_every_table_has_the_times_of_its_frames_on_request(talk, tmp_path):
    given = ["features", str(talk), "--mfcc-times", "yes", "--out", str(tmp_path)]

    assert main(given) == 0

    tables = [path.read_text() for path in (tmp_path / "talk").glob("*.csv")]
    assert len(tables) == 3
    assert all(text.startswith("time_s,") for text in tables)


def test_a_file_that_cannot_be_measured_does_not_hold_up_the_others(talk, tmp_path, capsys):
    broken = tmp_path / "broken.wav"
    broken.write_bytes(b"no sound at all")

    status = main(["features", str(broken), str(talk), "--out", str(tmp_path / "out")])

    assert status == 1
    assert capsys.readouterr().err.startswith(f"{broken}: ")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["talk"]


def test_two_files_of_one_name_are_refused(talk, tmp_path, capsys):
    status = main(["features", str(talk), str(talk.with_suffix(".mp3")), "--out", str(tmp_path)])

    assert status == 2
    assert "same name" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("option", "message"),
    [
        (["--n-mfcc", "many"], "n_mfcc: 'many' is not a whole number"),
        (["--tables", "words"], "tables: 'words' is not some of"),
    ],
)
def test_a_value_that_cannot_be_used_is_refused(talk, option, message, capsys):
    assert main(["features", str(talk), *option]) == 2
    assert capsys.readouterr().err.startswith(message)


def test_the_packages_of_local_mode_are_asked_for_where_they_are_missing(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "local.__main__", None)

    status = main(["process", "talk.wav"])

    assert status == 2
    assert "pip install '.[local]'" in capsys.readouterr().err


def test_the_help_names_every_command_and_parameter():
    texts = [
        subprocess.check_output([sys.executable, "-m", "earshot", *words, "--help"], text=True)
        for words in ([], ["features"], ["process"])
    ]

    assert all(name in texts[0] for name in ("features", "process", "run"))
    assert "--transition-min-prob" in texts[1]
    assert texts[2].startswith("usage: earshot process")

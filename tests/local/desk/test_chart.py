"""``python -m local chart`` draws a picture, or says what it needs."""

import os
import subprocess
import sys

from support.running import ROOT


def chart(*arguments, **environment):
    return subprocess.run(
        [sys.executable, "-m", "local", "chart", *map(str, arguments)],
        cwd=ROOT,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def write_results(folder):
    folder.mkdir()
    (folder / "words.csv").write_text("word,start_s,end_s,f0_median_hz\ngood,0.1,0.4,120.0\n")
    rows = "".join(f"{i / 50},{100 + i},1,0.9\n" for i in range(50))
    (folder / "pitch.csv").write_text(f"time_s,f0_hz,voiced,voiced_prob\n{rows}")


def test_the_words_of_a_folder_are_drawn(tmp_path):
    write_results(tmp_path / "talk")

    ended = chart(tmp_path / "talk")

    assert ended.returncode == 0, ended.stderr
    assert (tmp_path / "talk" / "words.png").read_bytes().startswith(b"\x89PNG")


def test_a_folder_of_folders_says_which_can_be_drawn(tmp_path):
    write_results(tmp_path / "talk")

    ended = chart(tmp_path)

    assert ended.returncode == 1
    assert ended.stderr.startswith(f"{tmp_path} has no words.csv and no pitch.csv")
    assert f"Name one of {tmp_path / 'talk'}." in ended.stderr


def test_without_matplotlib_it_says_how_to_install_it(tmp_path):
    (tmp_path / "matplotlib.py").write_text("raise ModuleNotFoundError(name='matplotlib')")

    ended = chart("out/talk", PYTHONPATH=str(tmp_path))

    assert ended.returncode == 1
    assert ended.stderr == (
        "Drawing needs matplotlib, which is not installed: make chart FILE=out/talk installs it.\n"
    )

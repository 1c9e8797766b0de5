"""A name on the command line stands for a file, a folder or a pattern, in this order."""

import pytest

from local.inputs import recordings_of


@pytest.fixture
def folder(tmp_path, monkeypatch):
    for name in ("a1.wav", "a[1].wav", "b.MP3", "notes.txt", "deep/c.flac"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.usefixtures("folder")
def test_a_file_comes_before_the_pattern_that_its_name_could_be():
    assert recordings_of(["a[1].wav"]) == ["a[1].wav"]


@pytest.mark.usefixtures("folder")
def test_a_pattern_stands_for_what_it_matches_in_order():
    assert recordings_of(["*.wav", "**/*.flac"]) == ["a1.wav", "a[1].wav", "deep/c.flac"]


def test_a_folder_stands_for_the_recordings_in_it_and_below(folder):
    inside = ("a1.wav", "a[1].wav", "b.MP3", "deep/c.flac")

    assert recordings_of([str(folder)]) == [str(folder / name) for name in inside]


def test_a_tilde_is_the_home_folder_where_no_shell_has_read_it(folder):
    assert recordings_of(["~/a1.wav", "~/*.MP3"]) == [str(folder / "a1.wav"), str(folder / "b.MP3")]


@pytest.mark.usefixtures("folder")
def test_a_name_that_stands_for_nothing_is_kept_to_be_told_of():
    assert recordings_of(["missing.wav", "*.ogg"]) == ["missing.wav", "*.ogg"]

"""A vocabulary of local mode: a text file, preferred or said to be ignored."""

import pytest
from support.running import SAMPLE, process

from chalicelib.errors import ParameterError
from local.transcribe.engines import EngineChoice
from local.transcribe.vocabulary import read_vocabulary


def read(path, text):
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_vocabulary({"TRANSCRIBE_VOCABULARY": str(path)})


@pytest.mark.parametrize(
    "text",
    [
        "Los-Angeles\nEarshot\n",
        "\ufeffLos-Angeles, Earshot",
        "Phrase\tSoundsLike\tIPA\tDisplayAs\nLos-Angeles\t\t\t\near-shot\t\t\tEarshot\n",
        "Phrase\nLos-Angeles\nEarshot",
    ],
)
def test_both_of_transcribes_forms_are_read(tmp_path, text):
    found = read(tmp_path / "my names.txt", text)

    assert found.name == "my-names"
    assert found.phrases == ("Los Angeles", "Earshot")


@pytest.mark.parametrize(
    ("text", "reason"),
    [("\n", "no word"), (b"\xff\xfe\xfd", "not text"), ("word\n" * 10_001, "more than 50 KB")],
)
def test_a_file_that_is_no_vocabulary_is_refused(tmp_path, text, reason):
    with pytest.raises(ParameterError, match=reason):
        read(tmp_path / "names.txt", text)


def test_an_engine_that_can_prefer_words_says_so_and_the_others_that_they_ignore_them(tmp_path):
    vocabulary = read(tmp_path / "names.txt", "Earshot\n")

    able = EngineChoice("faster-whisper", tmp_path, vocabulary)
    unable = EngineChoice("pocketsphinx", None, vocabulary)

    assert "It prefers the 1 phrases of the vocabulary names." in str(able)
    assert "It ignores the 1 phrases of the vocabulary names, which faster-whisper" in str(unable)
    assert "vocabulary" not in str(EngineChoice("pocketsphinx"))


def test_that_speakers_are_not_told_apart_is_said_where_they_are_asked_for():
    asked = EngineChoice.from_environ({"TRANSCRIBE_MAX_SPEAKERS": "2"})

    assert "TRANSCRIBE_MAX_SPEAKERS has no effect here." in str(asked)
    assert "SPEAKERS" not in str(EngineChoice.from_environ({"TRANSCRIBE_MAX_SPEAKERS": "0"}))
    assert "SPEAKERS" not in str(EngineChoice.from_environ({}))


def test_a_vocabulary_that_is_not_there_is_refused_in_one_sentence(tmp_path):
    ended = process("--out", tmp_path, SAMPLE, TRANSCRIBE_VOCABULARY="no names.txt")

    assert ended.returncode == 2
    assert "'no names.txt' cannot be read" in ended.stderr
    assert "a word or phrase in each line" in ended.stderr


@pytest.mark.slow
def test_a_recording_is_heard_and_the_vocabulary_is_said_to_be_ignored(tmp_path):
    names = tmp_path / "my names.txt"
    names.write_text("Earshot\n")

    ended = process(
        *("--out", tmp_path, SAMPLE),
        TRANSCRIBE_VOCABULARY=str(names),
        TRANSCRIBE_MAX_SPEAKERS="2",
    )

    assert ended.returncode == 0, ended.stdout
    assert "It ignores the 1 phrases of the vocabulary my-names" in ended.stderr
    assert "TRANSCRIBE_MAX_SPEAKERS has no effect here." in " ".join(ended.stderr.split())
    assert "heard by" in ended.stdout

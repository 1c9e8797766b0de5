"""Corrections through the API: written, told if another person was first, read everywhere."""

import csv
import io
import json
import sys
from dataclasses import replace
from types import SimpleNamespace

import boto3
import numpy as np
import pytest
from moto.backends import get_backend
from support.answers import SAID, conversation, put_answer
from support.asking import ADMINISTRATOR, Asker
from support.media import wav

from chalicelib.pipeline import events

KEY = "uploads/alice/my talk.wav"


@pytest.fixture
def ask(application):
    return Asker(application)


@pytest.fixture
def talk(services, put):
    """A transcribed recording of alice's."""
    recording_id = put(KEY, wav())
    events.receive_upload(KEY, services)
    events.store_transcript(put_answer(services, recording_id, conversation()), services)
    return recording_id


def words(text, was="Helo", start_s=0.0):
    return {"kind": "words", "words": [was], "start_s": start_s, "text": text}


@pytest.fixture
def correct(ask):
    """Replace corrections, as the one who has just read them or with another ETag."""

    def send(recording_id, *corrections, etag=None, by="alice"):
        path = f"/recordings/{recording_id}/corrections"
        seen = etag or ask(path, by=by).headers["ETag"]
        body = {"corrections": list(corrections)}
        return ask(path, method="PUT", body=body, by=by, **{"If-Match": seen})

    return send


def message(services):
    """Return the body of the queue's last message, which nobody can receive for some seconds."""
    (queue,) = (
        one
        for one in get_backend("sqs")["123456789012"]["us-east-1"].queues.values()
        if one.name == services.settings.features_queue
    )
    return json.loads(queue._messages[-1].body)


def test_a_correction_has_its_person_and_time_and_is_read_in_every_format(ask, talk, correct):
    answer = correct(talk, words("Hello,"))

    assert answer.status == 200
    (one,) = answer.json["corrections"]
    assert (one["by"], one["text"], one["matches"]) == ("alice", "Hello,", True)
    assert one["at"].endswith("+00:00")
    text = f"/recordings/{talk}/transcript?format=text"
    assert ask(text).text.startswith("spk_0: Hello, wold\n")
    assert ask(f"{text}&version=corrected").text == ask(text).text
    assert ask(f"{text}&version=original").text.startswith("spk_0: Helo wold\n")


def test_the_transcript_says_which_words_were_corrected_and_by_which_version(ask, talk, correct):
    etag = correct(talk, words("Hello")).headers["ETag"]

    found = ask(f"/recordings/{talk}/transcript").json
    original = ask(f"/recordings/{talk}/transcript?version=original").json

    assert found["words"]["text"] == ["Hello", "wold", "Good", "night"]
    assert found["words"]["correction"] == [0, None, None, None]
    assert found["words"]["confidence"][0] is None
    assert f'"{found["corrections_etag"]}"' == etag
    assert original["words"]["text"][0] == "Helo"
    assert original["corrections_etag"] is None


def test_of_two_people_the_second_is_told_and_nothing_is_lost(ask, talk, correct):
    path = f"/recordings/{talk}/corrections"
    seen = ask(path).headers["ETag"]
    first = correct(talk, words("Hello"), etag=seen)

    second = correct(talk, words("Hallo"), etag=seen, by=ADMINISTRATOR)

    assert second.status == 412
    assert second.sentence == "Another person has changed the corrections meanwhile."
    assert second.json["corrections"] == first.json["corrections"]
    assert second.headers["ETag"] == first.headers["ETag"]
    again = correct(
        talk,
        *second.json["corrections"],
        words("world", "wold", 0.5),
        etag=second.headers["ETag"],
        by=ADMINISTRATOR,
    )
    assert [(one["by"], one["text"]) for one in again.json["corrections"]] == [
        ("alice", "Hello"),
        (ADMINISTRATOR, "world"),
    ]


def test_a_request_that_is_repeated_after_a_lost_answer_is_no_conflict(talk, correct, ask):
    seen = ask(f"/recordings/{talk}/corrections").headers["ETag"]
    first = correct(talk, words("Hello"), etag=seen)

    again = correct(talk, *first.json["corrections"], etag=seen)

    assert (again.status, again.json) == (200, first.json)


def test_undoing_a_correction_brings_the_recognised_word_back(ask, talk, correct):
    correct(talk, words("Hello"), words("world", "wold", 0.5))

    correct(talk, words("world", "wold", 0.5))

    found = ask(f"/recordings/{talk}/transcript").json
    assert found["words"]["text"][:2] == ["Helo", "world"]


def test_names_splits_and_joins_are_read_too(ask, talk, correct):
    name = {"kind": "speaker", "words": ["Helo"], "start_s": 0.0, "text": "Anna"}
    split = {"kind": "split", "words": ["night"], "start_s": 3.5}

    correct(talk, name, split)

    segments = ask(f"/recordings/{talk}/transcript").json["segments"]
    assert [(one["speaker"], one["text"]) for one in segments] == [
        ("Anna", "Helo wold"),
        ("spk_1", "Good"),
        ("spk_1", "night"),
    ]


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"kind": "words"}, "words must be a list"),
        ({"kind": "other"}, "kind must be one of words, speaker, split, join"),
        ("x", "A correction must be a JSON object"),
        (words("a", start_s=-1), "start_s must be a time"),
        (words("a\x00"), "text must be text"),
        (words("a", "Hullo"), "There is no 'Hullo' at 0.00 s"),
        ({"kind": "speaker", "words": ["Helo"], "start_s": 0}, "text must be the speaker's name"),
        ({"kind": "split", "words": ["Helo"], "start_s": 0, "text": "a"}, "has no text"),
        (words("a b") | {"times": 5}, "times must be a start and an end for each word"),
        (words("a b") | {"times": [1]}, "times must be a start and an end for each word"),
        (words("a b") | {"times": [[0, 1, 2]]}, "times must be a start and an end for each word"),
        (words("a b") | {"times": [[0, "x"]]}, "times must be a time in seconds, not 'x'"),
    ],
)
def test_an_unusable_correction_is_refused_in_a_sentence(talk, correct, given, sentence):
    answer = correct(talk, given)

    assert answer.status == 400
    assert sentence in answer.sentence


def test_corrections_are_not_written_blindly(ask, talk):
    answer = ask(f"/recordings/{talk}/corrections", method="PUT", body={"corrections": []})

    assert answer.status == 400
    assert answer.sentence.startswith("If-Match must be")


def test_another_persons_recording_has_no_corrections_to_see_or_to_write(ask, talk, correct):
    seen = ask(f"/recordings/{talk}/corrections", by="bob")

    answer = correct(talk, words("Hello"), etag='"none"', by="bob")

    assert seen.status == answer.status == 404


def test_subtitles_index_tables_and_the_item_follow(ask, services, talk, correct):
    events.extract_features(talk, services)
    correct(talk, words("Hello"), {**words("Anna"), "kind": "speaker"})
    assert message(services) == {"recording_id": talk, "task": "corrections"}

    events.apply_corrections(talk, services)

    assert [one["recording_id"] for one in ask("/search?q=hello").json["results"]] == [talk]
    assert ask("/search?q=helo").json["results"] == []
    shown = ask(f"/recordings/{talk}").json
    assert (shown["transcript"], shown["speakers"]) == ("Hello wold Good night", ["Anna", "spk_1"])
    table = services.results.read(shown["word_table_keys"]["words"]).decode()
    (first, *_) = csv.DictReader(io.StringIO(table))
    assert (first["word"], first["speaker"], first["confidence"]) == ("Hello", "Anna", "")
    manifest = json.loads(ask("/manifests/supervisions").text.splitlines()[0])
    assert (manifest["text"], manifest["speaker"]) == ("Hello wold", "Anna")


def test_corrections_that_are_applied_already_are_not_applied_again(services, talk, correct):
    correct(talk, words("Hello"))
    events.apply_corrections(talk, services)
    written = services.recordings.get(talk).updated_at

    events.apply_corrections(talk, services)

    assert services.recordings.get(talk).updated_at == written


def test_processing_again_keeps_corrections_whose_words_match_and_says_which_do_not(
    ask, services, talk, correct
):
    correct(talk, words("Hello"), words("world", "wold", 0.5))
    events.reprocess(services.recordings.get(talk), services)
    again = [("spk_0", 0.1, "Helo"), ("spk_0", 0.6, "bold"), *SAID[2:]]
    events.store_transcript(put_answer(services, talk, conversation(again)), services)

    matches = [one["matches"] for one in ask(f"/recordings/{talk}/corrections").json["corrections"]]

    assert matches == [True, False]
    assert ask(f"/recordings/{talk}/transcript?format=text").text.startswith("spk_0: Hello bold")
    assert ask(f"/recordings/{talk}").json["transcript"].startswith("Hello bold")
    assert len(ask("/search?q=hello").json["results"]) == 1


def test_deletion_removes_the_corrections_and_reports_them(ask, services, talk, correct):
    correct(talk, words("Hello"))

    report = ask(f"/recordings/{talk}", method="DELETE").json

    key = f"transcripts/{talk}.corrections.json"
    assert key in report["removed"]["objects"]
    listed = boto3.client("s3").list_objects_v2(Bucket=services.results.bucket)
    assert not any(talk in entry["Key"] for entry in listed.get("Contents", []))


def test_the_journal_says_who_has_corrected_what(application, services, talk, correct):
    lines = []
    application.services = lambda: replace(services, write_line=lines.append)

    correct(talk, words("Hello"))

    put = json.loads(lines[-1])
    assert (put["method"], put["route"], put["status"]) == (
        "PUT",
        "/recordings/{recording_id}/corrections",
        200,
    )
    assert (put["recording_id"], put["by"], put["corrections"]) == (talk, "alice", 1)
    assert "Hello" not in lines[-1]


def aligned(y, text, language):
    """An aligner that knows one text."""
    assert (y.dtype, y.ndim, language) == ("float32", 1, "en-US")
    return [(0.1, 0.2), (0.25, 0.4)] if text == "Hel lo" else None


@pytest.fixture
def aligner(monkeypatch):
    monkeypatch.setitem(sys.modules, "an_aligner", SimpleNamespace(align=aligned))
    monkeypatch.setenv("EARSHOT_ALIGNER", "an_aligner:align")


@pytest.mark.usefixtures("aligner")
@pytest.mark.parametrize(
    ("text", "spans"),
    [
        ("Hel lo", [(0.1, 0.2), (0.25, 0.4)]),
        ("He llo", [(0.0, 0.16), (0.16, 0.4)]),  # it does not fit, so they share the old time
        ("Hello", [(0.0, 0.4)]),  # as many words as before keep their times
    ],
)
def test_times_of_corrected_words_come_from_an_aligner_where_one_is_installed(
    ask, talk, correct, text, spans
):
    answer = correct(talk, words(text))

    assert answer.status == 200, answer.text
    columns = ask(f"/recordings/{talk}/transcript").json["words"]
    found = list(zip(columns["start_s"], columns["end_s"], strict=True))[: len(spans)]
    np.testing.assert_allclose(found, spans, atol=0.001)


@pytest.mark.usefixtures("aligner")
def test_times_of_an_aligner_stay_if_the_list_is_sent_again(ask, talk, correct):
    correct(talk, words("Hel lo"))
    listed = ask(f"/recordings/{talk}/corrections").json["corrections"]

    correct(talk, *listed, words("world", was="wold", start_s=0.5), by=ADMINISTRATOR)

    columns = ask(f"/recordings/{talk}/transcript").json["words"]
    assert columns["text"][:3] == ["Hel", "lo", "world"]
    assert columns["start_s"][:2] == pytest.approx([0.1, 0.25])
    assert [one["by"] for one in ask(f"/recordings/{talk}/corrections").json["corrections"]] == [
        "alice",
        ADMINISTRATOR,
    ]

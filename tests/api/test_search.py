"""Search in the table, compared with a simple search in the texts."""

from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.answers import put_answer
from support.media import wav
from support.stand_ins import ON_EACH_DATABASE

from chalicelib.api.search import search
from chalicelib.core.recording import Recording, Upload
from chalicelib.core.search.matching import parse_query
from chalicelib.core.search.terms import terms_of
from chalicelib.core.transcripts.models import Transcript, Word
from chalicelib.errors import CursorError
from chalicelib.pipeline import events
from chalicelib.pipeline.transcription import index_words

pytestmark = ON_EACH_DATABASE

NUMBERS = count()


def said(services, owner: str, text: str) -> str:
    number = next(NUMBERS)
    upload = Upload(bucket="media", key=f"uploads/{owner}/{number}.wav", etag="e", size=1)
    recording = Recording.of(upload, created_at=f"2024-01-01T00:00:{number:09d}+00:00")
    words = tuple(
        Word(content=word, start=place / 2, end=place / 2 + 0.4)
        for place, word in enumerate(text.split())
    )
    index_words(recording, Transcript(words=words), services)
    return recording.id


def ids(services, query: str, owner: str | None = None) -> list[str]:
    page, cursor = search(query, owner=owner, cursor=None, limit=100, services=services)
    assert cursor is None
    return [result["recording_id"] for result in page]


def test_every_word_must_occur_and_phrases_in_a_row(services):
    river = said(services, "alice", "the old man walked along the river")
    bank = said(services, "alice", "the man was old and the river bank steep")

    assert ids(services, '"old man"') == [river]
    assert set(ids(services, "old river")) == {river, bank}
    assert ids(services, "river steep") == [bank]
    assert ids(services, "nothing of it") == []


def test_an_owner_finds_only_their_own_and_without_an_owner_all_are_found(services):
    hers = said(services, "alice", "a secret word")
    his = said(services, "bob", "a secret word")

    assert ids(services, "secret", "alice") == [hers]
    assert ids(services, "secret", "bob") == [his]
    assert set(ids(services, "secret")) == {hers, his}
    assert ids(services, "secret", "carol") == []


def test_a_result_has_its_time_and_its_words(services):
    recording_id = said(services, "alice", "good morning the old man walked along")

    (result,), _ = search('"old man"', owner="alice", cursor=None, limit=1, services=services)

    assert result["recording_id"] == recording_id
    assert result["source_key"].startswith("uploads/alice/")
    assert result["n_matches"] == 1
    (match,) = result["matches"]
    assert match["start_s"] == 1.5
    assert [match["snippet"][low:high] for low, high in match["highlights"]] == ["old", "man"]


def test_pages_have_each_result_once_and_a_cursor_is_valid_for_its_search_only(services):
    expected = {said(services, "alice", "river " * number) for number in range(1, 6)}

    seen, cursor = [], None
    while True:
        page, cursor = search("river", owner="alice", cursor=cursor, limit=2, services=services)
        seen += [result["recording_id"] for result in page]
        if cursor is None:
            break
        last = cursor

    assert len(seen) == len(expected)
    assert set(seen) == expected
    for query, owner, other in [
        ("lake", "alice", last),
        ("river", "bob", last),
        ("river", "alice", "?"),
    ]:
        with pytest.raises(CursorError):
            search(query, owner=owner, cursor=other, limit=2, services=services)


def test_a_transcript_is_found_once_stored_and_not_once_removed(services, put):
    recording_id = put("uploads/alice/talk.wav", wav())
    events.receive_upload("uploads/alice/talk.wav", services)
    document = {
        "results": {
            "transcripts": [{"transcript": "Hello."}],
            "items": [
                {
                    "type": "pronunciation",
                    "start_time": "0.5",
                    "end_time": "0.9",
                    "alternatives": [{"confidence": "0.9", "content": "Hello"}],
                }
            ],
        }
    }
    key = put_answer(services, recording_id, document)
    for _ in range(2):
        events.store_transcript(key, services)
    assert ids(services, "hello", "alice") == [recording_id]

    services.media.remove("uploads/alice/talk.wav")
    events.remove_recording("uploads/alice/talk.wav", services)

    assert ids(services, "hello") == []
    assert services.search_table.count(recording_id) == 0


def test_a_new_transcript_replaces_all_rows_of_the_one_before(services):
    upload = Upload(bucket="media", key="uploads/alice/a.wav", etag="e", size=1)
    recording = Recording.of(upload, created_at="2024-01-01T00:00:00+00:00")
    for word in ("before", "after"):
        index_words(recording, Transcript(words=(Word(word, 0.0, 1.0),)), services)

    assert ids(services, "before") == []
    assert ids(services, "after") == [recording.id]


WORDS = st.sampled_from(["river", "Bank", "old", "twenty-one", "Zoë"])


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.lists(WORDS, min_size=1, max_size=12), max_size=4),
    st.lists(WORDS, min_size=1, max_size=3),
)
def test_search_finds_what_reading_everything_finds(services, texts, query):
    owner = f"owner{next(NUMBERS)}"
    spoken = {said(services, owner, " ".join(text)): " ".join(text) for text in texts}
    phrases = parse_query(" ".join(query))

    def holds(text: str, phrase: tuple[str, ...]) -> bool:
        return f" {' '.join(phrase)} " in f" {' '.join(terms_of(text))} "

    assert set(ids(services, " ".join(query), owner)) == {
        id_ for id_, text in spoken.items() if all(holds(text, phrase) for phrase in phrases)
    }

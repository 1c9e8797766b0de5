"""Search in the table, compared with a simple search in the texts."""

import math
import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count

import pytest
from boto3.dynamodb.conditions import Key
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.answers import put_answer
from support.media import wav
from support.stand_ins import ON_EACH_DATABASE

from chalicelib.api.search import find_ids, search
from chalicelib.aws.dynamodb_marks import N_SHARDS
from chalicelib.aws.dynamodb_search import SearchTable
from chalicelib.core.recording import Recording
from chalicelib.core.search.layout import bucket_of, mark_of
from chalicelib.core.search.matching import parse_query
from chalicelib.core.search.terms import terms_of
from chalicelib.core.transcripts.models import Transcript, Word
from chalicelib.core.upload import Upload
from chalicelib.errors import CursorError, RequestError
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
    page = search(query, owner=owner, cursor=None, limit=100, services=services)
    assert page.cursor is None
    assert page.complete
    return [result["recording_id"] for result in page.results]


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

    page = search('"old man"', owner="alice", cursor=None, limit=1, services=services)

    (result,) = page.results
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
        page = search("river", owner="alice", cursor=cursor, limit=2, services=services)
        seen += [result["recording_id"] for result in page.results]
        cursor = page.cursor
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


def test_an_answer_that_stops_early_says_so_and_its_cursor_finds_the_rest(services, monkeypatch):
    monkeypatch.setattr("chalicelib.api.search.MAX_ROWS", 6)
    expected = [said(services, "alice", "the river") for _ in range(8)]
    for _ in range(40):  # so that some are in the shard that is counted
        said(services, "alice", "the bank")

    pages = [search('"the river"', owner=None, cursor=None, limit=2, services=services)]
    while pages[-1].cursor:
        cursor = pages[-1].cursor
        pages.append(search('"the river"', owner=None, cursor=cursor, limit=2, services=services))

    # Three recordings in a stretch, on two pages; at the end a stretch of two.
    results = [[result["recording_id"] for result in page.results] for page in pages]
    assert [id_ for page in results for id_ in page] == expected[::-1]
    assert [page.complete for page in pages] == [False, False, False, False, True]
    assert [page.back_to for page in pages] == [
        *[pages[1].results[-1]["created_at"]] * 2,
        *[pages[3].results[-1]["created_at"]] * 2,
        None,
    ]


class Slow:
    """A table whose pages have two rows, and whose requests take some seconds each."""

    def __init__(self, table, request_s: float) -> None:
        self._table = table
        self._request_s = request_s
        self.name = table.name
        self.meta = self
        self.client = self
        self.now = datetime(2024, 1, 1, tzinfo=UTC)

    def query(self, **request):
        self.now += timedelta(seconds=self._request_s)
        return self._table.query(**{"Limit": 2} | request)

    def batch_get_item(self, **request):
        self.now += timedelta(seconds=self._request_s)
        return self._table.meta.client.batch_get_item(**request)


@pytest.mark.parametrize("request_s", [0.1, 2, 60])
@pytest.mark.parametrize("query", ["river", '"the river"'])
def test_an_answer_that_would_take_too_long_stops_early_and_says_so(services, request_s, query):
    """API Gateway waits for 29 s."""
    expected = [said(services, "alice", "the river") for _ in range(30)]
    table = Slow(table_of(services), request_s)
    services = replace(services, search_table=SearchTable(table), clock=lambda: table.now)

    pages, longest = [], timedelta()
    while not pages or pages[-1].cursor:
        began = table.now
        cursor = pages[-1].cursor if pages else None
        pages.append(search(query, owner=None, cursor=cursor, limit=100, services=services))
        longest = max(longest, table.now - began)

    assert [one["recording_id"] for page in pages for one in page.results] == expected[::-1]
    assert [page.complete for page in pages] == [page.cursor is None for page in pages]
    assert (len(pages) == 1) == (request_s == 0.1)
    assert all(page.back_to for page in pages[:-1])
    # However slow a request is, the next page goes on: after two samples, a page of each shard and
    # one request each of places, heads and passages.
    assert longest <= timedelta(seconds=max(29, (5 + N_SHARDS) * request_s))


class Losing(SearchTable):
    """A table of which a recording is removed while a search is at work."""

    def __init__(self, table, lost: str) -> None:
        super().__init__(table)
        self._lost = lost

    def heads(self, recording_ids):
        heads = super().heads(recording_ids)
        return {one: head for one, head in heads.items() if one != self._lost}


def test_a_recording_that_is_removed_during_a_search_is_left_out(services):
    lost, kept = (said(services, "alice", f"the river {name}") for name in ("lost", "kept"))

    assert set(ids(services, "river")) == {lost, kept}
    losing = replace(services, search_table=Losing(table_of(services), lost))
    assert ids(losing, "river") == [kept]


def test_a_selection_that_would_take_too_long_is_refused_in_a_sentence(services):
    for _ in range(30):
        said(services, "alice", "the river")
    table = Slow(table_of(services), 5)
    services = replace(services, search_table=SearchTable(table), clock=lambda: table.now)

    with pytest.raises(RequestError, match=r"q reads more than fits in one request: "):
        find_ids("river", owner=None, most=1000, services=services)


class Asked:
    """A table that counts the rows it gives, listed by word and read by key."""

    def __init__(self, table) -> None:
        self._table = table
        self.name = table.name
        self.meta = self
        self.client = self
        self.n_listed = 0
        self.n_by_key = 0

    def query(self, **request):
        page = self._table.query(**request)
        self.n_listed += len(page.get("Items", []))
        return page

    def batch_get_item(self, **request):
        answer = self._table.meta.client.batch_get_item(**request)
        self.n_by_key += sum(map(len, answer["Responses"].values()))
        return answer


def test_the_rarest_word_is_listed_and_the_others_are_read_by_key(services):
    for _ in range(40):  # so that some are in the shard that is counted
        said(services, "alice", "the river bank")
    wanted = said(services, "alice", "the weir")
    asked = Asked(table_of(services))

    found = ids(replace(services, search_table=SearchTable(asked)), "the weir")

    assert found == [wanted]
    assert asked.n_listed == 1
    assert asked.n_by_key == 3  # its places, its head and its passage


def test_a_word_is_not_found_by_a_word_with_the_same_mark(services):
    table = table_of(services)
    recording_id = said(services, "alice", "river")
    (row,) = (row for row in rows_of(table, recording_id) if "marks" in row)
    table.put_item(Item=row | {"term": f"~{bucket_of('lake')}", "marks": {mark_of("lake")}})

    assert ids(services, "lake") == []


def test_a_transcript_of_ten_minutes_costs_at_most_300_write_units(services):
    rng = random.Random(0)  # noqa: S311  # not for security
    # Zipf's law, in Mandelbrot's form.
    weights = [1 / (rank + 2.7) for rank in range(1, 5001)]
    spoken = [f"word{rank}" for rank in rng.choices(range(1, 5001), weights, k=1500)]
    recording_id = said(services, "alice", " ".join(spoken))

    assert sum(map(write_units, rows_of(table_of(services), recording_id))) <= 300


def table_of(services):
    return services.search_table._table


def rows_of(table, recording_id: str) -> list[dict]:
    return table.query(KeyConditionExpression=Key("recording_id").eq(recording_id))["Items"]


def write_units(row: dict) -> int:
    """Return the units of a row: one for each KB begun, in the table and in each index.

    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
    """
    size = sum(len(name) + size_of(value) for name, value in row.items())
    return math.ceil(size / 1024) * (1 + ("created_at" in row) + ("owner_term" in row))


def size_of(value) -> int:
    if isinstance(value, str):
        return len(value.encode())
    if isinstance(value, Decimal):
        return 21
    return sum(map(size_of, value)) if isinstance(value, set) else len(bytes(value))


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

"""The shards of the buckets of terms: writes of each, and lists of all of them."""

import random
from collections import Counter
from contextlib import contextmanager
from dataclasses import replace

import pytest
from support.stand_ins import ON_EACH_DATABASE

from chalicelib.aws.dynamodb_marks import LAST, N_SHARDS, Stretch
from chalicelib.aws.dynamodb_search import SearchTable
from chalicelib.core.recording import Recording
from chalicelib.core.search.layout import N_BUCKETS
from chalicelib.core.search.matching import index_transcript
from chalicelib.core.transcripts.models import Transcript, Word
from chalicelib.core.upload import Upload

pytestmark = ON_EACH_DATABASE

UPLOAD = Upload(bucket="media", key="uploads/alice/talk.wav", etag="e", size=1)
AT = "2026-01-01T00:00:00+00:00"


def transcript(text: str) -> Transcript:
    return Transcript(
        words=tuple(Word(word, at / 2, at / 2 + 0.4) for at, word in enumerate(text.split()))
    )


def written(
    services, number: int, *, text: str = "river", at: str = AT, n_shards: int = N_SHARDS
) -> str:
    """Write a recording's rows as a version with so many shards does."""
    recording = Recording.of(replace(UPLOAD, size=number), created_at=at)
    table = SearchTable(table_of(services), n_shards=n_shards)
    table.write(recording, index_transcript(transcript(text)))
    return recording.id


def table_of(services):
    return services.search_table._table


class Pages:
    """A table whose pages have two rows at most."""

    def __init__(self, table) -> None:
        self._table = table

    def __getattr__(self, name: str):
        return getattr(self._table, name)

    def query(self, **request):
        return self._table.query(**{"Limit": 2} | request)


def stretch(services, owner: str | None = None, **changes) -> Stretch:
    asked = {"after": None, "most": 100, "max_pages": 100, "is_over": lambda: False} | changes
    return SearchTable(Pages(table_of(services))).stretch("river", owner=owner, **asked)


def ids(found: Stretch) -> list[str]:
    return [mark.recording_id for mark in found.marks]


class Watched:
    """A table that counts the writes to each partition of its two indexes, and makes none."""

    def __init__(self, table) -> None:
        self._table = table
        self.written: Counter[str] = Counter()

    def __getattr__(self, name: str):
        return getattr(self._table, name)

    @contextmanager
    def batch_writer(self):
        yield self

    def put_item(self, **request):
        row = request["Item"]
        self.written.update(row[name] for name in ("term", "owner_term") if "created_at" in row)


def test_a_thousand_recordings_a_second_write_at_most_500_times_a_second_to_a_shard(services):
    """Each has a row in every bucket, and one owner has all of them."""
    table = Watched(table_of(services))
    said_by_all = index_transcript(transcript("river"))
    n_recordings = 400

    for size in range(n_recordings):
        recording = Recording.of(replace(UPLOAD, size=size), created_at=AT)
        SearchTable(table).write(recording, said_by_all)

    assert table.written.total() == 2 * n_recordings
    busiest, n_writes = table.written.most_common(1)[0]
    assert 1000 * n_writes / n_recordings <= 500, busiest


def test_a_transcript_writes_once_to_a_shard_of_each_bucket(services):
    table = Watched(table_of(services))
    index = index_transcript(transcript(" ".join(f"word{number}" for number in range(1000))))

    SearchTable(table).write(Recording.of(UPLOAD, created_at=AT), index)

    assert len(table.written) == 2 * N_BUCKETS
    assert set(table.written.values()) == {1}


@pytest.mark.parametrize("owner", [None, "alice"])
def test_recordings_of_the_time_before_shards_are_found_with_the_new_ones(services, owner):
    times = [f"2026-01-01T00:00:{second:02}+00:00" for second in range(20)]
    expected = [
        written(services, number, at=at, n_shards=1 if number % 3 else N_SHARDS)
        for number, at in enumerate(times, start=1)
    ]

    assert ids(stretch(services, owner)) == expected[::-1]


def test_a_recording_that_is_written_again_is_listed_once_even_meanwhile(services):
    for number in range(1, 9):
        written(services, number, n_shards=1)
    old = marked_rows(services)
    for number in range(1, 9):
        written(services, number)
    new = marked_rows(services)
    moved = [row for row in old if row not in new]
    assert len(new) == len(old) == 8
    assert moved

    table_of(services).put_item(Item=moved[0])

    assert Counter(ids(stretch(services))) == Counter(row["recording_id"] for row in new)


@pytest.mark.parametrize("limits", [{"max_pages": 1}, {"is_over": lambda: True}, {"most": 3}])
def test_stretches_have_every_recording_once_newest_first(services, limits):
    """Many begin at the same moment, and pages have two rows."""
    rng = random.Random(0)  # noqa: S311  # not for security
    times: dict[str, str] = {}
    for number in range(1, 41):
        at = f"2026-01-01T00:00:{rng.randrange(6):02}+00:00"
        if number % 4:
            times[written(services, number, at=at)] = at
        else:
            written(services, number, text="weir", at=at)

    seen, n_stretches, after = [], 0, None
    while after or not n_stretches:
        found = stretch(services, after=after, **limits)
        assert found.end is None or found.end < (after or (LAST, LAST))
        seen += ids(found)
        n_stretches, after = n_stretches + 1, found.end

    assert seen == sorted(times, key=lambda id_: (times[id_], id_), reverse=True)
    assert n_stretches > 2


def marked_rows(services) -> list[dict]:
    return [row for row in table_of(services).scan()["Items"] if "marks" in row]

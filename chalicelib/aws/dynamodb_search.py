"""The search table: which recordings have a word, where in them, and the text of snippets.

All rows of a recording have its id, so they can be removed together. The rows are:

- ``~{bucket}`` or ``~{bucket}-{shard}``: the marks of the recording's terms in a bucket. Two
  sparse indexes list a shard's rows, newest recording first: ``by_term`` for all owners,
  ``by_owner_term`` for one owner.
- ``={group}``: the places of a group of its terms.
- ``#{number}``: a passage of its words as written.
- ``#``: the owner, the upload key and the time of the recording.
"""

import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import orjson
from boto3.dynamodb.conditions import Key

from chalicelib.aws.dynamodb_marks import (
    N_SHARDS,
    Ask,
    Mark,
    Stretch,
    count_newest,
    read_stretch,
)
from chalicelib.aws.dynamodb_shards import Shards
from chalicelib.core.recording import Recording
from chalicelib.core.search import layout
from chalicelib.core.search.matching import Index, Passage

if TYPE_CHECKING:
    from types_boto3_dynamodb.service_resource import Table

BY_TERM = "by_term"
BY_OWNER_TERM = "by_owner_term"

HEAD = "#"
GROUP = "="
BUCKET = "~"

MAX_KEYS = 100  # most keys in one BatchGetItem


class SearchTable:
    """The search table: the index of the recordings' transcripts."""

    def __init__(self, table: "Table", *, n_shards: int = N_SHARDS) -> None:
        self._table = table
        self._client = table.meta.client
        self._n_shards = n_shards

    def write(self, recording: Recording, index: Index) -> int:
        """Replace a recording's rows; return their number. Safe to repeat."""
        rows = list(_rows(recording, index, n_shards=self._n_shards))
        stale = self._terms(recording.id) - {row["term"] for row in rows}
        with self._table.batch_writer() as batch:
            for row in rows:
                batch.put_item(Item=row)
            for term in stale:
                batch.delete_item(Key={"recording_id": recording.id, "term": term})
        return len(rows)

    def remove(self, recording_id: str) -> None:
        """Remove a recording's rows. Safe to repeat."""
        terms = self._terms(recording_id)
        with self._table.batch_writer() as batch:
            for term in terms:
                batch.delete_item(Key={"recording_id": recording_id, "term": term})

    def count(self, recording_id: str) -> int:
        """Return the number of a recording's rows."""
        return len(self._terms(recording_id))

    def _terms(self, recording_id: str) -> set[str]:
        query: dict[str, Any] = {
            "KeyConditionExpression": Key("recording_id").eq(recording_id),
            "ProjectionExpression": "#term",
            "ExpressionAttributeNames": {"#term": "term"},
            "ConsistentRead": True,
        }
        terms: set[str] = set()
        while True:
            page: Mapping[str, Any] = self._table.query(**query)
            terms |= {row["term"] for row in page["Items"]}
            if "LastEvaluatedKey" not in page:
                return terms
            query["ExclusiveStartKey"] = page["LastEvaluatedKey"]

    def sample(self, term: str, *, owner: str | None) -> int:
        """Return the number of recordings with a term among the newest of its bucket."""
        return count_newest(*self._listing(term, owner))

    def stretch(
        self,
        term: str,
        *,
        owner: str | None,
        after: tuple[str, str] | None,
        most: int,
        max_pages: int,
        is_over: Callable[[], bool],
    ) -> Stretch:
        """Return recordings with a term, newest first, in one owner's recordings or all.

        ``read_stretch`` explains the other parameters.
        """
        return read_stretch(
            *self._listing(term, owner),
            after=after,
            most=most,
            max_pages=max_pages,
            is_over=is_over,
        )

    def _listing(self, term: str, owner: str | None) -> tuple[Ask, Shards, str]:
        """Return the query on an index, the shards of a term's bucket in it, and the mark."""
        index = BY_TERM if owner is None else BY_OWNER_TERM
        shards = bucket_shards(layout.bucket_of(term), owner, self._n_shards)

        def ask(**asked: Any) -> Mapping[str, Any]:
            return self._table.query(IndexName=index, **asked)

        return ask, shards, layout.mark_of(term)

    def places(
        self, marks: Iterable[Mark], terms: Iterable[str]
    ) -> dict[str, dict[str, Sequence[int]]]:
        """Return the places of terms in recordings, by recording and term."""
        wanted = set(terms)
        keys = (
            (mark.recording_id, f"{GROUP}{layout.group_of(term, n_terms=mark.n_terms)}")
            for mark in marks
            for term in wanted
        )
        found: dict[str, dict[str, Sequence[int]]] = {}
        for row in self._read(keys):
            group: Mapping[str, Sequence[int]] = _unpack(row["places"])
            there = found.setdefault(row["recording_id"], {})
            there |= {term: group[term] for term in wanted & group.keys()}
        return found

    def heads(self, recording_ids: Iterable[str]) -> dict[str, dict[str, str]]:
        """Return each recording's ``owner`` and ``source_key``, without removed recordings."""
        return {
            row["recording_id"]: {name: str(row[name]) for name in ("owner", "source_key")}
            for row in self._read((recording_id, HEAD) for recording_id in recording_ids)
        }

    def passages(self, wanted: Iterable[tuple[str, int]]) -> dict[tuple[str, int], Passage]:
        """Return passages by recording and number, without missing ones."""
        rows = self._read((recording_id, f"{HEAD}{number}") for recording_id, number in wanted)
        return {
            (row["recording_id"], int(row["term"].removeprefix(HEAD))): Passage(
                **{name: tuple(column) for name, column in _unpack(row["passage"]).items()}
            )
            for row in rows
        }

    def _read(self, wanted: Iterable[tuple[str, str]]) -> Iterator[dict[str, Any]]:
        """Yield the rows that exist, each once, in any order."""
        waiting = [
            {"recording_id": recording_id, "term": term}
            for recording_id, term in dict.fromkeys(wanted)
        ]
        name = self._table.name
        while waiting:
            asked, waiting = waiting[:MAX_KEYS], waiting[MAX_KEYS:]
            answer: Mapping[str, Any] = self._client.batch_get_item(
                RequestItems={name: {"Keys": asked}}
            )
            yield from answer["Responses"].get(name, [])
            waiting += answer["UnprocessedKeys"].get(name, {}).get("Keys", [])


def bucket_shards(bucket: int, owner: str | None, n_shards: int) -> Shards:
    """Return the shards of a bucket, in one owner's recordings or all."""
    if owner is None:
        return Shards("term", f"{BUCKET}{bucket}", "-", n_shards)
    # An owner's name has no slash.
    return Shards("owner_term", f"{owner}/{BUCKET}{bucket}", "-", n_shards)


def _rows(recording: Recording, index: Index, *, n_shards: int) -> Iterator[dict[str, Any]]:
    yield {
        "recording_id": recording.id,
        "term": HEAD,
        "owner": recording.owner,
        "source_key": recording.source_key,
    }
    for number, passage in enumerate(index.passages):
        yield {
            "recording_id": recording.id,
            "term": f"{HEAD}{number}",
            "passage": _pack(asdict(passage)),
        }
    for group, places in layout.groups(index.places, n_terms=index.n_terms).items():
        yield {
            "recording_id": recording.id,
            "term": f"{GROUP}{group}",
            "places": _pack(places),
        }
    for bucket, marks in layout.marks(index.places).items():
        yield {
            "recording_id": recording.id,
            "term": bucket_shards(bucket, None, n_shards).name_of(recording.id),
            "owner_term": bucket_shards(bucket, recording.owner, n_shards).name_of(recording.id),
            "created_at": recording.created_at,
            "n_terms": index.n_terms,
            "marks": marks,
        }


def _pack(value: Mapping[str, Any]) -> bytes:
    return zlib.compress(orjson.dumps(value))


def _unpack(packed: Any) -> Any:
    return orjson.loads(zlib.decompress(bytes(packed)))

"""The search table: which recordings have a word, where in them, and the text of snippets.

A recording's rows share its id, so all of its rows and no other recording's are removed with it:

- ``~{bucket}``: the marks of the recording's terms in a bucket. Two sparse indexes list a bucket's
  rows, newest recording first: ``by_term`` for all owners, ``by_owner_term`` for one owner.
- ``={group}``: the places of a group of its terms.
- ``#{number}``: a passage of its words as written.
- ``#``: the owner, the upload key and the time of the recording.
"""

import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import orjson
from boto3.dynamodb.conditions import Attr, Key

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

SAMPLE = 500
"""Newest rows of a bucket that are counted, so that a query starts with its rarest term."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A recording that has a term, unless another term has the same mark."""

    recording_id: str
    created_at: str
    n_terms: int


@dataclass(frozen=True, slots=True)
class Stretch:
    """The recordings with a term in a stretch of time, newest first.

    ``end`` is the time and the id of the last recording that was read; None if there are no older
    ones.
    """

    marks: Sequence[Mark]
    end: tuple[str, str] | None

    def until(self, n: int) -> "Stretch":
        """Return the stretch of the newest ``n`` recordings."""
        last = self.marks[n - 1]
        return Stretch(self.marks[:n], (last.created_at, last.recording_id))


class SearchTable:
    """The search table: the index of the recordings' transcripts."""

    def __init__(self, table: "Table") -> None:
        self._table = table
        self._client = table.meta.client

    def write(self, recording: Recording, index: Index) -> int:
        """Replace a recording's rows; return their number. Safe to repeat."""
        rows = list(_rows(recording, index))
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
        index = BY_TERM if owner is None else BY_OWNER_TERM
        query = _query(index, term, owner)
        return int(self._table.query(**query, Select="COUNT", Limit=SAMPLE)["Count"])

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

        Parameters
        ----------
        term : str
            the term
        owner : str or None
            the owner of the recordings; all owners if None
        after : tuple of str or None
            the ``end`` of the stretch before
        most : int
            number of recordings after which the stretch ends
        max_pages : int
            number of pages, of a megabyte each, after which the stretch ends
        is_over : callable
            returns whether the time is over, so that the stretch ends with the page that is read
        """
        index = BY_TERM if owner is None else BY_OWNER_TERM
        query = _query(index, term, owner) | {
            "ProjectionExpression": "recording_id, created_at, n_terms",
        }
        if after:
            query["ExclusiveStartKey"] = _position(term, owner, after)
        found: list[Mark] = []
        for _ in range(max_pages):
            page: Mapping[str, Any] = self._table.query(**query)
            for row in page["Items"]:
                found.append(Mark(row["recording_id"], row["created_at"], int(row["n_terms"])))
                if len(found) == most:
                    return Stretch(found, (found[-1].created_at, found[-1].recording_id))
            if "LastEvaluatedKey" not in page:
                return Stretch(found, None)
            last = query["ExclusiveStartKey"] = page["LastEvaluatedKey"]
            if is_over():
                break
        return Stretch(found, (last["created_at"], last["recording_id"]))

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


def _query(index: str, term: str, owner: str | None) -> dict[str, Any]:
    """Return the query for a term's recordings, newest first."""
    bucket = f"{BUCKET}{layout.bucket_of(term)}"
    return {
        "IndexName": index,
        "KeyConditionExpression": Key("term").eq(bucket)
        if owner is None
        else Key("owner_term").eq(_owner_term(owner, bucket)),
        "FilterExpression": Attr("marks").contains(layout.mark_of(term)),
        "ScanIndexForward": False,
    }


def _position(term: str, owner: str | None, after: tuple[str, str]) -> dict[str, str]:
    """Return the key of a recording's row in the index of a term's bucket."""
    bucket = f"{BUCKET}{layout.bucket_of(term)}"
    created_at, recording_id = after
    key = {"recording_id": recording_id, "term": bucket, "created_at": created_at}
    return key if owner is None else key | {"owner_term": _owner_term(owner, bucket)}


def _rows(recording: Recording, index: Index) -> Iterator[dict[str, Any]]:
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
            "term": f"{BUCKET}{bucket}",
            "owner_term": _owner_term(recording.owner, f"{BUCKET}{bucket}"),
            "created_at": recording.created_at,
            "n_terms": index.n_terms,
            "marks": marks,
        }


def _owner_term(owner: str, bucket: str) -> str:
    # An owner's name has no slash.
    return f"{owner}/{bucket}"


def _pack(value: Mapping[str, Any]) -> bytes:
    return zlib.compress(orjson.dumps(value))


def _unpack(packed: Any) -> Any:
    return orjson.loads(zlib.decompress(bytes(packed)))

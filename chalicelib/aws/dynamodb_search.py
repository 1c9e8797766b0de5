"""The search table: an inverted index, and the passages that snippets are made of.

A recording's rows share its id, so all of its rows and no other recording's are removed with it:

- ``{term}``: the places of the term in the recording. Two sparse indexes list a term's rows, newest
  recording first: ``by_term`` for all owners, ``by_owner_term`` for one owner.
- ``#{number}``: a passage of its words as written.
- ``#``: the owner of the recording.
"""

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

import orjson
from boto3.dynamodb.conditions import Key

from chalicelib.core.recording import Recording
from chalicelib.core.search.matching import Index, Passage
from chalicelib.core.search.postings import pack, unpack

BY_TERM = "by_term"
BY_OWNER_TERM = "by_owner_term"

HEAD = "#"
"""Prefix of rows that are not terms; no term starts with it."""

MAX_KEYS = 100  # most keys in one BatchGetItem


@dataclass(frozen=True, slots=True)
class Posting:
    """The places of a term in a recording, and the recording's number of terms."""

    recording_id: str
    created_at: str
    n_terms: int
    places: list[int]


class SearchTable:
    """The search table: the index of the recordings' transcripts."""

    def __init__(self, table: Any) -> None:
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
        query = {
            "KeyConditionExpression": Key("recording_id").eq(recording_id),
            "ProjectionExpression": "#term",
            "ExpressionAttributeNames": {"#term": "term"},
            "ConsistentRead": True,
        }
        terms: set[str] = set()
        while True:
            page = self._table.query(**query)
            terms |= {row["term"] for row in page["Items"]}
            if "LastEvaluatedKey" not in page:
                return terms
            query["ExclusiveStartKey"] = page["LastEvaluatedKey"]

    def postings(self, term: str, *, owner: str | None, max_pages: int) -> Iterator[Posting]:
        """Return the places of a term, in one owner's recordings or all, newest first."""
        if owner is None:
            index, condition = BY_TERM, Key("term").eq(term)
        else:
            index, condition = BY_OWNER_TERM, Key("owner_term").eq(_owner_term(owner, term))
        query = {
            "IndexName": index,
            "KeyConditionExpression": condition,
            "ScanIndexForward": False,
        }
        for _ in range(max_pages):
            page = self._table.query(**query)
            for row in page["Items"]:
                yield Posting(
                    recording_id=row["recording_id"],
                    created_at=row["created_at"],
                    n_terms=int(row["n_terms"]),
                    places=unpack(bytes(row["places"])),
                )
            if "LastEvaluatedKey" not in page:
                return
            query["ExclusiveStartKey"] = page["LastEvaluatedKey"]

    def heads(self, recording_ids: Iterable[str]) -> dict[str, dict[str, str]]:
        """Return each recording's ``owner`` and ``source_key``, without removed recordings."""
        rows = self._read((recording_id, HEAD) for recording_id in recording_ids)
        return {
            recording_id: {name: str(row[name]) for name in ("owner", "source_key")}
            for (recording_id, _), row in rows.items()
        }

    def passages(self, wanted: Iterable[tuple[str, int]]) -> dict[tuple[str, int], Passage]:
        """Return passages by recording and number, without missing ones."""
        rows = self._read((recording_id, f"{HEAD}{number}") for recording_id, number in wanted)
        return {
            (recording_id, int(term.removeprefix(HEAD))): Passage(
                **{name: tuple(column) for name, column in orjson.loads(row["passage"]).items()}
            )
            for (recording_id, term), row in rows.items()
        }

    def _read(self, wanted: Iterable[tuple[str, str]]) -> dict[tuple[str, str], dict[str, Any]]:
        waiting = [
            {"recording_id": recording_id, "term": term}
            for recording_id, term in dict.fromkeys(wanted)
        ]
        found: dict[tuple[str, str], dict[str, Any]] = {}
        name = self._table.name
        while waiting:
            asked, waiting = waiting[:MAX_KEYS], waiting[MAX_KEYS:]
            answer = self._client.batch_get_item(RequestItems={name: {"Keys": asked}})
            for row in answer["Responses"].get(name, []):
                found[row["recording_id"], row["term"]] = row
            waiting += answer["UnprocessedKeys"].get(name, {}).get("Keys", [])
        return found


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
            "passage": orjson.dumps(asdict(passage)).decode(),
        }
    for term, places in index.places.items():
        yield {
            "recording_id": recording.id,
            "term": term,
            "owner_term": _owner_term(recording.owner, term),
            "created_at": recording.created_at,
            "n_terms": index.n_terms,
            "places": pack(places),
        }


def _owner_term(owner: str, term: str) -> str:
    # An owner's name has no slash.
    return f"{owner}/{term}"

"""Search: the index of stored transcripts, and queries of words and phrases."""

import base64
import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from chalicelib.api.requests import Request
from chalicelib.core.search.matching import (
    Phrase,
    find_phrase,
    make_match,
    parse_query,
    passages_around,
    score,
)
from chalicelib.errors import CursorError

if TYPE_CHECKING:
    from chalicelib.aws.dynamodb_search import Posting
    from chalicelib.services import Services

MAX_PAGES = 5
"""Megabytes of a term's rows that a search reads: about the newest 20,000 recordings."""

PAGE = 20
"""Most recordings on a page."""

MAX_MATCHES = 5
"""Most places that a result shows."""


def answer_search(request: Request, services: "Services") -> dict[str, Any]:
    """Return a page of results for a request. Raise RequestError if the query is empty."""
    results, cursor = search(
        request.text("q") or "",
        owner=request.owner(),
        cursor=request.text("cursor"),
        limit=request.limit(PAGE),
        services=services,
    )
    return {"results": results, "cursor": cursor}


def search(
    query: str, *, owner: str | None, cursor: str | None, limit: int, services: "Services"
) -> tuple[list[dict[str, Any]], str | None]:
    """Return the recordings that contain every word and phrase of a query, best first.

    Parameters
    ----------
    query : str
        words, and phrases in quotes
    owner : str or None
        the owner of the recordings; all owners if None
    cursor : str or None
        the cursor of the page before
    limit : int
        number of recordings on a page

    Returns
    -------
    page, cursor : list of dict, str or None
        each recording with its matches, in seconds; the next page's cursor, None after the last

    Raises
    ------
    RequestError
        if the query has no term, or too many
    CursorError
        if the cursor does not belong to this query
    """
    phrases = parse_query(query)
    offset = _decode(cursor, query, owner) if cursor else 0
    found = _rank(phrases, owner, services)
    page = found[offset : offset + limit]
    is_last = offset + limit >= len(found)
    return _show(page, phrases, services), None if is_last else _encode(
        offset + limit, query, owner
    )


def _rank(
    phrases: list[Phrase], owner: str | None, services: "Services"
) -> list[tuple[str, str, float, list[int]]]:
    """Return id, time, score and places of every recording with all phrases, best first."""
    postings = {
        term: {
            posting.recording_id: posting
            for posting in services.search_table.postings(term, owner=owner, max_pages=MAX_PAGES)
        }
        for term in {term for phrase in phrases for term in phrase}
    }
    holding = [_places(phrase, postings) for phrase in phrases]
    common = set.intersection(*(set(places) for places in holding))
    lengths = {id_: postings[phrases[0][0]][id_].n_terms for id_ in common}
    mean_length = sum(lengths.values()) / max(len(lengths), 1)
    ranked = [
        (
            id_,
            postings[phrases[0][0]][id_].created_at,
            score(
                [len(places[id_]) for places in holding],
                [len(places) for places in holding],
                length=lengths[id_] / mean_length,
            ),
            sorted(place for places in holding for place in places[id_]),
        )
        for id_ in common
    ]
    ranked.sort(key=lambda found: (found[2], found[1], found[0]), reverse=True)
    return ranked


def _places(phrase: Phrase, postings: "dict[str, dict[str, Posting]]") -> dict[str, list[int]]:
    """Return the places of a phrase in each recording that contains it."""
    ids = set.intersection(*(set(postings[term]) for term in phrase))
    found = {
        id_: find_phrase(phrase, {term: postings[term][id_].places for term in phrase})
        for id_ in ids
    }
    return {id_: places for id_, places in found.items() if places}


def _show(
    page: list[tuple[str, str, float, list[int]]], phrases: list[Phrase], services: "Services"
) -> list[dict[str, Any]]:
    heads = services.search_table.heads(id_ for id_, *_ in page)
    passages = services.search_table.passages(
        (id_, number)
        for id_, _, _, places in page
        for place in places[:MAX_MATCHES]
        for number in passages_around(place)
    )

    def matches(id_: str, places: list[int]) -> Iterator[dict[str, Any]]:
        for place in places[:MAX_MATCHES]:
            around = [(id_, number) for number in passages_around(place)]
            if any(key in passages for key in around):
                found = [passages[key] for key in around if key in passages]
                yield asdict(make_match(place, found, phrases))

    return [
        {
            "recording_id": id_,
            **heads[id_],
            "created_at": created_at,
            "score": found_score,
            "n_matches": len(places),
            "matches": list(matches(id_, places)),
        }
        for id_, created_at, found_score, places in page
        if id_ in heads  # removed meanwhile
    ]


def _encode(offset: int, query: str, owner: str | None) -> str:
    text = json.dumps([offset, _digest(query, owner)])
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _decode(cursor: str, query: str, owner: str | None) -> int:
    try:
        offset, digest = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (ValueError, TypeError) as exc:
        raise CursorError(cursor) from exc
    # A cursor is valid for one query and one owner only.
    if digest != _digest(query, owner) or not isinstance(offset, int) or offset < 0:
        raise CursorError(cursor)
    return offset


def _digest(query: str, owner: str | None) -> str:
    return hashlib.sha256(json.dumps([query, owner]).encode()).hexdigest()[:12]

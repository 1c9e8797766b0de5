"""Search: the index of stored transcripts, and queries of words and phrases."""

import base64
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, astuple, dataclass, replace
from datetime import datetime, timedelta
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
from chalicelib.errors import CursorError, RequestError

if TYPE_CHECKING:
    from chalicelib.aws.dynamodb_marks import Mark, Stretch
    from chalicelib.services import Services

MAX_PAGES = 60
"""Megabytes of a bucket's rows that one request reads: about the newest 250,000 recordings."""

MAX_ROWS = 10_000
"""Rows of places that one request reads; each is about a kilobyte."""

LISTING, READING = timedelta(seconds=12), timedelta(seconds=20)
"""Times from the beginning of a request after which it lists no more recordings, and reads no more
places. API Gateway waits for 29 s; the rest is for the passages that are shown.
"""

ROWS_AT_ONCE = 100
"""Rows of places that are read between two looks at the clock: those of one request to the
table."""

PAGE = 20
"""Most recordings on a page."""

MAX_MATCHES = 5
"""Most places that a result shows."""

Found = tuple[str, str, float, list[int]]
"""A recording with all phrases: its id, its time, its score and the places of the phrases."""


@dataclass(frozen=True, slots=True)
class Place:
    """The beginning of a page: a stretch of recordings, and a number of results in it.

    ``term`` is the rarest of the query, and ``after`` is the end of the stretch before.
    """

    term: str
    after: tuple[str, str] | None
    offset: int


@dataclass(frozen=True, slots=True)
class SearchPage:
    """Recordings that contain every word and phrase of a query, each with its matches.

    If ``complete`` is false, the recordings before ``back_to`` have not been searched; the cursor
    continues there after the results of this stretch.
    """

    results: list[dict[str, Any]]
    cursor: str | None
    complete: bool
    back_to: str | None


def answer_search(request: Request, services: "Services") -> dict[str, Any]:
    """Return a page of results for a request. Raise RequestError if the query is empty."""
    page = search(
        request.text("q") or "",
        owner=request.owner(),
        cursor=request.text("cursor"),
        limit=request.limit(PAGE),
        services=services,
    )
    return asdict(page)


def search(
    query: str, *, owner: str | None, cursor: str | None, limit: int, services: "Services"
) -> SearchPage:
    """Return the recordings that contain every word and phrase of a query, best first.

    The recordings with the query's rarest term are listed newest first, and the places of all of
    its terms are read by key. If there are more than one request can read, in number or in time,
    the newest are ranked first, and the cursor continues with older ones.

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

    Raises
    ------
    RequestError
        if the query has no term, or too many
    CursorError
        if the cursor does not belong to this query
    """
    began = services.clock()
    phrases = parse_query(query)
    if cursor:
        start = _decode(cursor, query, owner)
        if start.term not in _terms(phrases):
            raise CursorError(cursor)
    else:
        start = _first_place(phrases, owner, services)
    stretch, found = _read(phrases, start, owner, services, began)
    end = start.offset + limit
    following: Place | None = None
    if end < len(found):
        following = replace(start, offset=end)
    elif stretch.end:
        following = Place(start.term, stretch.end, 0)
    return SearchPage(
        results=_show(found[start.offset : end], phrases, services),
        cursor=_encode(following, query, owner) if following else None,
        complete=stretch.end is None,
        back_to=stretch.end[0] if stretch.end else None,
    )


def find_ids(query: str, *, owner: str | None, most: int, services: "Services") -> list[str]:
    """Return the ids of all recordings that contain every word and phrase of a query.

    Raise RequestError if there are more than ``most`` or than one request can read, or the query
    cannot be used.
    """
    began = services.clock()
    phrases = parse_query(query)
    place = _first_place(phrases, owner, services)
    ids: list[str] = []
    while True:
        stretch, found = _read(phrases, place, owner, services, began)
        ids += [id_ for id_, *_ in found]
        if len(ids) > most:
            raise RequestError(f"q finds more than {most} recordings: use other words as well.")
        if stretch.end is None:
            return ids
        if services.clock() - began >= LISTING:
            raise RequestError(
                "q reads more than fits in one request: use rarer words as well, or search, and"
                " name recording_ids."
            )
        place = replace(place, after=stretch.end)


def _terms(phrases: list[Phrase]) -> list[str]:
    return list(dict.fromkeys(term for phrase in phrases for term in phrase))


def _first_place(phrases: list[Phrase], owner: str | None, services: "Services") -> Place:
    """Return where a search begins: at the newest recording with its rarest term."""
    first, *others = terms = _terms(phrases)
    if others:
        first = min(terms, key=lambda term: services.search_table.sample(term, owner=owner))
    return Place(first, None, 0)


def _read(
    phrases: list[Phrase],
    place: Place,
    owner: str | None,
    services: "Services",
    began: datetime,
) -> tuple["Stretch", list[Found]]:
    """Return the stretch of recordings at a place, and those with all phrases, best first.

    The stretch ends when the time is over, but one page and its first places are always read.
    """
    terms = _terms(phrases)
    stretch = services.search_table.stretch(
        place.term,
        owner=owner,
        after=place.after,
        most=MAX_ROWS // len(terms),
        max_pages=MAX_PAGES,
        is_over=lambda: services.clock() - began >= LISTING,
    )
    places: dict[str, Mapping[str, Sequence[int]]] = {}
    n_each = max(1, ROWS_AT_ONCE // len(terms))
    for first in range(0, len(stretch.marks), n_each):
        if first and services.clock() - began >= READING:
            stretch = stretch.until(first)
            break
        places |= services.search_table.places(stretch.marks[first : first + n_each], terms)
    return stretch, _rank(phrases, stretch.marks, places)


def _rank(
    phrases: list[Phrase],
    marks: "Sequence[Mark]",
    places: Mapping[str, Mapping[str, Sequence[int]]],
) -> list[Found]:
    """Return id, time, score and places of every recording with all phrases, best first."""
    starts = {
        mark.recording_id: [
            find_phrase(phrase, places.get(mark.recording_id, {})) for phrase in phrases
        ]
        for mark in marks
    }
    holding = [sum(map(bool, each)) for each in zip(*starts.values(), strict=True)]
    common = [mark for mark in marks if all(starts[mark.recording_id])]
    mean_length = sum(mark.n_terms for mark in common) / max(len(common), 1)
    ranked = [
        (
            mark.recording_id,
            mark.created_at,
            score(
                [len(each) for each in starts[mark.recording_id]],
                holding,
                length=mark.n_terms / mean_length,
            ),
            sorted(place for each in starts[mark.recording_id] for place in each),
        )
        for mark in common
    ]
    ranked.sort(key=lambda found: (found[2], found[1], found[0]), reverse=True)
    return ranked


def _show(
    page: list[Found],
    phrases: list[Phrase],
    services: "Services",
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


def _encode(place: Place, query: str, owner: str | None) -> str:
    text = json.dumps([*astuple(place), _digest(query, owner)])
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _decode(cursor: str, query: str, owner: str | None) -> Place:
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        term, after, offset, digest = json.loads(text)
    except (ValueError, TypeError, RecursionError) as exc:
        raise CursorError(cursor) from exc
    # A cursor is valid for one query and one owner only.
    if digest != _digest(query, owner) or not isinstance(offset, int) or offset < 0:
        raise CursorError(cursor)
    if not (after is None or _is_position(after)):
        raise CursorError(cursor)
    return Place(term, tuple(after) if after else None, offset)


def _is_position(after: Any) -> bool:
    match after:
        case [str(created_at), str()]:
            return bool(created_at)
    return False


def _digest(query: str, owner: str | None) -> str:
    return hashlib.sha256(json.dumps([query, owner]).encode()).hexdigest()[:12]

"""The layout of a recording's rows in the search table: which row has which term.

Docs/decisions/0010 gives the reasons and the figures.
"""

import base64
import hashlib
from collections.abc import Iterable, Mapping, Sequence

N_BUCKETS = 64
"""Number of buckets that all terms are divided into.

A recording has at most one row in each bucket, so it costs the same number of writes however many
terms it has.
"""

MARK_BYTES = 3
"""Bytes of a term's mark. Another term of the bucket has the same mark once in 16 million times,
and its recordings are left out when the places are read."""

GROUP_TERMS = 400
"""Number of a transcript's words for each of its groups of places, so that a row has about 1 KB."""


def bucket_of(term: str) -> int:
    """Return the bucket of a term."""
    return _digest(term)[0] % N_BUCKETS


def mark_of(term: str) -> str:
    """Return the mark of a term in its bucket: four characters."""
    return base64.b64encode(_digest(term)[1 : 1 + MARK_BYTES]).decode()


def group_of(term: str, *, n_terms: int) -> int:
    """Return the group that has the places of a term, in a transcript of ``n_terms`` terms."""
    return int.from_bytes(_digest(term)[-4:]) % (1 + n_terms // GROUP_TERMS)


def marks(terms: Iterable[str]) -> dict[int, set[str]]:
    """Return the marks of terms, by bucket."""
    found: dict[int, set[str]] = {}
    for term in terms:
        found.setdefault(bucket_of(term), set()).add(mark_of(term))
    return found


def groups(
    places: Mapping[str, Sequence[int]], *, n_terms: int
) -> dict[int, dict[str, Sequence[int]]]:
    """Return the places of each term, by group."""
    found: dict[int, dict[str, Sequence[int]]] = {}
    for term, positions in places.items():
        found.setdefault(group_of(term, n_terms=n_terms), {})[term] = positions
    return found


def _digest(term: str) -> bytes:
    return hashlib.sha256(term.encode()).digest()

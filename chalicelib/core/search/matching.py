"""Finding words and phrases in transcripts: what is indexed, and how it is matched and ranked."""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from chalicelib.core.search.terms import terms_of
from chalicelib.core.transcripts.models import Transcript
from chalicelib.errors import RequestError

MAX_QUERY_TERMS = 16
MAX_PLACES = 10_000
"""How many places of one term in one transcript are indexed: four hours hold 36,000 words."""

PASSAGE_TERMS = 64
"""How many terms a passage holds: a snippet needs one or two of them."""

MAX_WORD_LENGTH = 200
"""How much of a word a snippet shows: no recogniser writes longer ones, but a stranger may."""

SNIPPET_WORDS = 8
"""How many words stand before and after what was found."""

SATURATION, LENGTH_WEIGHT = 1.2, 0.75  # k1 and b of BM25, at their usual values

_QUOTED = re.compile(r'"([^"]*)"?|(\S+)')

Phrase = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Passage:
    """A stretch of a transcript: its words as written, where each begins, and its first term.

    ``first_terms`` counts terms from the transcript's start, for a word may hold several.
    """

    words: tuple[str, ...]
    starts_s: tuple[float, ...]
    ends_s: tuple[float, ...]
    first_terms: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Index:
    """All that a transcript is found by: the places of each term, and its passages."""

    places: Mapping[str, Sequence[int]]
    passages: Sequence[Passage]
    n_terms: int


@dataclass(frozen=True, slots=True)
class Match:
    """A place where something was found, in seconds from the recording's start.

    ``highlights`` are the ranges of the snippet's characters that were asked for.
    """

    start_s: float
    end_s: float
    snippet: str
    highlights: tuple[tuple[int, int], ...]


def index_transcript(transcript: Transcript) -> Index:
    """Return what a transcript is found by."""
    places: dict[str, list[int]] = {}
    passages: dict[int, list[tuple[str, float, float, int]]] = {}
    position = 0
    for word in transcript.words:
        terms = terms_of(word.content)
        entry = (word.text[:MAX_WORD_LENGTH], word.start, word.end, position)
        passages.setdefault(position // PASSAGE_TERMS, []).append(entry)
        for term in terms:
            standing = places.setdefault(term, [])
            if len(standing) < MAX_PLACES:
                standing.append(position)
            position += 1
    n_passages = max(passages, default=-1) + 1
    return Index(
        places=places,
        # One long word may reach over a whole passage; it stands in the one that it begins in.
        passages=[_passage(passages.get(number, [])) for number in range(n_passages)],
        n_terms=position,
    )


def _passage(entries: list[tuple[str, float, float, int]]) -> Passage:
    words, starts, ends, first_terms = zip(*entries, strict=True) if entries else ((), (), (), ())
    return Passage(words, starts, ends, first_terms)


def parse_query(query: str) -> list[Phrase]:
    """Return what is to be found: single words, and phrases where words stand in quotes.

    What is written together and holds several terms, as ``twenty-one`` does, is a phrase too.
    Raise RequestError where there is nothing to find, or too much.
    """
    found = (terms_of(quoted or word) for quoted, word in _QUOTED.findall(query))
    phrases = list(dict.fromkeys(tuple(terms) for terms in found if terms))
    if not phrases:
        raise RequestError("Nothing to search for: give a word, or a phrase in quotes.")
    if sum(len(phrase) for phrase in phrases) > MAX_QUERY_TERMS:
        raise RequestError(f"Too much to search for: give at most {MAX_QUERY_TERMS} words.")
    return phrases


def find_phrase(phrase: Phrase, places: Mapping[str, Sequence[int]]) -> list[int]:
    """Return the positions at which a phrase begins in a transcript."""
    starts = set(places.get(phrase[0], ()))
    for offset, term in enumerate(phrase[1:], start=1):
        starts &= {position - offset for position in places.get(term, ())}
    return sorted(starts)


def score(counts: Sequence[int], n_holding: Sequence[int], *, length: float) -> float:
    """Return how well a transcript answers a query, by BM25.

    Robertson and Zaragoza, "The Probabilistic Relevance Framework", 2009. How many transcripts
    there are in all is not known without counting them, and only matters to all alike; the most
    common of the query's phrases stands in for it.

    Parameters
    ----------
    counts : sequence of int
        how often each phrase stands in the transcript
    n_holding : sequence of int
        how many transcripts hold each phrase
    length : float
        the transcript's number of terms, divided by the mean of those compared
    """
    total = max(n_holding)
    norm = SATURATION * (1 - LENGTH_WEIGHT + LENGTH_WEIGHT * length)
    return sum(
        math.log(1 + (total - holding + 0.5) / (holding + 0.5))
        * count
        * (SATURATION + 1)
        / (count + norm)
        for count, holding in zip(counts, n_holding, strict=True)
    )


def passages_around(position: int) -> range:
    """Return the numbers of the passages that a snippet at a position is made of."""
    first = max(0, position - SNIPPET_WORDS) // PASSAGE_TERMS
    return range(first, (position + SNIPPET_WORDS + MAX_QUERY_TERMS) // PASSAGE_TERMS + 1)


def make_match(position: int, passages: Sequence[Passage], phrases: Sequence[Phrase]) -> Match:
    """Return what to show of a place.

    Parameters
    ----------
    position : int
        the term at which it begins
    passages : sequence of Passage
        those of ``passages_around`` that there are, in order
    phrases : sequence of tuples of str
        what was asked for: every one that stands in the snippet is marked
    """
    words = [entry for passage in passages for entry in _entries(passage)]
    middle = max(
        (index for index, (_, _, _, first) in enumerate(words) if first <= position), default=0
    )
    low = max(0, middle - SNIPPET_WORDS)
    shown = words[low : middle + SNIPPET_WORDS + 1]
    snippet, spans = "", []
    for text, *_ in shown:
        snippet += " " if snippet else ""
        spans.append((len(snippet), len(snippet) + len(text)))
        snippet += text
    marked = _marked([terms_of(text) for text, *_ in shown], phrases)
    _, start_s, end_s, _ = words[middle]
    return Match(
        start_s, end_s, snippet, tuple(span for span, m in zip(spans, marked, strict=True) if m)
    )


def _entries(passage: Passage) -> Iterator[tuple[str, float, float, int]]:
    return zip(passage.words, passage.starts_s, passage.ends_s, passage.first_terms, strict=True)


def _marked(words: list[list[str]], phrases: Sequence[Phrase]) -> list[bool]:
    """Tell of each word whether it belongs to a phrase."""
    owners = [index for index, terms in enumerate(words) for _ in terms]
    places: dict[str, list[int]] = {}
    for position, term in enumerate(term for terms in words for term in terms):
        places.setdefault(term, []).append(position)
    belonging = {
        owners[start + offset]
        for phrase in phrases
        for start in find_phrase(phrase, places)
        for offset in range(len(phrase))
    }
    return [index in belonging for index in range(len(words))]

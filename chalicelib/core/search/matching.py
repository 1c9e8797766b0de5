"""Words and phrases found in transcripts: the index entries, matching and ranking."""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from chalicelib.core.search.terms import terms_of
from chalicelib.core.transcripts.models import Transcript
from chalicelib.errors import RequestError

MAX_QUERY_TERMS = 16
MAX_PLACES = 10_000
"""Number of places of one term that are indexed in a transcript; four hours have 36,000 words."""

PASSAGE_TERMS = 64
"""Number of terms in a passage; a snippet needs one or two passages."""

MAX_WORD_LENGTH = 200
"""Characters of a word that a snippet shows; only a hostile transcript has longer words."""

SNIPPET_WORDS = 8
"""Number of words that a snippet shows before and after the match."""

SATURATION, LENGTH_WEIGHT = 1.2, 0.75  # k1 and b of BM25, at their usual values

_QUOTED = re.compile(r'"([^"]*)"?|(\S+)')

Phrase = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Passage:
    """A stretch of a transcript: its words as written, where each begins, and its first term.

    ``first_terms`` counts terms from the transcript's start, because a word may hold several terms.
    """

    words: tuple[str, ...]
    starts_s: tuple[float, ...]
    ends_s: tuple[float, ...]
    first_terms: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Index:
    """Index entries of a transcript: the places of each term, and the passages."""

    places: Mapping[str, Sequence[int]]
    passages: Sequence[Passage]
    n_terms: int


@dataclass(frozen=True, slots=True)
class Match:
    """One match, in seconds from the recording's start.

    ``highlights`` are the character ranges of the snippet that match the query.
    """

    start_s: float
    end_s: float
    snippet: str
    highlights: tuple[tuple[int, int], ...]


def index_transcript(transcript: Transcript) -> Index:
    """Return the index entries of a transcript."""
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
        # A long word may cover a whole passage; it belongs to the passage in which it begins.
        passages=[_passage(passages.get(number, [])) for number in range(n_passages)],
        n_terms=position,
    )


def _passage(entries: list[tuple[str, float, float, int]]) -> Passage:
    words, starts, ends, first_terms = zip(*entries, strict=True) if entries else ((), (), (), ())
    return Passage(words, starts, ends, first_terms)


def parse_query(query: str) -> list[Phrase]:
    """Return the phrases of a query: single words, and the words within quotes.

    A word of several terms, such as ``twenty-one``, is a phrase too.
        Raise RequestError if the query has no term, or too many.
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
    """Return the BM25 score of a transcript for a query.

    Robertson and Zaragoza, "The Probabilistic Relevance Framework", 2009. BM25 needs the number of
    all transcripts and their mean length, which are not known without counting. This function takes
    the number of transcripts with the most common phrase of the query, and the mean length of the
    transcripts found. So the order may differ from that of BM25 over the whole collection.

    Parameters
    ----------
    counts : sequence of int
        number of times that each phrase occurs in the transcript
    n_holding : sequence of int
        number of transcripts in which each phrase occurs
    length : float
        the transcript's number of terms, divided by the mean of the compared transcripts
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
    """Return the numbers of the passages that a snippet at a position needs."""
    first = max(0, position - SNIPPET_WORDS) // PASSAGE_TERMS
    return range(first, (position + SNIPPET_WORDS + MAX_QUERY_TERMS) // PASSAGE_TERMS + 1)


def make_match(position: int, passages: Sequence[Passage], phrases: Sequence[Phrase]) -> Match:
    """Return a match with its snippet.

    Parameters
    ----------
    position : int
        the term at which the match begins
    passages : sequence of Passage
        the passages of ``passages_around`` that exist, in order
    phrases : sequence of tuples of str
        the phrases of the query; each one within the snippet is highlighted
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
    """Return for each word whether it belongs to a phrase."""
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

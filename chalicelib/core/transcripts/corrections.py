"""Corrections: people's changes to a transcript, kept beside it.

The transcript itself is never changed. Each correction names the recognised words that it belongs
to, by their text and time, and not by their number. So corrections do not depend on one another,
and each can be undone alone. After the recording is processed again, each one finds its words, or
it is known that they are missing.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any

import orjson

from chalicelib.core.keys import is_plain
from chalicelib.errors import RequestError

MAX_CORRECTIONS = 5000
MAX_WORDS = 50
"""Most recognised words that one correction replaces."""

MAX_TEXT = 500
"""Most characters of a correction's text, and of a word that it names."""


class Kind(StrEnum):
    """The kinds of corrections."""

    WORDS = "words"
    SPEAKER = "speaker"
    SPLIT = "split"
    JOIN = "join"


@dataclass(frozen=True, slots=True)
class Correction:
    """One change: of words, of a speaker's name, or of where a segment begins.

    Parameters
    ----------
    kind : Kind
        ``words`` writes ``text`` in the place of the words; ``speaker`` gives the name ``text`` to
        the speaker of the first word, in all places; ``split`` begins a segment at the first word,
        and ``join`` continues with it the segment before
    words : tuple of str
        the recognised words, each with its opening punctuation and without its closing punctuation
    start_s : float
        time at which the first word begins, in seconds
    channel : str or None
        label of the words' channel
    text : str
        the new words with their punctuation, or the name; no words if empty
    by : str
        name of the person
    at : str
        time of the correction, ISO 8601
    times : tuple of (float, float)
        start and end of each of the new words in seconds, if an aligner has found them
    """

    kind: Kind
    words: tuple[str, ...]
    start_s: float
    channel: str | None = None
    text: str = ""
    by: str = ""
    at: str = ""
    times: tuple[tuple[float, float], ...] = ()

    @classmethod
    def of(cls, given: object) -> "Correction":
        """Return a correction from its JSON. Raise RequestError if it cannot be used."""
        if not isinstance(given, Mapping):
            raise RequestError('A correction must be a JSON object, such as {"kind": "words", …}.')
        if given.get("kind") not in set(Kind):
            raise RequestError(f"kind must be one of {', '.join(Kind)}, not {given.get('kind')!r}.")
        kind = Kind(given["kind"])
        words = given.get("words")
        if not isinstance(words, list) or not 1 <= len(words) <= MAX_WORDS:
            raise RequestError(f"words must be a list of 1 to {MAX_WORDS} recognised words.")
        text = _text("text", given.get("text") or "")
        if kind == Kind.SPEAKER and not text.strip():
            raise RequestError("text must be the speaker's name.")
        if kind in (Kind.SPLIT, Kind.JOIN) and text:
            raise RequestError(f"A correction of the kind {kind} has no text.")
        return cls(
            kind,
            tuple(_text("words", word) for word in words),
            _seconds("start_s", given.get("start_s")),
            _text("channel", given["channel"]) if given.get("channel") else None,
            " ".join(text.split()),
            by=_text("by", given.get("by") or ""),
            at=_text("at", given.get("at") or ""),
            times=_times(given.get("times") or []),
        )

    @property
    def content(self) -> "Correction":
        """The correction without its person, its time, and the times that an aligner has found."""
        return replace(self, by="", at="", times=())


def load_corrections(data: bytes | None) -> list[Correction]:
    """Read the bytes of a recording's corrections; without an object there are none."""
    return read_corrections(orjson.loads(data)) if data else []


def read_corrections(body: Mapping[str, Any]) -> list[Correction]:
    """Return the corrections of a JSON object. Raise RequestError if one cannot be used."""
    given = body.get("corrections")
    if not isinstance(given, list) or len(given) > MAX_CORRECTIONS:
        raise RequestError(f"corrections must be a list of at most {MAX_CORRECTIONS}.")
    return [Correction.of(one) for one in given]


def dump_corrections(corrections: Iterable[Correction]) -> bytes:
    """Write corrections as the bytes of their object."""
    return orjson.dumps({"corrections": [asdict(one) for one in corrections]})


def replaced(
    present: Iterable[Correction], wanted: Iterable[Correction], *, by: str, at: str
) -> list[Correction]:
    """Return the wanted corrections; those that are not among the present ones are new.

    A new one has this person and this time, and the others keep theirs.
    """
    known: defaultdict[Correction, list[Correction]] = defaultdict(list)
    for one in present:
        known[one.content].append(one)
    return [
        known[one.content].pop(0) if known[one.content] else replace(one.content, by=by, at=at)
        for one in wanted
    ]


def _text(name: str, value: object) -> str:
    if not isinstance(value, str) or len(value) > MAX_TEXT or not is_plain(value):
        raise RequestError(
            f"{name} must be text of at most {MAX_TEXT} characters, without control characters."
        )
    return value


def _times(given: Any) -> tuple[tuple[float, float], ...]:
    try:
        spans = [(start, end) for start, end in given]
    except (TypeError, ValueError) as exc:
        raise RequestError("times must be a start and an end for each word.") from exc
    return tuple((_seconds("times", start), _seconds("times", end)) for start, end in spans)


def _seconds(name: str, value: object) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < math.inf:
        return float(value)
    raise RequestError(f"{name} must be a time in seconds, not {value!r}.")

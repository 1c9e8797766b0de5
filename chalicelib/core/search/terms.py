"""Text becomes the terms that it is found by.

A term is what is left of a word when case, accents and punctuation do not count. Scripts that
write no spaces are cut into single characters, on both sides: in a transcript and in a query. A
run of them is then found as a phrase is.
"""

import re
import unicodedata
from itertools import groupby

MAX_TERM_LENGTH = 64
"""Longer words are cut: they are found by how they begin."""

# Accents of Latin, Greek and Cyrillic, points of Hebrew and Arabic. The marks of other scripts
# are no accents: without them other words would be left.
_ACCENTS = re.compile("[\u0300-\u036f\u0591-\u05bd\u05bf\u05c1-\u05c7\u064b-\u065f\u0670]")
_APOSTROPHES = re.compile(r"(?<=\w)['\u2019\u02bc](?=\w)")
# Thai, Lao, Myanmar, Khmer, kana and Han.
_UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
    "\U00020000-\U0003ffff]"
)


def terms_of(text: str) -> list[str]:
    """Return the terms of a text, in order: ``Don't STOP, Zoë`` gives dont, stop, zoe."""
    joined = _APOSTROPHES.sub("", text)
    # Once more after folding, for a letter may only then come apart; and before it, for a letter
    # in disguise has no case.
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", joined).casefold())
    bare = _ACCENTS.sub("", plain)
    characters = unicodedata.normalize("NFKC", bare)
    return [term for kind, run in groupby(characters, _kind) for term in _cut(kind, "".join(run))]


def _kind(character: str) -> str:
    if _UNSPACED.match(character):
        return "unspaced"
    # Letters, numbers, and the marks that go with them.
    return "term" if unicodedata.category(character)[0] in "LNM" else "between"


def _cut(kind: str, run: str) -> list[str]:
    if kind == "unspaced":
        return [character for character in run if unicodedata.category(character)[0] in "LNM"]
    return [run[:MAX_TERM_LENGTH]] if kind == "term" else []

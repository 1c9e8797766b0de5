"""Text to the terms of the index.

A term is a word without case, accents and punctuation. Text in scripts without spaces is cut into
single characters, in transcripts and in queries. Several of them in a row are found like a phrase.
"""

import re
import unicodedata
from itertools import groupby

MAX_TERM_LENGTH = 64
"""Number of characters of a term; the rest of a longer word is not indexed."""

# Accents of Latin, Greek and Cyrillic, points of Hebrew and Arabic. The marks of other scripts
# are not accents: without them it would be another word.
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
    # Normalise before folding, because compatibility forms of letters have no case, and again
    # after it, because folding may give letters that can be decomposed.
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", joined).casefold())
    bare = _ACCENTS.sub("", plain)
    characters = unicodedata.normalize("NFKC", bare)
    return [term for kind, run in groupby(characters, _kind) for term in _cut(kind, "".join(run))]


def _kind(character: str) -> str:
    if _UNSPACED.match(character):
        return "unspaced"
    # Letters, numbers, and the marks that belong to them.
    return "term" if unicodedata.category(character)[0] in "LNM" else "between"


def _cut(kind: str, run: str) -> list[str]:
    if kind == "unspaced":
        return [character for character in run if unicodedata.category(character)[0] in "LNM"]
    return [run[:MAX_TERM_LENGTH]] if kind == "term" else []

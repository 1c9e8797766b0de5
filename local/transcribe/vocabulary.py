"""A custom vocabulary of local mode: a text file of words and phrases."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from chalicelib.errors import ParameterError

VARIABLE = "TRANSCRIBE_VOCABULARY"
MOST_BYTES = 50_000
"""Largest size of a vocabulary in bytes: 50 KB, as in Amazon Transcribe's quotas.

https://docs.aws.amazon.com/transcribe/latest/dg/limits-guidelines.html
"""


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The phrases of a file, and the name by which jobs ask for them."""

    name: str
    phrases: tuple[str, ...]


def read_vocabulary(environ: Mapping[str, str]) -> Vocabulary | None:
    """Read the file that TRANSCRIBE_VOCABULARY names, in either form that Transcribe takes.

    A list has a phrase in each line, with hyphens for spaces; a table has the column ``Phrase``
    and perhaps ``DisplayAs``, with tabs between columns.
    https://docs.aws.amazon.com/transcribe/latest/dg/custom-vocabulary.html

    Raise ParameterError if the file cannot be read or has no phrase.
    """
    if not environ.get(VARIABLE):
        return None
    path = Path(environ[VARIABLE])
    try:
        content = path.read_bytes()
        text = content.decode("utf-8-sig")
    except OSError as exc:
        raise ParameterError(
            VARIABLE,
            f"{str(path)!r} cannot be read ({exc.strerror}): in local mode it is a text file with "
            "a word or phrase in each line",
        ) from exc
    except UnicodeDecodeError as exc:
        raise ParameterError(VARIABLE, f"{str(path)!r} is not text in UTF-8") from exc
    if len(content) > MOST_BYTES:
        raise ParameterError(VARIABLE, f"{str(path)!r} has more than {MOST_BYTES // 1000} KB")
    phrases = tuple(filter(None, _phrases(text.splitlines())))
    if not phrases:
        raise ParameterError(VARIABLE, f"{str(path)!r} has no word or phrase")
    # Keep only the characters that Transcribe allows in a name.
    return Vocabulary(re.sub(r"[^0-9a-zA-Z._-]+", "-", path.stem)[:200], phrases)


def _phrases(lines: list[str]) -> list[str]:
    head = lines[0].split("\t") if lines else []
    if head[:1] != ["Phrase"]:
        return [_spoken(phrase) for line in lines for phrase in line.split(",")]
    shown = head.index("DisplayAs") if "DisplayAs" in head else 0
    rows = [line.split("\t") for line in lines[1:]]
    return [
        row[shown].strip() if len(row) > shown and shown and row[shown].strip() else _spoken(row[0])
        for row in rows
    ]


def _spoken(phrase: str) -> str:
    return phrase.strip().replace("-", " ")

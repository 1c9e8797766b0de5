"""The reference page of tables and parameters, made from the code.

Columns, their order, options, defaults and ranges are the code's. ``docs/numbers.md`` explains the
columns; the build stops if a column is not explained there.
"""

import io
import re
import wave
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields
from itertools import groupby
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from chalicelib.core.dsp.parameters import RANGES, FeatureParameters
from chalicelib.core.features.extract import extract
from chalicelib.core.features.measures import measured_names
from chalicelib.core.features.words import write_voices
from chalicelib.core.registry import TABLES, track_class

NUMBERS = Path(__file__).resolve().parents[1] / "docs/numbers.md"
SR = 16_000
OF_WORDS = {"words": "word", "segments": "segment", "speakers": "words"}
OF_A_KIND = re.compile(r"^((?:mfcc|delta2?|mel|fbank|contrast)_)\d+(_mean|_std|)$")


def page() -> str:
    """Return the page as Markdown."""
    sections = _sections(NUMBERS.read_text())
    lines = ["# Tables and parameters", "", "Columns, options and defaults are read from the code."]
    lines += ["[Numbers](../numbers.md#the-tables) says what each table is compared with.", ""]
    lines += ["## Parameters", "", *_parameters(), ""]
    for table in TABLES:
        meanings = next(found for names, found in sections if table in names)
        lines += [f"## {table}.csv", "", *_columns(_header(table), meanings), ""]
        if options := track_class(table).options:
            lines += ["| Option | Default | Allowed |", "| --- | --- | --- |"]
            lines += [
                f"| `{options.table}_{one.name}` | {_shown(one.default)} | {_allowed(one)} |"
                for one in fields(options)
            ]
            lines += [""]
    joined = next(found for names, found in sections if "recording" in names)
    for name, label in OF_WORDS.items():
        lines += [f"## {name}.csv", "", *_columns(_word_header(label), joined), ""]
    return "\n".join(lines)


def _parameters() -> Iterator[str]:
    yield "| Parameter | Default | Allowed |"
    yield "| --- | --- | --- |"
    given = FeatureParameters()
    for name in FeatureParameters.names():
        low, high = RANGES.get(name, (None, None))
        allowed = "" if low is None else f"{low:g} to {high:g}"
        yield f"| `{name}` | {_shown(getattr(given, name))} | {allowed} |"


def _columns(header: list[str], meanings: dict[str, tuple[str, str]]) -> Iterator[str]:
    yield "| Column | Meaning | Unit |"
    yield "| --- | --- | --- |"
    for (meaning, unit), same in groupby(header, lambda name: _meaning(name, meanings)):
        names = []
        for _, group in groupby(same, _kind):
            first, *rest = group
            names.append(f"`{first}` to `{rest[-1]}`" if rest else f"`{first}`")
        yield f"| {', '.join(names)} | {meaning} | {unit} |"


def _kind(name: str) -> str:
    """Return one name for all columns of a kind, such as the coefficients of MFCC."""
    return OF_A_KIND.sub(r"\g<1>1\g<2>", name)


def _meaning(name: str, meanings: dict[str, tuple[str, str]]) -> tuple[str, str]:
    # Each further table gives the tables of words two columns; numbers.md explains one of them.
    further = re.sub(rf"^(?:{'|'.join(TABLES)})_.+(_median|_std)$", r"formants_f1_hz\1", name)
    for known in (name, _kind(name), further):
        if known in meanings:
            return meanings[known]
    raise LookupError(f"docs/numbers.md does not say what the column {name} is.")


def _header(table: str) -> list[str]:
    """Return the columns of a table, read from the table of a short tone."""
    sound = io.BytesIO()
    y = np.sin(2 * np.pi * 200 * np.arange(SR) / SR) * 8000
    with wave.open(sound, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SR)
        file.writeframes(y.astype("<i2").tobytes())
    written = io.BytesIO()

    @contextmanager
    def open_table(name: str) -> Iterator[BinaryIO]:
        yield written if name == f"{table}.csv" else io.BytesIO()

    extract(sound, FeatureParameters(tables=(table,), deltas=2), open_table)
    return written.getvalue().partition(b"\n")[0].decode().split(",")


def _word_header(label: str) -> list[str]:
    further = {table: track_class(table).word_columns for table in TABLES}
    measured = [
        name for table, columns in further.items() if columns for name in measured_names(table)
    ]
    return write_voices(label, (), "", tuple(measured)).partition("\n")[0].split(",")


def _sections(text: str) -> list[tuple[set[str], dict[str, tuple[str, str]]]]:
    """Return the words of each heading of numbers.md, with the columns that its tables explain."""
    found = []
    for part in re.split(r"(?m)^#{2,3} ", text)[1:]:
        heading, _, body = part.partition("\n")
        meanings = {}
        unit_first = "| Column | Unit |" in body
        body = body.replace("](#", "](../numbers.md#")
        for row in re.findall(r"(?m)^\|(.*)\|$", body):
            cells = [cell.strip() for cell in row.split("|")]
            if len(cells) > 2:  # noqa: PLR2004  # a column's name, its meaning and its unit
                meaning, unit = (cells[2], cells[1]) if unit_first else (cells[1], cells[2])
                for name in re.findall(r"`([^`]+)`", cells[0]):
                    meanings[name] = (meaning, unit)
        found.append((set(re.findall(r"\w+", heading)), meanings))
    return found


def _allowed(one: Any) -> str:
    low, high, choices = (one.metadata[name] for name in ("low", "high", "choices"))
    if choices:
        return ", ".join(f"`{choice}`" for choice in choices)
    return "" if np.isinf(low) and np.isinf(high) else f"{low:g} to {high:g}"


def _shown(value: object) -> str:
    if isinstance(value, tuple):
        return ", ".join(map(str, value))
    return str(value).lower()

"""Labels of the stored files. They name each file's object, in case the database is damaged."""

import json
import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

LABEL = ".json"
Row = tuple[str, str, str, str, str]
"""Bucket, key, file, ETag and headers of an object, as in the database."""


def write_label(files: Path, row: Row) -> None:
    """Write the label of an object's file, at once."""
    label = files / f"{row[2]}{LABEL}"
    # Two threads may keep one object at the same time.
    arriving = label.with_suffix(f".{threading.get_ident()}-label")
    try:
        arriving.write_text(json.dumps(row))
        arriving.replace(label)
    finally:
        arriving.unlink(missing_ok=True)


def remove_file(files: Path, name: str) -> None:
    """Remove an object's file with its label. Safe to repeat."""
    (files / f"{name}{LABEL}").unlink(missing_ok=True)
    (files / name).unlink(missing_ok=True)


def labelled(files: Path) -> list[Row]:
    """Return the objects whose files have labels; if two have the same key, the later one."""
    found: dict[tuple[str, str], Row] = {}
    for label in sorted(files.glob(f"*{LABEL}"), key=os.path.getmtime):
        # Ignore a label that cannot be read, or that has no file.
        with suppress(ValueError, TypeError):
            bucket, key, name, etag, headers = json.loads(label.read_text())
            if (files / name).exists():
                found[bucket, key] = (bucket, key, name, etag, headers)
    return list(found.values())


def readable_rows(database: Path, table: str) -> Iterator[tuple[str, ...]]:
    """Yield the rows of a damaged database's table, up to the first that cannot be read."""
    with (
        suppress(sqlite3.DatabaseError),
        closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)) as connection,
    ):
        yield from connection.execute(f"select * from {table}")  # noqa: S608  # a name of ours

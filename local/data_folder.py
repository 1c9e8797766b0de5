"""The data folder of local mode: one process holds it, and a damaged database is saved."""

import fcntl
import logging
import sqlite3
from pathlib import Path
from typing import IO

from local.labels import labelled, readable_rows

_TABLES = """
create table if not exists objects (
    bucket text, key text, file text, etag text, headers text, primary key (bucket, key));
create table if not exists items (key text primary key, item text);
create table if not exists service_jobs (
    service text, name text, job text, primary key (service, name));
"""

DATABASE = "earshot.sqlite"
DAMAGED = ".damaged"
"""Suffix for a database that cannot be read, and for a file whose bytes have changed."""

log = logging.getLogger(__name__)


class StoreError(Exception):
    """The folder cannot be used for storage, or cannot be read."""


def hold(folder: Path) -> IO[str]:
    """Lock the folder for this process; the system releases it when the process ends.

    Raise StoreError if another process holds it.
    """
    try:
        held = (folder / "lock").open("w")
    except OSError as exc:
        raise StoreError(f"{folder} cannot be used as the data folder: {exc.strerror}.") from exc
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as exc:
        held.close()
        raise StoreError(
            f"{folder} is in use by another local mode. Stop that one, or name another folder."
        ) from exc
    return held


def open_database(folder: Path, files: Path) -> sqlite3.Connection:
    """Open the folder's database. If it is damaged, make a new one from all that can be read.

    Raise StoreError if the disk is full, or if nothing can be saved.
    """
    try:
        files.mkdir(parents=True, exist_ok=True)
        return _open(folder, files)
    except OSError as exc:
        raise StoreError(f"{folder} cannot be used as the data folder: {exc.strerror}.") from exc
    except sqlite3.OperationalError as exc:
        raise StoreError(
            f"{folder} cannot be used as the data folder: {exc}. Free some space, and start."
        ) from exc


def _open(folder: Path, files: Path) -> sqlite3.Connection:
    path = folder / DATABASE
    try:
        database = _connect(path)
        if database.execute("pragma quick_check(1)").fetchone() == ("ok",):
            return database
        reason = "its pages do not fit together"
    except sqlite3.OperationalError:
        raise
    except sqlite3.DatabaseError as exc:
        reason = str(exc)
    return _salvage(path, files, reason)


def _salvage(path: Path, files: Path, reason: str) -> sqlite3.Connection:
    """Put the damaged database aside, and make a new one from the files' labels and its rows."""
    rows = labelled(files)
    if not rows and any(files.iterdir()):
        raise StoreError(
            f"{path} is damaged ({reason}), and its files have no labels: an earlier version "
            "wrote them. Put a copy of it back, or move it away to start empty."
        )
    damaged = path.with_name(f"{DATABASE}{DAMAGED}")
    path.rename(damaged)
    for journal in path.parent.glob(f"{DATABASE}-*"):
        journal.unlink()
    database = _connect(path)
    items = [*readable_rows(damaged, "items")]
    jobs = [*readable_rows(damaged, "service_jobs")]
    database.executemany("replace into objects values (?, ?, ?, ?, ?)", rows)
    database.executemany("replace into items values (?, ?)", items)
    database.executemany("replace into service_jobs values (?, ?, ?)", jobs)
    log.warning(
        "%s was damaged (%s), and is kept as %s: %d objects are restored from their files, and "
        "%d recordings as they were; others are processed anew",
        path,
        reason,
        damaged.name,
        len(rows),
        len(items),
    )
    return database


def _connect(path: Path) -> sqlite3.Connection:
    database = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
    database.executescript(_TABLES)
    return database

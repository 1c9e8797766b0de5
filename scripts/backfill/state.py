"""The state of a backfill, in the stage's bucket, so that any machine finds it.

A backfill goes in rounds. A round begins by writing the list of the archive in parts of
``PART`` objects, each an object of its own below ``backfills/{name}/{round}/``. A part that is
finished gets a second object beside it, the part's report. Every object is written once and
completely, so a process may end at any moment. The next run repeats the work without a report, and
recordings that exist already are not made again.
"""

import csv
import hashlib
import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from chalicelib.core import keys
from scripts.backfill.listing import Entry

if TYPE_CHECKING:
    from chalicelib.aws.s3 import MediaStore

PART = 1000
"""Objects in a part of the list, about 200 KB."""

_ROUND = re.compile(r"/(\d{4})/")


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the report: the outcome of one object."""

    key: str
    recording_id: str
    outcome: str
    reason: str = ""
    usd: float = 0.0


COLUMNS = tuple(field.name for field in fields(Row))


def name_of(asked: Mapping[str, Any]) -> str:
    """Return the name of a backfill. The same request always gets the same name."""
    digest = hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()[:8]
    slug = re.sub(r"[^a-z0-9]+", "-", str(asked["source"]).lower().removeprefix(keys.ADDRESS))
    return f"{slug.strip('-')[:40].strip('-')}-{digest}"


class State:
    """The latest round of a backfill: the one that is not finished, or a new one."""

    def __init__(self, store: "MediaStore", name: str) -> None:
        self._store = store
        self._home = f"{keys.BACKFILLS}{name}/"
        there = store.keys(self._home)
        rounds = {int(found[1]) for key in there if (found := _ROUND.search(key))}
        latest = max(rounds, default=1)
        self.number = latest + (f"{self._home}{latest:04}/report.csv" in there)
        self.folder = f"{self._home}{self.number:04}/"
        self._there = {key for key in there if key.startswith(self.folder)}

    @property
    def report_key(self) -> str:
        """The key of the report of the whole round."""
        return f"{self.folder}report.csv"

    def _key(self, kind: str, number: int) -> str:
        return f"{self.folder}{kind}/{number:06}"

    def write_list(self, entries: Iterable[Entry]) -> Iterator[Entry]:
        """Write the list in parts, and yield each entry."""
        part: list[Entry] = []
        number = 0
        for entry in entries:
            part.append(entry)
            if len(part) == PART:
                self._write_part(number, part)
                number, part = number + 1, []
            yield entry
        if part:
            self._write_part(number, part)

    def _write_part(self, number: int, part: Sequence[Entry]) -> None:
        lines = "".join(f"{json.dumps(entry.to_dict())}\n" for entry in part)
        self._store.write(f"{self._key('list', number)}.jsonl", lines.encode())

    def read_part(self, number: int) -> list[Entry]:
        """Return a part of the list."""
        body = self._store.read(f"{self._key('list', number)}.jsonl") or b""
        return [Entry(**json.loads(line)) for line in body.splitlines()]

    def write_plan(self, plan: Mapping[str, Any]) -> None:
        """Write the plan. It also marks the list as complete."""
        self._store.write(f"{self.folder}plan.json", json.dumps(plan, indent=2).encode())

    def read_plan(self) -> dict[str, Any] | None:
        """Return the plan of the round, or None if its list is not complete."""
        body = self._store.read(f"{self.folder}plan.json")
        return json.loads(body) if body else None

    def is_done(self, number: int) -> bool:
        """Return whether a part was finished when the state was opened."""
        return f"{self._key('done', number)}.csv" in self._there

    def finish_part(self, number: int, rows: Sequence[Row]) -> None:
        """Write the report of a part."""
        self._store.write(f"{self._key('done', number)}.csv", _csv(rows).encode())

    def rows(self, numbers: Iterable[int]) -> Iterator[Row]:
        """Yield the rows of finished parts, one part in memory at a time."""
        for number in numbers:
            body = self._store.read(f"{self._key('done', number)}.csv") or b""
            for found in csv.DictReader(io.StringIO(body.decode(), newline="")):
                usd = float(found.pop("usd"))
                yield Row(**found, usd=usd)

    def write_report(self, n_parts: int) -> None:
        """Write the report of the whole round. This ends the round."""
        with self._store.create(self.report_key) as report:
            report.write(f"{','.join(COLUMNS)}\n".encode())
            for number in range(n_parts):
                body = self._store.read(f"{self._key('done', number)}.csv") or b""
                report.write(body.partition(b"\n")[2])


def _csv(rows: Sequence[Row]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(
        [row.key, row.recording_id, row.outcome, row.reason, f"{row.usd:.6f}"] for row in rows
    )
    return text.getvalue()

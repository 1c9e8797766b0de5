"""Bulk uploads against AWS's published limits, simulated: python benchmarks/scale.py.

Each recording is a process in SimPy: it is received, measured and transcribed, and waits wherever
a limit is reached. Nothing is asked of AWS. Writes the tables of docs/scale.md, for
``backfilling.py`` too.
"""

import sys
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import simpy
from processes import HERE

sys.path[:0] = [str(HERE.parent)]

from backfilling import Archive, Backfill, Times  # noqa: E402  # imported after the path is set

from scripts import cost  # noqa: E402  # as above
from scripts.archive_cost import MEASURE_S, RECEIVE_S  # noqa: E402  # as above
from scripts.backfill.pace import Quotas  # noqa: E402  # as above
from scripts.backfill.plan import (  # noqa: E402  # as above
    JOB_S,
    JOB_SHARE,
    MEASURE_SHARE,
    times_h,
    told_h,
)

PAGE = HERE.parent / "docs/scale.md"
HOUR_S = 3600
HEADS = ["", "clips", "clips, raised", "calls", "calls, raised"]


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of an account and of a stage; docs/scale.md has their sources."""

    jobs_at_once: int = 250
    share_of_queued_jobs: float = 0.9
    queued_jobs: int = 10_000
    starts_a_second: int = 25
    functions_at_once: int = 1_000
    measured_at_once: int = 5


RAISED = Limits(jobs_at_once=2_500, starts_a_second=100, measured_at_once=100)


@dataclass(frozen=True, slots=True)
class Load:
    """Recordings that arrive evenly in an hour."""

    name: str
    n_recordings: int
    length_s: float


CLIPS = Load("200,000 clips of ten seconds", 200_000, 10)
CALLS = Load("10,000 hours of calls of ten minutes", 60_000, 600)

ARCHIVE_HEADS = [
    *("archive", "account", "takes", "a second", "waits for"),
    *("functions at once", "jobs at once", "USD"),
]
ARCHIVES = {
    "1 million clips of five seconds, features": Archive(1_000_000, 5, "features"),
    "the same, everything": Archive(1_000_000, 5),
    "100,000 hours of calls of ten minutes, features": Archive(600_000, 600, "features"),
    "the same calls, everything": Archive(600_000, 600),
}
ACCOUNTS = {
    "100 functions": Quotas(measured_at_once=100),
    "1,000 functions": Quotas(measured_at_once=1_000),
    "1,000, Transcribe raised": Quotas(2_500, 100.0, 1_000),
}
TENTH = 10
"""Only a tenth of each archive is simulated, because the rest continues at the same pace."""

LOOK_S = 0.5
"""Assumed seconds of a look at a recording. Most of it waits for AWS, which publishes no times."""

STARTING_S = 300.0
"""Seconds that a recording waits before the function that measured it asks Transcribe again."""

EVERY_S, LASTING_S = 900.0, 720.0
"""A run of reconcile begins every quarter of an hour and looks for up to 12 minutes."""


@dataclass(slots=True)
class Stage:
    """A stage at work on a load."""

    load: Load
    limits: Limits
    env: simpy.Environment = field(default_factory=simpy.Environment)
    refused: dict[int, float] = field(default_factory=dict)
    second: int = -1
    n_started: int = 0
    n_at_once: int = 0
    n_transcribed: int = 0
    n_measured: int = 0
    found: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        limits = self.limits
        self.functions = simpy.Resource(self.env, limits.functions_at_once)
        self.measuring = simpy.Resource(self.env, limits.measured_at_once)
        slots = round(limits.jobs_at_once * limits.share_of_queued_jobs)
        self.jobs = simpy.Resource(self.env, slots)

    functions: Any = None
    measuring: Any = None
    jobs: Any = None

    def run(self) -> dict[str, float]:
        """Return the hours until each part is done, and the largest number waiting for each."""
        self.env.process(self._arrive())
        self.env.process(self._reconcile())
        while min(self.n_transcribed, self.n_measured) < self.load.n_recordings:
            self.env.step()
        return self.found

    def _arrive(self) -> Iterator[Any]:
        gap_s = HOUR_S / self.load.n_recordings
        for recording in range(self.load.n_recordings):
            self.env.process(self._receive(recording))
            self.env.process(self._measure(recording))
            yield self.env.timeout(gap_s)

    def _receive(self, recording: int) -> Iterator[Any]:
        with self.functions.request() as slot:
            yield slot
            self._most("functions at once", self.functions.count)
            yield self.env.timeout(RECEIVE_S)
        if self._start():
            self.n_at_once += 1
        else:
            self.refused[recording] = self.env.now
            self._most("refused for now", len(self.refused))

    def _start(self) -> bool:
        """Start a job, unless a limit of Transcribe is reached."""
        second = int(self.env.now)
        if second != self.second:
            self.second, self.n_started = second, 0
        is_full = len(self.jobs.queue) >= self.limits.queued_jobs
        if is_full or self.n_started >= self.limits.starts_a_second:
            return False
        self.n_started += 1
        self.env.process(self._transcribe())
        return True

    def _transcribe(self) -> Iterator[Any]:
        with self.jobs.request() as slot:
            self._most("jobs queued", len(self.jobs.queue))
            yield slot
            yield self.env.timeout(JOB_S + JOB_SHARE * self.load.length_s)
        self.n_transcribed += 1
        self._most("transcribed, h", self.env.now / HOUR_S)

    def _measure(self, recording: int) -> Iterator[Any]:
        with self.measuring.request() as slot:
            self._most("waiting to be measured", len(self.measuring.queue))
            yield slot
            yield self.env.timeout(MEASURE_S + MEASURE_SHARE * self.load.length_s)
        # If the recording has waited, the function that measured it asks Transcribe again.
        since = self.refused.get(recording, self.env.now)
        if self.env.now - since > STARTING_S and self._start():
            del self.refused[recording]
        self.n_measured += 1
        self._most("measured, h", self.env.now / HOUR_S)

    def _reconcile(self) -> Iterator[Any]:
        while True:
            yield self.env.timeout(EVERY_S - self.env.now % EVERY_S)
            ends = self.env.now + LASTING_S
            while self.refused and self.env.now < ends:
                yield self.env.timeout(LOOK_S)
                recording = next(iter(self.refused), None)
                if recording is not None:
                    since = self.refused.pop(recording)
                    if not self._start():
                        self.refused[recording] = since  # goes to the end

    def _most(self, name: str, value: float) -> None:
        self.found[name] = max(self.found.get(name, 0), value)


def table() -> str:
    """Return the table of waiting recordings, and of the times until all is done."""
    stages = [Stage(load, limits) for load in (CLIPS, CALLS) for limits in (Limits(), RAISED)]
    found = [stage.run() for stage in stages]
    rows = [
        [name, *(f"{one.get(name, 0):,.{1 if name.endswith(', h') else 0}f}" for one in found)]
        for name in (
            "functions at once",
            "refused for now",
            "jobs queued",
            "transcribed, h",
            "waiting to be measured",
            "measured, h",
        )
    ]
    at_once = [f"{stage.n_at_once / stage.load.n_recordings:.0%}" for stage in stages]
    return cost.table(HEADS, [["started by their upload's event", *at_once], *rows])


def archive_table() -> str:
    """Return the table of archives: their times, and the limits that they wait for."""
    from scripts.archive_cost import Amount, Prices

    rows = []
    for name, archive in ARCHIVES.items():
        each = max(archive.length_s, 15.0)
        amount = Amount(archive.n, archive.n * archive.length_s, archive.n * each)
        usd = sum(Prices.read().costs(amount, only=archive.only).values())
        for told, quotas in ACCOUNTS.items():
            if archive.only == "features" and quotas.jobs_at_once != Quotas().jobs_at_once:
                continue  # nothing is transcribed
            part = replace(archive, n=archive.n // TENTH)
            model = Backfill(part, quotas, Times.of(part))
            hours = model.run() * TENTH / HOUR_S
            limit = times_h(amount, quotas, only=archive.only)
            most = model.most
            rows.append(
                [
                    name,
                    told,
                    told_h(hours),
                    f"{archive.n / hours / HOUR_S:,.1f}",
                    max(limit, key=lambda one: limit[one]),
                    f"{most['functions at once']:,}",
                    f"{most.get('jobs at once', 0):,}",
                    f"{usd:,.0f}",
                ]
            )
    return cost.table(ARCHIVE_HEADS, rows)


def write(mark: str, text: str) -> None:
    """Write a table of the page between its marks."""
    before, _, after = PAGE.read_text().partition(f"<!-- {mark} -->\n")
    _, _, after = after.partition("<!-- end -->\n")
    PAGE.write_text(f"{before}<!-- {mark} -->\n{text}\n<!-- end -->\n{after}")


def main() -> None:
    write("simulated", table())
    write("archives", archive_table())


if __name__ == "__main__":
    main()

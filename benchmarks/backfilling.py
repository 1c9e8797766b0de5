"""A simulation of a backfill: the command's pace, the queue, its functions and Transcribe.

The command's own ``Pace`` and ``Quotas`` decide what is started; every message of the queue is a
process in SimPy. Nothing is asked of AWS. ``scale.py`` writes its results for AWS's published
limits into docs/scale.md.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import simpy

from scripts.archive_cost import MEASURE_S, RECEIVE_S
from scripts.backfill.pace import Pace, Quotas
from scripts.backfill.plan import JOB_S, JOB_SHARE, MEASURE_SHARE
from scripts.backfill.work import TICK_S

SEND_S = 0.002
"""Assumed seconds for each requested recording: a tenth of a request for ten recordings."""

LOOK_S = 0.0002
"""Assumed seconds for a look at a recording in flight: a hundredth of a BatchGetItem."""


@dataclass(frozen=True, slots=True)
class Archive:
    """Recordings of one length, and the branches that are made."""

    n: int
    length_s: float
    only: str | None = None


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds of each kind of work. If there are several, the recordings take them in turn."""

    receive_s: Sequence[float]
    measure_s: Sequence[float]
    job_s: float = 0.0
    send_s: float = SEND_S
    look_s: float = LOOK_S

    @classmethod
    def of(cls, archive: Archive) -> "Times":
        """Return the assumed and measured times of docs/scale.md."""
        return cls(
            receive_s=[RECEIVE_S],
            measure_s=[MEASURE_S + MEASURE_SHARE * archive.length_s],
            job_s=JOB_S + JOB_SHARE * archive.length_s,
        )


@dataclass(slots=True)
class Backfill:
    """A round of a backfill at work."""

    archive: Archive
    quotas: Quotas
    times: Times
    env: simpy.Environment = field(default_factory=simpy.Environment)
    n_started: int = 0
    n_seen: int = 0
    n_settled: int = 0
    most: dict[str, float] = field(default_factory=dict)
    functions: Any = None
    jobs: Any = None

    def run(self) -> float:
        """Return the seconds until the command has seen that all is done."""
        self.functions = simpy.Resource(self.env, self.quotas.measured_at_once)
        # Transcribe keeps the other slots for jobs that are not queued.
        self.jobs = simpy.Resource(self.env, self.quotas.jobs_at_once)
        command = self.env.process(self._command())
        self.env.run(until=command)
        return float(self.env.now)

    def _command(self) -> Iterator[Any]:
        only, quotas = self.archive.only, self.quotas
        pace = Pace(quotas.at_once(only), quotas.a_second(only), lambda: float(self.env.now))
        while True:
            began = self.env.now
            in_flight = self.n_started - self.n_seen
            yield self.env.timeout(self.times.look_s * in_flight)
            self.n_seen = self.n_settled
            if self.n_seen == self.archive.n:
                return
            n = min(pace.room(self.n_started - self.n_seen), self.archive.n - self.n_started)
            pace.take(n)
            for _ in range(n):
                yield self.env.timeout(self.times.send_s)
                self.env.process(self._recording(self.n_started))
                self.n_started += 1
            self._note("in flight", self.n_started - self.n_seen)
            yield self.env.timeout(max(0.0, began + TICK_S - self.env.now))

    def _recording(self, number: int) -> Iterator[Any]:
        receive, measure = self.times.receive_s, self.times.measure_s
        yield from self._function(receive[number % len(receive)])
        parts = []
        if self.archive.only != "transcription":
            took_s = measure[number % len(measure)]
            parts.append(self.env.process(self._function(took_s)))
        if self.archive.only != "features":
            parts.append(self.env.process(self._job()))
        yield self.env.all_of(parts)
        self.n_settled += 1

    def _function(self, seconds: float) -> Iterator[Any]:
        with self.functions.request() as slot:
            self._note("messages waiting", len(self.functions.queue))
            yield slot
            self._note("functions at once", self.functions.count)
            yield self.env.timeout(seconds)

    def _job(self) -> Iterator[Any]:
        with self.jobs.request() as slot:
            yield slot
            self._note("jobs at once", self.jobs.count)
            yield self.env.timeout(self.times.job_s)

    def _note(self, name: str, value: float) -> None:
        self.most[name] = max(self.most.get(name, 0), value)

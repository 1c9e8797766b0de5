"""The progress of a backfill in one line: rewritten on a terminal, printed elsewhere."""

from collections.abc import Callable
from typing import TextIO

from scripts.backfill.plan import told_h
from scripts.backfill.work import Progress

LINES_EVERY_S = 30.0
"""Seconds between two lines without a terminal."""


class Telling:
    """The line of progress."""

    def __init__(
        self, out: TextIO, clock: Callable[[], float], *, every_s: float = LINES_EVERY_S
    ) -> None:
        self._out = out
        self._clock = clock
        self._every_s = every_s
        self._began_at = clock()
        self._told_at: float | None = None
        self._is_terminal = out.isatty()

    def tell(self, progress: Progress, *, is_last: bool = False) -> None:
        """Print the progress, if it is time."""
        now = self._clock()
        is_due = self._told_at is None or now - self._told_at >= self._every_s
        if not (self._is_terminal or is_due or is_last):
            return
        self._told_at = now
        line = line_of(progress, now - self._began_at)
        if self._is_terminal:
            self._out.write(f"\r\x1b[K{line}" + ("\n" if is_last else ""))
        else:
            self._out.write(f"{line}\n")
        self._out.flush()


def line_of(progress: Progress, took_s: float) -> str:
    """Return the line: number done, rate, time left, and outcomes."""
    done = progress.ended - progress.ended_before
    parts = [f"{progress.ended:,} of {progress.total:,}"]
    if done and took_s > 0:
        rate = done / took_s
        left_h = (progress.total - progress.ended) / rate / 3600
        parts.append(f"{rate:,.1f} a second" if rate >= 1 else f"{rate * 60:,.1f} a minute")
        parts.append(f"{told_h(left_h)} left")
    parts.append(f"{progress.in_flight:,} in flight")
    parts += [f"{n:,} {outcome}" for outcome, n in sorted(progress.outcomes.items())]
    parts.append(f"{progress.usd:,.2f} USD")
    return ", ".join(parts)

"""The progress of recordings: bars on a terminal, lines elsewhere."""

import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from chalicelib.core.recording import Branch, Recording, Status
from local.pace import clock
from local.runtime import Runtime
from local.shares import seconds_left

SHOWN = 12
"""Largest number of recordings shown at once; the rest are only counted."""

LINES_EVERY_S = 10.0
"""Seconds between two lines about a recording, if the output is not a terminal."""

_ENDED = frozenset({Status.COMPLETED, Status.FAILED, Status.SKIPPED})
_MARKS = {Status.COMPLETED: ("✓", "green"), Status.FAILED: ("✗", "red")}
_DOING = {
    Branch.TRANSCRIPTION: "transcribing",
    Branch.FEATURES: "measuring",
    Branch.RENDITIONS: "encoding",
}


class Progress:
    """A bar for each recording in work, and a line for each that is settled.

    Without a terminal, it prints a line for each unfinished recording from time to time.
    ``overall`` returns a line about all of them, which is shown with the others.
    """

    def __init__(
        self, runtime: Runtime, console: Console, *, overall: Callable[[], str] | None = None
    ) -> None:
        self._overall = overall
        self._runtime = runtime
        self._console = console
        self._lock = threading.Lock()
        self._working: dict[str, Recording] = {}
        self._begun: dict[str, tuple[float, float]] = {}
        self._done: dict[str, float] = {}
        self._live = Live(
            console=console, get_renderable=self._bars, refresh_per_second=5, transient=True
        )
        self._ending = threading.Event()
        self._telling = threading.Thread(target=self._tell, name="progress", daemon=True)
        runtime.observe(self._see)

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._live.start()
        else:
            self._telling.start()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._live.stop()
        self._ending.set()
        if self._telling.is_alive():
            self._telling.join()

    def _see(self, recording_id: str, recording: Recording | None) -> None:
        with self._lock:
            before = self._working.pop(recording_id, None)
            if recording is not None and not recording.is_settled:
                self._working[recording_id] = recording
                return
            self._begun.pop(recording_id, None)
            self._done.pop(recording_id, None)
            if recording is None:
                if before:
                    self._say("-", "dim", before, "removed")
            elif before:
                mark, colour = _MARKS[recording.status]
                self._say(mark, colour, recording, outcome(recording))

    def _say(self, mark: str, colour: str, recording: Recording, text: str) -> None:
        name = recording.source_key.partition("/")[2]
        self._console.print(
            Text(f"{mark} ", colour), Text(name, "bold"), Text(f" {text}"), sep="", soft_wrap=True
        )

    def _tell(self) -> None:
        while not self._ending.wait(LINES_EVERY_S):
            if self._overall:
                self._console.print(self._overall(), markup=False, highlight=False)
            rows, hidden = self._rows()
            for recording, share, left, doing in rows:
                self._say("…", "dim", recording, ", ".join(filter(None, (share, left, doing))))
            if hidden:
                self._console.print(f"… and {hidden} more")

    def _bars(self) -> Group:
        first = [Text(self._overall())] if self._overall else []
        return Group(*first, self._table())

    def _table(self) -> Table:
        table = Table.grid(padding=(0, 1))
        rows, hidden = self._rows()
        for recording, share, left, doing in rows:
            table.add_row(
                Text(recording.source_key.rpartition("/")[2], overflow="ellipsis", no_wrap=True),
                ProgressBar(total=100, completed=int(share.rstrip(" %")), width=30),
                share.rjust(5),
                left,
                doing,
            )
        if hidden:
            table.add_row(f"and {hidden} more")
        return table

    def _rows(self) -> tuple[list[tuple[Recording, str, str, str]], int]:
        """Return each shown recording with its share, the time left and the current work."""
        told = self._runtime.shares.by_branch()
        now = time.monotonic()
        rows = []
        with self._lock:
            working = list(self._working.values())
            for recording in working[:SHOWN]:
                done = share_done(
                    recording, {b: shares.get(recording.id, 0.0) for b, shares in told.items()}
                )
                # A job that has ended has no share, until its outcome is stored.
                done = self._done[recording.id] = max(done, self._done.get(recording.id, 0.0))
                if done and recording.id not in self._begun:
                    self._begun[recording.id] = (now, done)
                begun = self._begun.get(recording.id, (now, done))
                doing = [
                    words
                    for branch, words in _DOING.items()
                    if recording.status_of(branch) not in _ENDED
                ]
                left = seconds_left(*begun, now=now, share=done)
                rows.append(
                    (
                        recording,
                        f"{int(100 * done)} %",
                        "" if left is None else f"about {clock(left)} left",
                        ", ".join(doing),
                    )
                )
        return rows, max(0, len(working) - SHOWN)


def share_done(recording: Recording, told: dict[Branch, float]) -> float:
    """Return the progress of a recording, 0 to 1, which is that of its slowest branch.

    The extraction of features has no progress, but ends long before the other branches.
    """
    return min(
        1.0 if recording.status_of(branch) in _ENDED else share for branch, share in told.items()
    )


def outcome(recording: Recording) -> str:
    """Return the outcome of a recording, in one line."""
    n_renditions = len(recording.rendered.rendition_files)
    parts = [
        f"{recording.duration_s:.1f} s" if recording.duration_s is not None else None,
        f"{recording.transcript.word_count} words" if recording.transcript else None,
        f"{recording.measurement.n_frames} frames" if recording.measurement else None,
        f"{n_renditions} renditions" if n_renditions else None,
        recording.reason,
    ]
    return ", ".join(part for part in parts if part)

"""Shows on the terminal how far each recording has come."""

import threading
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from chalicelib.core.recording import Branch, Recording, Status
from local.runtime import Runtime

SHOWN = 12
"""How many recordings in work are shown at once; the rest are counted."""

_MARKS = {Status.COMPLETED: ("✓", "green"), Status.FAILED: ("✗", "red")}
_LAST = {Status.COMPLETED: 1.0, Status.FAILED: 1.0, Status.SKIPPED: 1.0}


class Progress:
    """A bar for each recording in work, and a line for each that is settled.

    Where there is no terminal, the lines alone.
    """

    def __init__(self, runtime: Runtime, console: Console) -> None:
        self._runtime = runtime
        self._console = console
        self._lock = threading.Lock()
        self._working: dict[str, Recording] = {}
        self._live = Live(
            console=console, get_renderable=self._bars, refresh_per_second=5, transient=True
        )
        runtime.observe(self._see)

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._live.stop()

    def _see(self, recording_id: str, recording: Recording | None) -> None:
        with self._lock:
            before = self._working.pop(recording_id, None)
            if recording is None:
                if before:
                    self._say("-", "dim", before, "removed")
            elif not recording.is_settled:
                self._working[recording_id] = recording
            elif before:
                mark, colour = _MARKS[recording.status]
                self._say(mark, colour, recording, outcome(recording))

    def _say(self, mark: str, colour: str, recording: Recording, text: str) -> None:
        name = recording.source_key.partition("/")[2]
        self._console.print(
            Text(f"{mark} ", colour), Text(name, "bold"), Text(f" {text}"), sep="", soft_wrap=True
        )

    def _bars(self) -> Table:
        table = Table.grid(padding=(0, 1))
        heard = self._runtime.transcribe.progress()
        encoded = self._runtime.mediaconvert.progress()
        with self._lock:
            working = list(self._working.values())
        for recording in working[:SHOWN]:
            transcription = _LAST.get(
                recording.status_of(Branch.TRANSCRIPTION), heard.get(recording.id, 0.0)
            )
            features = _LAST.get(recording.status_of(Branch.FEATURES), 0.0)
            renditions = _LAST.get(
                recording.status_of(Branch.RENDITIONS), encoded.get(recording.id, 0.0)
            )
            is_video = recording.status_of(Branch.RENDITIONS) != Status.SKIPPED
            table.add_row(
                Text(recording.source_key.rpartition("/")[2], overflow="ellipsis", no_wrap=True),
                ProgressBar(total=3, completed=transcription + features + renditions, width=30),
                f"transcribed {transcription:4.0%}",
                "measured" if features else "measuring",
                f"encoded {renditions:4.0%}" if is_video else "",
            )
        if len(working) > SHOWN:
            table.add_row(f"and {len(working) - SHOWN} more")
        return table


def outcome(recording: Recording) -> str:
    """Return what became of a recording, in a line."""
    found = recording.attributes
    parts = [
        f"{found['duration_s']:.1f} s" if "duration_s" in found else None,
        f"{found['word_count']} words" if "word_count" in found else None,
        f"{found['n_frames']} frames" if "n_frames" in found else None,
        f"{len(found['rendition_files'])} renditions" if "rendition_files" in found else None,
        recording.reason,
    ]
    return ", ".join(part for part in parts if part)

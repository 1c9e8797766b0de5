"""An encode in a separate process, which may be slow, crash or be killed.

Hostile media can make a decoder hang, use too much memory or crash. The process that serves must
not be affected.
"""

import resource
import threading
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chalicelib.errors import EarshotError, MediaError
from local.child_process import start_child
from local.mediaconvert.transcoder import Encoded, transcode

if TYPE_CHECKING:
    from multiprocessing.process import BaseProcess

STALL_S = 600.0  # an encode that makes no progress for this long fails
_MEMORY_LIMIT = 6 * 1024**3  # limit of the address space; a 4K video needs about 2 GB
_STEP = 0.01  # progress between two messages


class TranscoderDiedError(EarshotError):
    """The process ended or was killed before its work was done."""


class TranscoderProcess:
    """One encode. ``run`` belongs to one thread; ``kill`` may come from any, at any time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._killed = False
        self._process: BaseProcess | None = None

    @property
    def pid(self) -> int | None:
        """Id of the process while it runs."""
        return self._process.pid if self._process else None

    def run(
        self,
        source: Path,
        settings: dict[str, Any],
        folder: Path,
        on_progress: Callable[[float], None],
    ) -> list[list[Encoded]]:
        """Encode a job's outputs into a folder and return them, group by group.

        Raises MediaError if the input cannot be encoded, and TranscoderDiedError if the process
                dies.
        """
        connection = self._start(source, settings, folder)
        try:
            while connection.poll(STALL_S):
                message = connection.recv()
                if isinstance(message, list):
                    return message
                if isinstance(message, str):
                    raise MediaError(message)
                on_progress(message)
        except (EOFError, OSError) as exc:
            raise TranscoderDiedError("the transcoder's process ended") from exc
        finally:
            self.kill()
        raise TranscoderDiedError(f"the transcoder showed no progress for {STALL_S:.0f} s")

    def kill(self) -> None:
        """Kill the process, and start no other."""
        with self._lock:
            self._killed = True
            process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.join()

    def _start(self, source: Path, settings: dict[str, Any], folder: Path) -> Connection:
        with self._lock:
            if self._killed:
                raise TranscoderDiedError("the transcoder was stopped before it began")
            self._process, connection = start_child("transcoder", serve, source, settings, folder)
        return connection


def serve(connection: Connection, source: Path, settings: dict[str, Any], folder: Path) -> None:
    """Encode, and report the progress. This function runs in the process."""
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_LIMIT, _MEMORY_LIMIT))
    told = 0.0

    def on_progress(done: float) -> None:
        nonlocal told
        if done >= told + _STEP:
            told = done
            connection.send(done)

    try:
        connection.send(transcode(source, settings, folder, on_progress))
    except MediaError as exc:
        connection.send(str(exc))
    except MemoryError:
        connection.send("The input needs more memory than a job may have")
    except BrokenPipeError:
        return  # the parent process has ended

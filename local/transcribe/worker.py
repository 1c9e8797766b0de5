"""A recogniser in a separate process, which may be slow, crash or be killed.

PocketSphinx holds the interpreter's lock while it works, and hostile media can make a decoder hang,
use too much memory or crash. The process that serves must not be affected.
"""

import resource
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING

from chalicelib.core.speech.recogniser import Engine, RecognisedWord, Recognition, recognise
from chalicelib.errors import EarshotError, MediaError, ParameterError
from local.child_process import start_child
from local.transcribe.decoding import (
    INVALID_MEDIA,
    MOST_CHANNELS,
    TOO_MANY_CHANNELS,
    Media,
    inspect,
    samples,
)
from local.transcribe.engines import WITH_MODEL, EngineChoice, load_engine

if TYPE_CHECKING:
    from multiprocessing.process import BaseProcess

STALL_S = 600.0  # a recording that makes no progress for this long fails
# Limit of the address space in addition to the loaded model. Normal use is a tenth of this.
_MEMORY_LIMIT = 2 * 1024**3


class RecogniserDiedError(EarshotError):
    """The process ended or was killed during its work."""


@dataclass(frozen=True, slots=True)
class Request:
    """A media file to recognise."""

    path: Path
    media_format: str | None = None
    sample_rate_hz: int | None = None
    language: str | None = None
    by_channel: bool = False


@dataclass(frozen=True, slots=True)
class Finished:
    """The outcome of a request: the words, or the reason of the failure."""

    recognition: Recognition | None = None
    media_format: str | None = None
    sample_rate_hz: int | None = None
    reason: str | None = None
    heard_by: str = ""


class RecogniserProcess:
    """One recogniser process. It is started in advance, and replaced after it has died.

    ``recognise`` belongs to one thread; ``kill`` may come from any.
    """

    def __init__(self, choice: EngineChoice, *, stall_s: float = STALL_S) -> None:
        self._choice = choice
        self._stall_s = stall_s
        self._lock = threading.Lock()
        self._closed = False
        self._process: BaseProcess | None = None
        self._connection: Connection | None = None

    @property
    def pid(self) -> int | None:
        """Id of the process while it runs."""
        return self._process.pid if self._process else None

    def start(self) -> None:
        """Start the process if none runs, so that its model is loaded in advance."""
        with self._lock:
            if self._closed or (self._process and self._process.is_alive()):
                return
            self._process, self._connection = start_child("recogniser", serve, self._choice)

    def recognise(
        self, request: Request, on_progress: Callable[[float, float | None], None]
    ) -> Finished:
        """Recognise one file. Raises RecogniserDiedError if the process dies.

        ``on_progress`` gets the seconds that are done and the length in the file's header.
        """
        self.start()
        connection = self._connection
        if connection is None:
            raise RecogniserDiedError("the recogniser was closed")
        try:
            connection.send(request)
            while connection.poll(self._stall_s):
                message = connection.recv()
                if isinstance(message, Finished):
                    return message
                on_progress(*message)
        except (EOFError, OSError) as exc:
            self.kill()
            raise RecogniserDiedError("the recogniser's process ended") from exc
        self.kill()
        raise RecogniserDiedError(f"the recogniser showed no progress for {self._stall_s:.0f} s")

    def kill(self) -> None:
        """Kill the process. The next request gets a new one."""
        with self._lock:
            process, self._process = self._process, None
            self._connection = None
        if process is not None:
            process.kill()
            process.join()

    def close(self) -> None:
        """Kill the process, and start no other."""
        self._closed = True
        self.kill()


def serve(connection: Connection, choice: EngineChoice) -> None:
    """Answer requests until the connection is closed. This function runs in the process."""
    fault: str | None = None
    engine: Engine | None = None
    try:
        engine = load_engine(choice)
        if choice.name in WITH_MODEL:
            # The other engines may need more than any useful limit.
            _limit_memory(_MEMORY_LIMIT)
    except ParameterError as exc:
        fault = str(exc)
    while True:
        try:
            request = connection.recv()
            connection.send(
                _answer(request, engine, connection) if engine else Finished(reason=fault)
            )
        except (EOFError, BrokenPipeError):
            return


def _limit_memory(more: int) -> None:
    """Limit the growth of this process to ``more`` bytes of address space, on Linux."""
    statm = Path("/proc/self/statm")
    if statm.exists():
        used = int(statm.read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + more, used + more))


def _answer(request: Request, engine: Engine, connection: Connection) -> Finished:
    """Recognise one file, or return a sentence about its error."""
    if request.language and request.language not in engine.languages:
        return Finished(
            reason=f"The local recogniser {engine.name} does not understand {request.language!r}; "
            f"it understands {', '.join(sorted(engine.languages))}."
        )
    try:
        media = inspect(request.path, request.media_format, request.sample_rate_hz)
        connection.send((0.0, media.claimed_duration_s))
        if request.by_channel:
            recognition = _by_channel(request, media, engine, connection)
        else:
            recognition = recognise(
                samples(request.path),
                engine,
                language=request.language,
                on_progress=lambda done_s: connection.send((done_s, media.claimed_duration_s)),
            )
    except MediaError as exc:
        return Finished(reason=str(exc))
    except MemoryError:
        return Finished(reason=INVALID_MEDIA)
    if not engine.is_understood(recognition.words):
        return Finished(
            reason="The recording does not seem to be in a language that the local recogniser "
            f"{engine.name} understands ({', '.join(sorted(engine.languages))}): the words that it "
            "hears do not fit the sound. Name another with EARSHOT_RECOGNISER."
        )
    return Finished(recognition, media.media_format, media.sample_rate_hz, heard_by=engine.release)


def _by_channel(
    request: Request, media: Media, engine: Engine, connection: Connection
) -> Recognition:
    """Recognise each channel separately, and return the words of all in order of time."""
    if media.n_channels > MOST_CHANNELS:
        raise MediaError(TOO_MANY_CHANNELS)
    claimed_s = media.claimed_duration_s or 0.0
    whole, language = None, request.language
    for channel in range(media.n_channels):

        def progressed(done_s: float, before_s: float = channel * claimed_s) -> None:
            done_s = (before_s + done_s) / media.n_channels
            connection.send((done_s, media.claimed_duration_s))

        y = samples(request.path, channel=channel)
        heard = recognise(y, engine, language=language, on_progress=progressed)
        words = tuple(replace(word, channel=channel) for word in heard.words)
        language = heard.language if heard.words else language
        before = whole.words if whole else ()
        whole = replace(whole or heard, words=tuple(sorted((*before, *words), key=_start)))
    if whole is None:
        raise MediaError(INVALID_MEDIA)
    return whole


def _start(word: RecognisedWord) -> float:
    return word.start_s

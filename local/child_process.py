"""Child processes for work that may be slow, crash or be killed."""

import multiprocessing
import signal
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess

_SPAWN = multiprocessing.get_context(
    "spawn"
)  # a forked process would inherit the server's locks and sockets


def start_child(
    name: str, serve: Callable[..., None], *arguments: object
) -> tuple[BaseProcess, Connection]:
    """Start ``serve(connection, *arguments)`` in a process, and return a connection to it.

    The process ends with this one. It ignores Ctrl-C, which reaches every process of a terminal,
    because this process ends it.
    """
    ours, theirs = _SPAWN.Pipe()
    process = _SPAWN.Process(
        target=_serve, args=(serve, theirs, *arguments), name=name, daemon=True
    )
    # The signal mask is inherited, so the signal is blocked from the first instruction.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        process.start()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    theirs.close()
    return process, ours


def _serve(serve: Callable[..., None], connection: Connection, *arguments: object) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # If the server was killed, nobody is left who could receive an answer or an error.
    with suppress(ConnectionError):
        serve(connection, *arguments)

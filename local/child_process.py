"""Processes of local mode's own, for work that may be slow, crash or be killed."""

import multiprocessing
import signal
from collections.abc import Callable
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess

_SPAWN = multiprocessing.get_context("spawn")  # a fork would inherit the server's locks and sockets


def start_child(
    name: str, serve: Callable[..., None], *arguments: object
) -> tuple[BaseProcess, Connection]:
    """Start ``serve(connection, *arguments)`` in a process, and return our end of its connection.

    The process ends with this one. Ctrl-C, which reaches every process of a terminal, it ignores:
    who started it ends it.
    """
    ours, theirs = _SPAWN.Pipe()
    process = _SPAWN.Process(
        target=_serve, args=(serve, theirs, *arguments), name=name, daemon=True
    )
    # The signal mask is inherited, so the signal is ignored from the first instruction on.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        process.start()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    theirs.close()
    return process, ours


def _serve(serve: Callable[..., None], connection: Connection, *arguments: object) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    serve(connection, *arguments)

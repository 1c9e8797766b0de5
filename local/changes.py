"""Tell observers that recordings have changed: once for all changes within a short time."""

import math
import threading
import time
from collections.abc import Callable

from chalicelib.core.recording import Recording

MOMENT_S = 0.25
"""Seconds in which changes are collected. A recording has a dozen, and each would need a read."""

STOP_S = 2.0
"""Seconds that stopping takes at most: thousands of recordings may have changed."""

Observer = Callable[[str, Recording | None], None]


class Changes:
    """A thread that reads the recordings which have changed, and tells the observers.

    ``find`` returns the present state of a recording, or None if it is gone.
    """

    def __init__(self, find: Callable[[str], Recording | None]) -> None:
        self._find = find
        self._observers: list[Observer] = []
        self._waiting: set[str] = set()
        self._changed = threading.Condition()
        self._is_ending = threading.Event()
        self._until = math.inf
        self._thread = threading.Thread(target=self._tell, name="changes", daemon=True)

    def observe(self, observer: Observer) -> None:
        """Add a function that is called with a recording's id and state, or None if it is gone."""
        self._observers.append(observer)
        if not self._thread.is_alive():
            self._thread.start()

    def note(self, recording_id: str) -> None:
        """Note that a recording has changed."""
        with self._changed:
            self._waiting.add(recording_id)
            self._changed.notify()

    def stop(self) -> None:
        """Tell the observers about the changes so far, for at most ``STOP_S``, and end."""
        self._until = time.monotonic() + STOP_S
        self._is_ending.set()
        with self._changed:
            self._changed.notify()
        if self._thread.is_alive():
            self._thread.join()

    def _tell(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._is_ending.is_set())
            is_last = self._is_ending.wait(MOMENT_S)
            with self._changed:
                waiting, self._waiting = self._waiting, set()
            for recording_id in sorted(waiting):
                if time.monotonic() > self._until:
                    return
                found = self._find(recording_id)
                for observer in self._observers:
                    observer(recording_id, found)
            if is_last:
                return

"""A waiter for recordings whose branches are all settled."""

import threading

from chalicelib.core.recording import Recording
from local.runtime import Runtime

# Wait for a short time only, so that Ctrl-C is noticed even if it comes just before the wait.
_WAIT_S = 0.5


class Settled:
    """A waiter for the end of recordings."""

    def __init__(self, runtime: Runtime) -> None:
        self._changed = threading.Condition()
        self._settled: set[str] = set()
        self.failed_function: str | None = None
        runtime.observe(self._see)
        runtime.observe_failures(self._give_up)

    def _see(self, recording_id: str, recording: Recording | None) -> None:
        if recording is None or recording.is_settled:
            with self._changed:
                self._settled.add(recording_id)
                self._changed.notify_all()

    def _give_up(self, function: str) -> None:
        with self._changed:
            self.failed_function = function
            self._changed.notify_all()

    def wait(self, recording_ids: set[str]) -> set[str]:
        """Wait until some of these recordings are settled, and return them.

        Return an empty set if a function has given up, because then they may never settle.
        """
        with self._changed:
            while not (self._settled & recording_ids or self.failed_function):
                self._changed.wait(_WAIT_S)
            found = self._settled & recording_ids
            self._settled -= found
            return found

"""Scenes: short histories written by hand, move by move, for results that must never happen."""

import contextlib
import io
from collections.abc import Sequence

from support.faults import telling
from support.faults.checking import all_violations
from support.faults.histories import bodies, world_of
from support.faults.moves import Move
from support.faults.performing import perform
from support.faults.rules import ALL
from support.faults.world import Task, World

QUIET_SEED = 0
"""A world of one bucket, whole pages and equal clocks; ``Scene`` sets the differences."""


class Scene:
    """A world with every rule, and without chance."""

    def __init__(self, *keys: str) -> None:
        with contextlib.redirect_stdout(io.StringIO()):
            self.world = world_of(QUIET_SEED, ALL, keys=keys, is_plain=True)
        self.bodies = {key: bodies(sound_alone=True)[key] for key in keys}

    def move(self, kind: str, target: str = "", fate: str = "") -> None:
        """Perform one move, which must be possible."""
        with contextlib.redirect_stdout(io.StringIO()):
            assert perform(self.world, Move(kind, target, fate)), (kind, target)

    def put(self, key: str, number: int = 0) -> None:
        """Put one of a key's bodies."""
        self.move("put", f"{key} {number}")

    def run(self, task: Task, *, until: str = "") -> None:
        """Run a handler to its end, or up to its request ``until``, which it must reach."""
        while task in self.world.tasks and (not until or task.asks != until):
            self.move("run", task.name)
        if until and task not in self.world.tasks:
            raise AssertionError(f"{task.name} ended without {until}")

    def begin(self, function: str) -> Task:
        """Deliver the oldest event of a function; the handler stops before its first request."""
        delivery = next(one for one in self.world.pending if one.function == function)
        self.move("deliver", delivery.name)
        return self.world.tasks[-1]

    def ask_api(self, kind: str, key: str) -> Task:
        """Send a request to the API; the handler stops before its first request."""
        self.move(kind, key)
        return self.world.tasks[-1]

    def deliver_all(self, *functions: str) -> None:
        """Deliver every waiting event, oldest first, and run each handler to its end."""
        self.move("catch up")
        while pending := [
            one for one in self.world.pending if not functions or one.function in functions
        ]:
            self.run(self.begin(pending[0].function))
            self.move("catch up")

    def receive_all(self) -> None:
        """Process every waiting message of the features queue."""
        while visible := self.world.visible():
            self.move("receive", visible[0]["name"])
            self.run(self.world.tasks[-1])

    def come_to_rest(self) -> None:
        """Do all remaining work except reconcile."""
        with contextlib.redirect_stdout(io.StringIO()):
            self.world.is_over = True
            telling.come_to_rest(self.world)

    def end(self) -> list[str]:
        """Do all remaining work, including reconcile; return the violations."""
        with contextlib.redirect_stdout(io.StringIO()):
            telling.settle(self.world)
            return all_violations(self.world)

    @property
    def transcription_jobs(self) -> Sequence[str]:
        """Names of the unfinished transcription jobs, oldest first."""
        return self.world.transcribe.unfinished()


def item_of(world: World, key: str) -> dict:
    """Return the one item of an upload key."""
    (item,) = [item for item in world.recordings if item["source_key"] == key]
    return item

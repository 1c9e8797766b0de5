"""Scenes: short histories told by hand, one thing after the other, for what must never happen."""

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
"""A world of one bucket, whole pages and clocks that agree: ``Scene`` sets what differs."""


class Scene:
    """A world with every rule in force and no chance in it."""

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
        """Let a handler go on to its end, or until it is about to ask for an operation."""
        while task in self.world.tasks and (not until or task.asks != until):
            self.move("run", task.name)

    def begin(self, function: str) -> Task:
        """Deliver the oldest event of a function; the handler stops before its first request."""
        delivery = next(one for one in self.world.pending if one.function == function)
        self.move("deliver", delivery.name)
        return self.world.tasks[-1]

    def ask_api(self, kind: str, key: str) -> Task:
        """Let somebody ask the API; the handler stops before its first request."""
        self.move(kind, key)
        return self.world.tasks[-1]

    def deliver_all(self, *functions: str) -> None:
        """Deliver every event that waits, oldest first, each handler to its end."""
        self.move("catch up")
        while pending := [
            one for one in self.world.pending if not functions or one.function in functions
        ]:
            self.run(self.begin(pending[0].function))
            self.move("catch up")

    def receive_all(self) -> None:
        """Have everything measured whose message waits."""
        while visible := self.world.visible():
            self.move("receive", visible[0]["name"])
            self.run(self.world.tasks[-1])

    def come_to_rest(self) -> None:
        """Let everything happen that happens by itself, but for reconcile."""
        with contextlib.redirect_stdout(io.StringIO()):
            self.world.is_over = True
            telling.come_to_rest(self.world)

    def end(self) -> list[str]:
        """Let the world come to rest, reconcile included; return what is wrong."""
        with contextlib.redirect_stdout(io.StringIO()):
            telling.settle(self.world)
            return all_violations(self.world)

    @property
    def transcription_jobs(self) -> Sequence[str]:
        """The names of the transcription jobs that have not ended, oldest first."""
        return self.world.transcribe.unfinished()


def item_of(world: World, key: str) -> dict:
    """Return the one item of an upload key."""
    (item,) = [item for item in world.table.items.values() if item["source_key"] == key]
    return item

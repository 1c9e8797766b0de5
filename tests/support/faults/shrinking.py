"""Shrinking: leave out moves of a history as long as the history still goes wrong."""

from collections.abc import Callable

from support.faults.checking import all_violations
from support.faults.histories import replay, tell
from support.faults.moves import Move
from support.faults.rules import Rules
from support.faults.world import World


def shrunk(seed: int, rules: Rules) -> World | None:
    """Return a shorter history of the seed that still goes wrong, or None.

    Moves are left out in ever smaller pieces (delta debugging, Zeller and Hildebrandt 2002), then
    faults one by one.
    """
    world = tell(seed, rules)
    if not all_violations(world):
        return None

    def told(moves: list[Move]) -> World:
        return replay(seed, moves, rules)

    moves = world.told
    if not all_violations(told(moves)):
        return world
    moves = _without_pieces(moves, lambda shorter: bool(all_violations(told(shorter))))
    for number, move in enumerate(moves):
        plain = [*moves[:number], Move(move.kind, move.target), *moves[number + 1 :]]
        if move.fate and all_violations(told(plain)):
            moves = plain
    return told(moves)


def _without_pieces(moves: list[Move], fails: Callable[[list[Move]], bool]) -> list[Move]:
    size = max(len(moves) // 2, 1)
    while True:
        start, has_shrunk = len(moves), False
        while start > 0:
            begin = max(start - size, 0)
            shorter = moves[:begin] + moves[start:]
            if fails(shorter):
                moves, has_shrunk = shorter, True
            start = begin
        if size == 1 and not has_shrunk:
            return moves
        size = max(size // 2, 1) if not has_shrunk or size > 1 else 1

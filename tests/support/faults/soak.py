"""Runs a given number of histories: ``make soak HISTORIES=20000 SEED=0``."""

import argparse
import logging
import sys
import time
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from support.faults.checking import all_violations, describe  # noqa: E402  # found by the path above
from support.faults.histories import tell  # noqa: E402  # imported after the paths are set
from support.faults.rules import ALL, NAMES, Rules  # noqa: E402  # imported after the paths are set
from support.faults.shrinking import shrunk  # noqa: E402  # imported after the paths are set
from support.faults.world import World  # noqa: E402  # imported after the paths are set


def main() -> int:
    """Run histories; print those with violations, and the number of faults."""
    given = _parser().parse_args()
    rules = ALL if given.all else Rules(**dict.fromkeys(given.rule or (), True))
    logging.disable(logging.CRITICAL)  # handlers fail on purpose, thousands of times
    if given.shrink:
        return _shrink(given.seed, rules)
    began, seen = time.perf_counter(), Counter[str]()
    n_told = 0
    for seed in range(given.seed, given.seed + given.histories):
        if given.minutes and time.perf_counter() - began > given.minutes * 60:
            break
        world, n_told = tell(seed, rules), n_told + 1
        _count(seen, world)
        if wrong := all_violations(world):
            seen["wrong"] += 1
            print(f"{seed}: {'; '.join(wrong)}" if given.brief else describe(world, wrong))
            if given.first:
                return 1
    took = time.perf_counter() - began
    print(
        f"{n_told} histories, {seen['faults']} faults, {seen['wrong']} with violations,"
        f" {took:.0f} s\n"
        f"{seen['fault-free']} without faults, {seen['wrong before']} of them with violations"
        f" before reconcile; {seen['after one']} with violations after one run of it\n"
        f"{seen['requests'] / max(seen['recordings'], 1):.1f} requests for each recording"
    )
    return 1 if seen["wrong"] else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make soak", description=__doc__)
    parser.add_argument("--histories", type=int, default=20_000)
    parser.add_argument(
        "--seed", type=int, default=0, help="seed of the first history; it grows by one"
    )
    parser.add_argument("--minutes", type=float, help="end after this time")
    parser.add_argument("--shrink", action="store_true", help="shorten the seed's failing history")
    parser.add_argument("--brief", action="store_true", help="a line for each with violations")
    parser.add_argument("--first", action="store_true", help="end after the first violation")
    parser.add_argument("--all", action="store_true", help="every rule, also those not yet kept")
    parser.add_argument(
        "--rule",
        action="append",
        choices=NAMES,
        help="one more rule, by its name in docs/faults.md",
    )
    return parser


def _count(seen: Counter[str], world: World) -> None:
    seen["faults"] += len(world.plan.spent)
    seen["requests"] += world.requests.total()
    seen["recordings"] += sum(world.table.n_created.values())
    seen["after one"] += bool(world.wrong_after_one)
    if not world.plan.spent:
        seen["fault-free"] += 1
        seen["wrong before"] += bool(world.wrong_before)


def _shrink(seed: int, rules: Rules) -> int:
    world = shrunk(seed, rules)
    if world is None:
        print(f"Seed {seed} has no violations.")
        return 0
    print(describe(world, all_violations(world)))
    print(f"\n{len(world.told)} moves before the world comes to rest:")
    for move in world.told:
        print(f"    {move!r},")
    return 1


if __name__ == "__main__":
    sys.exit(main())

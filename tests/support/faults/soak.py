"""Tells as many histories as are wanted: ``make soak HISTORIES=20000 SEED=0``."""

import argparse
import logging
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]


def main() -> int:
    """Tell histories, print what is wrong with any, and how much went wrong on purpose."""
    from support.faults.checking import describe, violations  # noqa: PLC0415  # the same
    from support.faults.histories import tell  # noqa: PLC0415  # found by the path above

    parser = argparse.ArgumentParser(prog="make soak", description=__doc__)
    parser.add_argument("--histories", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=0, help="the first; each has the next one")
    given = parser.parse_args()
    logging.disable(logging.CRITICAL)  # handlers fail on purpose, thousands of times
    began, n_faults, n_wrong = time.perf_counter(), 0, 0
    for seed in range(given.seed, given.seed + given.histories):
        world = tell(seed)
        n_faults += len(world.plan.spent)
        if wrong := violations(world):
            n_wrong += 1
            print(describe(world, wrong))
    took = time.perf_counter() - began
    print(
        f"{given.histories} histories, {n_faults} faults, {n_wrong} with violations, {took:.0f} s"
    )
    return 1 if n_wrong else 0


if __name__ == "__main__":
    sys.exit(main())

"""Time and memory of work in separate processes, which run one after another on one core."""

import json
import os
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent


@dataclass(frozen=True, slots=True)
class Cost:
    """CPU seconds (user and system), elapsed time and peak resident memory in MB of a process."""

    cpu_s: float
    elapsed_s: float
    peak_mb: float


def pin(core: int | None) -> None:
    """Keep this process and its children on one core; None means the first core it may use."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0)) if core is None else core})


def fresh(*arguments: str, python: str = sys.executable) -> Cost:
    """Run a Python with these arguments; return the cost of the process and its children."""
    start = time.perf_counter()
    process = subprocess.Popen(  # noqa: S603  # our own scripts
        [python, *arguments], stdout=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{' '.join(arguments)} ended with {process.returncode}")
    elapsed_s = time.perf_counter() - start
    return Cost(usage.ru_utime + usage.ru_stime, elapsed_s, usage.ru_maxrss / 1024)


def side_by_side(commands: dict[str, list[str]], runs: int) -> dict[str, Cost]:
    """Run the commands in turn, several times, and return the medians."""
    costs: dict[str, list[Cost]] = {name: [] for name in commands}
    for _ in range(runs):
        for name, arguments in commands.items():
            costs[name].append(fresh(*arguments))
    return {
        name: Cost(
            statistics.median(cost.cpu_s for cost in each),
            statistics.median(cost.elapsed_s for cost in each),
            statistics.median(cost.peak_mb for cost in each),
        )
        for name, each in costs.items()
    }


def warm(works: tuple[str, ...], wav: Path, short_wav: Path, runs: int) -> dict[str, float | None]:
    """Return the median CPU seconds of each kind of work in a warm process, or None."""
    return {work: _warm(work, wav, short_wav, runs) for work in works}


def printed(script: str, *arguments: str) -> str:
    """Run a script and return its last output; raise ModuleNotFoundError for a missing package."""
    done = subprocess.run(  # noqa: S603  # our own scripts
        [sys.executable, script, *arguments], capture_output=True, text=True, check=False
    )
    if done.returncode:
        if "ModuleNotFoundError" in done.stderr:
            raise ModuleNotFoundError(done.stderr)
        raise RuntimeError(f"{script} {' '.join(arguments)}: {done.stderr}")
    return done.stdout.splitlines()[-1]


def _warm(work: str, wav: Path, short_wav: Path, runs: int) -> float | None:
    try:
        seconds = printed(str(HERE / "warm.py"), work, str(wav), str(runs), str(short_wav))
    except ModuleNotFoundError:
        return None
    return float(statistics.median(json.loads(seconds)))

"""An archive through local mode, interrupted twice: ``python benchmarks/archive.py``.

Recordings of a second and long ones are processed by ``scripts.backfill`` with two workers. The
first run is interrupted by Ctrl-C, the second is killed, the third ends; then everything is
counted. The peers of ``archive_peers.py`` process the same files, with two processes. Last, the
simulation of ``backfilling.py`` is compared with a run at concurrency 2. Writes the figures of
``archive.md``.
"""

import argparse
import csv
import json
import os
import resource
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from processes import HERE, Cost, fresh

ROOT = HERE.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from support.running import Stage, start  # noqa: E402  # imported after the path is set

PAGE = HERE / "archive.md"
HEADS = """\
| | elapsed, s | CPU, s | files per core-hour | audio hours per core-hour |
| --- | --- | --- | --- | --- |"""
BUCKET = "archive"
WORKERS = 2
SR = 16_000
PATIENCE_S = 4 * 3600
TICKS = os.sysconf("SC_CLK_TCK")

# --- Local mode ---


def backfill(stage: Stage, *arguments: str) -> list[str]:
    return [
        *(sys.executable, "-m", "scripts.backfill", f"s3://{BUCKET}/calls/", "--only", "features"),
        *("--sample", "20", "--stage", "local", "--url", stage.url, *arguments),
    ]


def cpu_s(pid: int) -> float:
    """Return the CPU seconds of a running process and its ended children."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / TICKS


def lines_of(log: Path) -> list[dict[str, Any]]:
    """Return the journal's lines of ``extract_features``."""
    found = [json.loads(line) for line in log.read_text().splitlines()]
    return [line for line in found if line["function"] == "extract_features"]


def n_measured(log: Path) -> int:
    return log.read_text().count('"features": "COMPLETED"') if log.exists() else 0


def interrupt(stage: Stage, log: Path, sign: signal.Signals, *, after: int) -> None:
    process = subprocess.Popen(
        backfill(stage), cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    deadline = time.monotonic() + PATIENCE_S
    while n_measured(log) < after and process.poll() is None:
        if time.monotonic() > deadline:
            raise TimeoutError
        time.sleep(1)
    process.send_signal(sign)
    process.wait()


def fill(stage: Stage, folder: Path) -> None:
    s3 = stage.client("s3")
    for path in sorted(folder.glob("*.wav")):
        s3.upload_file(str(path), BUCKET, f"calls/{path.name}")


def counted(stage: Stage, report: Path, log: Path, n: int) -> str:
    """Return the numbers of a finished archive; raise AssertionError if they do not add up."""
    with report.open(newline="") as file:
        rows = list(csv.DictReader(file))
    outcomes = Counter(row["outcome"] for row in rows)
    measured = Counter(
        line["recording_id"] for line in lines_of(log) if line.get("features") == "COMPLETED"
    )
    pages = (
        stage.client("dynamodb")
        .get_paginator("scan")
        .paginate(TableName=stage.metadata_table, Select="COUNT")
    )
    n_items = sum(page["Count"] for page in pages)
    n_keys = len({row["key"] for row in rows})
    if outcomes != {"COMPLETED": n} or not n_keys == n_items == len(measured) == n:
        raise ValueError((outcomes, n_keys, n_items, len(measured)))
    twice = sum(times - 1 for times in measured.values())
    return f"{len(rows):,} rows, {n_items:,} items, {twice} measured twice"


def through_local_mode(folder: Path, n: int) -> tuple[Cost, str]:
    """Process an archive, interrupted twice; return the cost and the counts."""
    log = folder / "journal.log"
    report = folder / "report.csv"
    variables = {"SOURCE_BUCKETS": BUCKET, "MEASURING_CONCURRENCY": str(WORKERS)}
    with start(LOG_FILE=str(log), FEATURE_TABLES="mfcc", **variables) as stage:
        fill(stage, folder)
        began, before = time.perf_counter(), _spent(stage)
        interrupt(stage, log, signal.SIGINT, after=n // 3)
        interrupt(stage, log, signal.SIGKILL, after=2 * n // 3)
        done = subprocess.run(
            backfill(stage, "--report", str(report)), cwd=ROOT, check=True, capture_output=True
        )
        elapsed_s, spent = time.perf_counter() - began, _spent(stage) - before
        if b"Going on with round 1" not in done.stdout:
            raise ValueError(done.stdout)
        return Cost(spent, elapsed_s, 0.0), counted(stage, report, log, n)


def _spent(stage: Stage) -> float:
    """Return the CPU seconds of local mode, and of the commands that have ended."""
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    return cpu_s(stage.process.pid) + ended.ru_utime + ended.ru_stime


def simulated(folder: Path, n: int) -> tuple[float, float, str]:
    """Return the seconds of a run at concurrency 2, those of its simulation, and its times."""
    from backfilling import Archive, Backfill, Times

    from scripts.backfill.pace import Quotas

    log = folder / "simulated.log"
    variables = {"SOURCE_BUCKETS": BUCKET, "MEASURING_CONCURRENCY": str(WORKERS)}
    with start(LOG_FILE=str(log), **variables) as stage:
        fill(stage, folder)
        process = subprocess.Popen(
            backfill(stage), cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        began = ended = 0.0
        for line in process.stdout or ():
            if " in flight" in line:
                began, ended = began or time.monotonic(), time.monotonic()
        process.wait()
    lines = lines_of(log)
    measure = [line["milliseconds"] / 1000 for line in lines if "audio_seconds" in line]
    receive = [line["milliseconds"] / 1000 for line in lines if "audio_seconds" not in line]
    model = Backfill(
        Archive(n, 0.0, "features"),
        Quotas(measured_at_once=WORKERS),
        Times(receive_s=receive, measure_s=measure),
    )
    told = f"{statistics.mean(receive):.3f} s to receive, {statistics.mean(measure):.3f} to measure"
    return ended - began, model.run(), told


# --- The page ---


def make_files(folder: Path, n_short: int, n_long: int, long_s: float) -> float:
    """Write the recordings; return their hours."""
    import numpy as np
    import soundfile

    noise = np.random.default_rng(0)
    for number in range(n_short + n_long):
        length_s = 1.0 if number < n_short else long_s
        y = noise.normal(0, 0.1, round(length_s * SR)).astype(np.float32)
        soundfile.write(folder / f"{number:06}.wav", y, SR)
    return (n_short + n_long * long_s) / 3600


def row(name: str, cost: Cost, n: int, hours: float) -> str:
    core_h = cost.cpu_s / 3600
    numbers = [f"{cost.elapsed_s:,.0f}", f"{cost.cpu_s:,.0f}"]
    return f"| {name} | {' | '.join(numbers)} | {n / core_h:,.0f} | {hours / core_h:,.0f} |"


def main() -> None:
    # A job in a shell's background ignores Ctrl-C, and its commands would inherit this.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--short", type=int, default=20_000)
    parser.add_argument("--long", type=int, default=50)
    parser.add_argument("--long-s", type=float, default=600.0)
    parser.add_argument("--simulated", type=int, default=200, help="recordings of that run")
    parser.add_argument("--lhotse-python", help="a Python that has lhotse and PyTorch")
    text = _measured(parser.parse_args())
    before, _, after = PAGE.read_text().partition("<!-- measured -->\n")
    _, _, after = after.partition("<!-- end -->\n")
    PAGE.write_text(f"{before}<!-- measured -->\n{text}\n<!-- end -->\n{after}")


def _measured(given: argparse.Namespace) -> str:
    n = given.short + given.long
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch, "files")
        folder.mkdir()
        hours = make_files(folder, given.short, given.long, given.long_s)
        cost, counts = through_local_mode(folder, n)
        rows = [row("Earshot, local mode, interrupted twice (MFCC)", cost, n, hours)]
        print(rows[0], counts, flush=True)
        peers = {
            "earshot": "Earshot, its library (MFCC)",
            "librosa": "librosa, multiprocessing (MFCC)",
            "kaldi": "kaldi-native-fbank, multiprocessing (MFCC)",
        }
        for peer, name in peers.items():
            rows.append(row(name, _peer(sys.executable, peer, folder, scratch), n, hours))
            print(rows[-1], flush=True)
        if given.lhotse_python:
            name = "lhotse, `compute_and_store_features` (Fbank)"
            cost = _peer(given.lhotse_python, "lhotse", folder, scratch)
            rows.append(row(name, cost, n, hours))
            print(rows[-1], flush=True)
        few = Path(scratch, "few")
        few.mkdir()
        make_files(few, 0, given.simulated, 10.0)
        took_s, model_s, told = simulated(few, given.simulated)
    files = f"{given.short:,} recordings of a second and {given.long} of {given.long_s:g} s"
    loads = f"{load:.1f} at the beginning, {os.getloadavg()[0]:.1f} at the end"
    lines = [
        HEADS,
        *rows,
        "",
        f"{files}, 16 kHz; {os.cpu_count()} processors; load {loads}.",
        f"Counted after the third run: {counts}.",
        "",
        f"At concurrency 2, {given.simulated} recordings of ten seconds, all tables:",
        f"{took_s:.1f} s from the first start to the last look.",
        f"By the simulation {model_s:.1f} s ({(model_s - took_s) / took_s:+.0%}),",
        f"from the journal's times: {told}.",
    ]
    return "\n".join(lines)


def _peer(python: str, peer: str, folder: Path, scratch: str) -> Cost:
    made = Path(scratch, f"made-{peer}")
    made.mkdir()
    return fresh(str(HERE / "archive_peers.py"), peer, str(folder), str(made), python=python)


if __name__ == "__main__":
    main()

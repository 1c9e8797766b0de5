"""Measures the tests: ``make mutants`` puts each deliberate fault into a copy of the project.

It runs the tests of pipeline, API and ``aws`` that execute the changed piece of the code. If they
notice nothing, it runs histories.
"""

import argparse
import importlib
import os
import runpy
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from multiprocessing import get_context
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from support.mutants.executing import RECORDING, Executing  # noqa: E402  # found by the path above
from support.mutants.mutants import MUTANTS, Mutant  # noqa: E402  # as above

COPIED = ("app.py", "chalicelib", "cloudformation", "local", "pyproject.toml", "samples", "tests")
COPIED_TOO = (".chalice", "README.md", "docs", "scripts", "requirements.txt", "Makefile")
TESTS = (
    *("tests/pipeline", "tests/api", "tests/aws"),
    "tests/faults/test_violations.py",
    "tests/faults/test_without_reconcile.py",
    "tests/faults/test_api_acts.py",
)
QUICK = ("-q", "-x", "-m", "not slow", "-p", "no:cacheprovider", "-W")
QUICK += ("ignore::pytest.PytestAssertRewriteWarning",)  # of plugins that are loaded already
SOAK = "tests/support/faults/soak.py"
PRELOADED = ("av", "boto3", "chalice.app", "greenlet", "hypothesis", "numpy", "soundfile", "soxr")
PRELOADED_TOO = ("moto", "moto.dynamodb.models", "moto.s3.models", "moto.sqs.models", "smart_open")
PLUGINS = ("playwright.sync_api", "pytest_cov.plugin", "xdist.plugin")
"""Packages that every run needs, loaded once for all."""

NEAREST = 12
"""Number of tests that run before the first histories, which are quicker than all tests."""

FIRST_HISTORIES = 60
LEAST = 0.9
PATIENCE_S = 1800


def main() -> int:
    """Print whether each fault is noticed, and by what. Return 1 if too few are noticed."""
    parser = argparse.ArgumentParser(prog="make mutants", description=__doc__)
    parser.add_argument("--histories", type=int, default=400)
    parser.add_argument("--only", default="", help="only faults whose sentence has this text")
    parser.add_argument("--check", action="store_true", help="only check that each text applies")
    parser.add_argument(
        "--sampled", type=int, metavar="N", help="number of cosmic-ray's faults to take"
    )
    given = parser.parse_args()
    if stale := [mutant for mutant in MUTANTS if not applies(mutant, ROOT)]:
        for mutant in stale:
            print(f"no longer applies: {mutant.file}: {mutant.sentence}")
        return 1
    if given.check:
        print(f"{len(MUTANTS)} deliberate faults, each of which applies.")
        return 0
    chosen = [mutant for mutant in MUTANTS if given.only in mutant.sentence]
    if given.sampled:
        # cosmic-ray is installed only for `make mutants SAMPLED=…`.
        from support.mutants.sampled import sample  # noqa: PLC0415  # as above

        chosen = sample(ROOT, given.sampled)
    for name in (*PRELOADED, *PRELOADED_TOO, *PLUGINS):
        importlib.import_module(name)
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder)
        for name in (*COPIED, *COPIED_TOO):
            source = ROOT / name
            (shutil.copytree if source.is_dir() else shutil.copy)(source, copy / name)
        if _fails(copy, (*QUICK, *RECORDING, *TESTS)) or _fails(copy, soak(given.histories)):
            print("Something fails without a deliberate fault: repair this first.")
            return 1
        return _report(chosen, copy, given.histories)


def applies(mutant: Mutant, root: Path) -> bool:
    """Return whether a fault's text is in its file exactly once."""
    file = root / mutant.file
    return file.exists() and file.read_text().count(mutant.old) == 1


def soak(n_histories: int, seed: int = 0) -> tuple[str, ...]:
    """Return the arguments of Python that run histories until one goes wrong."""
    return (SOAK, "--brief", "--first", "--histories", str(n_histories), "--seed", str(seed))


def noticed_by(copy: Path, n_histories: int, tests: Sequence[str] | None) -> str:
    """Return what notices the fault in a copy: tests, histories or nothing.

    ``tests`` None means all tests. The quickest checks come first: the nearest tests, and a part of
    the histories.
    """
    nearest, others = (tests[:NEAREST], tests[NEAREST:]) if tests is not None else ((), TESTS)
    n_first = min(n_histories, FIRST_HISTORIES)
    for by, arguments in (
        ("tests", (*QUICK, *nearest) if nearest else ()),
        ("histories", soak(n_first)),
        ("tests", (*QUICK, *others) if others else ()),
        ("histories", soak(n_histories - n_first, n_first) if n_histories > n_first else ()),
    ):
        if arguments and _fails(copy, arguments):
            return by
    return ""


def _fails(copy: Path, arguments: Sequence[str]) -> bool:
    """Run tests or histories in a separate process, which has all packages loaded."""
    process = get_context("fork").Process(target=_run, args=(copy, arguments))
    process.start()
    process.join(PATIENCE_S)
    if process.is_alive():
        process.kill()
        process.join()
        return True  # a run that never ends notices the fault as well
    return process.exitcode != 0


def _run(copy: Path, arguments: Sequence[str]) -> None:
    os.chdir(copy)
    sys.dont_write_bytecode = True
    for name in [name for name in sys.modules if name.partition(".")[0] == "support"]:
        del sys.modules[name]
    here = {str(ROOT), str(ROOT / "tests")}
    sys.path[:] = [str(copy), str(copy / "tests"), *(one for one in sys.path if one not in here)]
    with Path(os.devnull).open("w") as nowhere:
        for stream in (sys.stdout, sys.stderr):
            os.dup2(nowhere.fileno(), stream.fileno())
    if arguments[0] != SOAK:
        os._exit(pytest.main(list(arguments)))
    sys.argv = list(arguments)
    runpy.run_path(SOAK, run_name="__main__")  # it exits with what it found


def _report(chosen: Sequence[Mutant], copy: Path, n_histories: int) -> int:
    began, counts = time.perf_counter(), {"histories": 0, "tests": 0, "": 0, "harmless": 0}
    executing = Executing(copy)
    for mutant in chosen:
        since = time.perf_counter()
        file = copy / mutant.file
        tests = executing.tests_of(mutant)
        whole = file.read_text()
        file.write_text(whole.replace(mutant.old, mutant.new))
        by = noticed_by(copy, n_histories, tests)
        file.write_text(whole)
        counts[by if by or not mutant.harmless else "harmless"] += 1
        verdict = f"noticed by {by}" if by else "SURVIVED"
        took = time.perf_counter() - since
        why = f" ({mutant.harmless})" if mutant.harmless else ""
        print(f"{verdict} ({took:.0f} s): {mutant.sentence}{why}", flush=True)
    noticed = counts["histories"] + counts["tests"]
    share = noticed / max(noticed + counts[""], 1)
    print(
        f"{len(chosen)} deliberate faults in {time.perf_counter() - began:.0f} s: {noticed} noticed"
        f" ({counts['tests']} by tests, {counts['histories']} by {n_histories} histories alone),"
        f" {counts['']} survived, {counts['harmless']} can do no harm: {share:.0%}"
    )
    return 0 if share >= LEAST else 1


if __name__ == "__main__":
    sys.exit(main())

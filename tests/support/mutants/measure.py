"""Measures the tests: ``make mutants`` puts each deliberate fault into a copy of the project.

Histories are asked first whether they notice, then the tests of the changed module, and of what
is left the tests of pipeline, API and ``aws``.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from support.mutants.mutants import MUTANTS, Mutant  # noqa: E402  # found by the path above

COPIED = ("app.py", "chalicelib", "cloudformation", "local", "pyproject.toml", "samples", "tests")
COPIED_TOO = (".chalice", "README.md", "docs", "scripts", "requirements.txt", "Makefile")
TESTS = ("tests/pipeline", "tests/api", "tests/aws", "tests/faults/test_violations.py")
OWN_TESTS = {
    "chalicelib/pipeline/events.py": ("tests/pipeline/test_events.py",),
    "chalicelib/pipeline/branches.py": ("tests/pipeline/test_attempts.py",),
    "chalicelib/pipeline/transcription.py": (
        "tests/pipeline/test_events.py",
        "tests/pipeline/test_attempts.py",
    ),
    "chalicelib/pipeline/renditions.py": ("tests/pipeline/test_renditions.py",),
    "chalicelib/pipeline/features.py": ("tests/pipeline/test_events.py",),
    "chalicelib/pipeline/notices.py": ("tests/pipeline/test_events.py",),
    "chalicelib/pipeline/removal.py": ("tests/pipeline/test_events.py",),
    "chalicelib/pipeline/reconciliation.py": ("tests/pipeline/test_reconciliation.py",),
    "chalicelib/pipeline/words.py": ("tests/pipeline/test_events.py",),
    "chalicelib/aws/dynamodb_search.py": ("tests/api/test_search.py",),
    "chalicelib/aws/s3.py": ("tests/aws/test_s3.py",),
    "chalicelib/aws/transcribe.py": ("tests/aws/test_transcribe.py",),
    "chalicelib/api/requests.py": ("tests/api/test_requests.py", "tests/api/test_routes.py"),
    "chalicelib/api/search.py": ("tests/api/test_search.py", "tests/api/test_owners.py"),
    "chalicelib/api/recordings.py": ("tests/api/test_routes.py",),
    "chalicelib/api/uploads.py": ("tests/api/test_routes.py",),
    "chalicelib/api/downloads.py": ("tests/api/test_routes.py",),
}
"""Tests of a module, which notice most faults in it; those of ``aws`` without an entry are few."""

LEAST = 0.9
PATIENCE_S = 1800


def main() -> int:
    """Print of each fault whether it is noticed, and by what; 1 if too few are."""
    parser = argparse.ArgumentParser(prog="make mutants", description=__doc__)
    parser.add_argument("--histories", type=int, default=400)
    parser.add_argument("--only", default="", help="those whose sentence has this in it")
    parser.add_argument("--check", action="store_true", help="only see that each text applies")
    given = parser.parse_args()
    if stale := [mutant for mutant in MUTANTS if not applies(mutant, ROOT)]:
        for mutant in stale:
            print(f"no longer applies: {mutant.file}: {mutant.sentence}")
        return 1
    if given.check:
        print(f"{len(MUTANTS)} deliberate faults, each of which applies.")
        return 0
    chosen = [mutant for mutant in MUTANTS if given.only in mutant.sentence]
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder)
        for name in (*COPIED, *COPIED_TOO):
            source = ROOT / name
            (shutil.copytree if source.is_dir() else shutil.copy)(source, copy / name)
        if noticed_by(copy, given.histories, TESTS):
            print("Something fails with no deliberate fault: mend that first.")
            return 1
        return _report(chosen, copy, given.histories)


def applies(mutant: Mutant, root: Path) -> bool:
    """Tell whether a fault's text stands in its file, once."""
    file = root / mutant.file
    return file.exists() and file.read_text().count(mutant.old) == 1


def noticed_by(copy: Path, n_histories: int, *tests: Sequence[str]) -> str:
    """Return who notices that something is wrong in a copy, or nothing.

    Each of ``tests`` is a list of files and folders, which are run one list after the other.
    """
    soak = ("tests/support/faults/soak.py", "--brief", "--first", "--histories", str(n_histories))
    if _fails(copy, soak):
        return "histories"
    quick = ("-m", "pytest", "-q", "-x", "-m", "not slow", "-p", "no:cacheprovider")
    return "tests" if any(_fails(copy, (*quick, *files)) for files in tests) else ""


def _fails(copy: Path, arguments: Sequence[str]) -> bool:
    try:
        ended = subprocess.run(
            [sys.executable, *arguments],
            cwd=copy,
            env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            check=False,
            timeout=PATIENCE_S,
        )
    except subprocess.TimeoutExpired:
        return True  # what never ends is noticed as well
    return ended.returncode != 0


def _report(chosen: Sequence[Mutant], copy: Path, n_histories: int) -> int:
    began, counts = time.perf_counter(), {"histories": 0, "tests": 0, "": 0, "harmless": 0}
    for mutant in chosen:
        file = copy / mutant.file
        whole = file.read_text()
        file.write_text(whole.replace(mutant.old, mutant.new))
        own = OWN_TESTS.get(mutant.file, ("tests/aws",))
        # All tests take minutes, so they are not run for what can do no harm.
        by = noticed_by(copy, n_histories, own, *(() if mutant.harmless else (TESTS,)))
        file.write_text(whole)
        counts[by if by or not mutant.harmless else "harmless"] += 1
        verdict = f"noticed by {by}" if by else "SURVIVED"
        why = f" ({mutant.harmless})" if mutant.harmless else ""
        print(f"{verdict}: {mutant.sentence}{why}", flush=True)
    noticed = counts["histories"] + counts["tests"]
    share = noticed / max(noticed + counts[""], 1)
    print(
        f"{len(chosen)} deliberate faults in {time.perf_counter() - began:.0f} s: {noticed} noticed"
        f" ({counts['histories']} by {n_histories} histories, {counts['tests']} by tests alone),"
        f" {counts['']} survived, {counts['harmless']} can do no harm: {share:.0%}"
    )
    return 0 if share >= LEAST else 1


if __name__ == "__main__":
    sys.exit(main())

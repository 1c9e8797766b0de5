"""The tests that execute a piece of the code. No other test can notice a change in it."""

import ast
import re
from pathlib import Path

from coverage import CoverageData

from support.mutants.mutants import Mutant

RECORDING = ("--cov=chalicelib", "--cov-context=test", "--cov-report=", "--cov-fail-under=0")
"""Options of pytest that record in ``.coverage`` what each test executes."""


STEM = 5
COMMON = frozenset({"test", "that", "with", "what", "recor", "uploa"})


class Executing:
    """The tests of each line, as a run of all tests in a copy of the project has recorded them."""

    def __init__(self, copy: Path) -> None:
        self._copy = copy
        self._data = CoverageData(str(copy / ".coverage"))
        self._data.read()

    def tests_of(self, mutant: Mutant) -> list[str] | None:
        """Return the tests that execute a mutant's piece of the code; None for all tests.

        Code that runs at the import of a module concerns all tests. The names of tests are
        sentences, so the tests that share most words with the mutant's sentence come first.
        """
        source = (self._copy / mutant.file).read_text()
        first = source[: source.index(mutant.old)].count("\n") + 1
        lines = set(range(first, first + mutant.old.rstrip("\n").count("\n") + 1))
        by_line = self._data.contexts_by_lineno(str((self._copy / mutant.file).resolve()))
        # A part of a statement may be skipped by the tests that would notice a change in it.
        lines |= _statement_around(source, first)
        contexts = {one for line in lines for one in by_line.get(line, ())}
        if "" in contexts or not contexts:
            return None
        wanted = _stems(mutant.sentence)
        tests = sorted({one.partition("|")[0] for one in contexts})
        return sorted(tests, key=lambda test: -len(wanted & _stems(test.partition("::")[2])))


def _stems(sentence: str) -> set[str]:
    """Return the beginnings of a sentence's longer words, without very common words."""
    words = re.findall(r"[a-z]{4,}", sentence.replace("_", " "))
    return {word[:STEM] for word in words} - COMMON


def _statement_around(source: str, line: int) -> set[int]:
    """Return the lines of the innermost statement that has a line, without those of its body."""
    found = [
        node
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.stmt) and node.lineno <= line <= (node.end_lineno or 0)
    ]
    if not found:
        return set()
    innermost = max(found, key=lambda node: node.lineno)
    body: list[ast.stmt] = getattr(innermost, "body", [])
    last = body[0].lineno - 1 if body else innermost.end_lineno or 0
    return set(range(innermost.lineno, last + 1))

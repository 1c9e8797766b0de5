"""Deliberate faults by a tool: a sample of all that cosmic-ray can make in the same code.

This is a second opinion on the tests, because nobody has chosen these faults. Some of them have no
effect that a test could notice, and nobody has removed those.
"""

import ast
import random
from collections.abc import Iterator
from pathlib import Path

from cosmic_ray import plugins
from cosmic_ray.ast import get_ast_from_path
from cosmic_ray.mutating import mutate_code

from support.mutants.mutants import Mutant

FOLDERS = ("chalicelib/pipeline", "chalicelib/api", "chalicelib/aws")


def sample(root: Path, n: int, *, seed: int = 0) -> list[Mutant]:
    """Return ``n`` faults, drawn from all that are possible, in files and operators alike."""
    places = list(_places(root))
    random.Random(seed).shuffle(places)  # noqa: S311  # chance that can be had again
    found: list[Mutant] = []
    for file, operator, occurrence in places:
        if len(found) == n:
            break
        if mutant := _mutant(root, file, operator, occurrence):
            found.append(mutant)
    return found


def _places(root: Path) -> Iterator[tuple[str, str, int]]:
    """Yield file, operator and number of every fault, by operators that need no arguments."""
    names = [name for name in plugins.operator_names() if not name.startswith("core/Variable")]
    for folder in FOLDERS:
        for path in sorted((root / folder).glob("*.py")):
            tree = get_ast_from_path(path)
            for name in names:
                operator = plugins.get_operator(name)()
                n_positions = sum(
                    len(list(operator.mutation_positions(node))) for node in _nodes(tree)
                )
                for occurrence in range(n_positions):
                    yield str(path.relative_to(root)), name, occurrence


def _nodes(node: object) -> Iterator[object]:
    yield node
    for child in getattr(node, "children", ()):
        yield from _nodes(child)


def _mutant(root: Path, file: str, operator: str, occurrence: int) -> Mutant | None:
    """Return one fault, or None if the tool's text is not Python, or changes only types."""
    whole = (root / file).read_text()
    changed = mutate_code(whole, plugins.get_operator(operator)(), occurrence)
    if changed is None or _is_the_same(whole, changed):
        return None
    before, after = whole.splitlines(keepends=True), changed.splitlines(keepends=True)
    first = next(n for n, (old, new) in enumerate(zip(before, after, strict=False)) if old != new)
    n_last = next(
        n
        for n, (old, new) in enumerate(zip(reversed(before), reversed(after), strict=False))
        if old != new
    )
    sentence = f"{file}:{first + 1} {operator.removeprefix('core/')}: {after[first].strip()}"
    # Lines are added in front until the text is unique. The file from its beginning always is.
    while whole.count("".join(before[first : len(before) - n_last])) > 1:
        first -= 1
    old = "".join(before[first : len(before) - n_last])
    return Mutant(file, old, "".join(after[first : len(after) - n_last]), sentence)


def _is_the_same(whole: str, changed: str) -> bool:
    """Return whether two texts are the same program, or the second is not a program."""
    try:
        return _without_types(whole) == _without_types(changed)
    except SyntaxError:
        return True


def _without_types(text: str) -> str:
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, ast.arg):
            node.annotation = None
        elif isinstance(node, ast.FunctionDef):
            node.returns = None
        elif isinstance(node, ast.AnnAssign):
            node.annotation = ast.Constant(None)
    return ast.dump(tree)

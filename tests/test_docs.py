"""README and docs name existing things, and all that they should name."""

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from chalicelib.core.probe.formats import FORMATS

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text()
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
DOCS = "\n".join(page.read_text() for page in PAGES)


def found(pattern: str, path: str) -> list[str]:
    return sorted(set(re.findall(pattern, (ROOT / path).read_text())))


SOURCES = {
    path: ast.parse(path.read_text())
    for folder in ("app.py", "chalicelib", "local", "scripts")
    for path in (
        [ROOT / folder] if folder.endswith(".py") else sorted(ROOT.glob(f"{folder}/**/*.py"))
    )
}


def readers() -> Iterator[tuple[str, ast.FunctionDef]]:
    """Yield the functions that take the environment, with the names by which they are called."""
    for tree in SOURCES.values():
        for scope in (
            node for node in ast.walk(tree) if isinstance(node, ast.Module | ast.ClassDef)
        ):
            for function in (node for node in scope.body if isinstance(node, ast.FunctionDef)):
                # A WSGI environ is a dict, the process's environment a mapping.
                if any(
                    argument.arg == "environ"
                    and argument.annotation
                    and ast.unparse(argument.annotation) == "Mapping[str, str]"
                    for argument in function.args.args
                ):
                    owner = f"{scope.name}." if isinstance(scope, ast.ClassDef) else ""
                    yield owner + function.name, function


def settings() -> set[str]:
    """Return the names of the environment variables that are read."""
    read = {
        node.value
        for _, function in readers()
        for node in ast.walk(function)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    for path in SOURCES:
        read.update(re.findall(r'os\.environ(?:\.get\(|\[)"(\w+)"', path.read_text()))
    return {name for name in read if re.fullmatch("[A-Z][A-Z_]+[A-Z]", name)}


@pytest.mark.parametrize("name", sorted(settings()))
def test_every_setting_is_described(name):
    assert f"`{name}`" in DOCS


@pytest.mark.parametrize("name", sorted({name for name, _ in readers()}))
def test_every_reader_of_settings_is_called_by_the_program(name):
    called = {
        ast.unparse(node.func).removeprefix("variables.")
        for tree in SOURCES.values()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
    }

    assert name in called


def test_the_settings_of_the_application_and_of_local_mode_are_found():
    assert {"MEDIA_BUCKET_NAME", "TRANSCRIBE_REDACTION", "EARSHOT_RECOGNISER"} <= settings()


@pytest.mark.parametrize("name", found(r"def (\w+)\(event", "app.py"))
def test_every_trigger_is_described(name):
    assert f"`{name}`" in DOCS


@pytest.mark.parametrize(
    ("route", "methods"),
    re.findall(r'@app.route\("([^"]+)"(?:, methods=\["(\w+)"\])?', (ROOT / "app.py").read_text()),
)
def test_every_route_is_described(route, methods):
    assert f"`{methods or 'GET'} {route}" in DOCS


@pytest.mark.parametrize("target", re.findall(r"make ([a-z]+)\b(?=[^\n]*`|\s+#)", DOCS))
def test_every_make_target_that_is_named_exists(target):
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), re.MULTILINE)


def drawn() -> Iterator[str]:
    """Yield the paths that the tree in CONTRIBUTING.md shows."""
    tree = re.search(r"## The tree\n\n```text\n(.*?)```", CONTRIBUTING, re.DOTALL)[1]
    above: list[str] = []
    for line in tree.splitlines():
        depth = (len(line) - len(line.lstrip())) // 2
        above[depth:] = [line.split()[0].rstrip("/")]
        yield "/".join(above)


def test_the_tree_in_contributing_is_the_real_tree():
    tracked = subprocess.check_output(["git", "ls-files"], cwd=ROOT, text=True).splitlines()
    folders = {path.parent.as_posix() for path in map(Path, tracked)} - {"."}
    shown = {path for path in drawn() if path != "app.py"}

    assert "app.py" in drawn()
    assert shown <= folders | {str(parent) for path in folders for parent in Path(path).parents}
    assert {
        folder
        for folder in folders - shown
        if not folder.startswith((".", "tests/", "kernels/", "tools"))
    } == set()


def test_every_format_is_in_the_readme():
    sentence = re.search(r"^Formats: (.*),", README, re.MULTILINE)[1]

    assert re.findall(r"\w+", sentence.replace(" and ", " ")) == list(FORMATS)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_to_a_file_has_a_target(page):
    for target in re.findall(r"\]\((?!http)([^)#]+)", page.read_text()):
        assert (page.parent / target).exists(), target


@pytest.mark.parametrize(
    "pattern", sorted(set(re.findall(r"`([\w./*-]+/[\w.*-]+\.\w+|[\w-]+/)`", CONTRIBUTING)))
)
def test_every_path_in_contributing_exists(pattern):
    places = [*ROOT.glob(pattern), *(ROOT / "chalicelib").glob(pattern)]

    assert places or pattern == "build/fuzz"


@pytest.mark.parametrize("name", ["EXPORTS"])
def test_every_table_in_contributing_exists(name):
    assert f"\n{name}" in (ROOT / "chalicelib/core/transcripts/exports.py").read_text()


def docstrings() -> Iterator[tuple[str, str]]:
    """Yield the place and the first line of every docstring in the tracked Python files."""
    tracked = subprocess.check_output(["git", "ls-files", "*.py"], cwd=ROOT, text=True)
    for path in tracked.splitlines():
        for node in ast.walk(ast.parse((ROOT / path).read_text())):
            match node:
                case ast.Expr(value=ast.Constant(value=str(text))):
                    yield f"{path}:{node.lineno}", text.strip().partition("\n")[0]


def test_no_docstring_begins_with_a_question_word():
    question_words = {"what", "which", "how", "where", "who", "whose", "whoever", "whether"}

    assert [
        f"{place}: {line}"
        for place, line in docstrings()
        if re.split(r"\W", line.lower())[0] in question_words and not line.endswith("?")
    ] == []

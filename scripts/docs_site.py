"""MkDocs hooks: pages from the repository's root, and reference pages made from the code.

The pages in ``docs`` link to files by their place in the repository, so that they also work there.
On the site README.md is the first page, and files outside ``docs`` keep their path.
"""

import os
import re
import subprocess
import sys
from pathlib import Path
from posixpath import dirname, normpath, relpath
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
LINK = re.compile(r"(\]\()(?![a-z]+:|#)([^)#\s]+)")
COMMANDS = ("run", "process", "compare", "chart", "variables")


def on_files(files: Any, config: Any) -> Any:
    """Add the generated pages, and every file outside ``docs`` that a page links to."""
    from mkdocs.structure.files import File  # noqa: PLC0415  # MkDocs alone imports this module

    # The path is needed because MkDocs loads this module as a file, without a package.
    sys.path.insert(0, str(ROOT))
    from scripts import docs_tables  # noqa: PLC0415  # needs the path

    pages = {
        "reference/commands.md": _commands,
        "reference/routes.md": _routes,
        "reference/tables.md": docs_tables.page,
    }
    for path, write in pages.items():
        files.append(File.generated(config, path, content=write()))
    files.append(File.generated(config, "reference/signal.md", content=SIGNAL))
    waiting = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md")]
    waiting += [*ROOT.glob("docs/**/*.md"), ROOT / "CHANGELOG.md"]
    seen: set[Path] = set()
    while waiting:
        page = waiting.pop()
        if page in seen:
            continue
        seen.add(page)
        for _, target in LINK.findall(page.read_text() if page.suffix == ".md" else ""):
            waiting.append(Path(os.path.normpath(page.parent / target)))
        path = page.relative_to(ROOT).as_posix()
        if page.is_file() and not path.startswith("docs/"):
            files.append(File.generated(config, _on_site(path), abs_src_path=str(page)))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Turn links between files of the repository into links between pages of the site."""
    here = _in_repository(page.file.src_uri)

    def moved(link: re.Match[str]) -> str:
        target = _on_site(normpath(f"{dirname(here)}/{link[2]}".lstrip("/")))
        return link[1] + relpath(target, dirname(page.file.src_uri) or ".")

    return LINK.sub(moved, markdown)


def _on_site(path: str) -> str:
    return "index.md" if path == "README.md" else path.removeprefix("docs/")


def _in_repository(path: str) -> str:
    if path == "index.md":
        return "README.md"
    return f"docs/{path}" if (ROOT / "docs" / path).exists() else path


def _commands() -> str:
    """Return the printed help of every command."""
    lines = ["# Commands", "", "## make", "", "```text", _output("make", "help"), "```", ""]
    for command in (None, *COMMANDS):
        words = ["-m", "local", *([command] if command else []), "--help"]
        lines += [f"## python {' '.join(words[:-1])}", "", "```text"]
        lines += [_output(sys.executable, *words), "```", ""]
    for words in ([], ["features"]):
        shown = _output(sys.executable, "-m", "earshot", *words, "--help")
        lines += [f"## {' '.join(['earshot', *words])}", "", "```text", shown, "```", ""]
    return "\n".join(lines)


def _output(*command: str) -> str:
    environment = os.environ | {"COLUMNS": "90", "NO_COLOR": "1"}
    return subprocess.check_output(command, cwd=ROOT, env=environment, text=True).rstrip()


def _routes() -> str:
    """Return the routes and the types of their answers, from the OpenAPI document."""
    from chalicelib.api import openapi  # noqa: PLC0415  # not every use needs it

    document = openapi.document()
    lines = ["# Routes and shapes", "", "Made from `GET /openapi.json`.", ""]
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            lines += [f"## {method.upper()} {path}", "", f"{operation['summary']}.", ""]
            parameters = operation.get("parameters", ())
            if parameters:
                lines += ["| Parameter | In | Type | Meaning |", "| --- | --- | --- | --- |"]
            for one in parameters:
                meaning = one.get("description", "").replace("|", "\\|")
                lines += [f"| `{one['name']}` | {one['in']} | {_type(one['schema'])} | {meaning} |"]
            lines += [""]
    lines += ["## Shapes", ""]
    for name, schema in document["components"]["schemas"].items():
        lines += [f"### {name}", "", schema.get("description", ""), ""]
        if "properties" in schema:
            lines += ["| Field | Type | Meaning |", "| --- | --- | --- |"]
        for field, shape in schema.get("properties", {}).items():
            lines += [f"| `{field}` | {_type(shape)} | {shape.get('description', '')} |"]
        lines += [""]
    return "\n".join(lines)


def _type(shape: dict[str, Any]) -> str:
    if "$ref" in shape:
        return str(shape["$ref"]).rpartition("/")[2]
    if "enum" in shape:
        return ", ".join(f"`{value}`" for value in shape["enum"])
    if shape.get("type") == "array":
        return f"list of {_type(shape.get('items', {}))}"
    types = shape.get("type", "any")
    return " or ".join(types) if isinstance(types, list) else str(types)


SIGNAL = """# Signal functions

Their names, defaults and numbers are librosa's.

::: chalicelib.core.pitch.tracker

::: chalicelib.core.dsp.mfcc

::: chalicelib.core.dsp.energy

::: chalicelib.core.dsp.deltas

::: chalicelib.core.features.extract
"""

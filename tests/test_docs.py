"""README and docs tell the truth about names."""

import re
from pathlib import Path

import pytest

from chalicelib.core.probe.formats import FORMATS

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *ROOT.glob("docs/*.md")])
DOCS = "\n".join(page.read_text() for page in PAGES)


def found(pattern: str, path: str) -> list[str]:
    return sorted(set(re.findall(pattern, (ROOT / path).read_text())))


@pytest.mark.parametrize("name", found(r'"([A-Z][A-Z_]+[A-Z])"', "chalicelib/config.py"))
def test_every_setting_is_described(name):
    assert f"`{name}`" in DOCS


@pytest.mark.parametrize("name", found(r"def (\w+)\(event", "app.py"))
def test_every_trigger_is_in_the_readme(name):
    assert f"`{name}`" in README


@pytest.mark.parametrize(
    ("route", "methods"),
    re.findall(r'@app.route\("([^"]+)"(?:, methods=\["(\w+)"\])?', (ROOT / "app.py").read_text()),
)
def test_every_route_is_described(route, methods):
    assert f"`{methods or 'GET'} {route}" in DOCS


@pytest.mark.parametrize("target", re.findall(r"make ([a-z]+)\b(?=[^\n]*`|\s+#)", DOCS))
def test_every_make_target_that_is_named_exists(target):
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), re.MULTILINE)


@pytest.mark.parametrize(
    "line", re.search(r"## Layout\n\n```text\n(.*?)```", README, re.DOTALL)[1].splitlines()
)
def test_the_layout_exists(line):
    name = line.split()[0]

    assert (ROOT / name).exists() or (ROOT / "chalicelib" / name).exists()


def test_every_format_is_in_the_readme():
    sentence = re.search(r"^Formats: (.*),", README, re.MULTILINE)[1]

    assert re.findall(r"\w+", sentence.replace(" and ", " ")) == list(FORMATS)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_to_a_file_leads_somewhere(page):
    for target in re.findall(r"\]\((?!http)([^)#]+)", page.read_text()):
        assert (page.parent / target).exists(), target

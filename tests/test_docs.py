"""The README tells the truth about names."""

import re
from pathlib import Path

import pytest

from chalicelib.core.uploads import FORMATS

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()


def found(pattern: str, path: str) -> list[str]:
    return sorted(set(re.findall(pattern, (ROOT / path).read_text())))


@pytest.mark.parametrize("name", found(r'"([A-Z][A-Z_]+[A-Z])"', "chalicelib/config.py"))
def test_every_setting_is_in_the_readme(name):
    assert f"`{name}`" in README


@pytest.mark.parametrize("name", found(r"def (\w+)\(event", "app.py"))
def test_every_trigger_is_in_the_readme(name):
    assert f"`{name}`" in README


@pytest.mark.parametrize(
    ("route", "methods"),
    re.findall(r'@app.route\("([^"]+)"(?:, methods=\["(\w+)"\])?', (ROOT / "app.py").read_text()),
)
def test_every_route_is_in_the_readme(route, methods):
    assert f"`{methods or 'GET'} {route}" in README


@pytest.mark.parametrize("target", re.findall(r"make ([a-z]+)\b(?=[^\n]*`|\s+#)", README))
def test_every_make_target_that_the_readme_names_exists(target):
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


@pytest.mark.parametrize("path", ["README.md", "CONTRIBUTING.md"])
def test_every_link_to_a_file_leads_somewhere(path):
    for target in re.findall(r"\]\((?!http)([^)#]+)", (ROOT / path).read_text()):
        assert (ROOT / target).exists(), target

"""The documentation site: every page builds, and every link has a target."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from chalicelib.core.registry import TABLES
from scripts import docs_tables

ROOT = Path(__file__).parents[1]

pytestmark = pytest.mark.slow


def build(project: Path, site: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--quiet", "--site-dir", site],
        cwd=project,
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_site_is_built_and_every_link_has_a_target(tmp_path):
    ended = build(ROOT, tmp_path)

    assert ended.returncode == 0, ended.stderr
    assert "make deploy" in (tmp_path / "index.html").read_text()
    assert "--port PORT" in (tmp_path / "reference/commands/index.html").read_text()
    assert "--mfcc-times VALUE" in (tmp_path / "reference/commands/index.html").read_text()
    tables = (tmp_path / "reference/tables/index.html").read_text()
    for name in (*TABLES, "words", "segments", "speakers"):
        assert f'id="{name}csv"' in tables
    assert "<code>mfcc_1</code> to <code>mfcc_13</code>" in tables
    assert "articulation_rate_wpm" in tables
    assert "formants_time_step" in tables
    assert "recording_id" in (tmp_path / "reference/routes/index.html").read_text()
    assert "voiced_prob" in (tmp_path / "reference/signal/index.html").read_text()
    assert (tmp_path / "benchmarks/results-3.11/index.html").exists()


def test_a_link_without_a_target_stops_the_build(tmp_path):
    project = tmp_path / "project"
    folders = ("docs", "scripts", "chalicelib", "earshot", "local", "benchmarks", "samples")
    for folder in folders:
        shutil.copytree(ROOT / folder, project / folder)
    for file in [*ROOT.glob("*.md"), ROOT / "mkdocs.yml", ROOT / "Makefile", ROOT / "LICENSE"]:
        shutil.copy(file, project)
    with (project / "docs/glossary.md").open("a") as page:
        page.write("\n[nothing](nowhere.md)\n")

    ended = build(project, tmp_path / "site")

    assert ended.returncode != 0
    assert "nowhere.md" in ended.stderr


def test_a_column_that_is_not_explained_stops_the_build(tmp_path, monkeypatch):
    numbers = docs_tables.NUMBERS.read_text().replace("`zero_crossing_rate` |", "`crossings` |")
    (tmp_path / "numbers.md").write_text(numbers)
    monkeypatch.setattr(docs_tables, "NUMBERS", tmp_path / "numbers.md")

    with pytest.raises(LookupError, match="what the column zero_crossing_rate is"):
        docs_tables.page()

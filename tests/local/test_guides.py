"""The guides' own code, run on what local mode writes."""

import re
import subprocess
import sys

import pytest
from support.running import ROOT, SAMPLE, process_as_json

pytestmark = pytest.mark.slow


def code(page: str) -> str:
    text = (ROOT / page).read_text()
    blocks = re.findall(r"^( *)```python\n(.*?)```", text, re.MULTILINE | re.DOTALL)
    return "".join(re.sub(rf"(?m)^{indent}", "", block) for indent, block in blocks)


@pytest.mark.parametrize(
    ("page", "out", "printed", "options"),
    [
        ("docs/tutorial.md", "out", "256 frames", ()),
        ("docs/guides/study.md", "results", "sample-wav", ()),
        ("docs/numbers.md", "results", "sample-wav", ()),
        ("docs/guides/datasets.md", "results", "(241, 13)", ("--dataset", "parquet,webdataset")),
    ],
)
def test_the_code_of_a_guide_reads_what_was_written(page, out, printed, options, tmp_path):
    status, _ = process_as_json("--out", tmp_path / out, *options, SAMPLE)

    ran = subprocess.run(
        [sys.executable, "-c", code(page)], cwd=tmp_path, capture_output=True, text=True, check=True
    )

    assert status == 0
    assert printed in ran.stdout

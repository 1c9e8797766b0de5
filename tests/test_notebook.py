"""The notebook in docs runs from its first cell to its last, and draws what it says."""

import base64
import io
from pathlib import Path

import nbformat
import numpy as np
import pytest
from nbclient import NotebookClient
from PIL import Image

NOTEBOOK = Path(__file__).parents[1] / "docs/notebooks/words.ipynb"

pytestmark = [
    pytest.mark.slow,
    # jupyter_client's own sockets on the loopback address.
    pytest.mark.filterwarnings("ignore:.*(zmq|ZMQ|event loop).*"),
]


def outputs(notebook, kind):
    return [
        output["data"][kind]
        for cell in notebook.cells
        for output in cell.get("outputs", ())
        if kind in output.get("data", ())
    ]


def test_the_notebook_makes_a_table_of_words_and_two_pictures():
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    as_written = outputs(notebook, "text/plain")[0].splitlines()
    client = NotebookClient(
        notebook, timeout=300, resources={"metadata": {"path": str(NOTEBOOK.parent)}}
    )

    client.execute()

    rows = outputs(notebook, "text/plain")[0].splitlines()
    columns = [
        "word",
        "start_s",
        "end_s",
        "f0_hz",
        "f0_st",
        "slope_st_s",
        "f1_hz",
        "f2_hz",
        "f3_hz",
    ]
    assert rows[0].split()[:9] == columns
    assert [row.split()[1] for row in rows[1:18]] == [row.split()[1] for row in as_written[1:18]]
    pictures = [
        np.asarray(Image.open(io.BytesIO(base64.b64decode(png))).convert("L"))
        for png in outputs(notebook, "image/png")
    ]
    assert len(pictures) == 2
    assert all((picture < 128).mean() > 0.005 for picture in pictures)

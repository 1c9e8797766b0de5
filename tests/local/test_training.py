"""Real voices become data sets, each read by its own library, and a model trains on each."""

import os
from pathlib import Path

import duckdb
import kaldiio
import numpy as np
import pytest
import webdataset
from support.running import ROOT, process

SHARED = ROOT.parent / "shared" / "speech"
NEEDS = "needs the group datasets: .venv/bin/pip install -r requirements/datasets.txt"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not SHARED.exists(), reason="the shared recordings are not here"),
    # webdataset and lhotse leave it to Python to close the files that they have read.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The folder of the data sets of all shared recordings, in every format."""
    out = tmp_path_factory.mktemp("out")
    formats = "parquet,lhotse,shar,webdataset,kaldi"
    options = ("--frames", "mfcc", "--splits", "train=1", "--split-by", "speaker")
    ended = process("--out", out, "--dataset", formats, *options, SHARED)
    assert ended.returncode == 0, ended.stderr
    return out / "datasets"


def from_parquet(folder):
    rows = duckdb.read_parquet(f"{folder}/data/*/*.parquet").select("text, mfcc").fetchall()
    return [(text, np.array(mfcc, np.float32)) for text, mfcc in rows]


def from_webdataset(folder):
    files = sorted(map(str, folder.glob("*.tar")))
    examples = webdataset.WebDataset(files, shardshuffle=False).decode()
    return [(one["txt"], one["npy"]) for one in examples]


def from_kaldi(folder):
    here = Path.cwd()
    os.chdir(folder)  # its paths begin there
    try:
        texts = dict(line.split(" ", 1) for line in Path("train/text").read_text().splitlines())
        return [
            (texts[key], matrix)
            for key, matrix in dict(kaldiio.load_scp("train/feats.scp")).items()
        ]
    finally:
        os.chdir(here)


def from_lhotse(folder):
    lhotse = pytest.importorskip("lhotse", reason=NEEDS)
    cuts = lhotse.CutSet.from_file(folder / "train/cuts.jsonl.gz").with_features_path_prefix(folder)
    found = []
    for cut in cuts:
        assert cut.load_audio().shape[1] == cut.num_samples
        found.append((cut.supervisions[0].text, cut.load_features()))
    return found


def from_shar(folder):
    lhotse = pytest.importorskip("lhotse", reason=NEEDS)
    found = []
    for cut in lhotse.CutSet.from_shar(in_dir=folder / "train"):
        assert cut.load_audio().shape[1] == cut.num_samples
        found.append((cut.supervisions[0].text, cut.load_features()))
    return found


READERS = {
    "parquet": from_parquet,
    "webdataset": from_webdataset,
    "kaldi": from_kaldi,
    "lhotse": from_lhotse,
    "shar": from_shar,
}


@pytest.mark.parametrize("form", READERS)
def test_every_format_has_the_same_utterances_and_frames(made, form):
    expected = sorted(from_parquet(made / "parquet"), key=lambda one: one[0])

    found = sorted(READERS[form](made / form), key=lambda one: one[0])

    assert len(found) >= 8
    assert [text for text, _ in found] == [text for text, _ in expected]
    assert any("ask not" in text for text, _ in found)
    for (_, matrix), (_, same) in zip(found, expected, strict=True):
        assert np.array_equal(matrix, same)


@pytest.mark.parametrize("form", READERS)
def test_a_model_learns_from_every_format(made, form):
    """A step of gradient descent, by a loss of speech recognition, lowers that loss."""
    torch = pytest.importorskip("torch", reason=NEEDS)
    examples = READERS[form](made / form)
    letters = sorted({letter for text, _ in examples for letter in text.lower()})
    torch.manual_seed(0)
    model = torch.nn.Linear(13, 1 + len(letters))
    optimiser = torch.optim.SGD(model.parameters(), lr=1e-4)

    def loss():
        total = 0.0
        for text, matrix in examples:
            target = torch.tensor([[1 + letters.index(letter) for letter in text.lower()]])
            scores = model(torch.tensor(matrix)).log_softmax(-1).unsqueeze(1)
            lengths = torch.tensor([len(matrix)]), torch.tensor([target.shape[1]])
            total += torch.nn.functional.ctc_loss(scores, target, *lengths, zero_infinity=True)
        return total / len(examples)

    before = loss()
    before.backward()
    optimiser.step()

    assert torch.isfinite(before)
    assert loss() < before

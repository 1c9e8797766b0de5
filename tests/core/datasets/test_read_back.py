"""Every format is read by its own library, and has what the recordings have."""

import json
import os
import re
from pathlib import Path

import duckdb
import kaldiio
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import webdataset
from support.dataset import RECIPE, SPOKEN, Recordings, make

from chalicelib.core.datasets.cutting import n_samples_of

N = 12
N_UTTERANCES = 2 * N
# webdataset and lhotse leave it to Python to close the files that they have read.
pytestmark = [
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]
NEEDS = "needs the group datasets: .venv/bin/pip install -r requirements/datasets.txt"


@pytest.fixture(scope="module")
def recordings():
    return Recordings(N)


@pytest.fixture(scope="module")
def made(tmp_path_factory, recordings):
    """A function that returns the folder and manifest of a format's data set, made once."""
    known = {}

    def find(form, **given):
        key = (form, *sorted(given.items()))
        if key not in known:
            folder = tmp_path_factory.mktemp(form)
            known[key] = folder, make(folder, recordings, format=form, **given)
        return known[key]

    return find


def expected(recordings, utterance_id):
    """Return the coefficients and samples of an utterance, cut from the whole recording."""
    recording_id, _, index = utterance_id.rpartition("-")
    source = recordings.source(recording_id)
    segment = recordings.transcript(source).segments[int(index)]
    first = round(segment.start / RECIPE.frame_s)
    n_frames = round(round(segment.duration, 6) / RECIPE.frame_s)
    start = round(segment.start * RECIPE.sr)
    y = recordings.y(source)[start : start + n_samples_of(round(segment.duration, 6), RECIPE.sr)]
    return recordings.matrix(source)[first : first + n_frames], y, segment


def text_of(split_files):
    return dict(line.split(" ", 1) for line in split_files)


def test_pyarrow_and_duckdb_read_parquet(made, recordings):
    folder, manifest = made("parquet", frames="mfcc,f0,voiced,rms", dtype="float16")

    table = pq.read_table(folder / "data")
    files = duckdb.read_parquet(f"{folder}/data/*/*.parquet", hive_partitioning=True)
    rows = files.aggregate("split, count(*), min(f0_median_hz), max(text)").fetchall()

    assert table.num_rows == N_UTTERANCES
    assert len(pd.read_parquet(folder / "data", columns=["text", "mfcc"])) == N_UTTERANCES
    assert {split: n for split, n, *_ in rows} == {
        split: found["n_utterances"] for split, found in manifest["splits"].items()
    }
    assert {(f0, text) for *_, f0, text in rows} == {(120.0, "The ferry leaves at nine.")}
    for row in table.to_pylist():
        matrix, _, segment = expected(recordings, row["utterance_id"])
        assert np.array_equal(np.array(row["mfcc"], dtype=np.float16), matrix.astype(np.float16))
        assert row["f0"][0] in (120.0, None)
        assert list(row["voiced"]) == [one is not None for one in row["f0"]]
        assert (row["start_s"], row["end_s"]) == (segment.start, segment.end)
        assert row["speaker"] == segment.speaker
        assert row["confidence"] == pytest.approx(0.9)
        assert row["n_frames"] == len(matrix)


def test_the_statement_for_athena_has_the_columns_that_duckdb_finds(made):
    folder, _ = made("parquet", frames="mfcc,f0,voiced,rms")
    statement = re.search(
        r"```sql\n(CREATE EXTERNAL.*?)```", (folder / "README.md").read_text(), re.DOTALL
    )
    written = dict(re.findall(r"^  `(\w+)` ([a-z<>]+),?$", statement[1], re.MULTILINE))
    files = duckdb.read_parquet(f"{folder}/data/*/*.parquet", hive_partitioning=True)
    found = zip(files.columns, map(str, files.types), strict=True)

    in_hive = {"VARCHAR": "string", "INTEGER": "int"}
    hive = {}
    for name, kind in found:
        base, depth = kind.replace("[]", ""), kind.count("[]")
        hive[name] = "array<" * depth + in_hive.get(base, base.lower()) + ">" * depth
    split = re.search(r"PARTITIONED BY \(`(\w+)` (\w+)\)", statement[1])

    assert {**written, split[1]: split[2]} == hive


def test_webdataset_reads_its_tar_files(made, recordings):
    folder, manifest = made("webdataset")
    files = sorted(map(str, folder.glob("*.tar")))

    examples = list(webdataset.WebDataset(files, shardshuffle=False).decode())

    assert len(examples) == N_UTTERANCES
    assert len(files) == len(manifest["splits"])
    for one in examples:
        matrix, y, segment = expected(recordings, one["__key__"])
        assert np.array_equal(one["npy"], matrix)
        assert one["txt"] == "The ferry leaves at nine."
        assert one["json"]["speaker"] == segment.speaker
        assert one["json"]["words"]["text"] == list(SPOKEN)
        assert one["json"]["words"]["start_s"][0] == 0.0
        samples, rate = decoded(one["flac"])
        assert rate == RECIPE.sr
        assert np.array_equal(samples, y)


def decoded(body):
    import io  # noqa: PLC0415  # beside soundfile

    import soundfile  # noqa: PLC0415  # only here

    return soundfile.read(io.BytesIO(body), dtype="int16")


def test_kaldiio_reads_the_archives_and_the_lists_are_sorted(made, recordings, monkeypatch):
    folder, manifest = made("kaldi", split_by="speaker")
    monkeypatch.chdir(folder)

    n_utterances = 0
    for split in manifest["splits"]:
        features = kaldiio.load_scp(f"{split}/feats.scp")
        lists = {path.name: path.read_text().splitlines() for path in Path(split).iterdir()}
        for lines in lists.values():
            assert lines == sorted(lines, key=str.encode)
            assert len({line.split(" ", 1)[0] for line in lines}) == len(lines)
        speakers = text_of(lists["utt2spk"])
        assert features.keys() == speakers.keys() == text_of(lists["text"]).keys()
        assert list(speakers.values()) == sorted(speakers.values())
        listed = {u: s for s, us in text_of(lists["spk2utt"]).items() for u in us.split()}
        assert listed == speakers
        wavs = text_of(lists["wav.scp"])
        for key, place in text_of(lists["segments"]).items():
            recording, start, _ = place.split()
            assert wavs[recording] == f"/talks/{recording}.wav"
            matrix, _, segment = expected(recordings, f"{recording}-{key.rpartition('-')[2]}")
            assert np.array_equal(features[key], matrix)
            assert float(start) == segment.start
            assert speakers[key] == f"{recording}-{segment.speaker}"
            n_utterances += 1
    assert n_utterances == N_UTTERANCES


def test_kaldi_native_io_reads_the_same(made, recordings, monkeypatch):
    kaldi_native_io = pytest.importorskip("kaldi_native_io", reason=NEEDS)
    folder, manifest = made("kaldi", split_by="speaker")
    monkeypatch.chdir(folder)

    n = 0
    for split in manifest["splits"]:
        with kaldi_native_io.SequentialFloatMatrixReader(f"scp:{split}/feats.scp") as reader:
            for key, found in reader:
                recording, _, rest = key.partition("-spk_")
                matrix, *_ = expected(recordings, f"{recording}-{rest.rpartition('-')[2]}")
                assert np.array_equal(np.asarray(found), matrix)
                n += 1
    assert n == N_UTTERANCES


def test_lhotse_reads_and_validates_its_manifests(made, recordings):
    lhotse = pytest.importorskip("lhotse", reason=NEEDS)
    qa = pytest.importorskip("lhotse.qa", reason=NEEDS)
    folder, manifest = made("lhotse")

    n = 0
    for split in manifest["splits"]:
        cuts = lhotse.CutSet.from_file(folder / split / "cuts.jsonl.gz")
        features = lhotse.FeatureSet.from_file(folder / split / "features.jsonl.gz")
        qa.validate_recordings_and_supervisions(
            lhotse.RecordingSet.from_file(folder / split / "recordings.jsonl.gz"),
            lhotse.SupervisionSet.from_file(folder / split / "supervisions.jsonl.gz"),
        )
        qa.validate(features)
        for cut in cuts.with_features_path_prefix(folder):
            qa.validate(cut)
            matrix, _, segment = expected(recordings, cut.id)
            assert np.array_equal(cut.load_features(), matrix)
            assert cut.num_frames == len(matrix)
            (one,) = cut.supervisions
            assert one.text == "The ferry leaves at nine."
            assert one.speaker == segment.speaker
            assert [word.symbol for word in one.alignment["word"]] == list(SPOKEN)
            assert one.alignment["word"][0].start == 0.0
            n += 1
    assert n == N_UTTERANCES


def test_lhotse_reads_and_validates_shar(made, recordings):
    lhotse = pytest.importorskip("lhotse", reason=NEEDS)
    qa = pytest.importorskip("lhotse.qa", reason=NEEDS)
    folder, manifest = made("shar")

    n = 0
    for split in manifest["splits"]:
        for cut in lhotse.CutSet.from_shar(in_dir=folder / split):
            qa.validate(cut, read_data=True)
            matrix, y, _ = expected(recordings, cut.id)
            assert np.array_equal(cut.load_features(), matrix)
            assert np.array_equal(np.rint(cut.load_audio()[0] * 32768), y)
            n += 1
    assert n == N_UTTERANCES


@pytest.mark.parametrize("form", ["parquet", "webdataset"])
def test_hugging_face_loads_a_folder_by_its_card(made, recordings, form, tmp_path):
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    datasets = pytest.importorskip("datasets", reason=NEEDS)
    if form == "webdataset":
        pytest.importorskip("torchcodec", reason=NEEDS)
    folder, manifest = made(form, frames="mfcc")

    loaded = datasets.load_dataset(str(folder), cache_dir=str(tmp_path))

    assert {split: len(one) for split, one in loaded.items()} == {
        split: one["n_utterances"] for split, one in manifest["splits"].items()
    }
    row = next(iter(loaded["train"].select_columns(["mfcc" if form == "parquet" else "npy"])))
    key = next(
        iter(loaded["train"].select_columns(["utterance_id" if form == "parquet" else "__key__"]))
    )
    matrix, *_ = expected(recordings, next(iter(key.values())))
    assert np.array_equal(np.array(next(iter(row.values())), dtype=np.float32), matrix)
    if form == "parquet":
        card = datasets.load_dataset_builder(str(folder), cache_dir=str(tmp_path)).info.features
        assert card["mfcc"] == datasets.List(datasets.List(datasets.Value("float32")))


def test_the_manifest_has_the_hash_and_size_of_every_file(made):
    import hashlib  # noqa: PLC0415  # only here

    for form in ("parquet", "lhotse", "shar", "webdataset", "kaldi"):
        folder, manifest = made(form)
        written = {
            str(path.relative_to(folder))
            for path in folder.rglob("*")
            if path.is_file() and path.parts[len(folder.parts)] != "parts"
        }
        assert {file["path"] for file in manifest["files"]} == written - {"dataset.json"}
        for file in manifest["files"]:
            body = (folder / file["path"]).read_bytes()
            assert (len(body), hashlib.sha256(body).hexdigest()) == (
                file["n_bytes"],
                file["sha256"],
            )
        assert json.loads((folder / "dataset.json").read_bytes()) == manifest

"""Data sets of a folder of results: made by batches, gone on with, and replaced."""

import json
from dataclasses import replace
from pathlib import Path

import kaldiio
import pytest
from support.dataset import opener
from support.media import wav
from support.running import ROOT

from chalicelib.core import keys
from chalicelib.core.datasets.parameters import DatasetParameters
from chalicelib.core.dsp.parameters import FeatureParameters
from chalicelib.core.features.extract import extract
from chalicelib.core.features.frames import read_frames
from chalicelib.core.features.words import join_voices, write_voices
from chalicelib.core.recording import BranchState, Recording, Status
from chalicelib.core.results import Measurement, TranscriptSummary
from chalicelib.core.transcripts.parsing import load_transcript
from chalicelib.core.upload import Upload
from chalicelib.errors import ParameterError
from local.datasets import check_format, make_dataset
from local.outcomes import NAME, Outcome, Outcomes, upload_of

TRANSCRIPT = ROOT / "tests/data/transcripts/plain.json"
DONE = BranchState(Status.COMPLETED)
KALDI = DatasetParameters.parse({"format": "kaldi", "splits": "train=1"})


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """Results of one file as ``process`` leaves them; the folder of tables is shared."""
    folder = tmp_path_factory.mktemp("results")
    talk = folder / "talk.wav"
    talk.write_bytes(wav(8.0))
    tables = folder / "tables"
    with talk.open("rb") as source:
        summary = extract(source, FeatureParameters.parse({}), opener(tables))
    transcript = load_transcript(TRANSCRIPT.read_bytes())
    streams = [(tables / f"{name}.csv").open("rb") for name in keys.JOINED_TABLES]
    voices = join_voices(transcript, read_frames(*streams, frame_s=512 / 22050))
    for stream in streams:
        stream.close()
    (tables / "segments.csv").write_text(write_voices("segment", voices.segments, "talk"))
    outputs = {name: str(tables / f"{name}.csv") for name in (*keys.JOINED_TABLES, "segments")}
    outputs["transcript"] = str(TRANSCRIPT)
    recording = replace(
        Recording.of(Upload("media", "uploads/me/talk.wav", "e", 1), created_at="2024-01-01"),
        transcription=DONE,
        features=DONE,
        renditions=BranchState(Status.SKIPPED),
        transcript=TranscriptSummary("transcripts/talk.json", "The ferry", 9),
        measurement=Measurement(
            summary.duration_s,
            summary.sample_rate_hz,
            summary.source_sample_rate_hz,
            summary.channels,
            summary.n_frames,
            {"hop_length": 512, "n_mfcc": 13},
            {name: f"features/talk/{name}.csv" for name in keys.JOINED_TABLES},
        ),
        word_table_keys={"segments": "features/talk/segments.csv"},
    )
    return Outcome(str(talk), recording, outputs=outputs)


@pytest.fixture
def outcomes(results, tmp_path):
    """A folder with the outcomes of three recordings, of which the last has failed."""
    kept = Outcomes(tmp_path / "out", {"earshot": "1"})
    for number in range(3):
        recording = replace(results.recording, id=f"talk-{number}-{number:012x}")
        if number == 2:
            failed = BranchState(Status.FAILED, "The file is a picture.")
            recording = replace(recording, transcription=failed)
        kept.keep(replace(results, recording=recording))
    return kept


def ids(outcomes):
    return sorted(path.parent.name for path in outcomes.folder.glob(f"*/{NAME}"))


def test_a_data_set_has_the_recordings_of_the_folder_and_says_what_it_left_out(outcomes):
    folder, manifest = make_dataset(ids(outcomes), outcomes, KALDI)

    assert folder == outcomes.folder / "datasets" / "kaldi"
    assert manifest["splits"]["train"]["n_recordings"] == 2
    assert manifest["left_out"]["reasons"] == {
        "Its transcription is FAILED. The file is a picture.": 1
    }
    (wav_path,) = {
        line.split(" ", 1)[1] for line in (folder / "train/wav.scp").read_text().splitlines()
    }
    assert Path(wav_path.strip()).read_bytes().startswith(b"RIFF")
    texts = [line.split(" ", 1)[1] for line in (folder / "train/text").read_text().splitlines()]
    assert texts[0].startswith("The ferry leaves at nine.")
    assert not (folder / "parts").exists()


def test_its_frames_are_the_rows_of_mfcc_csv(outcomes, results, monkeypatch):
    folder, _ = make_dataset(ids(outcomes), outcomes, KALDI)
    monkeypatch.chdir(folder)
    matrices = kaldiio.load_scp("train/feats.scp")
    rows = Path(results.outputs["mfcc"]).read_text().splitlines()[1:]

    segment = (folder / "train/segments").read_text().splitlines()[0].split()
    first = round(float(segment[2]) * 22050 / 512)

    assert matrices[segment[0]][0].tolist() == pytest.approx(
        [float(cell) for cell in rows[first].split(",")], abs=1e-4
    )


def test_what_is_there_already_is_not_made_again(outcomes):
    folder, manifest = make_dataset(ids(outcomes), outcomes, KALDI)
    written = {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}

    again = make_dataset(ids(outcomes), outcomes, KALDI)

    assert again == (folder, manifest)
    assert written == {path: path.stat().st_mtime_ns for path in written}


def test_a_batch_that_an_interrupted_run_has_made_is_kept(outcomes, monkeypatch):
    one_each = replace(KALDI, shard_mb=1)
    monkeypatch.setattr("chalicelib.core.datasets.planning.MOST_RECORDINGS", 1)
    whole, manifest = make_dataset(ids(outcomes), outcomes, one_each)
    archive = whole / "feats/train-00000-000.ark"
    body = archive.read_bytes()
    (whole / "dataset.json").unlink()
    monkeypatch.setattr("local.datasets.assemble", interrupt)
    with pytest.raises(KeyboardInterrupt):
        make_dataset(ids(outcomes), outcomes, one_each)
    (whole / "parts/00001/report.json").unlink()
    made_at = archive.stat().st_mtime_ns
    monkeypatch.undo()
    monkeypatch.setattr("chalicelib.core.datasets.planning.MOST_RECORDINGS", 1)

    _, again = make_dataset(ids(outcomes), outcomes, one_each)

    assert again == manifest
    assert (archive.read_bytes(), archive.stat().st_mtime_ns) == (body, made_at)


def interrupt(*_arguments, **_options):
    raise KeyboardInterrupt


def test_another_version_replaces_the_files_of_the_one_before_and_nothing_else(outcomes):
    folder, _ = make_dataset(ids(outcomes), outcomes, KALDI)
    (folder / "notes.txt").write_text("mine")

    _, manifest = make_dataset(
        ids(outcomes), outcomes, replace(KALDI, splits={"eval": 1.0}), n_processes=2
    )

    kept = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert kept == {file["path"] for file in manifest["files"]} | {"dataset.json", "notes.txt"}


def test_two_processes_make_the_same_data_set(outcomes, monkeypatch):
    monkeypatch.setattr("chalicelib.core.datasets.planning.MOST_RECORDINGS", 1)
    _, one = make_dataset(ids(outcomes), outcomes, KALDI)
    (outcomes.folder / "datasets/kaldi/dataset.json").unlink()

    _, two = make_dataset(ids(outcomes), outcomes, KALDI, n_processes=2)

    assert one == two


def test_a_format_whose_library_is_missing_says_how_to_have_it(monkeypatch):
    def missing(_form):
        raise ModuleNotFoundError(name="pyarrow")

    monkeypatch.setattr("local.datasets.writer_of", missing)

    with pytest.raises(ParameterError, match=r"needs pyarrow.*\.venv/bin/pip install pyarrow"):
        check_format("parquet")


def test_an_outcome_counts_for_the_same_parameters_and_while_its_outputs_are_there(outcomes):
    done, failed = ids(outcomes)[0], ids(outcomes)[2]
    assert outcomes.is_done(done)
    assert not outcomes.is_done(failed)
    assert not replace(outcomes, made_with={"earshot": "2"}).is_done(done)

    found = outcomes.read(done)
    found.outputs["words"] = str(outcomes.folder / "gone.csv")
    outcomes.keep(found)

    assert not outcomes.is_done(done)


def test_half_an_outcome_counts_as_none(outcomes):
    path = outcomes.folder / ids(outcomes)[0] / NAME
    path.write_bytes(path.read_bytes()[:100])

    assert outcomes.read(ids(outcomes)[0]) is None


def test_the_id_of_a_file_is_known_before_it_is_uploaded(put, services, tmp_path):
    talk = tmp_path / "talk.wav"
    talk.write_bytes(wav(0.5))

    uploaded = put("uploads/me/talk.wav", talk.read_bytes())

    found = upload_of(talk, key="uploads/me/talk.wav", bucket=services.media.bucket)
    assert found.recording_id == uploaded


def test_an_outcome_keeps_all_that_is_printed(outcomes, results):
    found = outcomes.read(ids(outcomes)[0])

    printed = replace(results, recording=replace(results.recording, id=ids(outcomes)[0]))
    assert json.dumps(found.to_dict()) == json.dumps(printed.to_dict())

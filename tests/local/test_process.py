"""``python -m local process``: files in, outcomes out, nothing left running."""

import ast
import csv
import json
import re
import signal
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

import duckdb
import librosa
import numpy as np
import pytest
import soundfile
from support.media import convert, wav
from support.running import ROOT, SAMPLE, process, process_as_json

from chalicelib.core.recording import Recording
from chalicelib.core.upload import Upload
from local.results import export, write_words

pytestmark = pytest.mark.slow

SHARED = ROOT.parent / "shared" / "speech"


def assert_mfcc_is_librosas(csv_path: str, recording: Path) -> None:
    ours = np.loadtxt(csv_path, delimiter=",", skiprows=1, ndmin=2)
    times, ours = ours[:, 0], ours[:, 1:]
    y, sr = librosa.load(recording)
    reference = librosa.feature.mfcc(y=y, sr=sr, n_mfcc=13).T
    assert ours.shape == reference.shape
    np.testing.assert_allclose(times, librosa.times_like(reference.T, sr=sr), atol=1e-6)
    assert np.abs(ours - reference).max() <= 5e-4
    assert np.median(np.abs(ours - reference)) <= 1e-5


def test_the_sample_is_processed_where_no_file_is_given(tmp_path):
    ended = process("--out", tmp_path)

    assert ended.returncode == 0
    words = (ROOT / "samples" / "sample.txt").read_text().lower().replace(".", "").split()
    heard = ended.stdout.lower()
    assert sum(word in heard for word in words) > 0.8 * len(words)
    assert "Recordings are heard by moonshine" in ended.stderr
    assert "COMPLETED" in ended.stdout
    assert "mfcc.csv" in ended.stdout


def test_nothing_runs_on_once_the_outcome_is_told(tmp_path):
    """Threads that live when Python ends may meet what it has already taken down."""
    script = (
        "import sys, threading\n"
        "from pathlib import Path\n"
        "from local.process import process\n"
        "process(sys.argv[1:2], out=Path(sys.argv[2]), as_json=True)\n"
        "print([thread.name for thread in threading.enumerate()])\n"
    )

    ended = subprocess.run(
        [sys.executable, "-c", script, SAMPLE, tmp_path],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=200,
    )

    names = ast.literal_eval(ended.stdout.splitlines()[-1])
    # A request is answered before its thread has ended.
    assert [name for name in names if "process_request" not in name] == ["MainThread"]


def test_json_has_a_line_for_each_file_in_the_order_given(tmp_path):
    first, second = tmp_path / "b" / "talk.wav", tmp_path / "a" / "talk.wav"
    for path, body in ((first, SAMPLE.read_bytes()), (second, wav(1.0))):
        path.parent.mkdir()
        path.write_bytes(body)

    status, lines = process_as_json("--out", tmp_path / "out", first, second)

    assert status == 0
    assert [line["file"] for line in lines] == [str(first), str(second)]
    assert lines[0]["recording_id"] != lines[1]["recording_id"]
    for line in lines:
        assert line["statuses"] == {
            "transcription": "COMPLETED",
            "features": "COMPLETED",
            "renditions": "SKIPPED",
        }
        assert line["language_code"] == "en-US"
        assert {"mfcc", "pitch", "energy", "words", "transcript"} <= line["outputs"].keys()
        for path in line["outputs"].values():
            assert Path(path).stat().st_size > 0
    assert lines[0]["transcript"]
    assert lines[0]["duration_s"] == pytest.approx(librosa.get_duration(path=first))
    assert 0 < lines[0]["mean_confidence"] <= 1
    assert_mfcc_is_librosas(lines[0]["outputs"]["mfcc"], first)


def test_one_bad_file_fails_the_command_and_no_other_file(tmp_path):
    picture = tmp_path / "picture.wav"
    picture.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(100))
    talk = tmp_path / "my talk.m4a"
    talk.write_bytes(convert(SAMPLE, "m4a"))
    missing = tmp_path / "missing.wav"
    empty = tmp_path / "empty"
    empty.mkdir()

    status, lines = process_as_json("--out", tmp_path / "out", picture, missing, talk, empty)

    assert status == 1
    reasons = [line["reason"] for line in lines]
    assert "PNG image" in reasons[0]
    assert "No such file" in reasons[1]
    assert reasons[2] is None
    assert reasons[3].startswith("The folder has no recording in it. Use wav, mp3")
    assert lines[2]["statuses"]["features"] == "COMPLETED"


FORMATS = ("text", "srt", "vtt", "textgrid", "ctm", "audacity", "audacity-words", "elan")


@pytest.fixture(scope="module")
def processed(tmp_path_factory):
    """One run for several tests: the sample, another file, and the sample again."""
    folder = tmp_path_factory.mktemp("processed")
    other = folder / "other.wav"
    other.write_bytes(convert(SAMPLE, "wav"))
    table = folder / "study" / "words.csv"
    options = ("--table", table, "--format", ",".join(FORMATS))
    status, lines = process_as_json("--out", folder / "out", *options, SAMPLE, other, SAMPLE)
    assert status == 0
    return folder / "out", table, lines


def test_a_file_named_twice_is_processed_once(processed):
    out, _, lines = processed

    assert lines[0] == lines[2] != lines[1]
    assert len(list(out.iterdir())) == 2


def test_the_words_of_a_recording_do_not_depend_on_what_was_heard_before_it(tmp_path):
    y, sr = soundfile.read(SAMPLE)
    for name, other in (("backwards", y[::-1]), ("quiet", 0.02 * y), ("twice", np.tile(y, 2))):
        soundfile.write(tmp_path / f"{name}.wav", other, sr)
    others = sorted(tmp_path.glob("*.wav"))

    _, alone = process_as_json("--out", tmp_path / "alone", SAMPLE)
    _, among = process_as_json("--out", tmp_path / "among", *others, SAMPLE)

    words = [Path(found[-1]["outputs"]["words"]).read_text() for found in (alone, among)]
    assert cells(words[0]) == cells(words[1])
    assert len(cells(words[0])) > 10


def cells(table: str) -> list[list[str]]:
    """Return the cells of a table of words, without the recording's id."""
    return [row[:-1] for row in csv.reader(table.splitlines())]


def test_a_folder_and_a_pattern_stand_for_their_recordings(tmp_path):
    for name in ("in/a.wav", "in/a.wav.wav", "in/deeper/b.wav", "c1.wav", "c2.wav", "c[1].wav"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(wav(0.6))
    (tmp_path / "in/notes.txt").write_text("no recording")

    status, lines = process_as_json(
        "--out", tmp_path / "out", tmp_path / "in", tmp_path / "c[1].wav", tmp_path / "c?.wav"
    )

    files = [str(Path(line["file"]).relative_to(tmp_path)) for line in lines]
    assert (status, files) == (
        0,
        ["in/a.wav", "in/a.wav.wav", "in/deeper/b.wav", "c[1].wav", "c1.wav", "c2.wav"],
    )


def test_transcripts_are_written_in_the_formats_of_other_programs(processed):
    out, _, (line, *_) = processed

    assert set(FORMATS) <= line["outputs"].keys()
    for name, mark in {"srt": "-->", "vtt": "WEBVTT", "textgrid": "ooTextFile"}.items():
        assert mark in Path(line["outputs"][name]).read_text()
    assert "river" in (out / line["recording_id"] / "transcript.ctm").read_text()


def test_all_words_of_all_recordings_are_one_table(processed):
    _, table, lines = processed

    with table.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    for line in lines:
        with Path(line["outputs"]["words"]).open(newline="") as stream:
            own = list(csv.DictReader(stream))
        whose = {"file": line["file"], "recording_id": line["recording_id"]}
        assert own
        assert [row for row in rows if row["file"] == line["file"]] == [whose | row for row in own]
    assert len({row["recording_id"] for row in rows}) == 2


def test_formats_have_the_corrections_of_the_transcript(tmp_path):
    transcript = ROOT / "tests/data/transcripts/plain.json"
    corrections = tmp_path / "transcript.corrections.json"
    correction = {"kind": "words", "words": ["ferry"], "start_s": 0.17, "text": "fairy"}
    corrections.write_text(json.dumps({"corrections": [correction]}))
    copied = tmp_path / "transcript.json"
    copied.write_bytes(transcript.read_bytes())
    upload = Upload(bucket="media", key="uploads/me/a.wav", etag="e", size=1)
    recording = Recording.of(upload, created_at="2024-01-01T00:00:00+00:00")
    outputs = {"transcript": str(copied), "transcript.corrections": str(corrections)}

    written = export(recording, outputs, ["text"])

    assert "The fairy leaves at nine." in Path(written["text"]).read_text()


def test_a_table_of_words_is_parquet_with_numbers_where_pyarrow_is_installed(tmp_path):
    pq = pytest.importorskip("pyarrow.parquet")
    words = tmp_path / "words.csv"
    words.write_text("word,start_s,n_frames,f0_median_hz\nbirds,0.5,12,\nsing,0.9,7,120.5\n")

    write_words([("a.wav", "me-a", words)], tmp_path / "all.parquet")

    assert pq.read_table(tmp_path / "all.parquet").to_pylist() == [
        {"file": "a.wav", "recording_id": "me-a", "word": "birds", "start_s": 0.5, "n_frames": 12}
        | {"f0_median_hz": None},
        {"file": "a.wav", "recording_id": "me-a", "word": "sing", "start_s": 0.9, "n_frames": 7}
        | {"f0_median_hz": 120.5},
    ]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--format", "srt,docx"), "'docx' is none of text, srt, vtt"),
        (("--dataset", "csv"), "format: 'csv' is none of parquet, lhotse, shar"),
        (("--dataset", "kaldi", "--dtype", "float16"), "Kaldi has float32 only"),
        (("--frames", "mfcc"), "frames: it is an option of --dataset"),
        (("--table", "words.xlsx"), "'words.xlsx' does not end with .csv or .parquet"),
    ],
)
def test_what_cannot_be_written_is_said_before_anything_is_processed(tmp_path, arguments, words):
    ended = process("--out", tmp_path / "out", *arguments, SAMPLE)

    assert ended.returncode == 2
    assert words in ended.stderr
    assert "Traceback" not in ended.stderr
    assert not (tmp_path / "out").exists()


def test_parquet_without_pyarrow_says_how_to_have_it(tmp_path, monkeypatch):
    (tmp_path / "pyarrow.py").write_text("raise ModuleNotFoundError(name='pyarrow')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))

    ended = process("--out", tmp_path / "out", "--table", "words.parquet", SAMPLE)

    assert ended.returncode == 2
    assert "needs pyarrow, which is not installed: .venv/bin/pip install pyarrow" in ended.stderr


def test_where_there_is_no_terminal_lines_tell_how_far_it_is(tmp_path):
    """The script has them more often, so that it need not hear minutes of speech."""
    long = tmp_path / "long.wav"
    sample, rate = soundfile.read(SAMPLE)
    soundfile.write(long, np.tile(sample, 12), rate)
    script = (
        "import sys; from local import __main__, progress; "
        "progress.LINES_EVERY_S = 0.2; sys.exit(__main__.main())"
    )

    ended = subprocess.run(
        [sys.executable, "-c", script, "process", "--out", tmp_path / "out", long],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=200,
    )

    told = re.findall(r"^… me/long\.wav (\d+) %", ended.stderr, re.MULTILINE)
    shares = [int(share) for share in told]
    assert shares, ended.stderr
    assert shares == sorted(shares)
    assert shares[0] < 90
    assert "transcribing" in ended.stderr


def talks(folder, n=3, *, most_s=None):
    """Put copies of the sample, or of its beginning, into a folder, each with its own bytes."""
    sample, rate = soundfile.read(SAMPLE, dtype="int16")
    sample = sample[: most_s and most_s * rate]
    folder.mkdir()
    for number in range(n):
        soundfile.write(folder / f"{number}.wav", np.roll(sample, number), rate)
    return folder


def outcomes_in(folder):
    return {path: path.stat().st_mtime_ns for path in sorted(folder.glob("*/outcome.json"))}


N_TALKS = 9
"""Several times as many as are in work at once, so that some are left when two are done."""


def test_a_run_that_was_interrupted_goes_on_and_repeats_nothing(tmp_path):
    folder, out = talks(tmp_path / "talks", n=N_TALKS, most_s=2), tmp_path / "out"
    command = [sys.executable, "-m", "local", "process", "--json", "--out", out, folder]
    stopped = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    until = time.monotonic() + 120
    while len(outcomes_in(out)) < 2:
        assert stopped.poll() is None, stopped.communicate()
        assert time.monotonic() < until
        time.sleep(0.02)
    stopped.send_signal(signal.SIGINT)
    _, told = stopped.communicate(timeout=60)
    before = outcomes_in(out)

    status, lines = process_as_json("--out", out, folder)

    assert stopped.returncode == 130
    assert (
        f"of {N_TALKS} recordings are done. The same command goes on from there." in told.decode()
    )
    assert 2 <= len(before) < N_TALKS
    assert status == 0
    assert len({line["recording_id"] for line in lines}) == N_TALKS
    assert all(line["statuses"]["features"] == "COMPLETED" for line in lines)
    assert before.items() <= outcomes_in(out).items()


def test_what_is_done_is_told_at_once_and_other_parameters_are_processed_again(tmp_path):
    first = process("--json", "--out", tmp_path, SAMPLE)
    again = process("--json", "--out", tmp_path, "--format", "srt", SAMPLE)
    other = process("--json", "--out", tmp_path, SAMPLE, FEATURE_N_MFCC="20")

    lines = [json.loads(ended.stdout) for ended in (first, again, other)]
    assert "Recordings are heard by" in first.stderr
    assert "Recordings are heard by" not in again.stderr
    assert "-->" in Path(lines[1]["outputs"].pop("srt")).read_text()
    assert lines[1] == lines[0]
    assert "Recordings are heard by" in other.stderr
    assert "mfcc_20" in Path(lines[2]["outputs"]["mfcc"]).read_text()


def test_data_sets_are_written_of_all_recordings(tmp_path):
    folder, out = talks(tmp_path / "talks"), tmp_path / "out"

    ended = process("--out", out, "--dataset", "parquet,kaldi", "--splits", "train=1", folder)

    assert ended.returncode == 0, ended.stderr
    rows = duckdb.read_parquet(f"{out}/datasets/parquet/data/*/*.parquet")
    found = rows.select("audio, text, f0_median_hz").fetchall()
    assert {Path(audio).name for audio, *_ in found} == {"0.wav", "1.wav", "2.wav"}
    assert all("birds" in text.lower() or "river" in text.lower() for _, text, _ in found)
    assert all(50 < f0 < 400 for *_, f0 in found)
    texts = (out / "datasets/kaldi/train/text").read_text().splitlines()
    assert sorted(line.split(" ", 1)[1] for line in texts) == sorted(text for _, text, _ in found)


@pytest.mark.skipif(not SHARED.exists(), reason="the shared recordings are not here")
def test_a_real_voice_is_heard_and_measured(tmp_path):
    recording = SHARED / "jfk.flac"

    status, (line,) = process_as_json("--out", tmp_path, recording)

    assert status == 0
    assert line["transcript"] == (
        "And so my fellow Americans ask not what your country can do for you, "
        "ask what you can do for your country."
    )
    assert_mfcc_is_librosas(line["outputs"]["mfcc"], recording)


def test_a_recogniser_that_does_not_exist_is_refused_before_anything_starts(tmp_path):
    ended = process("--out", tmp_path, SAMPLE, EARSHOT_RECOGNISER="siri")

    assert ended.returncode == 2
    assert "EARSHOT_RECOGNISER: 'siri' is not one of" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert ended.stdout == ""
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(find_spec("vosk") is not None, reason="vosk is installed")
def test_a_recogniser_that_is_not_installed_is_refused_before_anything_starts(tmp_path):
    ended = process(SAMPLE, EARSHOT_RECOGNISER="vosk", EARSHOT_RECOGNISER_MODEL=str(tmp_path))

    assert ended.returncode == 2
    assert "EARSHOT_RECOGNISER: vosk is not installed" in ended.stderr


ECHO = """\
import json
SetLogLevel = bool
Model = str
class KaldiRecognizer:
    def __init__(self, model, sr): self.model = model
    def SetWords(self, wanted): pass
    def AcceptWaveform(self, pcm): return False
    def FinalResult(self):
        word = {"word": self.model.rpartition("/")[2], "start": 0.5, "end": 1.0, "conf": 0.75}
        return json.dumps({"result": [word]})
"""


def test_the_recogniser_and_the_model_that_are_named_are_used(tmp_path):
    (tmp_path / "vosk.py").write_text(ECHO)
    model = tmp_path / "modelled"
    model.mkdir()

    ended = process(
        "--json",
        "--out",
        tmp_path / "out",
        SAMPLE,
        EARSHOT_RECOGNISER="vosk",
        EARSHOT_RECOGNISER_MODEL=str(model),
        PYTHONPATH=str(tmp_path),
    )

    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout)["transcript"] == "modelled"
    assert f"heard by vosk, with the model {model}" in ended.stderr

"""The benchmark's scripts do the work that they are timed for."""

import importlib
import json
import shutil
import subprocess
import sys
from pathlib import Path

import librosa
import numpy as np
import pytest
import soundfile

from chalicelib.core.speech.recogniser import Engine, RecognisedWord, Recognition

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


@pytest.fixture
def recording(tmp_path):
    path = tmp_path / "noise.wav"
    soundfile.write(path, np.random.default_rng(0).normal(0, 0.1, 30000), 44100)
    return path


@pytest.fixture
def peers(monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS)
    return importlib.import_module("peers")


def run(script, *arguments):
    return subprocess.run(
        [sys.executable, str(BENCHMARKS / script), *map(str, arguments)],
        check=True,
        capture_output=True,
        text=True,
    ).stdout


def test_the_recipe_that_is_timed_writes_the_table_of_the_original(recording, tmp_path):
    table = tmp_path / "mfcc.csv"

    run("earshot_mfcc.py", recording, table)

    y, sr = librosa.load(recording)
    theirs = librosa.feature.mfcc(y=y, sr=sr, n_mfcc=13).T
    ours = np.loadtxt(table, delimiter=",", skiprows=1)
    np.testing.assert_allclose(ours, theirs, atol=5e-4)


@pytest.mark.parametrize(
    "work",
    [
        *("mfcc", "energy", "pitch", "together", "floor", "decode"),
        pytest.param("librosa-tables", marks=pytest.mark.slow),
    ],
)
def test_each_kind_of_work_prints_the_seconds_of_its_runs(recording, work):
    seconds = json.loads(run("warm.py", work, recording, 2))

    assert len(seconds) == 2


def test_a_recording_is_made_with_the_given_length(tmp_path):
    run("recordings.py", tmp_path / "speech.wav", 2)

    assert soundfile.info(tmp_path / "speech.wav").duration == 2.0


def test_a_recording_is_made_at_the_rate_of_speech(tmp_path):
    run("recordings.py", tmp_path / "speech.wav", 2, 16_000)

    made = soundfile.info(tmp_path / "speech.wav")
    assert (made.samplerate, made.duration) == (16_000, 2.0)


@pytest.mark.slow
def test_earshot_agrees_with_librosa(tmp_path):
    run("recordings.py", tmp_path / "speech.wav", 5)

    found = json.loads(run("agreement.py", tmp_path / "speech.wav"))

    assert found["pitch"]["voiced_alike"] == 1.0
    assert 0.0 < found["pitch"]["voiced"] < 1.0
    assert found["pitch"]["most_cents"] < 0.01
    assert found["librosa-pyin"]["most_cents"] == 0.0
    assert found["mfcc"]["correlation"] > 0.999999
    assert found["mfcc"]["frames_per_s"] == pytest.approx(22_050 / 512, rel=1e-4)


@pytest.fixture
def report(monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS)
    return importlib.import_module("report")


def test_a_peer_has_its_seconds_frames_and_agreement_at_each_rate(report, tmp_path):
    shares = {"voiced": 0.5, "voiced_alike": 0.875, "median_cents": 9.0, "most_cents": 99.0}
    praat = report.PeerRow("praat", (0.25, None), ({"frames_per_s": 87.0, **shares}, None))
    kaldi = report.PeerRow("kaldi", (1, 2), ({"frames_per_s": 100, "correlation": 0.5},) * 2)

    report.write(tmp_path / "results.md", [], [], [praat, kaldi], [], runs=1)

    lines = (tmp_path / "results.md").read_text().splitlines()
    assert "| praat | 0.25 | 87 | not installed |  |" in lines
    assert "| kaldi | 1.00 | 100 | 2.00 | 100 |" in lines
    assert "| praat | 44.1 kHz | 50.0% | 87.50% | 9.0 | 99.0 |" in lines
    assert "| kaldi | 16 kHz | 0.500 |" in lines


def test_the_authors_pyin_runs_in_vamps_host(peers, recording, tmp_path, monkeypatch):
    """Use a fake host that lists a plugin, and writes a track that is voiced for 0.2 s."""
    host = tmp_path / "vamp-simple-host"
    host.write_text(
        "#!/usr/bin/env python3\n"
        "import pathlib, sys\n"
        "if sys.argv[1] == '--list-outputs':\n"
        "    print('vamp:some:pyin:f0candidates\\nvamp:some:pyin:smoothedpitchtrack')\n"
        "else:\n"
        "    plugin, wav, option, out = sys.argv[1:]\n"
        "    assert (plugin, option) == ('some:pyin:smoothedpitchtrack', '-o')\n"
        "    frames = range(20, 40)\n"
        "    pathlib.Path(out).write_text(''.join(f'{i / 100:.9f}: 100\\n' for i in frames))\n"
    )
    host.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")

    times_s, f0 = peers.pyin_vamp(recording, tmp_path)

    np.testing.assert_allclose(times_s, np.arange(19, 41) / 100)
    assert np.isnan(f0[[0, -1]]).all()
    assert (f0[1:-1] == 100).all()


def test_without_vamps_host_its_pyin_is_not_installed(peers, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(ModuleNotFoundError):
        peers.pyin_vamp(tmp_path / "any.wav", tmp_path)


@pytest.fixture
def hearing(monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS)
    return importlib.import_module("hearing")


class Rehearsed(Engine):
    """Hears what it was told to, a word each half second."""

    name = "rehearsed"
    languages = frozenset({"en"})

    def __init__(self, text):
        self._words = text.split()

    def recognise(self, _y, *, language):
        del language
        return [RecognisedWord(word, i / 2, i / 2 + 0.5, 1.0) for i, word in enumerate(self._words)]


def test_what_was_heard_is_held_against_what_was_said(hearing, recording, monkeypatch):
    monkeypatch.setattr(hearing, "recognise", lambda _, engine: Recognition(
        tuple(engine.recognise(None, language="en")), 4.0, "en", 1.0))  # fmt: skip
    clip = hearing.Clip(recording, "Yes, the old man sang.", [0.0, 0.52, 1.0, 1.6, 2.0])

    tally = hearing.hear([clip], Rehearsed("Yes. the old dog sang."))

    assert (tally.n_words, tally.n_errors) == (5, 1)
    assert tally.off_s == pytest.approx([0.0, 0.02, 0.0, 0.0])
    assert (tally.n_marks, tally.n_marks_heard, tally.n_marks_right) == (2, 2, 1)


def test_a_corpus_in_sphinxs_format_gives_its_recordings_and_words(hearing, tmp_path):
    (tmp_path / "cards").mkdir()
    lines = ["<s> ten of clubs  </s> (001)", "<s> four queen of clubs </s> (two-2)"]
    (tmp_path / "cards" / "cards.transcription").write_text("\n".join(lines))

    clips = hearing.corpus_clips(tmp_path)

    assert [(clip.path.name, clip.said) for clip in clips] == [
        ("001.wav", "ten of clubs"),
        ("two-2.wav", "four queen of clubs"),
    ]
    assert hearing.corpus_clips(tmp_path / "missing") == []


@pytest.mark.skipif(not shutil.which("flite"), reason="flite is not installed")
def test_the_synthesiser_gives_a_start_for_every_word(hearing, tmp_path, monkeypatch):
    monkeypatch.setattr(hearing, "VOICES", ("rms",))
    monkeypatch.setattr(hearing, "SENTENCES", hearing.SENTENCES[:2])

    clips = list(hearing.synthesised_clips(tmp_path))

    assert clips
    for clip in clips:
        assert len(clip.starts_s) == len(clip.said.split())
        assert clip.starts_s == sorted(clip.starts_s)
        assert 0 < clip.starts_s[0] < clip.starts_s[-1] < soundfile.info(clip.path).duration


def test_the_simulation_of_scale_keeps_the_limits_of_transcribe(monkeypatch):
    pytest.importorskip("simpy", reason="installed with the benchmarks")
    monkeypatch.syspath_prepend(BENCHMARKS)
    scale = importlib.import_module("scale")
    limits = scale.Limits(jobs_at_once=10, share_of_queued_jobs=1.0, queued_jobs=50)
    stage = scale.Stage(scale.Load("few", 6000, 10), limits)

    found = stage.run()

    # Ten jobs of 17 s at once, and a start for all that had to wait.
    assert found["transcribed, h"] >= 6000 * 17 / 10 / 3600
    assert found["jobs queued"] <= 50
    assert found["refused for now"] > 0
    assert stage.n_transcribed == stage.n_measured == 6000


@pytest.mark.parametrize(
    ("only", "functions", "seconds"),
    [
        ("features", 4, 500 * (0.5 + 1.5) / 4),  # what the functions take
        ("features", 1_000, 500 / 100),  # what a new table takes
        (None, 100, 500 * 10 / 200),  # what Transcribe takes: 200 jobs at once, 10 s each
    ],
)
def test_a_simulated_archive_takes_what_its_first_limit_takes(
    monkeypatch, only, functions, seconds
):
    pytest.importorskip("simpy")
    monkeypatch.syspath_prepend(BENCHMARKS)
    model = importlib.import_module("backfilling")
    pace = importlib.import_module("scripts.backfill.pace")

    times = model.Times(receive_s=[0.5], measure_s=[1.5], job_s=10.0)
    quotas = pace.Quotas(measured_at_once=functions)
    simulated = model.Backfill(model.Archive(500, 1.0, only), quotas, times)

    # Beside it: the first start, the last work, and the ticks between them.
    assert seconds <= simulated.run() < seconds * 1.1 + 14
    assert simulated.most["in flight"] <= quotas.at_once(only)
    assert simulated.most["functions at once"] <= functions


@pytest.mark.slow
@pytest.mark.parametrize("peer", ["earshot", "kaldi"])
def test_a_peer_of_the_archive_measures_every_file(recording, tmp_path, peer):
    (tmp_path / "made").mkdir()
    shutil.copy(recording, tmp_path / "again.wav")

    run("archive_peers.py", peer, tmp_path, tmp_path / "made")

    made = {path.stem: np.load(path) for path in (tmp_path / "made").iterdir()}
    assert made.keys() == {"noise", "again"}
    assert all(min(table.shape) == 13 for table in made.values())

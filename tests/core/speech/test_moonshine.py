import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from support.running import ROOT, SAMPLE

from chalicelib.core.speech.moonshine import Moonshine
from chalicelib.core.speech.recogniser import SAMPLE_RATE_HZ, RecognisedWord
from local.transcribe.decoding import samples
from local.transcribe.engines import EngineChoice, load_engine


@pytest.fixture
def moonshine():
    return Moonshine(package(), None)


def package():
    """Return something like Moonshine's package."""
    return SimpleNamespace(
        __name__="no_such_package",
        Transcriber=lambda **_: None,
        get_model_path=lambda name: f"inside/{name}",
        ModelArch=SimpleNamespace(TINY=0),
    )


def test_the_model_may_lie_in_another_layer_than_its_package(tmp_path, monkeypatch):
    asked = {}
    found = package()
    found.Transcriber = lambda **options: asked.update(options)
    Moonshine(found, None)
    beside = asked["model_path"]
    layer = tmp_path / "no_such_package/assets/tiny-en"
    layer.mkdir(parents=True)
    monkeypatch.syspath_prepend(tmp_path)

    Moonshine(found, None)

    assert (beside, asked["model_path"]) == ("inside/tiny-en", str(layer))


def words(text, confidence):
    return [
        RecognisedWord(word, i / 2, i / 2 + 0.5, confidence) for i, word in enumerate(text.split())
    ]


ENGLISH = "Good morning everybody, I would like to talk about the weather today because it rains."
LOOP = "The first one is the first one. The second one is the second one. The second one is."


@pytest.mark.parametrize(
    ("text", "confidence", "expected"),
    [
        (ENGLISH, 0.95, True),
        (ENGLISH, 0.5, True),
        (ENGLISH, 0.1, False),
        (LOOP, 0.95, True),
        (LOOP, 0.47, False),
        (LOOP, 0.1, False),
        ("The first one.", 0.1, True),
        ("", 0.0, True),
    ],
)
def test_words_that_fit_no_sound_are_not_taken_for_english(moonshine, text, confidence, expected):
    assert moonshine.is_understood(words(text, confidence)) is expected


@pytest.mark.slow
def test_a_phrase_said_again_without_a_pause_is_heard_as_often_as_it_is_said():
    y = np.concatenate(list(samples(SAMPLE)))
    loud = np.flatnonzero(np.abs(y) > 0.02)
    phrase = y[loud[0] : loud[-1]]
    joined = np.tile(phrase, 5)[int(1.5 * SAMPLE_RATE_HZ) :][: 22 * SAMPLE_RATE_HZ]
    engine = load_engine(EngineChoice("moonshine"))

    heard = engine.recognise(joined, language="en")

    assert abs(len(heard) - 17 * len(joined) / len(phrase)) <= 5
    assert heard[-1].end_s == pytest.approx(22, abs=1)
    assert np.mean([word.confidence for word in heard]) > 0.8
    assert engine.is_understood(heard)


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="threads are counted on Linux")
def test_a_recogniser_keeps_to_one_processor():
    count = "len(os.listdir('/proc/self/task'))"
    script = (
        "import os, moonshine_voice, pocketsphinx\n"
        "from local.transcribe.engines import EngineChoice, load_engine\n"
        f"before = {count}\n"
        "engine = load_engine(EngineChoice('moonshine'))\n"
        f"print({count} - before)\n"
    )

    ended = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )

    assert ended.stdout == "0\n"


@pytest.mark.slow
def test_two_threads_with_a_recogniser_each_hear_what_one_hears_alone():
    y = np.concatenate(list(samples(SAMPLE)))
    alone = load_engine(EngineChoice("moonshine")).recognise(y, language="en")

    def hear(_):
        return load_engine(EngineChoice("moonshine")).recognise(y, language="en")

    with ThreadPoolExecutor(max_workers=2) as threads:
        heard = list(threads.map(hear, range(4)))

    assert alone
    assert heard == [alone] * 4

"""Forced alignment finds the times of known words."""

from pathlib import Path

import numpy as np
import pocketsphinx
import pytest

from chalicelib.core.speech.alignment import UNALIGNED_CONFIDENCE, Aligner, confidence
from chalicelib.core.speech.recogniser import SAMPLE_RATE_HZ
from local.transcribe.decoding import samples

ROOT = Path(__file__).parents[3]
SAID = (ROOT / "samples/sample.txt").read_text().strip()

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def aligner():
    return Aligner(pocketsphinx)


@pytest.fixture(scope="module")
def spoken():
    return np.concatenate(list(samples(ROOT / "samples/sample.wav")))


def test_the_words_are_those_of_the_text_in_order(aligner, spoken):
    words = aligner.align(spoken, SAID)

    assert [word.content for word in words] == SAID.split()
    times = [t for word in words for t in (word.start_s, word.end_s)]
    assert times == sorted(times)
    assert times[-1] <= len(spoken) / SAMPLE_RATE_HZ


def test_words_have_the_times_at_which_they_are_spoken(aligner, spoken):
    """A longer silence before the speech moves every word by as much."""
    shifted = np.concatenate([np.zeros(SAMPLE_RATE_HZ, np.float32), spoken])

    before, after = aligner.align(spoken, SAID), aligner.align(shifted, SAID)

    moved = [b.start_s - a.start_s for a, b in zip(before, after, strict=True)]
    assert moved == pytest.approx([1.0] * len(moved), abs=0.05)


def test_words_that_were_not_spoken_have_less_confidence(aligner, spoken):
    others = {"old": "green", "walked": "hurried", "birds": "children", "trees.": "house."}
    right = aligner.align(spoken, SAID)
    wrong = [
        word
        for said, other in others.items()
        for word in aligner.align(spoken, SAID.replace(said, other))
        if word.content == other
    ]

    sure, unsure = (np.mean([word.confidence for word in words]) for words in (right, wrong))

    assert len(wrong) == len(others)
    assert sure > 0.9
    assert unsure < 0.5


def test_confidence_grows_with_the_score_from_0_to_1():
    scores = [-1e9, -20.0, -4.7, -1.0, 0.0]

    confidences = [confidence(score) for score in scores]

    assert confidences == sorted(confidences)
    assert confidences[0] == pytest.approx(0.0)
    assert confidences[2] == pytest.approx(0.5)
    assert confidences[-1] > 0.99


def test_a_word_that_is_not_in_the_dictionary_is_found_by_its_letters(aligner, spoken):
    known = aligner.align(spoken, SAID)
    unknown = aligner.align(spoken, SAID.replace("river", "rivvur"))

    starts = [word.start_s for word in known]
    assert [word.start_s for word in unknown] == pytest.approx(starts, abs=0.15)


def test_a_word_without_any_sound_lies_between_its_neighbours(aligner, spoken):
    words = aligner.align(spoken, SAID.replace("the river", "the 日本 river"))

    i = [word.content for word in words].index("日本")
    assert words[i - 1].end_s <= words[i].start_s <= words[i].end_s <= words[i + 1].start_s
    assert words[i].confidence == UNALIGNED_CONFIDENCE
    assert words[i + 1].confidence > 0.5


def test_a_text_that_does_not_fit_is_spread_by_its_letters_with_little_confidence(aligner):
    hiss = np.random.default_rng(0).normal(0, 0.1, 2 * SAMPLE_RATE_HZ).astype(np.float32)
    text = "ninety nine extraordinarily long explanations of everything at once " * 5

    words = aligner.align(hiss, text)

    assert [word.content for word in words] == text.split()
    assert {word.confidence for word in words} == {UNALIGNED_CONFIDENCE}
    assert words[0].start_s == pytest.approx(0.3)
    assert words[-1].end_s == pytest.approx(1.7)
    long, short = words[2], words[5]
    ratio = (long.end_s - long.start_s) / (short.end_s - short.start_s)
    assert ratio == pytest.approx(len("extraordinarily") / len("of"), rel=0.01)


@pytest.mark.parametrize("text", ["", "...", '"'])
def test_a_text_without_words_has_none(aligner, spoken, text):
    assert aligner.align(spoken, text) == []

"""Talk time, pauses, rates, overlaps and interruptions, on words whose answer is known."""

from itertools import chain

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.core.transcripts.models import Transcript, Word
from chalicelib.core.transcripts.overlaps import Overlap, measure_overlaps
from chalicelib.core.transcripts.timing import Timing, joined_spans, measure_timing, turns

A, B, C = ((None, f"ch_{n}") for n in range(3))


def said(speaker, *spans):
    return [Word("word", start, end, None, *speaker) for start, end in spans]


def transcript(*words):
    return Transcript(words=tuple(sorted(chain(*words), key=lambda word: word.start)))


def test_a_silence_of_a_quarter_of_a_second_is_a_pause_and_a_shorter_one_is_speech():
    words = said(A, (1.0, 1.5), (1.7, 2.0), (2.25, 3.0), (4.0, 4.5))

    timing = measure_timing([words])

    assert joined_spans(words) == [(1.0, 2.0), (2.25, 3.0), (4.0, 4.5)]
    assert timing == Timing(
        talk_time_s=pytest.approx(2.25),
        speaking_rate_wpm=pytest.approx(60 * 4 / 3.5),
        articulation_rate_wpm=pytest.approx(60 * 4 / 2.25),
        pause_count=2,
        pause_median_s=pytest.approx(0.625),
        pause_share=pytest.approx(1.25 / 3.5),
    )


def test_without_words_there_is_no_rate_and_no_pause():
    assert measure_timing([]) == measure_timing([[]]) == Timing()


def test_a_word_without_length_has_no_rate():
    assert measure_timing([said(A, (1.0, 1.0))]) == Timing()


def test_the_silence_while_another_talks_is_no_pause():
    first, answer, second = (
        said(A, (0.0, 1.0)),
        said(B, (1.2, 2.0)),
        said(A, (3.0, 4.0), (4.5, 5.0)),
    )
    spoken = transcript(first, answer, second)

    found = turns(spoken)

    assert found == {A: [first, second], B: [answer]}
    assert measure_timing(found[A]).pause_count == 1
    assert measure_timing(found[A]).talk_time_s == pytest.approx(2.5)


def test_who_begins_within_anothers_word_and_talks_on_interrupts():
    spoken = transcript(said(A, (0.0, 1.0), (1.0, 2.0)), said(B, (1.5, 2.5), (2.5, 3.0)))

    found = measure_overlaps(spoken)

    assert found.overlap_s == pytest.approx(0.5)
    assert found.interruptions == 1
    assert found.speakers[B] == Overlap(pytest.approx(0.5), interruptions=1, interrupted=0)
    assert found.speakers[A] == Overlap(pytest.approx(0.5), interruptions=0, interrupted=1)


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param([(1.2, 1.6)], id="and stops before the other: a sign of listening"),
        pytest.param([(2.0, 3.0)], id="when the other has stopped: the next turn"),
        pytest.param([(0.0, 3.0)], id="at the same time"),
    ],
)
def test_who_begins_otherwise_does_not_interrupt(answer):
    spoken = transcript(said(A, (0.0, 1.0), (1.0, 2.0)), said(B, *answer))

    assert measure_overlaps(spoken).interruptions == 0


def test_who_goes_on_without_a_pause_interrupts_once():
    spoken = transcript(
        said(A, (0.0, 2.0), (2.1, 4.0)), said(B, (1.0, 1.5), (1.6, 3.0), (3.1, 5.0))
    )

    assert measure_overlaps(spoken).interruptions == 1


def test_labels_within_one_channel_are_speakers_too():
    words = (Word("so", 0.0, 1.0, None, "spk_0"), Word("no", 0.5, 1.5, None, "spk_1"))

    found = measure_overlaps(Transcript(words=words))

    assert found.speakers.keys() == {("spk_0", None), ("spk_1", None)}
    assert found.overlap_s == pytest.approx(0.5)


# Times in tenths of a second, so that a grid of cells is an exact reference.
SPANS = st.lists(st.tuples(st.integers(0, 100), st.integers(0, 12)), max_size=12)


@given(talks=st.tuples(SPANS, SPANS, SPANS))
def test_overlaps_are_those_of_a_grid(talks):
    grid = np.zeros((3, 120), bool)
    words = []
    for row, (speaker, spans) in enumerate(zip((A, B, C), talks, strict=True)):
        for start, length in spans:
            grid[row, start : start + length] = True
        words.append(said(speaker, *((s / 10, (s + n) / 10) for s, n in spans)))
    together = grid.sum(axis=0) >= 2

    found = measure_overlaps(transcript(*words))

    assert found.overlap_s == pytest.approx(together.sum() / 10)
    for row, speaker in enumerate((A, B, C)):
        if talks[row]:
            expected = (together & grid[row]).sum() / 10
            assert found.speakers[speaker].overlap_s == pytest.approx(expected)

"""Corrections of a transcript: what they change, what they leave, and what they find again."""

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.core.transcripts.correcting import correct
from chalicelib.core.transcripts.corrections import (
    Correction,
    Kind,
    dump_corrections,
    load_corrections,
    replaced,
)
from chalicelib.core.transcripts.models import Transcript, Word
from chalicelib.core.transcripts.parsing import load_transcript
from chalicelib.core.transcripts.segments import derive_segments, join_words

DATA = Path(__file__).parents[2] / "data/transcripts"
NAMES = sorted(
    path.stem for path in DATA.glob("*.json") if load_transcript(path.read_bytes()).words
)
SAID = ("the", "boat", "the", "river", "is", "high.")


def read(name):
    return load_transcript((DATA / f"{name}.json").read_bytes())


def transcript_of(words):
    words = sorted(words, key=lambda w: (w.start, w.end))
    return Transcript(text=join_words(words), words=tuple(words), segments=derive_segments(words))


def spoken(*texts, speaker=None, start=0.0, step=0.5):
    return [
        Word(text, start + n * step, start + n * step + step * 0.8, 0.9, speaker)
        for n, text in enumerate(texts)
    ]


def in_order(transcript):
    """Return the words as the API numbers them: in the order of the segments."""
    return [word for segment in transcript.segments for word in segment.words]


def at(transcript, number, kind=Kind.WORDS, text="", n_words=1):
    words = in_order(transcript)[number : number + n_words]
    return Correction(
        kind, tuple(f"{w.before}{w.content}" for w in words), words[0].start, words[0].channel, text
    )


@st.composite
def transcripts(draw):
    """Draw transcripts of two channels, with speakers, pauses and words that repeat."""
    words = []
    for channel in draw(st.sampled_from([(None,), ("ch_0", "ch_1")])):
        now = 0.0
        for _ in range(draw(st.integers(1, 12))):
            now += draw(st.sampled_from([0.0, 0.05, 0.6, 2.5]))
            end = now + draw(st.sampled_from([0.01, 0.2, 0.5]))
            speaker = draw(st.sampled_from(["spk_0", "spk_1"]))
            words.append(Word(draw(st.sampled_from(SAID)), now, end, 0.9, speaker, channel))
            now = end
    return transcript_of(words)


@st.composite
def corrected(draw):
    """Draw a transcript with corrections of any of its words."""
    transcript = draw(transcripts())
    n_words = len(in_order(transcript))
    corrections = [
        at(
            transcript,
            draw(st.integers(0, n_words - 1)),
            draw(st.sampled_from(Kind)),
            draw(st.sampled_from(["", "a", "a longer text, of five", "“Yes.”", "Anna"])),
        )
        for _ in range(draw(st.integers(0, 6)))
    ]
    return transcript, corrections


@pytest.mark.parametrize("name", NAMES)
def test_a_transcript_without_corrections_is_itself(name):
    transcript = read(name)

    assert correct(transcript, []).transcript is transcript


@pytest.mark.parametrize("name", NAMES)
def test_every_word_of_every_variant_can_be_corrected_and_only_it_changes(name):
    transcript = read(name)

    for number, word in enumerate(in_order(transcript)):
        result = correct(transcript, [at(transcript, number, text="Xylophone!")])

        words = in_order(result.transcript)
        (changed,) = [n for n, writer in enumerate(result.writers) if writer == 0]
        assert result.matches == (True,)
        assert (words[changed].content, words[changed].after) == ("Xylophone", "!")
        assert words[changed].confidence is None
        assert (words[changed].start, words[changed].end) == (word.start, word.end)
        assert "Xylophone!" in result.transcript.text
        left = [w for n, w in enumerate(words) if n != changed]
        assert left == [w for n, w in enumerate(in_order(transcript)) if n != changed]


@given(corrected())
def test_the_result_is_a_transcript_with_every_word_in_a_segment_and_in_order(case):
    transcript, corrections = case

    result = correct(transcript, corrections)

    words = result.transcript.words
    assert sorted(in_order(result.transcript), key=repr) == sorted(words, key=repr)
    assert list(words) == sorted(words, key=lambda w: (w.start, w.end))
    assert len(result.writers) == len(words)
    assert all(segment.words for segment in result.transcript.segments)
    for segment in result.transcript.segments:
        assert segment.end >= max(w.end for w in segment.words)
        assert {w.channel for w in segment.words} == {segment.channel}
    assert all(0 <= w.start <= w.end for w in words)


@given(corrected())
def test_a_corrected_words_time_lies_between_its_neighbours(case):
    transcript, corrections = case

    result = correct(transcript, corrections).transcript

    for channel in transcript.channels or (None,):
        line = [w for w in in_order(result) if w.channel == channel]
        for one, following in pairwise(line):
            assert one.end <= following.start + 1e-9
    last = {c: max(w.end for w in transcript.words if w.channel == c) for c in transcript.channels}
    assert all(w.end <= last.get(w.channel, transcript.duration) for w in result.words)


@given(corrected())
def test_corrections_are_read_back_as_they_were_written(case):
    corrections = [replace(one, text=one.text or "x") for one in case[1]]
    corrections = [one for one in corrections if one.kind in (Kind.WORDS, Kind.SPEAKER)]

    assert load_corrections(dump_corrections(corrections)) == corrections


@given(corrected(), st.randoms())
def test_a_correction_that_is_undone_leaves_no_trace(case, random):
    transcript, corrections = case
    place = random.randint(0, len(corrections))
    added = at(transcript, 0, text="something else")

    undone = [*corrections[:place], added, *corrections[place:]]
    undone.remove(added)

    assert correct(transcript, undone) == correct(transcript, corrections)


@given(transcripts(), st.data())
def test_corrections_of_different_words_do_not_depend_on_their_order(transcript, data):
    numbers = data.draw(
        st.sets(st.integers(0, len(in_order(transcript)) - 1), max_size=4).map(sorted)
    )
    corrections = [at(transcript, n, text=f"word{n}") for n in numbers]
    # Two equal words that begin at the same time are one place.
    if len({(one.words, one.start_s, one.channel) for one in corrections}) < len(corrections):
        return

    there = correct(transcript, corrections).transcript
    back = correct(transcript, corrections[::-1]).transcript

    assert there == back


@given(transcripts(), st.floats(-0.04, 0.04))
def test_corrections_find_their_words_again_if_the_times_moved_a_little(transcript, shift):
    words = [
        replace(w, start=max(0.0, w.start + shift), end=max(0.0, w.end + shift))
        for w in transcript.words
    ]
    corrections = [at(transcript, n, text="new") for n in range(len(in_order(transcript)))]

    result = correct(transcript_of(words), corrections)

    assert all(result.matches)


def test_a_correction_whose_words_were_heard_differently_is_kept_and_changes_nothing():
    first = transcript_of(spoken("the", "wether", "is", "fine"))
    correction = at(first, 1, text="weather")
    again = transcript_of(spoken("the", "whether", "is", "fine"))

    result = correct(again, [correction])

    assert result.matches == (False,)
    assert result.transcript is again


def test_the_same_word_elsewhere_is_not_taken_for_it():
    transcript = transcript_of(spoken("no", "no", "no", step=2.0))

    result = correct(transcript, [at(transcript, 1, text="know")])

    assert [w.content for w in result.transcript.words] == ["no", "know", "no"]


def test_more_words_than_were_heard_share_the_time_and_take_from_the_pause():
    transcript = transcript_of(
        [Word("icecream", 1.0, 1.1), Word("now", 1.5, 1.8), Word("please", 1.9, 2.2)]
    )

    result = correct(transcript, [at(transcript, 0, text="I scream for it")])

    words = result.transcript.words[:4]
    assert [w.content for w in words] == ["I", "scream", "for", "it"]
    assert (words[0].start, words[-1].end) == (1.0, pytest.approx(1.4))
    assert all(a.end == b.start for a, b in pairwise(words))


def test_several_words_become_one_and_a_word_can_be_taken_out():
    transcript = transcript_of(spoken("to", "gather", "uh", "again"))

    result = correct(
        transcript, [at(transcript, 0, text="together", n_words=2), at(transcript, 2, text="")]
    ).transcript

    assert result.text == "together again"
    assert (result.words[0].start, result.words[0].end) == (0.0, transcript.words[1].end)


def test_the_later_of_two_corrections_of_a_word_counts():
    transcript = transcript_of(spoken("helo"))

    result = correct(transcript, [at(transcript, 0, text="hallo"), at(transcript, 0, text="hello")])

    assert (result.transcript.text, result.matches) == ("hello", (True, True))
    assert result.writers == (1,)


def test_a_speakers_name_stands_at_all_of_their_words_and_at_no_others():
    transcript = read("speakers")

    result = correct(transcript, [at(transcript, 0, Kind.SPEAKER, "Anna")]).transcript

    assert result.speakers == ("Anna", "spk_1")
    assert [s.speaker for s in result.segments] == ["Anna", "spk_1", "Anna"]
    assert result.text == transcript.text


def test_a_name_follows_the_voice_if_the_labels_are_exchanged():
    first = transcript_of(spoken("yes", speaker="spk_0") + spoken("no", speaker="spk_1", start=3.0))
    named = at(first, 0, Kind.SPEAKER, "Anna")
    again = transcript_of(spoken("yes", speaker="spk_1") + spoken("no", speaker="spk_0", start=3.0))

    result = correct(again, [named]).transcript

    assert [w.speaker for w in result.words] == ["Anna", "spk_0"]


def test_a_segment_is_split_and_joined_again():
    transcript = read("speakers")
    split = correct(transcript, [at(transcript, 1, Kind.SPLIT)]).transcript

    assert len(split.segments) == len(transcript.segments) + 1
    assert [s.speaker for s in split.segments[:2]] == ["spk_0", "spk_0"]
    joined = correct(
        transcript, [at(transcript, 1, Kind.SPLIT), at(transcript, 1, Kind.JOIN)]
    ).transcript
    assert joined.segments == transcript.segments


def test_words_joined_to_another_speakers_segment_become_that_speakers():
    transcript = read("speakers")
    first_of_second = len(transcript.segments[0].words)

    result = correct(transcript, [at(transcript, first_of_second, Kind.JOIN)]).transcript

    assert len(result.segments) == len(transcript.segments) - 1
    assert {w.speaker for w in result.segments[0].words} == {"spk_0"}
    assert result.segments[0].text == "Did it rain? All night."


def test_a_segment_whose_first_word_was_taken_out_can_still_be_joined():
    transcript = read("speakers")
    first_of_second = len(transcript.segments[0].words)

    result = correct(
        transcript,
        [at(transcript, first_of_second), at(transcript, first_of_second + 1, Kind.JOIN)],
    ).transcript

    assert result.segments[0].text == "Did it rain? night."


def test_a_correction_keeps_its_person_and_time_and_a_new_one_gets_them():
    transcript = transcript_of(spoken("helo", "wold"))
    old = replace(at(transcript, 0, text="hello"), by="anna", at="2024-01-01T00:00:00+00:00")
    claimed = replace(at(transcript, 1, text="world"), by="anna", at="1999")

    found = replaced([old], [old.content, claimed], by="bea", at="2024-01-02T00:00:00+00:00")

    assert [(one.text, one.by, one.at[:10]) for one in found] == [
        ("hello", "anna", "2024-01-01"),
        ("world", "bea", "2024-01-02"),
    ]

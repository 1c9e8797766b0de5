from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.core.transcripts.models import Transcript, Word
from chalicelib.core.transcripts.parsing import load_transcript
from chalicelib.core.transcripts.segments import derive_segments
from chalicelib.core.transcripts.subtitles import Cue, lay_out_cues, write_srt, write_vtt

DATA = Path(__file__).parents[2] / "data/transcripts"
SHARED = Path(__file__).parents[3] / "../shared/transcripts"
PROSE = (
    "At the far end of the quay a lamp was burning, and below it a man sat mending nets. "
    "He did not look up when the boat came in; he had seen, he said afterwards, too many boats. "
    "Nobody else was there. The harbourmaster had gone home early because of the fog."
)


def read(name):
    return load_transcript((DATA / f"{name}.json").read_bytes())


def speak(text, *, characters_per_s=12.0, start=0.0, **labels):
    words = []
    for part in text.split():
        end = start + len(part) / characters_per_s
        words.append(Word(part, start, end, **labels))
        start = end + 1 / characters_per_s
    return words


def transcript_of(*words):
    spoken = tuple(sorted(words, key=lambda w: (w.start, w.end)))
    return Transcript(words=spoken, segments=derive_segments(spoken))


def assert_rules(cues):
    for cue in cues:
        assert 1 <= len(cue.lines) <= 2
        assert all(0 < len(line) <= 42 for line in cue.lines)
        assert cue.start_ms < cue.end_ms
    assert all(cue.end_ms <= following.start_ms for cue, following in pairwise(cues))


def rate(cue):
    return cue.n_characters * 1000 / (cue.end_ms - cue.start_ms)


def test_prose_is_cut_where_sentences_and_clauses_end():
    cues = lay_out_cues(transcript_of(*speak(PROSE)))

    assert [cue.lines for cue in cues] == [
        ("At the far end of the", "quay a lamp was burning,"),
        ("and below it a man sat mending nets.", "He did not look up when the boat came in;"),
        ("he had seen, he said afterwards,", "too many boats. Nobody else was there."),
        ("The harbourmaster had gone", "home early because of the fog."),
    ]


@pytest.mark.parametrize("n_words", range(2, 60))
def test_no_word_without_punctuation_is_alone_in_the_last_cue(n_words):
    cues = lay_out_cues(transcript_of(*speak("under " * n_words)))

    assert_rules(cues)
    assert all(len(" ".join(cue.lines).split()) > 1 for cue in cues)
    assert sum(len(" ".join(cue.lines).split()) for cue in cues) == n_words


@pytest.mark.parametrize("characters_per_s", [5.0, 12.0, 16.0, 25.0])
def test_a_cue_is_read_at_17_characters_a_second_unless_the_next_is_due(characters_per_s):
    cues = lay_out_cues(transcript_of(*speak(PROSE, characters_per_s=characters_per_s)))

    assert_rules(cues)
    for cue, following in pairwise(cues):
        assert rate(cue) <= 17 or cue.end_ms == following.start_ms
    assert rate(cues[-1]) <= 17


def test_calm_speech_never_exceeds_17_characters_a_second():
    cues = lay_out_cues(transcript_of(*speak(PROSE, characters_per_s=14.0)))

    assert max(map(rate, cues)) <= 17


def test_a_short_cue_may_delay_the_next_one_if_that_has_time_left():
    words = [
        *speak("Hurry up and run now.", characters_per_s=25.0, speaker="spk_0"),
        *speak("Yes.", start=0.95, speaker="spk_1"),
    ]

    hurried, calm = lay_out_cues(transcript_of(*words))

    assert hurried.end_ms == calm.start_ms
    assert rate(hurried) <= 17


def test_no_cue_has_more_than_seven_seconds_of_speech():
    cues = lay_out_cues(transcript_of(*speak(PROSE, characters_per_s=4.0)))

    assert max(cue.end_ms - cue.start_ms for cue in cues) <= 7000


def test_a_pause_ends_a_cue_in_the_middle_of_a_sentence():
    words = [*speak("We turned"), *speak("and ran.", start=2.5)]

    cues = lay_out_cues(transcript_of(*words))

    assert [cue.lines for cue in cues] == [("We turned",), ("and ran.",)]
    assert cues[0].end_ms <= cues[1].start_ms


def test_two_speakers_never_share_a_cue():
    words = [*speak("Ready?", speaker="spk_0"), *speak("Yes.", start=0.6, speaker="spk_1")]

    cues = lay_out_cues(transcript_of(*words))

    assert [(cue.speaker, cue.lines) for cue in cues] == [
        ("spk_0", ("Ready?",)),
        ("spk_1", ("Yes.",)),
    ]


def test_cues_of_two_channels_at_once_follow_one_another():
    words = [*speak(PROSE, channel="ch_0"), *speak(PROSE, start=0.2, channel="ch_1")]

    cues = lay_out_cues(transcript_of(*words))

    assert_rules(cues)
    assert {cue.speaker for cue in cues} == {"ch_0", "ch_1"}
    said = " ".join(" ".join(cue.lines) for cue in cues if cue.speaker == "ch_1")
    assert said == PROSE


def test_a_word_longer_than_a_line_is_broken_without_loss():
    address = "https://example.org/" + "a" * 300

    cues = lay_out_cues(transcript_of(Word(address, 0.0, 8.0)))

    assert_rules(cues)
    assert "".join("".join(cue.lines) for cue in cues) == address


def test_japanese_lines_are_filled_without_spaces():
    words = [Word("灯台のそば", n * 0.4, n * 0.4 + 0.4) for n in range(30)]

    cues = lay_out_cues(transcript_of(*words))

    assert_rules(cues)
    assert all(" " not in line for cue in cues for line in cue.lines)


random_words = st.lists(
    st.builds(
        lambda text, start, length, speaker, channel: Word(
            text, start, start + length, speaker=speaker, channel=channel
        ),
        st.text(min_size=1, max_size=100),
        st.floats(0, 60),
        st.floats(0, 10),
        st.sampled_from([None, "spk_0", "spk_1"]),
        st.sampled_from([None, "ch_0", "ch_1"]),
    ),
    max_size=60,
)


@given(random_words)
def test_the_rules_hold_for_any_words_at_any_times_and_no_character_is_lost(words):
    transcript = transcript_of(*words)

    cues = lay_out_cues(transcript)

    assert_rules(cues)
    shown = sorted("".join("".join(cue.lines) for cue in cues).replace(" ", ""))
    said = " ".join(w.text for s in transcript.segments for w in s.words)
    said = "".join(c for c in said if c.isprintable() or not c.isspace())
    controls = {*map(chr, range(0x20)), *map(chr, range(0x7F, 0xA0))}
    assert shown == sorted(c for c in said if c not in controls and not c.isspace())


@pytest.mark.parametrize("name", ["01-plain", "02-channel-identification"])
def test_real_speech_obeys_the_rules(name):
    path = SHARED / f"{name}.json"
    if not path.exists():
        pytest.skip("the shared transcripts are not beside this project")

    cues = lay_out_cues(load_transcript(path.read_bytes()))

    assert_rules(cues)
    assert all(
        rate(cue) <= 17 or cue.end_ms == following.start_ms for cue, following in pairwise(cues)
    )


def test_the_library_srt_reads_the_cues_as_they_were_laid_out():
    srt = pytest.importorskip("srt")
    transcript = transcript_of(*speak(PROSE, start=3599.0))

    read_back = list(srt.parse(write_srt(transcript)))

    assert [
        Cue(
            round(s.start.total_seconds() * 1000),
            round(s.end.total_seconds() * 1000),
            tuple(s.content.split("\n")),
        )
        for s in read_back
    ] == list(lay_out_cues(transcript))


def test_webvtt_reads_the_cues_and_who_speaks_them(tmp_path):
    webvtt = pytest.importorskip("webvtt")
    path = tmp_path / "talk.vtt"
    path.write_text(write_vtt(read("speakers")), encoding="utf-8")

    captions = list(webvtt.read(path))

    assert [(c.voice, c.text) for c in captions] == [
        ("spk_0", "Did it rain?"),
        ("spk_1", "All night."),
        ("spk_0", "Then the river is high."),
    ]
    assert (captions[0].start, captions[0].end) == ("00:00:00.250", "00:00:01.220")


HOSTILE = "5 00:00:01,000 --> 00:00:02,000 <script>alert(1)</script> a&b {\\an8} <v x>y</v> NOTE"


def test_hostile_words_cannot_start_a_new_cue_in_srt():
    srt = pytest.importorskip("srt")
    transcript = transcript_of(*speak(HOSTILE))

    read_back = list(srt.parse(write_srt(transcript)))

    assert len(read_back) == len(lay_out_cues(transcript))
    text = " ".join(s.content for s in read_back)
    assert "\N{SINGLE LEFT-POINTING ANGLE QUOTATION MARK}script" in text
    assert not set(text) & set("<>{}")


def test_hostile_words_are_text_in_webvtt(tmp_path):
    webvtt = pytest.importorskip("webvtt")
    path = tmp_path / "hostile.vtt"
    transcript = transcript_of(*speak(HOSTILE, speaker="a>b\n\n<i>"))
    path.write_text(write_vtt(transcript), encoding="utf-8")

    captions = list(webvtt.read(path))

    assert len(captions) == len(lay_out_cues(transcript))
    written = path.read_text(encoding="utf-8")
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in written
    assert "a&amp;b" in written
    assert written.count("-->") == len(captions)
    assert written.count("<v a&gt;b &lt;i&gt;>") == len(captions)


def test_an_empty_transcript_has_no_cues():
    assert write_srt(Transcript()) == ""
    assert write_vtt(Transcript()) == "WEBVTT\n"


def test_srt_is_written_as_players_expect_it():
    assert write_srt(read("plain")) == (
        "1\n00:00:00,009 --> 00:00:01,480\nThe ferry leaves at nine.\n\n"
        "2\n00:00:02,350 --> 00:00:03,939\nBring your tickets, please.\n\n"
    )

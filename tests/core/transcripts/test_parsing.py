import copy
import json
from pathlib import Path

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.core.transcripts.models import Transcript
from chalicelib.core.transcripts.parsing import load_transcript, parse_transcript
from chalicelib.core.transcripts.segments import join_words
from chalicelib.errors import TranscriptFormatError

DATA = Path(__file__).parents[2] / "data/transcripts"
SHARED = Path(__file__).parents[3] / "../shared/transcripts"
NAMES = sorted(path.stem for path in DATA.glob("*.json"))


def read(name):
    return load_transcript((DATA / f"{name}.json").read_bytes())


def document(name="plain"):
    return json.loads((DATA / f"{name}.json").read_text())


def test_words_carry_their_times_as_seconds_and_their_confidence():
    transcript = read("plain")

    ferry = transcript.words[1]
    assert (ferry.content, ferry.start, ferry.end, ferry.confidence) == ("ferry", 0.17, 0.58, 0.981)
    assert ferry.duration == pytest.approx(0.41)


def test_punctuation_closes_the_word_before_it():
    transcript = read("plain")

    assert [w.text for w in transcript.words[4:9]] == [
        "nine.",
        "Bring",
        "your",
        "tickets,",
        "please.",
    ]
    assert transcript.words[4].content == "nine"
    assert transcript.word_count == 9


def test_opening_punctuation_stands_before_the_word_after_it():
    transcript = read("language-single")

    assert [w.text for w in transcript.words] == ["¿Dónde", "está", "el", "faro?", "¡Allí!"]


@pytest.mark.parametrize("name", NAMES)
def test_the_words_of_every_variant_join_to_its_whole_text(name):
    transcript = read(name)

    if name.startswith(
        "channels"
    ):  # the words of two channels alternate, so only the words are compared
        assert sorted(join_words(transcript.words).split()) == sorted(transcript.text.split())
    else:
        assert join_words(transcript.words) == transcript.text


@pytest.mark.parametrize("name", NAMES)
def test_every_word_of_every_variant_is_in_exactly_one_segment(name):
    transcript = read(name)

    spoken = [word for segment in transcript.segments for word in segment.words]
    assert sorted(spoken, key=lambda w: w.start) == list(transcript.words)


def test_segments_are_the_ones_that_the_document_gives():
    transcript = read("plain")

    assert [(s.start, s.end, s.text) for s in transcript.segments] == [
        (0.0, 1.41, "The ferry leaves at nine."),
        (2.35, 3.88, "Bring your tickets, please."),
    ]
    assert transcript.duration == 3.88


def test_an_old_document_is_cut_where_a_sentence_ends_and_a_pause_follows():
    transcript = read("plain-old")

    assert [(s.start, s.end, s.text) for s in transcript.segments] == [
        (0.009, 1.41, "The ferry leaves at nine."),
        (2.35, 3.86, "Bring your tickets, please."),
    ]


@pytest.mark.parametrize("name", ["speakers", "speakers-old"])
def test_each_word_and_segment_has_its_speaker(name):
    transcript = read(name)

    assert transcript.speakers == ("spk_0", "spk_1")
    assert [w.speaker for w in transcript.words] == ["spk_0"] * 3 + ["spk_1"] * 2 + ["spk_0"] * 5
    assert [(s.speaker, s.text) for s in transcript.segments] == [
        ("spk_0", "Did it rain?"),
        ("spk_1", "All night."),
        ("spk_0", "Then the river is high."),
    ]


@pytest.mark.parametrize("name", ["channels", "channels-old"])
def test_punctuation_closes_the_word_of_its_own_channel_when_two_speak_at_once(name):
    transcript = read(name)

    assert transcript.channels == ("ch_0", "ch_1")
    assert [(s.channel, s.text) for s in transcript.segments] == [
        ("ch_0", "Good morning, harbour office."),
        ("ch_1", "Hello? Is the gate open?"),
    ]
    assert [w.text for w in transcript.words[3:5]] == ["office.", "Hello?"]


def test_speakers_are_known_in_each_channel():
    transcript = read("channels-speakers")

    assert [(s.channel, s.speaker, s.text) for s in transcript.segments] == [
        ("ch_0", "spk_0", "Good morning, harbour office."),
        ("ch_1", "spk_1", "Hello?"),
        ("ch_1", "spk_2", "Is the gate open?"),
    ]


def test_two_equal_words_are_both_in_their_segment():
    twice = [
        {
            "id": number,
            "type": "pronunciation",
            "start_time": "1.2",
            "end_time": "1.2",
            "alternatives": [{"content": "no", "confidence": "0.5"}],
        }
        for number in (0, 1)
    ]
    for segments in ([{"start_time": "1.2", "end_time": "1.2", "items": [0, 1]}], []):
        transcript = parse_transcript({"results": {"items": twice, "audio_segments": segments}})

        assert [s.text for s in transcript.segments] == ["no no"]
        assert transcript.segments[0].words == transcript.words


def test_an_equal_word_that_no_given_segment_holds_is_not_lost():
    changed = document("plain")
    changed["results"]["items"].append(changed["results"]["items"][0] | {"id": 99})

    transcript = parse_transcript(changed)

    assert sum(len(s.words) for s in transcript.segments) == transcript.word_count == 10


def test_items_that_name_no_channel_find_their_speakers_by_time():
    changed = document("speakers-old")
    changed["results"]["speaker_labels"]["channel_label"] = "ch_0"

    assert parse_transcript(changed).speakers == ("spk_0", "spk_1")


def test_the_likeliest_alternative_is_the_word():
    transcript = read("alternatives")

    assert transcript.words[1].content == "sail"
    assert transcript.words[1].confidence == 0.61


def test_an_identified_language_is_the_language_of_every_word():
    transcript = read("language-single")

    assert transcript.language_code == "es-US"
    assert {w.language for w in transcript.words} == {"es-US"}


def test_the_language_spoken_longest_is_the_language_of_the_recording():
    transcript = read("language-multi")

    assert transcript.language_code == "fr-FR"
    assert [w.language for w in transcript.words[:3]] == ["en-US", "en-US", "fr-FR"]
    assert [s.language for s in transcript.segments] == ["en-US", "fr-FR"]


def test_japanese_is_written_without_spaces():
    transcript = read("japanese")

    assert transcript.segments[0].text == "灯台は海のそばです。"


def test_a_redacted_word_has_no_confidence_and_does_not_count_in_the_mean():
    transcript = read("redacted")

    assert transcript.words[3].text == "[PII]."
    assert transcript.words[3].confidence is None
    assert transcript.mean_confidence == pytest.approx((0.99 + 0.99 + 0.98) / 3)


def test_a_word_removed_by_a_vocabulary_filter_leaves_none_behind():
    transcript = read("filtered")

    assert [w.text for w in transcript.words] == ["Drop", "the", "***", "anchor."]


def test_toxicity_scores_do_not_disturb_the_words():
    transcript = read("toxicity")

    assert transcript.segments[0].text == "You old fool!"


def test_silence_is_an_empty_transcript():
    transcript = read("empty")

    assert transcript == Transcript()
    assert transcript.mean_confidence is None
    assert transcript.duration == 0.0


def test_a_failed_job_is_an_empty_transcript_with_its_status():
    transcript = read("failed")

    assert transcript == Transcript(status="FAILED")


def test_a_long_pause_ends_a_segment_without_any_punctuation():
    old = document("plain-old")
    old["results"]["items"] = [i for i in old["results"]["items"] if i["type"] != "punctuation"]
    old["results"]["items"][5].update(start_time="3.42", end_time="3.5")
    for item in old["results"]["items"][6:]:
        item.update(start_time="3.6", end_time="3.7")

    transcript = parse_transcript(old)

    assert [s.text for s in transcript.segments] == [
        "The ferry leaves at nine",
        "Bring your tickets please",
    ]


def test_words_that_no_segment_lists_get_a_new_segment():
    lacking = document()
    del lacking["results"]["audio_segments"][1]

    transcript = parse_transcript(lacking)

    assert [s.text for s in transcript.segments] == [
        "The ferry leaves at nine.",
        "Bring your tickets, please.",
    ]


def test_numbers_may_be_numbers():
    numeric = document()
    numeric["results"]["items"][0].update(start_time=0.009, end_time=1)
    numeric["results"]["items"][1].update(start_time=1)

    with pytest.raises(TranscriptFormatError, match=r"items\[1\]\.end_time"):
        parse_transcript(numeric)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        (lambda d: d.pop("results"), "results"),
        (lambda d: d.update(results=[]), "results"),
        (lambda d: d.update(results={}), "results.transcripts"),
        (lambda d: d["results"].update(transcripts="text"), "results.transcripts"),
        (lambda d: d["results"].update(transcripts=["text"]), r"transcripts\[0\]"),
        (lambda d: d["results"].update(transcripts=[{"transcript": 7}]), r"\[0\]\.transcript"),
        (lambda d: d["results"].update(items={}), "results.items"),
        (lambda d: d["results"]["items"][0].pop("start_time"), r"items\[0\]\.start_time"),
        (lambda d: d["results"]["items"][0].update(start_time="soon"), "start_time"),
        (lambda d: d["results"]["items"][0].update(start_time=True), "start_time"),
        (lambda d: d["results"]["items"][0].update(start_time="-1"), "start_time"),
        (lambda d: d["results"]["items"][0].update(end_time="nan"), "end_time"),
        (lambda d: d["results"]["items"][0].update(end_time=10**400), "end_time"),
        (lambda d: d["results"]["items"][0].update(end_time="1e9"), "end_time"),
        (lambda d: d["results"]["items"][0].update(end_time="0.001"), "end_time"),
        (lambda d: d["results"]["items"][0].update(type="music"), r"items\[0\]\.type"),
        (lambda d: d["results"]["items"][0].update(id=[]), r"items\[0\]\.id"),
        (lambda d: d["results"]["items"][0].update(alternatives=[]), "alternatives"),
        (lambda d: d["results"]["items"][0]["alternatives"][0].pop("content"), "content"),
        (
            lambda d: d["results"]["items"][0]["alternatives"][0].update(content="\ud800"),
            "content",
        ),
        (
            lambda d: d["results"]["items"][0]["alternatives"][0].update(confidence="2"),
            r"alternatives\[0\]\.confidence",
        ),
        (lambda d: d["results"]["audio_segments"][1].update(items=["6"]), r"\[1\]\.items"),
        (lambda d: d["results"].update(speaker_labels="spk_0"), "speaker_labels"),
        (lambda d: d["results"].update(speaker_labels=["spk_0"]), r"speaker_labels\[0\]"),
    ],
)
def test_a_malformed_document_is_refused_by_the_name_of_its_field(change, field):
    broken = document()
    change(broken)

    with pytest.raises(TranscriptFormatError, match=field):
        parse_transcript(broken)


@pytest.mark.parametrize(
    "data",
    [b"", b"{", b"\xff\xfe", b"[1]", b"null", b'"text"', b"[" * 100_000, b'{"a":' * 100_000],
)
def test_bytes_without_a_document_are_refused(data):
    with pytest.raises(TranscriptFormatError):
        load_transcript(data)


def test_a_deeply_nested_value_is_refused_without_a_crash():
    nested = document()
    deep = []
    for _ in range(100_000):
        deep = [deep]
    nested["results"]["items"] = deep

    with pytest.raises(TranscriptFormatError, match=r"items\[0\]"):
        parse_transcript(nested)


@pytest.mark.slow
def test_a_hundred_thousand_words_are_read():
    huge = {
        "results": {
            "items": [
                {
                    "id": index,
                    "type": "pronunciation",
                    "start_time": str(index / 10),
                    "end_time": str(index / 10 + 0.1),
                    "alternatives": [{"confidence": "1", "content": f"w{index}"}],
                }
                for index in range(100_000)
            ],
            # Each of these segments spans the whole recording, and none of them names a word.
            "audio_segments": [{"start_time": "0", "end_time": "9999"}] * 10_000,
        }
    }

    transcript = parse_transcript(huge)

    assert transcript.word_count == 100_000
    assert len(transcript.segments) == 1


def places(value, path=()):
    """Every place in a document, as the keys and indices that lead to it."""
    if path:
        yield path
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from places(inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from places(inner, (*path, index))


DOCUMENTS = {name: document(name) for name in NAMES}
PLACES = [(name, path) for name, value in DOCUMENTS.items() for path in places(value)]
ANY_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(), max_size=8)
    | st.sampled_from(["0.5", "-1", "inf", "1e999", "9" * 5000, "ch_0", "spk_0", "punctuation"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=5,
)


@given(start=st.sampled_from(PLACES), replacements=st.lists(st.tuples(st.integers(0), ANY_JSON)))
def test_a_damaged_document_is_read_or_refused_and_nothing_else(start, replacements):
    name, first = start
    damaged = copy.deepcopy(DOCUMENTS[name])
    paths = [first, *(path for other, path in PLACES if other == name)]
    for choice, value in [(0, None), *replacements]:
        *parents, last = paths[choice % len(paths)]
        holder = damaged
        try:
            for key in parents:
                holder = holder[key]
            holder[last] = value
        except (IndexError, KeyError, TypeError):
            continue  # an earlier replacement took this place away

    try:
        transcript = parse_transcript(damaged)
    except TranscriptFormatError:
        return
    assert orjson.dumps(transcript)
    assert all(0 <= w.start <= w.end for w in transcript.words)


@pytest.mark.parametrize(
    ("name", "speakers", "channels"),
    [
        ("01-plain", (), ()),
        ("02-channel-identification", (), ("ch_1", "ch_0")),
        ("03-speaker-identification", ("spk_0", "spk_1", "spk_2"), ()),
        ("05-automatic-content-redaction-with-undredacted-redacted", (), ()),
    ],
)
def test_real_transcripts_are_read_whole(name, speakers, channels):
    path = SHARED / f"{name}.json"
    if not path.exists():
        pytest.skip("the shared transcripts are not beside this project")

    transcript = load_transcript(path.read_bytes())

    assert transcript.word_count == 354
    assert join_words(transcript.words) == transcript.text
    assert (transcript.speakers, transcript.channels) == (speakers, channels)
    assert transcript.duration == 141.54
    assert transcript.mean_confidence == pytest.approx(0.97, abs=0.001)

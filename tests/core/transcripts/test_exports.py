import csv
import io
import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.core.transcripts.exports import (
    EXPORTS,
    find_export,
    guard_cell,
    write_ctm,
    write_elan_table,
    write_labels,
    write_text,
    write_word_labels,
)
from chalicelib.core.transcripts.manifests import (
    ManifestEntry,
    write_recordings,
    write_supervisions,
)
from chalicelib.core.transcripts.models import Segment, Transcript, Word
from chalicelib.core.transcripts.parsing import load_transcript
from chalicelib.core.transcripts.segments import clean_text, derive_segments
from chalicelib.core.transcripts.textgrid import write_textgrid
from chalicelib.errors import ParameterError

DATA = Path(__file__).parents[2] / "data/transcripts"
HOSTILE = ["<script>alert(1)</script>", "-->", "a&b", '"', '"";x', "=1+1", "\tx\n\n2\x00", "-1"]


def read(name):
    return load_transcript((DATA / f"{name}.json").read_bytes())


def transcript_of(*spans):
    words = tuple(Word(text, start, end, 0.5) for text, start, end in spans)
    return Transcript(words=words, segments=derive_segments(words))


def hostile():
    return transcript_of(*((text, n * 0.5, n * 0.5 + 0.4) for n, text in enumerate(HOSTILE)))


def test_text_names_the_speaker_where_another_one_begins():
    text = write_text(read("speakers"))

    assert text == ("spk_0: Did it rain?\n\nspk_1: All night.\n\nspk_0: Then the river is high.\n")


def test_text_without_speakers_is_a_paragraph_for_each_segment():
    text = write_text(read("plain"))

    assert text == "The ferry leaves at nine.\n\nBring your tickets, please.\n"


def textgrid_in_praat(text, tmp_path):
    parselmouth = pytest.importorskip("parselmouth")
    path = tmp_path / "recording.TextGrid"
    path.write_text(text, encoding="utf-8")
    grid = parselmouth.read(str(path))

    def tier(number):
        count = int(parselmouth.praat.call(grid, "Get number of intervals", number))
        ask = ("Get start time of interval", "Get end time of interval", "Get label of interval")
        return (
            parselmouth.praat.call(grid, "Get tier name", number),
            [
                tuple(parselmouth.praat.call(grid, command, number, n) for command in ask)
                for n in range(1, count + 1)
            ],
        )

    n_tiers = int(parselmouth.praat.call(grid, "Get number of tiers"))
    return dict(tier(number) for number in range(1, n_tiers + 1))


def test_praat_reads_the_tiers_of_words_segments_and_speakers(tmp_path):
    text = write_textgrid(read("speakers"), duration_s=4.0)

    tiers = textgrid_in_praat(text, tmp_path)

    assert list(tiers) == ["words", "segments", "speakers"]
    assert tiers["speakers"] == [
        (0.0, 0.25, ""),
        (0.25, 1.0, "spk_0"),
        (1.0, 1.22, ""),
        (1.22, 1.9, "spk_1"),
        (1.9, 1.95, ""),
        (1.95, 3.21, "spk_0"),
        (3.21, 4.0, ""),
    ]
    assert [label for _, _, label in tiers["segments"] if label] == [
        "Did it rain?",
        "All night.",
        "Then the river is high.",
    ]
    assert (0.54, 0.95, "rain?") in tiers["words"]


def test_praat_reads_separate_tiers_for_each_channel(tmp_path):
    tiers = textgrid_in_praat(write_textgrid(read("channels")), tmp_path)

    assert list(tiers) == [
        f"{kind} {channel}"
        for channel in ("ch_0", "ch_1")
        for kind in ("words", "segments", "speakers")
    ]
    assert (1.6, 2.05, "Hello?") in tiers["words ch_1"]


def test_praat_reads_an_empty_transcript(tmp_path):
    tiers = textgrid_in_praat(write_textgrid(Transcript(), duration_s=2.5), tmp_path)

    assert tiers["words"] == [(0.0, 2.5, "")]


def test_praat_reads_hostile_words_as_they_are(tmp_path):
    tiers = textgrid_in_praat(write_textgrid(hostile()), tmp_path)

    labels = [label for _, _, label in tiers["words"] if label]
    assert labels == [*HOSTILE[:6], "x 2", "-1"]


def test_praat_reads_words_that_overlap_or_have_no_length_and_loses_none(tmp_path):
    spans = [("a", 0.0, 0.0), ("b", 0.1, 0.5), ("c", 0.3, 0.4), ("d", 0.45, 0.9), ("e", 0.9, 0.9)]

    tiers = textgrid_in_praat(write_textgrid(transcript_of(*spans)), tmp_path)

    assert tiers["words"] == [(0.0, 0.1, ""), (0.1, 0.5, "a b c"), (0.5, 0.9, "d e")]


times = st.floats(0, 100)
random_words = st.lists(st.tuples(st.text(min_size=1), times, st.floats(0, 5)), max_size=20)


@given(random_words)
def test_a_tier_covers_the_whole_recording_without_gap_or_overlap(spans):
    spoken = transcript_of(*sorted((t, s, s + d) for t, s, d in spans))

    text = write_textgrid(spoken, duration_s=50.0)

    for tier in text.split("        intervals: size = ")[1:]:
        lines = tier.splitlines()
        begins = [float(x.split("=")[1]) for x in lines if x.startswith("            xmin =")]
        ends = [float(x.split("=")[1]) for x in lines if x.startswith("            xmax =")]
        assert len(begins) == len(ends) == int(lines[0])
        assert begins[0] == 0.0
        assert begins[1:] == ends[:-1]
        assert all(begin < end for begin, end in zip(begins, ends, strict=True))
        assert ends[-1] == pytest.approx(max(50.0, spoken.duration), abs=1e-6)


def test_ctm_has_a_line_for_each_word_without_its_punctuation():
    lines = write_ctm(read("plain"), recording_id="ferry-1").splitlines()

    assert lines[0] == "ferry-1 1 0.009 0.151 The 0.9980"
    assert lines[4] == "ferry-1 1 1.050 0.360 nine 0.9990"


def test_ctm_is_in_order_of_channel_and_time_and_a_redacted_word_has_no_confidence():
    channels = [
        line.split()[1] for line in write_ctm(read("channels"), recording_id="x").splitlines()
    ]
    redacted = write_ctm(read("redacted"), recording_id="x").splitlines()[3]

    assert channels == ["1"] * 4 + ["2"] * 5
    assert redacted == "x 1 0.900 0.700 [PII]"


def test_every_line_of_a_hostile_ctm_has_six_fields():
    lines = write_ctm(hostile(), recording_id="x").splitlines()

    assert [len(line.split()) for line in lines] == [6] * len(HOSTILE)


def test_mir_eval_reads_the_labels_that_audacity_reads(tmp_path):
    mir_eval = pytest.importorskip("mir_eval")
    path = tmp_path / "labels.txt"

    path.write_text(write_labels(read("speakers")), encoding="utf-8")
    intervals, labels = mir_eval.io.load_labeled_intervals(path, delimiter="\t")
    path.write_text(write_word_labels(read("plain")), encoding="utf-8")
    word_intervals, words = mir_eval.io.load_labeled_intervals(path, delimiter="\t")

    assert intervals.tolist() == [[0.25, 1.0], [1.22, 1.9], [1.95, 3.21]]
    assert labels[1] == "spk_1: All night."
    assert word_intervals[1].tolist() == [0.17, 0.58]
    assert words[-2:] == ["tickets,", "please."]


def test_each_label_of_a_hostile_transcript_stays_on_its_own_line():
    rows = [line.split("\t") for line in write_word_labels(hostile()).split("\n")]

    assert rows.pop() == [""]
    assert [len(row) for row in rows] == [3] * len(HOSTILE)


def test_the_elan_table_has_tiers_of_segments_and_words_for_each_speaker():
    table = write_elan_table(read("speakers"))

    rows = list(csv.DictReader(io.StringIO(table), dialect="excel-tab"))
    assert rows[0] == {
        "Tier": "spk_0",
        "Begin Time": "0.250",
        "End Time": "1.000",
        "Annotation": "Did it rain?",
    }
    assert {row["Tier"] for row in rows} == {"spk_0", "spk_0 words", "spk_1", "spk_1 words"}
    assert len(rows) == 3 + 10


def two_of_one_label():
    words = (
        Word("hello", 0.0, 2.0, 0.5, speaker="spk_0", channel="ch_0"),
        Word("hi", 1.0, 3.0, 0.5, speaker="spk_0", channel="ch_1"),
    )
    return Transcript(words=words, segments=derive_segments(words))


def test_one_label_in_two_channels_is_two_speakers_in_elan():
    rows = list(csv.reader(io.StringIO(write_elan_table(two_of_one_label())), delimiter="\t"))

    assert [row[0] for row in rows[1:]] == [
        "spk_0 ch_0",
        "spk_0 ch_0 words",
        "spk_0 ch_1",
        "spk_0 ch_1 words",
    ]


def test_one_label_in_two_channels_is_two_speakers_in_text_labels_and_webvtt():
    transcript = two_of_one_label()

    assert write_text(transcript) == "spk_0 ch_0: hello\n\nspk_0 ch_1: hi\n"
    assert "\tspk_0 ch_1: hi\n" in write_labels(transcript)
    assert "<v spk_0 ch_0>hello</v>" in EXPORTS["vtt"].write(transcript, "id", 0.0)
    assert "<v spk_0 ch_1>hi</v>" in EXPORTS["vtt"].write(transcript, "id", 0.0)


@pytest.mark.parametrize("name", ["srt", "vtt"])
def test_the_last_cue_ends_with_the_recording(name):
    transcript = transcript_of(("trees", 5.2, 5.5))

    known, unknown = (EXPORTS[name].write(transcript, "id", length) for length in (5.925, 0.0))

    assert re.search(r"00:00:05[.,]200 --> 00:00:05[.,]925", known)
    assert re.search(r"00:00:05[.,]200 --> 00:00:06[.,]200", unknown)


def test_a_spreadsheet_reads_hostile_words_as_text():
    rows = list(csv.reader(io.StringIO(write_elan_table(hostile())), dialect="excel-tab"))

    cells = [row[3] for row in rows[1:] if row[0] == "speech words"]
    assert cells == [HOSTILE[0], "'-->", "a&b", "”", "””;x", "'=1+1", "x 2", "'-1"]
    assert {len(row) for row in rows} == {4}


@pytest.mark.parametrize(
    "text", ["=cmd|' /C calc'!A0", "+1", "-1", "@SUM(A1)", "\t=1", "\r@x", "＝1"]
)
def test_no_free_text_begins_as_a_formula(text):
    assert guard_cell(text)[0] == "'"


@pytest.mark.parametrize("text", ["word", "a=b", "'tis", "¿Qué?", "灯台"])
def test_harmless_text_is_left_as_it_is(text):
    assert guard_cell(text) == text


@given(st.text() | st.text("'=+-@x ", max_size=9))
def test_the_text_of_a_guarded_cell_can_be_restored(text):
    # The expression from docs/using.md.
    assert re.sub(r"^'('*[=+\-@＝＋－＠])", r"\1", guard_cell(text)) == clean_text(text)


def entries():
    return [
        ManifestEntry("ferry-1", "media/ferry.wav", 16000, 16000 * 4, read("plain")),
        ManifestEntry("river-2", "s3://bucket/river.wav", 8000, 8000 * 3, read("speakers")),
        ManifestEntry("harbour-3", "harbour.wav", 8000, 8000 * 4, read("channels"), n_channels=2),
    ]


def test_manifests_hold_every_recording_and_a_supervision_for_each_segment():
    recordings = [json.loads(line) for line in write_recordings(entries())]
    supervisions = [json.loads(line) for line in write_supervisions(entries())]

    assert [r["sources"][0]["type"] for r in recordings] == ["file", "url", "file"]
    assert [s["id"] for s in supervisions[:3]] == [
        "ferry-1-00000",
        "ferry-1-00001",
        "river-2-00000",
    ]
    assert [s["channel"] for s in supervisions[-2:]] == [0, 1]
    assert supervisions[0]["alignment"]["word"][1] == ["ferry", 0.17, 0.41, 0.981]


def test_a_supervision_ends_with_its_recording():
    (entry,) = entries()[1:2]

    supervisions = [json.loads(line) for line in write_supervisions([entry])]

    last = supervisions[-1]
    assert last["start"] + last["duration"] == entry.duration
    assert [word[0] for word in last["alignment"]["word"]] == ["Then", "the", "river", "is"]


def test_segments_beyond_the_recording_are_left_out():
    entry = replace(entries()[0], n_samples=16000 * 2)

    assert len(list(write_supervisions([entry]))) == 1


def test_lhotse_reads_and_validates_the_manifests(tmp_path):
    lhotse = pytest.importorskip("lhotse")
    qa = pytest.importorskip("lhotse.qa")
    (tmp_path / "recordings.jsonl").write_text("".join(write_recordings(entries())))
    (tmp_path / "supervisions.jsonl").write_text("".join(write_supervisions(entries())))

    recordings = lhotse.RecordingSet.from_file(tmp_path / "recordings.jsonl").to_eager()
    supervisions = lhotse.SupervisionSet.from_file(tmp_path / "supervisions.jsonl").to_eager()

    qa.validate_recordings_and_supervisions(recordings, supervisions)
    assert recordings["harbour-3"].num_channels == 2
    assert supervisions["river-2-00001"].speaker == "spk_1"
    assert supervisions["ferry-1-00000"].alignment["word"][1].end == 0.58


def test_lhotse_aligns_its_supervisions_with_the_ctm(tmp_path):
    lhotse = pytest.importorskip("lhotse")
    (tmp_path / "words.ctm").write_text(write_ctm(read("plain"), recording_id="ferry-1"))
    (tmp_path / "supervisions.jsonl").write_text("".join(write_supervisions(entries())))
    supervisions = lhotse.SupervisionSet.from_file(tmp_path / "supervisions.jsonl").to_eager()

    aligned = supervisions.with_alignment_from_ctm(tmp_path / "words.ctm")

    words = aligned["ferry-1-00001"].alignment["word"]
    assert [(w.symbol, w.score) for w in words][2:] == [("tickets", 0.995), ("please", 0.912)]


@pytest.mark.parametrize("name", EXPORTS)
@pytest.mark.parametrize("path", sorted(DATA.glob("*.json")), ids=lambda path: path.stem)
def test_every_variant_is_written_in_every_format(name, path):
    export = find_export(name)

    transcript = load_transcript(path.read_bytes())

    text = export.write(transcript, "recording-1", 5.0)

    assert text.encode().endswith(b"\n") or not transcript.words
    assert all(word.content in text for word in transcript.words)


def test_an_unknown_format_is_refused_with_the_names_of_the_known():
    with pytest.raises(ParameterError, match=r"'docx' is none of text, srt, vtt"):
        find_export("docx")


def test_a_segment_without_a_known_channel_is_in_every_channel():
    lone = Transcript(segments=(Segment(0.0, 1.0, "No words."),))
    entry = ManifestEntry("lone", "lone.wav", 8000, 8000, lone, n_channels=2)

    (line,) = write_supervisions([entry])

    assert json.loads(line)["channel"] == [0, 1]

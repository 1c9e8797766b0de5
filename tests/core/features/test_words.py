import csv
import io
import json
import math
from itertools import pairwise
from pathlib import Path

import librosa
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.measuring import EXACT, SPEECH, encode, measure

from chalicelib.core.features.contours import NO_CONTOUR
from chalicelib.core.features.frames import Frames, read_frames
from chalicelib.core.features.recording_summary import write_summary
from chalicelib.core.features.voices import measure_voices
from chalicelib.core.features.words import join_voices, write_voices
from chalicelib.core.transcripts.models import Transcript, Word
from chalicelib.core.transcripts.parsing import load_transcript
from chalicelib.core.transcripts.segments import derive_segments

DATA = Path(__file__).parents[2] / "data/transcripts"
FRAME_S = 512 / 22050
ID = "a-wav-0123456789ab"
COLUMNS = [
    *("word", "start_s", "end_s", "confidence", "speaker", "channel"),
    *("f0_median_hz", "f0_min_hz", "f0_max_hz", *NO_CONTOUR.columns()),
    *("voiced_fraction", "rms_db"),
    *(f"mfcc_{n}_mean" for n in range(1, 14)),
    *(f"mfcc_{n}_std" for n in range(1, 14)),
    *("n_frames", "recording_id"),
]
TIMING = [
    *("talk_time_s", "speaking_rate_wpm", "articulation_rate_wpm"),
    *("pause_count", "pause_median_s", "pause_share"),
]
OVERLAP = ["overlap_s", "interruptions", "interrupted"]


def read(name):
    return load_transcript((DATA / f"{name}.json").read_bytes())


def transcript_of(*spans, **labels):
    words = tuple(Word(text, start, end, 0.5, **labels) for text, start, end in spans)
    return Transcript(words=words, segments=derive_segments(words))


def frames_of(n_frames, seed=0):
    rng = np.random.default_rng(seed)
    voiced = rng.random(n_frames) < 0.7
    return Frames(
        times=np.arange(n_frames) * FRAME_S,
        mfcc=rng.normal(-100, 30, (n_frames, 13)).astype(np.float32),
        f0=np.where(voiced, rng.uniform(80, 300, n_frames), np.nan),
        voiced_flag=voiced,
        rms=rng.uniform(0.001, 0.5, n_frames).astype(np.float32),
    )


def cut(frames, *edges):
    edges = [0, *sorted(edges), len(frames)]
    return [frames.part(a, b) for a, b in pairwise(edges)]


def assert_is_plain_numpy_over(voice, frames, mask):
    f0 = frames.f0[mask & frames.voiced_flag]
    mfcc = frames.mfcc[mask].astype(np.float64)
    power = np.mean(frames.rms[mask].astype(np.float64) ** 2)
    assert voice.n_frames == mask.sum()
    if f0.size:
        assert voice.contour.median_hz == np.median(f0)
        assert (voice.contour.min_hz, voice.contour.max_hz) == (f0.min(), f0.max())
    else:
        assert voice.contour.median_hz is None
    assert voice.voiced_fraction == frames.voiced_flag[mask].mean()
    assert voice.rms_db == pytest.approx(10 * np.log10(power), rel=1e-12)
    np.testing.assert_allclose(voice.mfcc_mean, mfcc.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(voice.mfcc_std, mfcc.std(axis=0), rtol=1e-9, atol=1e-9)


def test_each_word_is_measured_over_the_frames_whose_centres_lie_within_it():
    transcript = read("speakers")
    frames = frames_of(200)

    tables = join_voices(transcript, [frames])

    assert [row.label for row in tables.words] == [w.content for w in transcript.words]
    for row, word in zip(tables.words, transcript.words, strict=True):
        mask = (frames.times >= word.start) & (frames.times < word.end)
        assert_is_plain_numpy_over(row.voice, frames, mask)


def test_a_segment_is_measured_from_its_start_to_its_end():
    transcript = read("speakers")
    frames = frames_of(200)

    tables = join_voices(transcript, [frames])

    for row, segment in zip(tables.segments, transcript.segments, strict=True):
        mask = (frames.times >= segment.start) & (frames.times < segment.end)
        assert_is_plain_numpy_over(row.voice, frames, mask)


def test_a_speaker_is_measured_over_all_the_words_it_says_and_no_pause():
    transcript = read("speakers")
    frames = frames_of(200)

    tables = join_voices(transcript, [frames])

    assert [(row.speaker, row.label) for row in tables.speakers] == [("spk_0", "8"), ("spk_1", "2")]
    for row in tables.speakers:
        mask = np.zeros(len(frames), bool)
        for word in transcript.words:
            if word.speaker == row.speaker:
                mask |= (frames.times >= word.start) & (frames.times < word.end)
        assert_is_plain_numpy_over(row.voice, frames, mask)


def test_a_frame_in_two_words_of_one_speaker_counts_once_for_the_speaker():
    transcript = transcript_of(("a", 0.0, 1.0), ("b", 0.5, 0.8), ("c", 0.9, 1.5))
    frames = frames_of(100)

    (speaker,) = join_voices(transcript, [frames]).speakers

    assert_is_plain_numpy_over(speaker.voice, frames, frames.times < 1.5)


def test_a_channel_is_the_speaker_if_there_is_no_label():
    tables = join_voices(read("channels"), [frames_of(200)])

    assert [(row.speaker, row.channel) for row in tables.speakers] == [
        (None, "ch_0"),
        (None, "ch_1"),
    ]


def test_a_word_shorter_than_a_frame_takes_the_nearest_frame():
    frames = frames_of(100)
    at = frames.times[40]
    spans = [
        ("after", at + 0.002, at + 0.006),
        ("before", at + FRAME_S - 0.006, at + FRAME_S - 0.002),
        ("instant", at, at),
    ]

    rows = join_voices(transcript_of(*spans), [frames]).words

    for row, nearest in zip(rows, (40, 41, 40), strict=True):
        assert_is_plain_numpy_over(row.voice, frames, np.arange(100) == nearest)


@pytest.mark.parametrize("edge", [39, 40, 41, 42])
def test_the_nearest_frame_may_lie_in_the_block_before(edge):
    frames = frames_of(100)
    at = frames.times[40]

    rows = join_voices(
        transcript_of(("a", at + 0.002, at + 0.006), ("b", at + 0.017, at + 0.02)),
        cut(frames, edge, edge),
    ).words

    assert_is_plain_numpy_over(rows[0].voice, frames, np.arange(100) == 40)
    assert_is_plain_numpy_over(rows[1].voice, frames, np.arange(100) == 41)


def test_a_word_beyond_the_last_frame_takes_the_last_frame():
    frames = frames_of(10)

    (row,) = join_voices(transcript_of(("late", 5.0, 6.0)), [frames]).words

    assert_is_plain_numpy_over(row.voice, frames, np.arange(10) == 9)


def test_a_recording_without_frames_has_rows_without_features():
    tables = join_voices(read("plain"), [])

    assert {row.voice.n_frames for row in tables.words} == {0}
    rows = list(csv.DictReader(io.StringIO(write_voices("word", tables.words, ID))))
    assert list(rows[0]) == COLUMNS
    assert {row["recording_id"] for row in rows} == {ID}
    assert rows[0]["mfcc_13_std"] == ""


def test_silence_has_the_lowest_level_no_pitch_and_no_deviation():
    n = 5000
    silence = Frames(
        times=np.arange(n) * FRAME_S,
        mfcc=np.full((n, 13), -1131.3708, np.float32),
        f0=np.full(n, np.nan),
        voiced_flag=np.zeros(n, bool),
        rms=np.zeros(n, np.float32),
    )

    (row,) = join_voices(transcript_of(("hush", 0.0, 100.0)), cut(silence, 7, 1000, 3001)).words

    assert row.voice.rms_db == -100.0
    assert row.voice.contour.median_hz is None
    assert row.voice.voiced_fraction == 0.0
    assert max(row.voice.mfcc_std) == 0.0


@given(
    edges=st.lists(st.integers(0, 120), max_size=10),
    spans=st.lists(st.tuples(st.floats(0, 3), st.floats(0, 1)), min_size=1, max_size=20),
)
def test_the_rows_do_not_depend_on_how_the_frames_are_cut(edges, spans):
    frames = frames_of(120)
    subjects = [[(start, start + length)] for start, length in spans]

    voices = measure_voices(subjects, cut(frames, *edges))

    for voice, [(start, end)] in zip(voices, subjects, strict=True):
        mask = (frames.times >= start) & (frames.times < end)
        if not mask.any():
            mask = np.arange(120) == np.argmin(np.abs(frames.times - (start + end) / 2))
        assert_is_plain_numpy_over(voice, frames, mask)


def test_the_table_has_these_columns_and_each_number_to_six_decimals():
    frames = frames_of(200)
    tables = join_voices(read("speakers"), [frames])

    rows = list(csv.DictReader(io.StringIO(write_voices("word", tables.words, ID))))

    assert list(rows[0]) == COLUMNS
    assert len(rows) == 10
    rain = rows[2]
    assert (rain["word"], rain["start_s"], rain["end_s"]) == ("rain", "0.54", "0.95")
    assert (rain["confidence"], rain["speaker"], rain["channel"]) == ("0.997", "spk_0", "")
    voice = tables.words[2].voice
    assert float(rain["f0_median_hz"]) == pytest.approx(voice.contour.median_hz, abs=5e-7)
    assert float(rain["mfcc_13_std"]) == pytest.approx(voice.mfcc_std[12], abs=5e-7)
    assert int(rain["n_frames"]) == voice.n_frames


@pytest.mark.parametrize("rows", ["some", "none"])
def test_segments_have_their_timing_and_speakers_their_overlaps_too(rows):
    tables = join_voices(read("speakers" if rows == "some" else "empty"), [frames_of(200)])

    headers = [
        write_voices(label, found, ID).partition("\n")[0].split(",")
        for label, found in (("segment", tables.segments), ("words", tables.speakers))
    ]

    first, rest = COLUMNS[1:6], COLUMNS[6:]
    assert headers == [
        ["segment", *first, *TIMING, *rest],
        ["words", *first, *TIMING, *OVERLAP, *rest],
    ]


def test_a_speakers_slope_is_the_median_of_those_of_its_segments():
    tables = join_voices(read("speakers"), [frames_of(200)])

    for row in (*tables.speakers, tables.recording):
        slopes = [
            segment.voice.contour.slope_st_s
            for segment in tables.segments
            if row is tables.recording or segment.speaker == row.speaker
        ]
        assert row.voice.contour.slope_st_s == pytest.approx(np.median(slopes))


def test_the_recording_is_measured_over_the_frames_of_all_words():
    transcript = read("speakers")
    frames = frames_of(200)

    recording = join_voices(transcript, [frames]).recording

    mask = np.zeros(len(frames), bool)
    for word in transcript.words:
        mask |= (frames.times >= word.start) & (frames.times < word.end)
    assert_is_plain_numpy_over(recording.voice, frames, mask)


def summary_of(transcript, frames, duration_s=10.0):
    tables = join_voices(transcript, frames)
    facts = {"source_key": "uploads/a.wav"}
    return json.loads(write_summary(tables, recording_id=ID, facts=facts, duration_s=duration_s))


def test_the_summary_holds_the_recording_and_its_speakers_in_numbers():
    transcript = read("speakers")

    summary = summary_of(transcript, [frames_of(200)])

    assert (summary["recording_id"], summary["source_key"]) == (ID, "uploads/a.wav")
    assert (summary["n_words"], summary["n_speakers"]) == (10, 2)
    assert summary["talk_share"] == pytest.approx(summary["talk_time_s"] / 10, abs=1e-6)
    nested = [name for name, value in summary.items() if isinstance(value, list | dict)]
    assert nested == ["speakers"]
    for name in (*TIMING, *COLUMNS[6:-1]):
        assert name in summary
        assert all(name in speaker for speaker in summary["speakers"])
    assert [(each["speaker"], each["n_words"]) for each in summary["speakers"]] == [
        ("spk_0", 8),
        ("spk_1", 2),
    ]


def test_the_summaries_of_many_recordings_are_one_table():
    summaries = [
        summary_of(read(name), [frames_of(200)]) for name in ("speakers", "empty", "plain")
    ]

    table = pd.json_normalize(summaries).drop(columns="speakers")

    assert len({tuple(each) for each in summaries}) == 1
    assert table.n_words.tolist()[:2] == [10, 0]
    assert table.f0_median_hz.isna().tolist() == [False, True, False]


def test_an_unvoiced_word_has_no_pitch_in_the_table():
    frames = frames_of(50)
    frames.f0[:] = np.nan
    frames.voiced_flag[:] = False
    rows = join_voices(transcript_of(("hiss", 0.1, 0.5)), [frames]).words

    (row,) = csv.DictReader(io.StringIO(write_voices("word", rows, ID)))

    assert (row["f0_median_hz"], row["f0_max_hz"], row["voiced_fraction"]) == ("", "", "0.0")


def test_no_word_or_label_becomes_a_formula_and_each_stays_in_its_cell():
    words = [("=1+1", 0.0, 0.3), ('a,"b"\n;c', 0.3, 0.6), ("@x", 0.6, 0.9)]
    rows = join_voices(transcript_of(*words, speaker="+spk"), [frames_of(50)]).words

    cells = list(csv.DictReader(io.StringIO(write_voices("word", rows, ID))))

    assert [row["word"] for row in cells] == ["'=1+1", 'a,"b" ;c', "'@x"]
    assert {row["speaker"] for row in cells} == {"'+spk"}


def tables_of(frames, *, deltas=False):
    """The three tables as the feature engine writes them."""
    groups = ("mfcc", "delta") if deltas else ("mfcc",)
    header = [f"{group}_{n}" for group in groups for n in range(1, 14)]
    mfcc = [",".join(header)]
    mfcc += [",".join(str(x) for x in row.tolist() * len(groups)) for row in frames.mfcc]
    pitch = ["time_s,f0_hz,voiced,voiced_prob"]
    energy = ["time_s,rms,zero_crossing_rate"]
    for t, f0, voiced, rms in zip(
        frames.times, frames.f0, frames.voiced_flag, frames.rms, strict=True
    ):
        pitch.append(f"{t:.6f},{'' if math.isnan(f0) else float(f0)},{int(voiced)},0.5")
        energy.append(f"{t:.6f},{float(rms)!r},0.1")
    return tuple(io.BytesIO("\n".join([*lines, ""]).encode()) for lines in (mfcc, pitch, energy))


@pytest.mark.parametrize("n_frames", [1, 4095, 4096, 4097, 9000])
def test_frames_are_read_back_from_the_tables_in_blocks(n_frames):
    frames = frames_of(n_frames)

    blocks = list(read_frames(*tables_of(frames), frame_s=FRAME_S))

    assert max(map(len, blocks)) <= 4096
    np.testing.assert_allclose(np.concatenate([b.times for b in blocks]), frames.times, rtol=1e-12)
    np.testing.assert_array_equal(np.concatenate([b.f0 for b in blocks]), frames.f0)
    np.testing.assert_allclose(np.concatenate([b.mfcc for b in blocks]), frames.mfcc, rtol=1e-6)
    np.testing.assert_array_equal(
        np.concatenate([b.voiced_flag for b in blocks]), frames.voiced_flag
    )
    np.testing.assert_allclose(np.concatenate([b.rms for b in blocks]), frames.rms, rtol=1e-6)


def test_deltas_are_not_joined():
    (block,) = read_frames(*tables_of(frames_of(20), deltas=True), frame_s=FRAME_S)

    assert block.mfcc.shape == (20, 13)


def test_tables_without_rows_give_no_frames():
    assert list(read_frames(*tables_of(frames_of(0)), frame_s=FRAME_S)) == []


@pytest.mark.parametrize("lengths", [(20, 19, 20), (4096, 4096, 4095), (4097, 4096, 4097)])
def test_tables_of_different_lengths_are_refused(lengths):
    tables = [tables_of(frames_of(n))[index] for index, n in enumerate(lengths)]

    with pytest.raises(ValueError, match="length"):
        list(read_frames(*tables, frame_s=FRAME_S))


def test_a_table_without_its_column_is_refused():
    mfcc, pitch, _ = tables_of(frames_of(5))

    with pytest.raises(ValueError, match="no column rms in time_s,volume"):
        list(read_frames(mfcc, pitch, io.BytesIO(b"time_s,volume\n0,1\n"), frame_s=FRAME_S))


def measured(media):
    """Frames of a recording, read back from the tables that the engine writes."""
    summary, written = measure(media)
    tables = [io.BytesIO(written[name]) for name in ("mfcc.csv", "pitch.csv", "energy.csv")]
    return read_frames(*tables, frame_s=summary.parameters.hop_length / summary.sample_rate_hz)


def glide():
    """Two seconds of a voice-like tone that rises from 110 to 220 Hz, and one of silence."""
    sr = 22050
    t = np.arange(2 * sr) / sr
    phase = 2 * np.pi * (110 * t + 55 * t**2 / 2)
    voice = sum(np.sin(k * phase) / k for k in range(1, 8)) * 0.2
    return encode(np.append(voice, np.zeros(sr)), sr, subtype="FLOAT")


@pytest.mark.parametrize("recording", ["glide", "jfk"])
def test_words_measured_from_a_recording_agree_with_librosa_over_the_same_spans(recording):
    if recording == "jfk" and not SPEECH.exists():
        pytest.skip("the shared speech is not beside this project")
    media = glide() if recording == "glide" else (SPEECH / "jfk.flac").read_bytes()
    y, sr = librosa.load(io.BytesIO(media))
    f0, voiced_flag, _ = librosa.pyin(y, sr=sr, fmin=65, fmax=500, **EXACT)
    mfcc = librosa.feature.mfcc(y=y, sr=sr, n_mfcc=13)
    rms = librosa.feature.rms(y=y)[0]
    times = librosa.times_like(f0, sr=sr)
    spans = [(f"w{n}", n * 0.4, n * 0.4 + 0.3) for n in range(int(len(y) / sr / 0.4))]

    rows = join_voices(transcript_of(*spans), measured(media)).words

    for row in rows:
        mask = (times >= row.start) & (times < row.end)
        heard = f0[mask & voiced_flag]
        assert row.voice.n_frames == mask.sum()
        assert row.voice.contour.median_hz == (
            pytest.approx(np.median(heard), abs=1e-3) if heard.size else None
        )
        assert row.voice.voiced_fraction == voiced_flag[mask].mean()
        power = np.mean(rms[mask].astype(np.float64) ** 2)
        assert row.voice.rms_db == pytest.approx(10 * np.log10(max(power, 1e-10)), abs=1e-3)
        np.testing.assert_allclose(row.voice.mfcc_mean, mfcc[:, mask].mean(axis=1), atol=5e-4)
        np.testing.assert_allclose(row.voice.mfcc_std, mfcc[:, mask].std(axis=1), atol=5e-4)
    assert sum(row.voice.contour.median_hz is not None for row in rows) >= len(rows) // 2

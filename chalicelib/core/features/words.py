"""Frames joined to words: tables of the features of each word, segment and speaker."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from statistics import median
from typing import BinaryIO

from chalicelib.core.features.frames import Frames
from chalicelib.core.features.measures import Voicing, measure_columns, measured_names
from chalicelib.core.features.subjects import Span
from chalicelib.core.features.voices import UNHEARD, Voice, measure_voices
from chalicelib.core.transcripts.exports import guard_cell
from chalicelib.core.transcripts.models import Transcript, Word
from chalicelib.core.transcripts.overlaps import Overlap, Overlaps, measure_overlaps
from chalicelib.core.transcripts.timing import (
    Timing,
    joined_spans,
    measure_timing,
    turns,
)

DECIMALS = 6


@dataclass(frozen=True, slots=True)
class VoiceRow:
    """One row of a table: a word, a segment or a speaker, and its features.

    ``label`` is the word, the segment's text, or the speaker's number of words; a word has no
    timing, and speakers alone have overlaps; ``measures`` are those of further tables.
    """

    label: str
    start: float
    end: float
    confidence: float | None
    speaker: str | None
    channel: str | None
    voice: Voice = UNHEARD
    timing: Timing | None = None
    overlap: Overlap | None = None
    measures: Mapping[str, float | None] = field(default_factory=dict)

    def columns(self) -> dict[str, float | None]:
        """Return the row's numbers by their columns' names."""
        timing = self.timing.columns() if self.timing else {}
        overlap = self.overlap.columns() if self.overlap else {}
        return timing | overlap | self.voice.columns() | dict(self.measures)


@dataclass(frozen=True, slots=True)
class VoiceTables:
    """The rows of ``words.csv``, ``segments.csv`` and ``speakers.csv``, and the recording's own.

    ``recording`` is a row over all words, ``overlaps`` are those of its speakers, and
    ``measured`` are the names of the columns of further tables.
    """

    words: tuple[VoiceRow, ...]
    segments: tuple[VoiceRow, ...]
    speakers: tuple[VoiceRow, ...]
    recording: VoiceRow
    overlaps: Overlaps
    measured: tuple[str, ...] = ()


def join_voices(
    transcript: Transcript,
    blocks: Iterable[Frames],
    further: Mapping[str, BinaryIO] | None = None,
    *,
    frame_s: float = 1.0,
) -> VoiceTables:
    """Measure every word, segment and speaker of a transcript in one pass over its frames.

    A segment has the frames from its start to its end. A speaker has the frames of all its words,
    each frame once, and the recording those of all words. A speaker is a label within a channel;
    without labels the channel is the speaker. The slope of f0 of a speaker, and of the recording,
    is the median of the slopes of its segments.

    Memory is about 4 kB for each word, and 16 bytes for each voiced frame of a row that has not
    ended, because medians need all frames.

    Parameters
    ----------
    transcript : Transcript
        its words and segments in order of time
    blocks : iterable of Frames
        successive frames of the whole recording, in blocks of any length
    further : mapping of str to BinaryIO or None
        the CSV of further tables by their names, read one after the other
    frame_s : float > 0
        seconds from one of the blocks' frames to the next

    Returns
    -------
    tables : VoiceTables
        rows in the transcript's order; if there are no frames at all, ``n_frames`` is 0
    """
    overlaps = measure_overlaps(transcript)
    groups = (
        _word_rows(transcript),
        _segment_rows(transcript),
        _speaker_rows(transcript, overlaps),
        [_recording_row(transcript)],
    )
    subjects = [spans for group in groups for _, spans in group]
    voicing = Voicing(frame_s)
    voices = iter(measure_voices(subjects, voicing.remembering(blocks)))
    measures: list[dict[str, float | None]] = [{} for _ in subjects]
    measured: list[str] = []
    for table, stream in (further or {}).items():
        measured += measured_names(table)
        found = measure_columns(table, stream, subjects, voicing)
        measures = [each | more for each, more in zip(measures, found, strict=True)]
    rest = iter(measures)
    words, segments, speakers, (recording,) = (
        tuple(replace(row, voice=next(voices), measures=next(rest)) for row, _ in group)
        for group in groups
    )
    sloping = tuple(_sloping_as_segments(row, segments) for row in speakers)
    return VoiceTables(
        words,
        segments,
        sloping,
        _sloping_as_segments(recording, segments),
        overlaps,
        tuple(measured),
    )


def write_voices(
    label: str, rows: Sequence[VoiceRow], recording_id: str, measured: Sequence[str] = ()
) -> str:
    """Write rows as CSV, the first column named ``label``: word, segment or words.

    The last column is the recording's id, so that the tables of many recordings can be one table;
    ``measured`` are the columns of further tables, for a table without rows.

    An unknown number is an empty cell, and no text can be run as a formula.
    """
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    numbers = rows[0] if rows else replace(BLANK[label], measures=dict.fromkeys(measured))
    writer.writerow(
        (
            *(label, "start_s", "end_s", "confidence", "speaker", "channel"),
            *(*numbers.columns(), "recording_id"),
        )
    )
    for row in rows:
        texts = (guard_cell(text or "") for text in (row.label, row.speaker, row.channel))
        name, speaker, channel = texts
        writer.writerow(
            (
                *(name, _cell(row.start), _cell(row.end), _cell(row.confidence), speaker, channel),
                *(*map(_cell, row.columns().values()), recording_id),
            )
        )
    return table.getvalue()


def _word_rows(transcript: Transcript) -> list[tuple[VoiceRow, list[Span]]]:
    return [
        (
            VoiceRow(w.content, w.start, w.end, w.confidence, w.speaker, w.channel),
            [(w.start, w.end)],
        )
        for w in transcript.words
    ]


def _segment_rows(transcript: Transcript) -> list[tuple[VoiceRow, list[Span]]]:
    return [
        (
            VoiceRow(
                *(s.text, s.start, s.end, _mean_confidence(s.words), s.speaker, s.channel),
                timing=measure_timing([s.words]),
            ),
            [(s.start, s.end)],
        )
        for s in transcript.segments
    ]


def _speaker_rows(transcript: Transcript, overlaps: Overlaps) -> list[tuple[VoiceRow, list[Span]]]:
    rows = []
    for speaker, runs in turns(transcript).items():
        words = [word for run in runs for word in run]
        row = _row_over(words, *speaker, timing=measure_timing(runs))
        rows.append((replace(row, overlap=overlaps.speakers[speaker]), joined_spans(words, 0.0)))
    return rows


def _recording_row(transcript: Transcript) -> tuple[VoiceRow, list[Span]]:
    words = sorted(transcript.words, key=lambda word: word.start)
    return _row_over(words, None, None, timing=measure_timing([words])), joined_spans(words, 0.0)


def _row_over(
    words: Sequence[Word], speaker: str | None, channel: str | None, *, timing: Timing
) -> VoiceRow:
    return VoiceRow(
        str(len(words)),
        words[0].start if words else 0.0,
        max((word.end for word in words), default=0.0),
        _mean_confidence(words),
        speaker,
        channel,
        timing=timing,
    )


def _sloping_as_segments(row: VoiceRow, segments: Sequence[VoiceRow]) -> VoiceRow:
    slopes = [
        slope
        for segment in segments
        if (row.overlap is None or (segment.speaker, segment.channel) == (row.speaker, row.channel))
        and (slope := segment.voice.contour.slope_st_s) is not None
    ]
    contour = replace(row.voice.contour, slope_st_s=median(slopes) if slopes else None)
    return replace(row, voice=replace(row.voice, contour=contour))


def _mean_confidence(words: Sequence[Word]) -> float | None:
    return Transcript(words=tuple(words)).mean_confidence


def _cell(value: float | None) -> float | str:
    return "" if value is None else round(value, DECIMALS)


_NOBODY = VoiceRow("", 0.0, 0.0, None, None, None)
BLANK = {  # rows that have each table's columns
    "word": _NOBODY,
    "segment": replace(_NOBODY, timing=Timing()),
    "words": replace(_NOBODY, timing=Timing(), overlap=Overlap()),
}

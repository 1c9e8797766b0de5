"""Frames joined to words: tables of the features of each word, segment and speaker."""

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from statistics import median

from chalicelib.core.features.frames import Frames
from chalicelib.core.features.voices import UNHEARD, Span, Voice, measure_voices
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
    timing, and speakers alone have overlaps.
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

    def columns(self) -> dict[str, float | None]:
        """Return the row's numbers by their columns' names."""
        timing = self.timing.columns() if self.timing else {}
        overlap = self.overlap.columns() if self.overlap else {}
        return timing | overlap | self.voice.columns()


@dataclass(frozen=True, slots=True)
class VoiceTables:
    """The rows of ``words.csv``, ``segments.csv`` and ``speakers.csv``, and the recording's own.

    ``recording`` is a row over all words, and ``overlaps`` are those of its speakers.
    """

    words: tuple[VoiceRow, ...]
    segments: tuple[VoiceRow, ...]
    speakers: tuple[VoiceRow, ...]
    recording: VoiceRow
    overlaps: Overlaps


def join_voices(transcript: Transcript, blocks: Iterable[Frames]) -> VoiceTables:
    """Measure every word, segment and speaker of a transcript in one pass over its frames.

    A segment has the frames from its start to its end, a speaker the frames of all its words, each
    once, and so has the recording. A speaker is a label within a channel; without labels the
    channel is the speaker. The slope of f0 of a speaker, and of the recording, is the median of
    the slopes of its segments.

    Memory is about 4 kB for each word, and 16 bytes for each voiced frame of a row that has not
    ended, because medians need all frames.

    Parameters
    ----------
    transcript : Transcript
        its words and segments in order of time
    blocks : iterable of Frames
        successive frames of the whole recording, in blocks of any length

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
    voices = iter(measure_voices([spans for group in groups for _, spans in group], blocks))
    words, segments, speakers, (recording,) = (
        tuple(replace(row, voice=next(voices)) for row, _ in group) for group in groups
    )
    sloping = tuple(_sloping_as_segments(row, segments) for row in speakers)
    return VoiceTables(
        words, segments, sloping, _sloping_as_segments(recording, segments), overlaps
    )


def write_voices(label: str, rows: Sequence[VoiceRow], recording_id: str) -> str:
    """Write rows as CSV, the first column named ``label``: word, segment or words.

    The last column is the recording's id, so that the tables of many recordings can be one table.

    An unknown number is an empty cell, and no text can be run as a formula.
    """
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    numbers = rows[0] if rows else BLANK[label]
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

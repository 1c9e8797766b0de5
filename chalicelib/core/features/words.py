"""Frames joined to words: tables of the features of each word, segment and speaker."""

import csv
import io
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from chalicelib.core.features.frames import Frames
from chalicelib.core.features.voices import UNHEARD, Span, Voice, measure_voices
from chalicelib.core.transcripts.exports import guard_cell
from chalicelib.core.transcripts.models import Transcript, Word

DECIMALS = 6
N_MFCC = 13  # number of columns of a table without frames


@dataclass(frozen=True, slots=True)
class VoiceRow:
    """One row of a table: a word, a segment or a speaker, and its features.

    ``label`` is the word, the segment's text, or the speaker's number of words.
    """

    label: str
    start: float
    end: float
    confidence: float | None
    speaker: str | None
    channel: str | None
    voice: Voice = UNHEARD


@dataclass(frozen=True, slots=True)
class VoiceTables:
    """The rows of ``words.csv``, ``segments.csv`` and ``speakers.csv``."""

    words: tuple[VoiceRow, ...]
    segments: tuple[VoiceRow, ...]
    speakers: tuple[VoiceRow, ...]


def join_voices(transcript: Transcript, blocks: Iterable[Frames]) -> VoiceTables:
    """Measure every word, segment and speaker of a transcript in one pass over its frames.

    A segment has the frames from its start to its end, a speaker the frames of all its words, each
    once. A speaker is a label within a channel; without labels the channel is the speaker.

    Memory is about 3 kB for each word, and 8 bytes for each voiced frame of a row that has not
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
    groups = (_word_rows(transcript), _segment_rows(transcript), _speaker_rows(transcript))
    voices = iter(measure_voices([spans for group in groups for _, spans in group], blocks))
    words, segments, speakers = (
        tuple(replace(row, voice=next(voices)) for row, _ in group) for group in groups
    )
    return VoiceTables(words, segments, speakers)


def write_voices(label: str, rows: Sequence[VoiceRow], recording_id: str) -> str:
    """Write rows as CSV, the first column named ``label``: word, segment or words.

    The last column is the recording's id, so that the tables of many recordings can be one table.

    An unknown number is an empty cell, and no text can be run as a formula.
    """
    n_mfcc = max((len(row.voice.mfcc_mean) for row in rows), default=N_MFCC) or N_MFCC
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(
        (
            *(label, "start_s", "end_s", "confidence", "speaker", "channel"),
            *("f0_median_hz", "f0_min_hz", "f0_max_hz", "voiced_fraction", "rms_db"),
            *(f"mfcc_{n}_{part}" for part in ("mean", "std") for n in range(1, n_mfcc + 1)),
            *("n_frames", "recording_id"),
        )
    )
    for row in rows:
        voice = row.voice
        texts = (guard_cell(text or "") for text in (row.label, row.speaker, row.channel))
        name, speaker, channel = texts
        unknown = (None,) * n_mfcc
        writer.writerow(
            (
                *(name, _cell(row.start), _cell(row.end), _cell(row.confidence), speaker, channel),
                *map(_cell, (voice.f0_median_hz, voice.f0_min_hz, voice.f0_max_hz)),
                *map(_cell, (voice.voiced_fraction, voice.rms_db)),
                *map(_cell, voice.mfcc_mean or unknown),
                *map(_cell, voice.mfcc_std or unknown),
                *(voice.n_frames, recording_id),
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
            VoiceRow(s.text, s.start, s.end, _mean_confidence(s.words), s.speaker, s.channel),
            [(s.start, s.end)],
        )
        for s in transcript.segments
    ]


def _speaker_rows(transcript: Transcript) -> list[tuple[VoiceRow, list[Span]]]:
    speakers: defaultdict[tuple[str | None, str | None], list[Word]] = defaultdict(list)
    for word in transcript.words:
        speakers[word.speaker, word.channel].append(word)
    return [
        (
            VoiceRow(
                str(len(words)),
                words[0].start,
                max(word.end for word in words),
                _mean_confidence(words),
                speaker,
                channel,
            ),
            _merge(words),
        )
        for (speaker, channel), words in speakers.items()
    ]


def _merge(words: Iterable[Word]) -> list[Span]:
    """Return the times of words without overlaps, so that no frame counts twice."""
    spans: list[Span] = []
    for word in words:
        if spans and word.start <= spans[-1][1]:
            spans[-1] = (spans[-1][0], max(spans[-1][1], word.end))
        else:
            spans.append((word.start, word.end))
    return spans


def _mean_confidence(words: Sequence[Word]) -> float | None:
    return Transcript(words=tuple(words)).mean_confidence


def _cell(value: float | None) -> float | str:
    return "" if value is None else round(value, DECIMALS)

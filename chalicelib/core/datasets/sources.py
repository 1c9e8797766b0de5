"""A recording's utterances, from its transcript and its table of segments."""

import csv
import io
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from typing import BinaryIO, Protocol

from chalicelib.core.datasets.columns import functional_names
from chalicelib.core.datasets.models import LeftOut, Source, Utterance
from chalicelib.core.features.frames import Frames
from chalicelib.core.transcripts.models import Segment, Transcript
from chalicelib.core.transcripts.segments import channel_index, clean_text

# The table has six decimals.
SAME_TIME_S = 1e-5


class Reader(Protocol):
    """A place from which the recordings of a data set are read.

    Each method raises EarshotError if what it reads is not there, or unusable.
    """

    def source(self, recording_id: str) -> Source | LeftOut:
        """Return a recording, or the reason why it cannot be in a data set."""

    def transcript(self, source: Source) -> Transcript:
        """Return the transcript with its corrections."""

    def segments(self, source: Source) -> bytes:
        """Return ``segments.csv``."""

    def frames(self, source: Source) -> AbstractContextManager[Iterator[Frames]]:
        """Open the tables as frames."""

    def audio(self, source: Source) -> AbstractContextManager[BinaryIO]:
        """Open the upload, or the audio track if the recording was measured from that."""


def read_utterances(
    source: Source, transcript: Transcript, table: bytes, *, longest_s: float
) -> tuple[list[Utterance], list[LeftOut]]:
    """Return the utterances of a recording in order of time, and what is left out.

    Parameters
    ----------
    source : Source
        the recording
    transcript : Transcript
        with its corrections
    table : bytes
        ``segments.csv``, which must be of this transcript
    longest_s : float
        seconds; a longer utterance is left out
    """
    rows = list(csv.DictReader(io.StringIO(table.decode(), newline="")))
    if not _belong_together(transcript, rows):
        reason = "Its transcript and its tables differ: a correction is being applied."
        return [], [LeftOut(source.recording_id, reason)]
    if not transcript.segments:
        return [], [LeftOut(source.recording_id, "Nothing was said in it.")]
    found: list[Utterance] = []
    left_out: list[LeftOut] = []
    for index, (segment, row) in enumerate(zip(transcript.segments, rows, strict=True)):
        utterance = _utterance(source, transcript, segment, row, index)
        refusal = _refusal(source, utterance, longest_s)
        if refusal:
            left_out.append(LeftOut(source.recording_id, refusal, utterance.id))
        else:
            found.append(utterance)
    return found, left_out


def _belong_together(transcript: Transcript, rows: list[dict[str, str]]) -> bool:
    return len(rows) == len(transcript.segments) and all(
        abs(float(row["start_s"]) - segment.start) < SAME_TIME_S
        and abs(float(row["end_s"]) - segment.end) < SAME_TIME_S
        for segment, row in zip(transcript.segments, rows, strict=True)
    )


def _utterance(
    source: Source,
    transcript: Transcript,
    segment: Segment,
    row: Mapping[str, str],
    index: int,
) -> Utterance:
    start, end = (min(round(s, 6), source.duration_s) for s in (segment.start, segment.end))
    # The rule by which Lhotse counts the frames of a duration (lhotse.utils.compute_num_frames), so
    # that its cuts, and every other format, have the same frames.
    recipe = source.recipe
    n_frames, first = (
        (round(seconds * recipe.sr) + recipe.hop_length // 2) // recipe.hop_length
        for seconds in (round(end - start, 6), start)
    )
    is_apart = segment.channel is not None and source.n_channels > 1
    return Utterance(
        id=f"{source.recording_id}-{index:05d}",
        start=start,
        end=end,
        text=clean_text(segment.text),
        speaker=segment.speaker,
        channel=min(channel_index(segment.channel), source.n_channels - 1) if is_apart else None,
        language=segment.language or transcript.language_code or source.language,
        confidence=_number(row["confidence"]),
        functionals={name: _number(row[name]) for name in functional_names(recipe) if name in row},
        words=tuple(word for word in segment.words if word.end <= source.duration_s),
        first_frame=max(0, min(first, source.n_frames - n_frames)),
        n_frames=n_frames,
    )


def _refusal(source: Source, utterance: Utterance, longest_s: float) -> str | None:
    if utterance.n_frames < 1:
        return "It is shorter than half a frame, or after the end of the recording."
    if utterance.n_frames > source.n_frames:
        return "It has more frames than the tables of its recording."
    if utterance.duration > longest_s:
        return f"It is longer than {longest_s:g} s."
    return None if utterance.text else "It has no text."


def _number(cell: str) -> float | None:
    return float(cell) if cell else None

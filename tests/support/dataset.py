"""Invented recordings for data sets, with tables as Earshot writes them, and without files."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import numpy as np
import soundfile

from chalicelib.core.datasets.assembly import assemble, versions_of
from chalicelib.core.datasets.batches import BatchReport, make_batch
from chalicelib.core.datasets.formats import writer_of
from chalicelib.core.datasets.models import LeftOut, Recipe, Source
from chalicelib.core.datasets.parameters import DatasetParameters
from chalicelib.core.datasets.planning import Candidate, bytes_of, make_plan
from chalicelib.core.features.frames import Frames
from chalicelib.core.features.words import join_voices, write_voices
from chalicelib.core.transcripts.models import Segment, Transcript, Word
from chalicelib.core.transcripts.segments import join_words

RECIPE = Recipe(sr=8000, hop_length=80, n_mfcc=4)
SPOKEN = ("the", "ferry", "leaves", "at", "nine")


class Recordings:
    """``n`` recordings of some seconds. The number of a recording determines its contents."""

    def __init__(self, n: int, *, seconds: float = 4.0, sample_rate_hz: int = 8000) -> None:
        self.ids = [f"talk-{number:06d}-{number:012x}" for number in range(n)]
        self._seconds = seconds
        self._rate = sample_rate_hz
        self._table: tuple[str, bytes] | None = None

    def source(self, recording_id: str) -> Source | LeftOut:
        return Source(
            recording_id=recording_id,
            owner="me",
            audio=f"/talks/{recording_id}.wav",
            sample_rate_hz=self._rate,
            n_samples=round(self._seconds * self._rate),
            n_channels=1,
            n_frames=1 + round(self._seconds * RECIPE.sr) // RECIPE.hop_length,
            recipe=RECIPE,
            language="en-US",
        )

    def transcript(self, source: Source) -> Transcript:
        length = 0.3 * len(SPOKEN)
        segments = []
        starts = np.arange(0.05, source.duration_s - length, length + 0.2).tolist()
        for n, start in enumerate(starts):
            words = tuple(
                Word(
                    text,
                    round(start + 0.3 * k, 3),
                    round(start + 0.3 * k + 0.25, 3),
                    0.9,
                    f"spk_{n % 2}",
                )
                for k, text in enumerate(SPOKEN)
            )
            text = join_words(words).capitalize() + "."
            segments.append(
                Segment(words[0].start, words[-1].end, text, f"spk_{n % 2}", words=words)
            )
        words = tuple(word for segment in segments for word in segment.words)
        return Transcript("", words, tuple(segments))

    def segments(self, source: Source) -> bytes:
        # Joined once for all recordings: of all functionals, only the means would differ.
        if self._table is None:
            with self.frames(source) as frames:
                tables = join_voices(self.transcript(source), frames)
            written = write_voices("segment", tables.segments, source.recording_id).encode()
            self._table = source.recording_id, written
        of, written = self._table
        return written.replace(of.encode(), source.recording_id.encode())

    def matrix(self, source: Source) -> np.ndarray:
        """Return the coefficients. They contain the number of the recording and of the frame."""
        frames = np.arange(source.n_frames, dtype=np.float32)
        whose = np.float32(int(source.recording_id[-12:], 16))
        return np.stack([frames, np.full_like(frames, whose), -frames, frames / 100], axis=1)

    @contextmanager
    def frames(self, source: Source) -> Iterator[Iterator[Frames]]:
        times = np.arange(source.n_frames) * RECIPE.frame_s
        f0 = np.where(np.arange(source.n_frames) % 2 == 0, 120.0, np.nan)
        whole = Frames(times, self.matrix(source), f0, ~np.isnan(f0), np.full(len(times), 0.1))
        yield (whole.part(first, first + 64) for first in range(0, len(whole), 64))

    def y(self, source: Source) -> np.ndarray:
        """Return the samples, a ramp, in 16 bits."""
        return (np.arange(source.n_samples) % 30_000).astype(np.int16)

    @contextmanager
    def audio(self, source: Source) -> Iterator[BinaryIO]:
        body = io.BytesIO()
        soundfile.write(body, self.y(source), source.sample_rate_hz, format="WAV")
        body.seek(0)
        yield body


def opener(folder: Path):
    """Return a function that opens the files of a data set in a folder."""

    @contextmanager
    def open_file(path: str) -> Iterator[BinaryIO]:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        with (folder / path).open("wb") as stream:
            yield stream

    return open_file


def make(
    folder: Path, recordings: Recordings, *, ids: list[str] | None = None, **given: str
) -> dict:
    """Make a data set in a folder; return its manifest."""
    parameters = DatasetParameters.parse(given)
    sources = [recordings.source(one) for one in ids or recordings.ids]
    plan = make_plan(
        (
            Candidate(one.recording_id, one.recipe, "1", bytes_of(one, parameters))
            for one in sources
        ),
        parameters,
        provenance=str(versions_of(parameters.format)),
    )
    reports: list[BatchReport] = [
        make_batch(
            number,
            batch,
            recordings,
            parameters,
            plan.recipe,
            writer_of(parameters.format),
            opener(folder),
        )
        for number, batch in enumerate(plan.batches)
    ]
    return assemble(
        "talks",
        plan,
        parameters,
        lambda: iter(reports),
        lambda path: (folder / path).open("rb"),
        opener(folder),
        selection={},
    )

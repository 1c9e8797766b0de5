"""Features of parts of a recording: statistics over the frames between given times."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from chalicelib.core.features.contours import NO_CONTOUR, Contour, measure_contour
from chalicelib.core.features.frames import Frames
from chalicelib.core.features.subjects import Span, Tally, measure_subjects

N_MFCC = 13  # number of columns of a table without frames
SILENCE_POWER = 1e-10  # -100 dB, the floor of librosa.amplitude_to_db


@dataclass(frozen=True, slots=True)
class Voice:
    """Statistics of some frames.

    ``contour`` is the f0 of the voiced frames; ``rms_db`` is the level of the frames' mean power,
    in decibels below full scale; deviations are the population's.
    """

    n_frames: int = 0
    contour: Contour = NO_CONTOUR
    voiced_fraction: float | None = None
    rms_db: float | None = None
    mfcc_mean: tuple[float, ...] = ()
    mfcc_std: tuple[float, ...] = ()

    def columns(self) -> dict[str, float | None]:
        """Return the statistics by their columns' names."""
        n_mfcc = len(self.mfcc_mean) or N_MFCC
        unknown = (None,) * n_mfcc
        parts = {"mean": self.mfcc_mean or unknown, "std": self.mfcc_std or unknown}
        return {
            "f0_median_hz": self.contour.median_hz,
            "f0_min_hz": self.contour.min_hz,
            "f0_max_hz": self.contour.max_hz,
            **self.contour.columns(),
            "voiced_fraction": self.voiced_fraction,
            "rms_db": self.rms_db,
            **{
                f"mfcc_{n}_{part}": number
                for part, numbers in parts.items()
                for n, number in enumerate(numbers, start=1)
            },
            "n_frames": self.n_frames,
        }


UNHEARD = Voice()


def measure_voices(subjects: Sequence[Sequence[Span]], blocks: Iterable[Frames]) -> list[Voice]:
    """Measure many subjects, each of one or more spans, in one pass over a recording's frames.

    A frame belongs to a span if its centre is in the span, including the start, without the end. A
    subject that is too short for a frame gets the frame nearest to the middle of one of its spans.

    Memory holds one block of frames, about 2 kB for each subject, and 16 bytes for each of its
    voiced frames, because a median needs all of them.

    Parameters
    ----------
    subjects : sequence of sequences of (start, end)
        in seconds; one subject's spans do not overlap
    blocks : iterable of Frames
        successive frames of the whole recording, in blocks of any length

    Returns
    -------
    voices : list of Voice
        one for each subject; if there are no frames at all, ``n_frames`` is 0
    """
    return measure_subjects(subjects, blocks, _Tally)


class _Tally(Tally[Frames, Voice]):
    """Running sums over the frames of one subject, until its last span has ended."""

    __slots__ = ("_deviations", "_f0", "_mean", "_n_voiced", "_power", "_voiced_s")

    def __init__(self, subject: int, n_spans: int) -> None:
        super().__init__(subject, n_spans)
        self._n_voiced = 0
        self._power = 0.0
        self._mean: np.ndarray | None = None
        self._deviations: np.ndarray | None = None  # sum of squared deviations from the mean
        self._f0: list[np.ndarray] = []
        self._voiced_s: list[np.ndarray] = []

    def add(self, frames: Frames) -> None:
        """Take frames that belong to the subject."""
        n_frames = len(frames)
        mfcc = frames.mfcc.astype(np.float64, copy=False)
        mean = mfcc.mean(axis=0)
        deviations = np.square(mfcc - mean).sum(axis=0)
        if self._mean is None or self._deviations is None:
            self._mean, self._deviations = mean, deviations
        else:
            # By Chan, Golub and LeVeque (1983): a plain sum of squares would leave noise in
            # silence.
            total = self._n_frames + n_frames
            step = mean - self._mean
            self._mean += step * (n_frames / total)
            self._deviations += deviations + step**2 * (self._n_frames * n_frames / total)
        self._n_frames += n_frames
        self._n_voiced += int(np.count_nonzero(frames.voiced_flag))
        self._power += float(np.square(frames.rms, dtype=np.float64).sum())
        has_f0 = ~np.isnan(frames.f0)
        self._f0.append(frames.f0[has_f0])
        self._voiced_s.append(frames.times[has_f0])

    def result(self) -> Voice:
        """Return the statistics."""
        if self._mean is None or self._deviations is None:
            return UNHEARD
        contour = measure_contour(np.concatenate(self._voiced_s), np.concatenate(self._f0))
        power = self._power / self._n_frames
        return Voice(
            n_frames=self._n_frames,
            contour=contour,
            voiced_fraction=self._n_voiced / self._n_frames,
            rms_db=10.0 * math.log10(max(power, SILENCE_POWER)),
            mfcc_mean=tuple(self._mean.tolist()),
            mfcc_std=tuple(np.sqrt(self._deviations / self._n_frames).tolist()),
        )

"""Subjects: parts of a recording, such as a word or all words of a speaker, measured in one pass.

Belongs here: which frames a subject has. Each tally decides what it measures of them.
"""

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Generic, Protocol, Self, TypeVar

import numpy as np

Span = tuple[float, float]


class TimedFrames(Protocol):
    """Successive frames with ascending times."""

    @property
    def times(self) -> np.ndarray:
        """Centre of each frame in seconds."""

    def __len__(self) -> int:
        """Return the number of frames."""

    def copy(self) -> Self:
        """Return a copy that does not keep the frames' block in memory."""

    def part(self, start: int, end: int) -> Self:
        """Return the frames from ``start`` up to ``end``."""


F = TypeVar("F", bound=TimedFrames)
R = TypeVar("R")


class Tally(Generic[F, R]):
    """The measurement of one subject, which gets frames until its last span has ended."""

    __slots__ = ("_n_frames", "_nearest", "n_spans", "subject")

    def __init__(self, subject: int, n_spans: int) -> None:
        self.subject = subject
        self.n_spans = n_spans
        self._n_frames = 0
        self._nearest: tuple[float, F] | None = None

    def add(self, frames: F) -> None:
        """Take frames that belong to the subject."""
        raise NotImplementedError

    def result(self) -> R:
        """Return what was measured, after the last frame."""
        raise NotImplementedError

    def finish(self) -> R:
        """Return the result; that of the nearest frame, if no frame belongs to the subject."""
        if not self._n_frames and self._nearest:
            self.add(self._nearest[1])
        return self.result()

    @property
    def is_empty(self) -> bool:
        """Return whether the subject has no frame yet."""
        return not self._n_frames

    def offer(self, frame: F | None, span: Span) -> None:
        """Remember the nearest frame, in case the subject gets no frame."""
        if frame is None or not len(frame):
            return
        distance = abs(float(frame.times[0]) - sum(span) / 2)
        if self._nearest is None or distance < self._nearest[0]:
            self._nearest = (distance, frame.copy())


def measure_subjects(
    subjects: Sequence[Sequence[Span]],
    blocks: Iterable[F],
    make_tally: Callable[[int, int], Tally[F, R]],
) -> list[R]:
    """Measure many subjects, each of one or more spans, in one pass over a recording's frames.

    A frame belongs to a span if its centre is in the span, including the start, without the end. A
    subject that is too short for a frame gets the frame nearest to the middle of one of its spans.

    Parameters
    ----------
    subjects : sequence of sequences of (start, end)
        in seconds; one subject's spans do not overlap
    blocks : iterable of frames
        successive frames of the whole recording, in blocks of any length
    make_tally : callable
        makes a subject's tally from its index and its number of spans

    Returns
    -------
    results : list
        of the tallies, in the order of the subjects
    """
    results: list[Any] = [None] * len(subjects)
    tallies = [make_tally(index, len(spans)) for index, spans in enumerate(subjects)]
    waiting = deque(_by_start(subjects, tallies))
    heard: list[tuple[Span, Tally[F, R]]] = []
    before: F | None = None
    for frames in filter(len, blocks):
        last = float(frames.times[-1])
        while waiting and waiting[0][0][0] <= last:
            heard.append(waiting.popleft())
        going_on = [pair for pair in heard if _goes_on(*pair, frames, before)]
        for _, tally in heard:
            if not tally.n_spans and results[tally.subject] is None:
                results[tally.subject] = tally.finish()
        heard = going_on
        before = frames.part(len(frames) - 1, len(frames))
    for span, tally in (*heard, *waiting):
        tally.offer(before, span)
    for tally in tallies:
        if results[tally.subject] is None:
            results[tally.subject] = tally.finish()
    return results


def _goes_on(span: Span, tally: Tally[F, R], frames: F, before: F | None) -> bool:
    """Give a tally the frames of its span, and return whether the span goes on after them."""
    first, end = (int(index) for index in np.searchsorted(frames.times, span))
    if first < end:
        tally.add(frames.part(first, end))
    if span[1] > float(frames.times[-1]):
        return True
    if tally.is_empty:
        tally.offer(frames.part(first - 1, first) if first else before, span)
        tally.offer(frames.part(first, first + 1), span)
    tally.n_spans -= 1
    return False


def _by_start(
    subjects: Sequence[Sequence[Span]], tallies: Sequence[Tally[F, R]]
) -> list[tuple[Span, Tally[F, R]]]:
    pairs = [
        (span, tally) for spans, tally in zip(subjects, tallies, strict=True) for span in spans
    ]
    return sorted(pairs, key=lambda pair: pair[0])

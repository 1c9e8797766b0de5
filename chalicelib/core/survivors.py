"""Paths through pYIN's states that may still turn out to be the best one."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

UNVOICED = -1

Pitches = NDArray[np.int16]
Probs = NDArray[np.float64]


@dataclass(slots=True)
class _Segment:
    """A run of frames on every surviving path.

    ``pitches`` has a row for each frame and a column for each path; ``entry`` tells which column
    of the segment before each path comes from.
    """

    pitches: Pitches
    voiced_prob: Probs
    entry: NDArray[np.intp]


class Survivors:
    """The frames not yet decided, on every path that is still possible.

    All paths soon share their past, and what they share is decided.
    Paths that differ only in which unvoiced state they are in share what can be seen of them.
    When a signal keeps two readings equally likely, the frames wait here, two bytes a frame and
    path.
    """

    def __init__(self) -> None:
        self._segments: list[_Segment] = []
        self.started = False

    def append(self, pitches: Pitches, voiced_prob: Probs, entry: NDArray[np.intp]) -> None:
        """Add a segment.

        Parameters
        ----------
        pitches : np.ndarray [shape=(n_frames, n_paths)]
            pitch bin of each frame on each path, ``UNVOICED`` where it has none
        voiced_prob : np.ndarray [shape=(n_frames,)]
            kept beside the frames
        entry : np.ndarray [shape=(n_paths,)]
            column of the segment before that each path comes from
        """
        self.started = True
        self._segments.append(_Segment(pitches, voiced_prob, entry))
        self._prune()

    def _prune(self) -> None:
        for segment, before in zip(self._segments[:0:-1], self._segments[-2::-1], strict=True):
            used, entry = np.unique(segment.entry, return_inverse=True)
            segment.entry = entry
            if len(used) == before.pitches.shape[1]:
                return
            before.pitches = before.pitches[:, used]
            before.entry = before.entry[used]

    def take(self) -> tuple[Pitches, Probs]:
        """Remove and return the frames on which all paths agree.

        Returns
        -------
        pitches : np.ndarray [shape=(n_frames,)]
            pitch bin of each decided frame, ``UNVOICED`` where it has none
        voiced_prob : np.ndarray [shape=(n_frames,)]
            as given
        """
        pitches: list[Pitches] = [np.empty(0, np.int16)]
        probs: list[Probs] = [np.empty(0)]
        while self._segments:
            oldest = self._segments[0]
            same = (oldest.pitches == oldest.pitches[:, :1]).all(axis=1)
            n_same = len(same) if same.all() else int(np.argmin(same))
            pitches.append(oldest.pitches[:n_same, 0])
            probs.append(oldest.voiced_prob[:n_same])
            if n_same < len(same):
                oldest.pitches = oldest.pitches[n_same:]
                oldest.voiced_prob = oldest.voiced_prob[n_same:]
                break
            del self._segments[0]
        return np.concatenate(pitches), np.concatenate(probs)

    def finish(self, path: int) -> tuple[Pitches, Probs]:
        """Remove and return all frames on the path that ends in the last segment's column."""
        if self._segments:
            last = self._segments[-1]
            last.pitches = last.pitches[:, [path]]
            last.entry = last.entry[[path]]
            self._prune()
        return self.take()

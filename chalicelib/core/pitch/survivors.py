"""Paths through pYIN's states that may still turn out to be the best one."""

import tempfile
from dataclasses import dataclass, replace
from typing import IO

import numpy as np
from numpy.typing import NDArray

UNVOICED = -1
PARK_ABOVE_BYTES = 16 << 20

Pitches = NDArray[np.int16]
Probs = NDArray[np.float64]
Columns = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class _Segment:
    """A run of frames on every surviving path.

    ``pitches`` has a row for each frame and a column for each path; ``entry`` tells which column
    of the segment before each path comes from.
    """

    pitches: Pitches
    voiced_prob: Probs
    entry: Columns

    @property
    def n_paths(self) -> int:
        return len(self.entry)

    @property
    def nbytes(self) -> int:
        return self.pitches.nbytes + self.voiced_prob.nbytes

    def keep(self, columns: Columns) -> "_Segment":
        return replace(self, pitches=self.pitches[:, columns], entry=self.entry[columns])

    def unpark(self, _: IO[bytes] | None) -> "_Segment":
        return self


@dataclass(frozen=True, slots=True)
class _ParkedSegment:
    """A segment whose frames wait in a file: where they are there, and what is left of them."""

    offset: int
    shape: tuple[int, ...]
    columns: Columns
    entry: Columns

    @property
    def n_paths(self) -> int:
        return len(self.entry)

    @property
    def nbytes(self) -> int:
        return 0

    def keep(self, columns: Columns) -> "_ParkedSegment":
        return replace(self, columns=self.columns[columns], entry=self.entry[columns])

    def unpark(self, file: IO[bytes] | None) -> _Segment:
        if file is None:
            raise ValueError("a parked segment needs its file")
        n_frames, n_paths = self.shape
        file.seek(self.offset)
        pitches = np.frombuffer(file.read(2 * n_frames * n_paths), np.int16).reshape(self.shape)
        voiced_prob = np.frombuffer(file.read(8 * n_frames), np.float64)
        return _Segment(pitches[:, self.columns], voiced_prob, self.entry)


class Survivors:
    """The frames not yet decided, on every path that is still possible.

    All paths soon share their past, and what they share is decided.
    Paths that differ only in which unvoiced state they are in share what can be seen of them.
    A signal may keep two readings equally likely for hours. Its frames wait here, two bytes for
    each frame and path; above ``park_above`` bytes they wait in a temporary file.

    Parameters
    ----------
    park_above : int
        bytes of frames that may be held in memory
    """

    def __init__(self, *, park_above: int = PARK_ABOVE_BYTES) -> None:
        self._segments: list[_Segment | _ParkedSegment] = []
        self._park_above = park_above
        self._file: IO[bytes] | None = None
        self._paths_looked_at = 0

    def append(self, pitches: Pitches, voiced_prob: Probs, entry: Columns) -> None:
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
        self._segments.append(_Segment(pitches, voiced_prob, entry))
        self._prune()
        self._park()

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
        # Nothing can have been decided while the oldest frames have as many paths as before.
        while self._segments and self._segments[0].n_paths != self._paths_looked_at:
            oldest = self._segments[0].unpark(self._file)
            agree = (oldest.pitches == oldest.pitches[:, :1]).all(axis=1)
            n = len(agree) if agree.all() else int(np.argmin(agree))
            pitches.append(oldest.pitches[:n, 0])
            probs.append(oldest.voiced_prob[:n])
            if n == len(agree):
                del self._segments[0]
                self._paths_looked_at = 0
            else:
                self._segments[0] = replace(
                    oldest, pitches=oldest.pitches[n:], voiced_prob=oldest.voiced_prob[n:]
                )
                self._paths_looked_at = oldest.n_paths
        if self._file is not None and not self._segments:
            self._file.close()
            self._file = None
        return np.concatenate(pitches), np.concatenate(probs)

    def finish(self, path: int) -> tuple[Pitches, Probs]:
        """Remove and return all frames on the path that ends in the last segment's column."""
        if self._segments:
            self._segments[-1] = self._segments[-1].keep(np.array([path]))
            self._prune()
            self._paths_looked_at = 0
        return self.take()

    def _prune(self) -> None:
        """Drop the paths that none goes on from."""
        for i in range(len(self._segments) - 1, 0, -1):
            segment = self._segments[i]
            used, entry = np.unique(segment.entry, return_inverse=True)
            self._segments[i] = replace(segment, entry=entry)
            if len(used) == self._segments[i - 1].n_paths:
                return
            self._segments[i - 1] = self._segments[i - 1].keep(used)

    def _park(self) -> None:
        """Write frames to the file while too many are held, all but the newest segment's."""
        held = sum(segment.nbytes for segment in self._segments)
        for i, segment in enumerate(self._segments[:-1]):
            if held <= self._park_above:
                return
            if isinstance(segment, _Segment):
                if self._file is None:
                    self._file = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as this
                offset = self._file.seek(0, 2)
                self._file.write(segment.pitches.tobytes())
                self._file.write(segment.voiced_prob.tobytes())
                columns = np.arange(segment.n_paths)
                self._segments[i] = _ParkedSegment(
                    offset, segment.pitches.shape, columns, segment.entry
                )
                held -= segment.nbytes

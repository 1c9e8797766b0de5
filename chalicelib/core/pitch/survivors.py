"""Paths through pYIN's states that may still become the best path."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from chalicelib.core.dsp.spill import Spill

UNVOICED = -1
MEMORY_BYTES = 16 << 20

Pitches = NDArray[np.int16]
Probs = NDArray[np.float64]
Columns = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class _Run:
    """A run of frames on all surviving paths.

    ``pitches`` has a row for each frame and a column for each path; ``entry`` is, for each path,
    its column in the run before.
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

    def keep(self, columns: Columns) -> "_Run":
        return replace(self, pitches=self.pitches[:, columns], entry=self.entry[columns])

    def read_back(self, _: Spill) -> "_Run":
        return self


@dataclass(frozen=True, slots=True)
class _SpilledRun:
    """A run whose frames are on disk: their position in the file, and the columns that are left."""

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

    def keep(self, columns: Columns) -> "_SpilledRun":
        return replace(self, columns=self.columns[columns], entry=self.entry[columns])

    def read_back(self, spill: Spill) -> _Run:
        n_frames, n_paths = self.shape
        n_bytes = 2 * n_frames * n_paths
        pitches = np.frombuffer(spill.read(self.offset, n_bytes), np.int16).reshape(self.shape)
        voiced_prob = np.frombuffer(spill.read(self.offset + n_bytes, 8 * n_frames), np.float64)
        return _Run(pitches[:, self.columns], voiced_prob, self.entry)


class Survivors:
    """The frames not yet decided, on every path that is still possible.

    After some frames all paths have the same past, and the frames of this past are decided.
    Paths that differ only in their unvoiced states count as equal, because their results are equal.
    In some signals two paths stay equally likely for hours. Their frames are kept here, two bytes
    for each frame and path; beyond ``memory_bytes`` the older ones are spilled to disk.

    Parameters
    ----------
    memory_bytes : int
        most bytes of frames in memory
    """

    def __init__(self, *, memory_bytes: int = MEMORY_BYTES) -> None:
        self._runs: list[_Run | _SpilledRun] = []
        self._memory_bytes = memory_bytes
        self._spill = Spill(memory_bytes=0)
        self._paths_looked_at = 0

    def append(self, pitches: Pitches, voiced_prob: Probs, entry: Columns) -> None:
        """Add a run.

        Parameters
        ----------
        pitches : np.ndarray [shape=(n_frames, n_paths)]
            pitch bin of each frame on each path, ``UNVOICED`` where it has none
        voiced_prob : np.ndarray [shape=(n_frames,)]
            kept beside the frames
        entry : np.ndarray [shape=(n_paths,)]
            for each path, its column in the run before
        """
        self._runs.append(_Run(pitches, voiced_prob, entry))
        self._prune()
        self._spill_oldest()

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
        # No frame can have been decided while the oldest frames have as many paths as before.
        while self._runs and self._runs[0].n_paths != self._paths_looked_at:
            oldest = self._runs[0].read_back(self._spill)
            agree = (oldest.pitches == oldest.pitches[:, :1]).all(axis=1)
            n = len(agree) if agree.all() else int(np.argmin(agree))
            pitches.append(oldest.pitches[:n, 0])
            probs.append(oldest.voiced_prob[:n])
            if n == len(agree):
                del self._runs[0]
                self._paths_looked_at = 0
            else:
                self._runs[0] = replace(
                    oldest, pitches=oldest.pitches[n:], voiced_prob=oldest.voiced_prob[n:]
                )
                self._paths_looked_at = oldest.n_paths
        if self._spill.n_frames and not self._runs:
            self._spill.close()
            self._spill = Spill(memory_bytes=0)
        return np.concatenate(pitches), np.concatenate(probs)

    def finish(self, path: int) -> tuple[Pitches, Probs]:
        """Remove and return all frames on the path that ends in the last run's column."""
        if self._runs:
            self._runs[-1] = self._runs[-1].keep(np.array([path]))
            self._prune()
            self._paths_looked_at = 0
        return self.take()

    def _prune(self) -> None:
        """Drop the paths that no later path continues."""
        for i in range(len(self._runs) - 1, 0, -1):
            run = self._runs[i]
            used, entry = np.unique(run.entry, return_inverse=True)
            self._runs[i] = replace(run, entry=entry)
            if len(used) == self._runs[i - 1].n_paths:
                return
            self._runs[i - 1] = self._runs[i - 1].keep(used)

    def _spill_oldest(self) -> None:
        """Write frames to disk while too many are in memory, except those of the newest run."""
        held = sum(run.nbytes for run in self._runs)
        for i, run in enumerate(self._runs[:-1]):
            if held <= self._memory_bytes:
                return
            if isinstance(run, _Run):
                data = run.pitches.tobytes() + run.voiced_prob.tobytes()
                offset = self._spill.append(data, n_frames=len(run.pitches))
                columns = np.arange(run.n_paths)
                self._runs[i] = _SpilledRun(offset, run.pitches.shape, columns, run.entry)
                held -= run.nbytes

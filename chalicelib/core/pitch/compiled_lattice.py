"""pYIN's states, computed with compiled loops if they are installed."""

import numpy as np

from chalicelib.core.dsp import kernels
from chalicelib.core.dsp.memory import aligned
from chalicelib.core.pitch.candidates import Candidates
from chalicelib.core.pitch.lattice import MARGIN, Lattice, States, Values
from chalicelib.core.pitch.transitions import LOG_IMPOSSIBLE, Transitions


class CompiledLattice(Lattice):
    """`Lattice` with its frames added and followed back by compiled loops: exactly the same states.

    The candidates of all rows lie in two arrays, which the loops read and write.
    """

    def __init__(self, moves: Transitions, *, n_rows: int) -> None:
        super().__init__(moves, n_rows=n_rows)
        width, n_columns = self._keep_shifted.shape
        padded = width + -width % kernels.SIDE_BY_SIDE
        keep = np.full((padded, n_columns), -np.inf)
        keep[:width] = self._keep_shifted
        keep_band = aligned(
            n_columns // kernels.SIDE_BY_SIDE, padded, kernels.SIDE_BY_SIDE, dtype=np.float64
        )
        keep_band[:] = keep.reshape(padded, -1, kernels.SIDE_BY_SIDE).swapaxes(0, 1)
        switch_band = np.full((self.n_bins, padded), -np.inf)
        switch_band[:, :width] = moves.switch_band
        bins = np.zeros((n_rows, self.n_bins), np.int64)
        voiced = np.zeros((n_rows, self.n_bins))
        n_voiced = np.zeros(n_rows, np.int64)
        leader, leader_is_voiced = np.zeros(n_rows), np.zeros(n_rows, np.uint8)
        # The base class reads a row of these as it reads its lists of arrays.
        self._bins, self._voiced = _Rows(bins, n_voiced), _Rows(voiced, n_voiced)  # type: ignore[assignment]
        self._leader, self._leader_is_voiced = leader, leader_is_voiced  # type: ignore[assignment]
        arrays = {
            "keep_band": keep_band,
            "switch_band": switch_band,
            "keep_back": np.ascontiguousarray(moves.keep_band),
            "keep": np.ascontiguousarray(moves.keep),
            "change": np.ascontiguousarray(moves.switch),
            "reachable": self._windows,
            "bins": bins,
            "voiced": voiced,
            "n_voiced": n_voiced,
            "leader": leader,
            "leader_is_voiced": leader_is_voiced,
        }
        self._arrays = arrays  # their memory is used as long as this object is
        self._layout = kernels.library.Lattice(
            n_bins=self.n_bins,
            reach=moves.reach,
            width=padded,
            n_columns=n_columns,
            row_step=self._windows.strides[0] // self._windows.itemsize,
            log_init=self._log_init,
            log_impossible=LOG_IMPOSSIBLE,
            best_move=self._best_move,
            safe_unvoiced=self._safe_unvoiced,
            margin=MARGIN,
            is_pruned=moves.is_pruned,
            **{name: array.ctypes.data for name, array in arrays.items()},
        )

    def add(self, candidates: Candidates, first: int) -> int:
        """Add frames from ``first`` on, until the block is full or all are added."""
        n = min(len(candidates.log_unvoiced) - first, self.n_rows - 1 - self.row)
        starts = np.ascontiguousarray(candidates.starts[first : first + n + 1], np.int64)
        bins = np.ascontiguousarray(candidates.bins, np.int64)
        log_probs = np.ascontiguousarray(candidates.log_probs)
        log_unvoiced = np.ascontiguousarray(candidates.log_unvoiced[first : first + n])
        kernels.library.add_frames(
            self._layout,
            self.row + 1,
            n,
            *(each.ctypes.data for each in (starts, bins, log_probs, log_unvoiced)),
        )
        self.row += n
        return first + n

    def step(self, bins: States, log_probs: Values, log_unvoiced: float) -> None:
        """Add a frame."""
        starts, alone = np.array([0, len(bins)]), np.array([log_unvoiced])
        self.add(Candidates(starts, bins, log_probs, alone, alone), 0)

    def trail(self, row: int, state: int) -> States:
        """Return the states before one state, from row 0 to this row, its own included."""
        states = np.empty(row + 1, np.int64)
        states[row] = state
        address = states.ctypes.data
        while row := kernels.library.trace(self._layout, row, address):
            states[row - 1] = self.source(row, int(states[row]))
            row -= 1
        return states.astype(np.intp, copy=False)


class _Rows:
    """Rows of an array, each as long as it has states."""

    def __init__(self, array: np.ndarray, lengths: np.ndarray) -> None:
        self._array, self._lengths = array, lengths

    def __getitem__(self, row: int) -> np.ndarray:
        found: np.ndarray = self._array[row, : self._lengths[row]]
        return found

    def __setitem__(self, row: int, values: np.ndarray) -> None:
        self._lengths[row] = len(values)
        self._array[row, : len(values)] = values


def make_lattice(moves: Transitions, *, n_rows: int) -> Lattice:
    """Return a lattice of pYIN's states; see `Lattice` for the arguments."""
    kind = CompiledLattice if kernels.library else Lattice
    return kind(moves, n_rows=n_rows)

"""pYIN's states, computed with compiled loops if they are installed."""

import numpy as np

from chalicelib.core.dsp import kernels
from chalicelib.core.dsp.memory import aligned
from chalicelib.core.pitch.lattice import Lattice, States, Values
from chalicelib.core.pitch.transitions import LOG_IMPOSSIBLE, Transitions


class CompiledLattice(Lattice):
    """`Lattice` with its two inner loops compiled: exactly the same sums and maxima.

    The loops read memory whose addresses were looked up before, because looking up an array's
    address takes longer than a loop.
    """

    def __init__(self, moves: Transitions, *, n_rows: int) -> None:
        super().__init__(moves, n_rows=n_rows)
        width, n_columns = self._keep_shifted.shape
        padded = width + -width % kernels.SIDE_BY_SIDE
        keep = np.full((padded, n_columns), -np.inf)
        keep[:width] = self._keep_shifted
        self._keep_band = aligned(
            n_columns // kernels.SIDE_BY_SIDE, padded, kernels.SIDE_BY_SIDE, dtype=np.float64
        )
        self._keep_band[:] = keep.reshape(padded, -1, kernels.SIDE_BY_SIDE).swapaxes(0, 1)
        self._switch_band = np.full((self.n_bins, padded), -np.inf)
        self._switch_band[:, :width] = moves.switch_band
        self._bins_kept = np.empty((n_rows, self.n_bins), np.intp)
        self._voiced_kept = np.empty((n_rows, self.n_bins))

        self._unvoiced_at = _Rows(self._unvoiced)
        self._reachable_at = _Rows(self._windows)
        self._bins_at, self._voiced_at = _Rows(self._bins_kept), _Rows(self._voiced_kept)
        self._to_unvoiced = (self._keep_band.ctypes.data, padded, n_columns)
        self._to_voiced = (self._switch_band.ctypes.data, padded)
        self._keep = (moves.keep.ctypes.data, self.n_bins)
        self._switch = (moves.switch.ctypes.data, self.n_bins)

    def restart(self) -> None:
        """Make the last frame row 0 of the next block."""
        bins, voiced = self._bins[self.row], self._voiced[self.row]
        super().restart()
        self._bins[0], self._voiced[0] = self._kept(bins, voiced)

    def _enter_unvoiced(self, unvoiced: Values) -> None:  # noqa: ARG002  # the row's own memory
        kernels.library.enter_unvoiced(
            self._reachable_at[self.row - 1],
            *self._to_unvoiced,
            *self._voiced_before,
            *self._switch,
            self._jump_before,
            self._unvoiced_at[self.row],
        )

    def _enter_voiced(self, bins: States, log_probs: Values) -> Values:
        if self.row == 0:
            return self._kept(bins, super()._enter_voiced(bins, log_probs))[1]
        _, voiced = self._kept(bins, log_probs)
        kernels.library.enter_voiced(
            self._reachable_at[self.row - 1],
            *self._to_voiced,
            *self._voiced_before,
            *self._keep,
            self._jump_before,
            self._bins_at[self.row],
            len(bins),
            self._voiced_at[self.row],
        )
        return voiced

    def _kept(self, bins: States, values: Values) -> tuple[States, Values]:
        """Copy some bins, with a value for each, into this row's memory."""
        kept = self._bins_kept[self.row, : len(bins)], self._voiced_kept[self.row, : len(bins)]
        kept[0][:], kept[1][:] = bins, values
        return kept

    @property
    def _voiced_before(self) -> tuple[int, int, int]:
        before = self.row - 1
        return self._bins_at[before], self._voiced_at[before], len(self._bins[before])

    @property
    def _jump_before(self) -> float:
        """Log probability that the leader of the row before gives every state, as in `_jump`."""
        before = self.row - 1
        if self._leader_is_voiced[before] or self._moves.is_pruned:
            return -np.inf
        return self._leader[before] + LOG_IMPOSSIBLE


class _Rows:
    """The addresses of an array's rows."""

    def __init__(self, array: np.ndarray) -> None:
        self._first, self._step = array.ctypes.data, array.strides[0]

    def __getitem__(self, row: int) -> int:
        return self._first + row * self._step


def make_lattice(moves: Transitions, *, n_rows: int) -> Lattice:
    """Return a lattice of pYIN's states; see `Lattice` for the arguments."""
    kind = CompiledLattice if kernels.library else Lattice
    return kind(moves, n_rows=n_rows)

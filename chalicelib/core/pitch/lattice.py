"""pYIN's states, frame by frame: the likelihood of each, and the state before it."""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from chalicelib.core.dsp.memory import aligned, aligned_size
from chalicelib.core.pitch.candidates import Candidates
from chalicelib.core.pitch.transitions import LOG_IMPOSSIBLE, Transitions

# Much more than the rounding error of sums of log probabilities over any recording.
MARGIN = 1.0

States = NDArray[np.intp]
Values = NDArray[np.float64]


class Lattice:
    """A block of frames of a Viterbi lattice equal to librosa's, ties and rounding included.

    Each pitch bin has a voiced state and an unvoiced one.
    States are numbered as in librosa, the voiced ones first; of equally likely ones the lowest is
    taken. Three facts make this fast, and exact:

    - All unvoiced states are equally likely in a frame. So if a bin is not a candidate, its voiced
      state is much less likely than its unvoiced state, and is left out. This may fail only if a
      frame is certainly voiced; then every state is checked.
    - Only moves within ``reach`` bins are possible. Of all impossible moves, only the one from
      the most likely state, the leader, can be the best.
    - Going forward, only likelihoods are computed. The state before a state is found later, only
      for the few states on a path.

    If the moves are pruned, the first two are not true: a voiced state may be reached where the
    unvoiced one of the same bin is not, and there is no impossible move. Every state is checked.

    Parameters
    ----------
    moves : Transitions
        log transition probabilities
    n_rows : int > 1
        frames in a block; row 0 is the last frame of the block before
    """

    def __init__(self, moves: Transitions, *, n_rows: int) -> None:
        n_bins, width = moves.n_bins, 2 * moves.reach + 1
        self.row = -1
        self.n_rows = n_rows
        self.n_bins = n_bins
        self._moves = moves
        self._reach = moves.reach
        self._log_init = float(np.log(1 / (2 * n_bins) + np.finfo(np.float64).tiny))
        possible = np.isfinite(moves.keep_band) & np.isfinite(moves.switch_band)
        gap = np.abs(moves.keep_band[possible] - moves.switch_band[possible])
        # Above this, the unvoiced state of a bin is more likely than an unobserved voiced state.
        self._safe_unvoiced = LOG_IMPOSSIBLE + 2 * float(gap.max(initial=0)) + MARGIN
        if moves.is_pruned:
            self._safe_unvoiced = -np.inf  # every state is checked in every frame anyway
        self._best_move = float(max(moves.keep.max(), moves.switch.max()))

        # Columns are padded for whole cache lines, before the first bin and after the last.
        first, n_columns = aligned_size(moves.reach), aligned_size(n_bins)
        padded = aligned(n_rows, aligned_size(first + n_columns + moves.reach), dtype=np.float64)
        padded.fill(-np.inf)
        self._unvoiced = padded[:, first : first + n_bins]
        self._columns = padded[:, first : first + n_columns]
        reachable = padded[:, first - moves.reach :]
        self._windows = sliding_window_view(reachable, width, axis=1)
        self._shifted = sliding_window_view(reachable, n_columns, axis=1)[:, :width]
        self._keep_shifted = aligned(width, n_columns, dtype=np.float64)
        self._keep_shifted.fill(-np.inf)
        self._keep_shifted[:, :n_bins] = moves.keep_band.T
        self._sums = aligned(width, n_columns, dtype=np.float64)
        self._bins = [np.empty(0, np.intp)] * n_rows
        self._voiced = [np.empty(0)] * n_rows
        self._leader = [0.0] * n_rows
        self._leader_is_voiced = [False] * n_rows
        self._scores = np.empty((n_bins, n_bins + width))
        self._count = np.arange(n_bins)

    def add(self, candidates: Candidates, first: int) -> int:
        """Add frames from ``first`` on, until the block is full or all are added.

        Parameters
        ----------
        candidates : Candidates
            the observed frames
        first : int
            index of the first of them to add

        Returns
        -------
        stop : int
            index after the last of them that was added
        """
        stop = min(len(candidates.log_unvoiced), first + self.n_rows - 1 - self.row)
        starts = candidates.starts[first : stop + 1].tolist()
        log_unvoiced = candidates.log_unvoiced[first:stop].tolist()
        for start, end, each in zip(starts, starts[1:], log_unvoiced, strict=False):
            self.step(candidates.bins[start:end], candidates.log_probs[start:end], each)
        return stop

    def step(self, bins: States, log_probs: Values, log_unvoiced: float) -> None:
        """Add a frame.

        Parameters
        ----------
        bins : np.ndarray [shape=(n,)]
            pitch bins of the candidates, ascending
        log_probs : np.ndarray [shape=(n,)]
            log probability of each candidate
        log_unvoiced : float
            log probability of each unvoiced state
        """
        self.row += 1
        row = self.row
        if self._moves.is_pruned:
            bins, log_probs = self._every_voiced(bins, log_probs)
        unvoiced = self._unvoiced[row]
        if row == 0:
            unvoiced.fill(self._log_init)
            ceiling = self._log_init
        else:
            self._enter_unvoiced(unvoiced)
            ceiling = self._leader[row - 1] + self._best_move
        unvoiced += log_unvoiced
        voiced = self._enter_voiced(bins, log_probs)
        best_unvoiced = float(np.maximum.reduce(unvoiced))
        best_voiced = max(voiced.tolist(), default=-np.inf)
        leader = max(best_unvoiced, best_voiced)
        if log_unvoiced < self._safe_unvoiced and leader < ceiling + self._best_move + MARGIN:
            bins, log_all = self._every_voiced(bins, log_probs)
            voiced = self._enter_voiced(bins, log_all)
            best_voiced = float(voiced.max())
            leader = max(best_unvoiced, best_voiced)
        self._bins[row] = bins
        self._voiced[row] = voiced
        self._leader[row] = leader
        self._leader_is_voiced[row] = best_voiced >= best_unvoiced

    def _every_voiced(self, bins: States, log_probs: Values) -> tuple[States, Values]:
        log_all = np.full(self.n_bins, LOG_IMPOSSIBLE)
        log_all[bins] = log_probs
        return self._count, log_all

    def _enter_unvoiced(self, unvoiced: Values) -> None:
        row, before = self.row, self.row - 1
        np.add(self._shifted[before], self._keep_shifted, out=self._sums)
        np.maximum.reduce(self._sums, axis=0, out=self._columns[row])
        bins = self._bins[before]
        if len(bins):
            sums = self._moves.switch.take(bins, axis=0)
            sums += self._voiced[before][:, None]
            np.maximum(np.maximum.reduce(sums, axis=0), unvoiced, out=unvoiced)
        self._jump(unvoiced)

    def _enter_voiced(self, bins: States, log_probs: Values) -> Values:
        row, before = self.row, self.row - 1
        n = len(bins)
        voiced: Values
        if row == 0 or not n:
            voiced = log_probs + self._log_init
            return voiced
        from_bins = self._bins[before]
        m = len(from_bins)
        scores = self._scores[:n, : m + self._windows.shape[2]]
        if m:
            np.add(
                self._moves.keep[from_bins, bins[:, None]],
                self._voiced[before],
                out=scores[:, :m],
            )
        np.add(
            self._windows[before][bins],
            self._moves.switch_band.take(bins, axis=0),
            out=scores[:, m:],
        )
        voiced = np.maximum.reduce(scores, axis=1)
        self._jump(voiced)
        voiced += log_probs
        return voiced

    def _jump(self, scores: Values) -> None:
        """Let the leader make an impossible move if no other move is better."""
        before = self.row - 1
        # The moves of voiced states, impossible ones too, are all in the tables.
        if not (self._leader_is_voiced[before] or self._moves.is_pruned):
            np.maximum(scores, self._leader[before] + LOG_IMPOSSIBLE, out=scores)

    def restart(self) -> None:
        """Make the last frame row 0 of the next block."""
        row, self.row = self.row, 0
        self._bins[0] = self._bins[row]
        self._voiced[0] = self._voiced[row]
        self._unvoiced[0] = self._unvoiced[row]
        self._leader[0] = self._leader[row]
        self._leader_is_voiced[0] = self._leader_is_voiced[row]

    def states(self, row: int) -> States:
        """Return the states of a row that can be on a best path, ascending."""
        return np.concatenate([self._bins[row], self._count + self.n_bins])

    def best(self) -> int:
        """Return the index of the most likely state of the last frame."""
        return int(np.argmax(np.concatenate([self._voiced[self.row], self._unvoiced[self.row]])))

    def sources(self, row: int, states: States) -> States:
        """Return the state before each of some states.

        Parameters
        ----------
        row : int > 0
            row of the states
        states : np.ndarray [shape=(n,)]
            states that candidates or unvoiced bins have in this row, ascending

        Returns
        -------
        sources : np.ndarray [shape=(n,)]
            for each state, the most likely state before it, in row ``row - 1``
        """
        moves = self._moves
        split = int(np.searchsorted(states, self.n_bins))
        targets = states[split:] - self.n_bins
        voiced = self._search(row, states[:split], moves.keep, moves.switch_band)
        unvoiced = self._search(row, targets, moves.switch, moves.keep_band)
        return np.concatenate([voiced, unvoiced])

    def source(self, row: int, state: int) -> int:
        """Return the state before one state, as ``sources`` does, without the cost of arrays."""
        moves, before = self._moves, row - 1
        if state < self.n_bins:
            target, from_voiced, from_unvoiced = state, moves.keep, moves.switch_band
        else:
            target, from_voiced, from_unvoiced = state - self.n_bins, moves.switch, moves.keep_band
        sums = self._windows[before, target] + from_unvoiced[target]
        offset = int(sums.argmax())
        source, score = self.n_bins + target + offset - self._reach, sums[offset]
        bins = self._bins[before]
        if len(bins):
            sums = from_voiced[:, target].take(bins)
            sums += self._voiced[before]
            index = int(sums.argmax())
            if sums[index] >= score:
                source, score = int(bins[index]), sums[index]
        if score <= self._leader[before] + LOG_IMPOSSIBLE and not moves.is_pruned:
            return int(self.sources(row, np.array([state]))[0])
        return source

    def trail(self, row: int, state: int) -> States:
        """Return the states before one state, from row 0 to this row, its own included."""
        trail = [state]
        for each in range(row, 0, -1):
            trail.append(self.source(each, trail[-1]))
        return np.array(trail[::-1], np.intp)

    def _search(
        self, row: int, targets: States, from_voiced: Values, from_unvoiced: Values
    ) -> States:
        before, count = row - 1, np.arange(len(targets))
        sums = self._windows[before][targets] + from_unvoiced[targets]
        offset = np.argmax(sums, axis=1)
        score = sums[count, offset]
        source: States = self.n_bins + targets + offset - self._reach
        bins, voiced = self._bins[before], self._voiced[before]
        if len(bins):
            sums = from_voiced[bins, targets[:, None]] + voiced
            index = np.argmax(sums, axis=1)
            voiced_score = sums[count, index]
            source = np.where(voiced_score >= score, bins[index], source)
            score = np.maximum(voiced_score, score)
        if self._moves.is_pruned:
            return source
        everything = np.concatenate([voiced, self._unvoiced[before]]) + LOG_IMPOSSIBLE
        index_of_leader = int(np.argmax(everything))
        leader = np.append(bins, self._count + self.n_bins)[index_of_leader]
        jump = everything[index_of_leader]
        source = np.where(score < jump, leader, source)
        return np.where(score == jump, np.minimum(leader, source), source)

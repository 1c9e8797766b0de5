"""The most likely path through pYIN's states, decoded as the frames arrive."""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from chalicelib.core.candidates import Candidates
from chalicelib.core.pitch_parameters import PitchParameters
from chalicelib.core.survivors import UNVOICED, Pitches, Probs, Survivors
from chalicelib.core.transitions import LOG_IMPOSSIBLE, Transitions

BLOCK_FRAMES = 256

_TINY = np.finfo(np.float64).tiny
# Far more than rounding can be, on sums of log probabilities over any recording.
_MARGIN = 1.0

Bins = NDArray[np.intp]
Values = NDArray[np.float64]


class Decoder:
    """Viterbi decoding equal to a dense one, ties and rounding included.

    Each pitch bin has a voiced state and an unvoiced one; states are numbered as in librosa, the
    voiced first. What makes it cheap, and exact:

    - All unvoiced states are equally likely in a frame. So the voiced state of a bin that is no
      candidate is less likely, by far, than the unvoiced state of the same bin, and is left out.
    - Only moves within ``reach`` bins are possible. Of all impossible moves, only the one from
      the likeliest state of all can be best.
    - No pointers are stored: the few that a path follows are found again on the way back.

    Parameters
    ----------
    parameters : PitchParameters
        pitch bins and transitions are taken from it
    """

    def __init__(self, parameters: PitchParameters) -> None:
        self._moves = moves = Transitions.of(parameters)
        n_bins, reach = moves.n_bins, moves.reach
        self._log_init = float(np.log(1 / (2 * n_bins) + _TINY))
        possible = moves.keep_band > -np.inf
        gap = np.abs(moves.keep_band[possible] - moves.switch_band[possible])
        # Above this, the unvoiced state of a bin outdoes a voiced one that was not observed.
        self._safe_unvoiced = LOG_IMPOSSIBLE + 2 * float(gap.max()) + _MARGIN
        self._best_move = float(max(moves.keep.max(), moves.switch.max()))
        # Row 0 is the last frame of the block before.
        self._unvoiced = np.full((BLOCK_FRAMES + 1, n_bins + 2 * reach), -np.inf)
        self._windows = sliding_window_view(self._unvoiced, 2 * reach + 1, axis=1)
        self._offset_windows = self._windows.transpose(0, 2, 1)
        self._inner = slice(reach, reach + n_bins)
        self._keep_offsets = np.ascontiguousarray(moves.keep_band.T)
        self._sums = np.empty((2 * reach + 1, n_bins))
        self._bins: list[Bins] = [np.empty(0, np.intp)] * (BLOCK_FRAMES + 1)
        self._voiced: list[Values] = [np.empty(0)] * (BLOCK_FRAMES + 1)
        self._jump = [0.0] * (BLOCK_FRAMES + 1)
        self._probs = np.empty(BLOCK_FRAMES + 1)
        self._row = -1
        self._survivors = Survivors()

    def push(self, candidates: Candidates) -> tuple[Pitches, Probs]:
        """Take in observed frames, and return those that are decided.

        Parameters
        ----------
        candidates : Candidates
            what was observed in the next frames

        Returns
        -------
        pitches : np.ndarray [shape=(n_decided,)]
            pitch bin of the next decided frames, ``UNVOICED`` where they have none
        voiced_prob : np.ndarray [shape=(n_decided,)]
            probability that each of them is voiced
        """
        starts = candidates.starts.tolist()
        log_unvoiced = candidates.log_unvoiced.tolist()
        for t, log_u in enumerate(log_unvoiced):
            span = slice(starts[t], starts[t + 1])
            self._step(candidates.bins[span], candidates.log_probs[span], log_u)
            self._probs[self._row] = candidates.voiced_prob[t]
            if self._row in (0, BLOCK_FRAMES):
                self._close_block()
        return self._survivors.take()

    def finish(self) -> tuple[Pitches, Probs]:
        """Return the frames that were not decided yet."""
        if self._row < 0:
            return self._survivors.take()
        self._close_block()
        last = np.concatenate([self._voiced[0], self._unvoiced[0, self._inner]])
        return self._survivors.finish(int(np.argmax(last)))

    def _step(self, bins: Bins, log_probs: Values, log_unvoiced: float) -> None:
        moves = self._moves
        row = self._row = self._row + 1
        unvoiced = self._unvoiced[row, self._inner]
        if row == 0:
            unvoiced[:] = self._log_init
            ceiling = self._log_init
        else:
            before = row - 1
            jump = self._jump[before]
            sums = np.add(self._offset_windows[before], self._keep_offsets, out=self._sums)
            np.max(sums, axis=0, out=unvoiced)
            if len(self._bins[before]):
                sums = moves.switch[self._bins[before]]
                sums += self._voiced[before][:, None]
                np.maximum(unvoiced, sums.max(axis=0), out=unvoiced)
            np.maximum(unvoiced, jump, out=unvoiced)
            ceiling = jump - LOG_IMPOSSIBLE + self._best_move
        unvoiced += log_unvoiced
        voiced = self._enter(bins, log_probs)
        best = max(float(unvoiced.max()), float(voiced.max(initial=-np.inf)))
        if log_unvoiced < self._safe_unvoiced and best < ceiling + self._best_move + _MARGIN:
            # Nothing of the above can be relied on here: look at every state.
            log_all = np.full(moves.n_bins, LOG_IMPOSSIBLE)
            log_all[bins] = log_probs
            bins = np.arange(moves.n_bins)
            voiced = self._enter(bins, log_all)
            best = max(best, float(voiced.max()))
        self._bins[row] = bins
        self._voiced[row] = voiced
        self._jump[row] = best + LOG_IMPOSSIBLE

    def _enter(self, bins: Bins, log_probs: Values) -> Values:
        voiced: Values
        if self._row == 0:
            voiced = log_probs + self._log_init
            return voiced
        if not len(bins):
            return log_probs
        before = self._row - 1
        sums = self._windows[before, bins]
        sums += self._moves.switch_band[bins]
        voiced = np.maximum(sums.max(axis=1), self._jump[before])
        if len(self._bins[before]):
            sums = self._moves.keep[self._bins[before][:, None], bins]
            sums += self._voiced[before][:, None]
            np.maximum(voiced, sums.max(axis=0), out=voiced)
        voiced += log_probs
        return voiced

    def _close_block(self) -> None:
        """Follow every path back through the block, and hand the frames to the survivors."""
        n_bins, row = self._moves.n_bins, self._row
        if row == 0 and self._survivors.started:
            return
        states = np.concatenate([self._bins[row], np.arange(n_bins, 2 * n_bins)])
        paths = np.arange(len(states))
        first = 0 if not self._survivors.started else 1
        pitches = np.empty((row + 1 - first, len(states)), np.int16)
        for r in range(row, 0, -1):
            pitches[r - first] = np.where(states < n_bins, states, UNVOICED)[paths]
            states, merged = np.unique(self._sources(r, states), return_inverse=True)
            paths = merged[paths]
        if first == 0:
            pitches[0] = np.where(states < n_bins, states, UNVOICED)[paths]
        bins = self._bins[0]
        column = np.where(
            states < n_bins, np.searchsorted(bins, states), states - n_bins + len(bins)
        )
        self._survivors.append(pitches, self._probs[first : row + 1].copy(), column[paths])
        self._unvoiced[0] = self._unvoiced[row]
        self._bins[0] = self._bins[row]
        self._voiced[0] = self._voiced[row]
        self._jump[0] = self._jump[row]
        self._row = 0

    def _sources(self, row: int, states: Bins) -> Bins:
        """Return the state before each of the states of a row."""
        moves = self._moves
        split = int(np.searchsorted(states, moves.n_bins))
        return np.concatenate(
            [
                self._best_source(row, states[:split], moves.keep, moves.switch_band),
                self._best_source(
                    row, states[split:] - moves.n_bins, moves.switch, moves.keep_band
                ),
            ]
        )

    def _best_source(
        self, row: int, targets: Bins, from_voiced: Values, from_unvoiced: Values
    ) -> Bins:
        n_bins, reach = self._moves.n_bins, self._moves.reach
        before = row - 1
        sums = self._windows[before, targets]
        sums += from_unvoiced[targets]
        offset = np.argmax(sums, axis=1)
        score = sums[np.arange(len(targets)), offset]
        source: Bins = n_bins + targets + offset - reach
        bins, voiced = self._bins[before], self._voiced[before]
        if len(bins):
            sums = from_voiced[bins[:, None], targets]
            sums += voiced[:, None]
            index = np.argmax(sums, axis=0)
            voiced_score = sums[index, np.arange(len(targets))]
            # Of equals the lowest state is taken, and voiced states come first.
            source = np.where(voiced_score >= score, bins[index], source)
            score = np.maximum(voiced_score, score)
        jump = self._jump[before]
        if (score <= jump).any():
            everything = np.concatenate([voiced, self._unvoiced[before, self._inner]])
            index = int(np.argmax(everything + LOG_IMPOSSIBLE))
            likeliest = bins[index] if index < len(bins) else n_bins + index - len(bins)
            source = np.where(score < jump, likeliest, source)
            source = np.where(score == jump, np.minimum(likeliest, source), source)
        return source

"""The most likely path through pYIN's states, decoded frame by frame."""

import numpy as np
from numpy.typing import NDArray

from chalicelib.core.dsp.memory import BUFFER_ELEMENTS
from chalicelib.core.pitch.candidates import Candidates
from chalicelib.core.pitch.compiled_lattice import make_lattice
from chalicelib.core.pitch.parameters import PitchParameters
from chalicelib.core.pitch.survivors import UNVOICED, Pitches, Probs, Survivors
from chalicelib.core.pitch.transitions import Transitions

BLOCK_FRAMES = 512

Paths = NDArray[np.intp]


class Decoder:
    """Viterbi decoding that returns a frame as soon as no later frame can change it.

    Frames are taken in blocks. At the end of a block every possible path is followed back to its
    beginning; most paths meet long before.

    Parameters
    ----------
    parameters : PitchParameters
        the pitch bins and transitions
    """

    def __init__(self, parameters: PitchParameters) -> None:
        self._lattice = make_lattice(Transitions.of(parameters), n_rows=BLOCK_FRAMES + 1)
        self._survivors = Survivors()
        self._probs: list[Probs] = []
        # Row 0 is the last frame of the block before, except in the first block.
        self._first_row = 0

    def push(self, candidates: Candidates) -> tuple[Pitches, Probs]:
        """Take observed frames, and return the frames that are decided.

        Parameters
        ----------
        candidates : Candidates
            candidates of the next frames

        Returns
        -------
        pitches : np.ndarray [shape=(n_decided,)]
            pitch bin of the next decided frames, ``UNVOICED`` where they have none
        voiced_prob : np.ndarray [shape=(n_decided,)]
            probability that each of them is voiced
        """
        with np.errstate():
            np.setbufsize(BUFFER_ELEMENTS)
            self._add(candidates)
        return self._survivors.take()

    def _add(self, candidates: Candidates) -> None:
        lattice = self._lattice
        first = 0
        while first < len(candidates.voiced_prob):
            stop = lattice.add(candidates, first)
            self._probs.append(candidates.voiced_prob[first:stop])
            if lattice.row == BLOCK_FRAMES:
                self._close_block()
            first = stop

    def finish(self) -> tuple[Pitches, Probs]:
        """Return the frames that were not decided yet."""
        if self._lattice.row < 0:
            return self._survivors.take()
        self._close_block()
        return self._survivors.finish(self._lattice.best())

    def _close_block(self) -> None:
        lattice, first = self._lattice, self._first_row
        row = lattice.row
        if row < first:
            return
        states = lattice.states(row)
        paths = np.arange(len(states))
        pitches = np.empty((row + 1 - first, len(states)), np.int16)
        while row > 0 and len(states) > 1:
            pitches[row - first] = self._pitches(states)[paths]
            states, merged = np.unique(lattice.sources(row, states), return_inverse=True)
            paths = merged[paths]
            row -= 1
        if row > 0:
            states = lattice.trail(row, int(states[0]))
            pitches[1 - first : row + 1 - first] = self._pitches(states[1:])[:, None]
            states = states[:1]
        if first == 0:
            pitches[0] = self._pitches(states)[paths]
        entry = np.searchsorted(lattice.states(0), states)[paths]
        self._survivors.append(pitches, np.concatenate(self._probs), entry)
        self._probs.clear()
        self._first_row = 1
        lattice.restart()

    def _pitches(self, states: Paths) -> Pitches:
        pitches: Pitches = np.where(states < self._lattice.n_bins, states, UNVOICED).astype(
            np.int16
        )
        return pitches

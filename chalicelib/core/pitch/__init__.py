"""Fundamental frequency by pYIN (Mauch and Dixon, 2014), streamed, equal to ``librosa.pyin``.

Belongs here: the steps of pYIN. Does not belong here: tables (``features``), decoding (``audio``).

The steps, in the paper's words:

1. ``yin``: the cumulative mean normalised difference function of each frame
   (de Cheveigne and Kawahara, 2002, step 3).
2. ``candidates``: its troughs are the frame's pitch candidates. Each threshold of ``priors``
   (a Beta distribution) picks one; the probabilities of the thresholds add up on the candidates.
3. ``transitions``: a hidden Markov model with a voiced and an unvoiced state for each pitch bin.
   The probability of a move is a triangle over the bins, times the probability of a voicing switch.
4. ``lattice``: the log probability of the best path into each state (``compiled_lattice`` with
   kernels).
5. ``viterbi``: the most likely path. ``survivors`` keeps the paths that may still be the best
   one, and returns a frame as soon as no later frame can change it.

``parameters`` checks the parameters; ``tracker`` is the interface: samples in, f0 out.
"""

"""Signals that are the same on every machine: voices and tones by formula, without a library."""

import numpy as np


def vowel(seconds, sr, *, f0=120.0, formants=(700.0, 1220.0, 2600.0), seed=1, level=0.2):
    """A vowel with vibrato, a little breath, and pauses: pulses through resonances."""
    n = int(seconds * sr)
    t = np.arange(n) / sr
    phase = np.cumsum(f0 * (1 + 0.03 * np.sin(2 * np.pi * 4 * t))) / sr
    pulses = np.diff(np.floor(phase), prepend=0.0)
    # A linear congruential generator, because numpy's own may change in a later version.
    noise = np.empty(n)
    state = seed
    for i in range(n):
        state = (1103515245 * state + 12345) % 2**31
        noise[i] = state / 2**30 - 1
    y = pulses + 0.01 * noise
    for frequency in formants:
        radius = np.exp(-np.pi * 80 / sr)
        a1, a2 = -2 * radius * np.cos(2 * np.pi * frequency / sr), radius**2
        out = np.zeros(n)
        before = last = 0.0
        for i in range(n):
            out[i] = y[i] - a1 * last - a2 * before
            before, last = last, out[i]
        y = out
    y *= np.clip(4 * np.sin(np.pi * t / seconds), 0, 1)
    return level * y / np.abs(y).max()

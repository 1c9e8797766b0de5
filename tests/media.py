"""Recordings made for the tests."""

import io

import numpy as np
import soundfile

SR = 16_000


def wav(duration_s: float = 1.0, *, f0_hz: float = 220.0) -> bytes:
    """Return a tone as a WAV file."""
    y = 0.3 * np.sin(2 * np.pi * f0_hz * np.arange(round(duration_s * SR)) / SR)
    return encode(y, "WAV")


def encode(y: np.ndarray, container: str, sr: int = SR) -> bytes:
    """Return samples as a file of a kind that libsndfile writes."""
    file = io.BytesIO()
    soundfile.write(file, y, sr, format=container)
    return file.getvalue()

"""Recordings for the benchmark, made once: python benchmarks/recordings.py OUT SECONDS [SR].

Speech at 44.1 kHz or SR, 16 bits, mono: the shared recordings, or a synthetic voice if there are
none.
"""

import sys
from pathlib import Path

import numpy as np
import soundfile
import soxr

SR = 44_100
SPEECH = Path(__file__).resolve().parents[2] / "shared/speech"


def main(path: str, seconds: str, sr: str = str(SR)) -> None:
    if Path(path).exists():
        return
    speech = soxr.resample(_speech(), SR, int(sr))
    rng = np.random.default_rng(1)
    with soundfile.SoundFile(path, "w", int(sr), 1, subtype="PCM_16") as out:
        left = int(seconds) * int(sr)
        while left > 0:
            n = min(left, len(speech))
            # Each repetition differs, with another level and other noise.
            out.write(speech[:n] * rng.uniform(0.3, 1) + rng.normal(0, 1e-4, n))
            left -= n


def _speech() -> np.ndarray:
    paths = sorted([*SPEECH.glob("*.wav"), *SPEECH.glob("*.flac")])
    if paths:
        return np.concatenate([_mono(path) for path in paths])
    t = np.arange(30 * SR) / SR
    phase = 2 * np.pi * np.cumsum(140 + 40 * np.sin(2 * np.pi * t / 3)) / SR
    voice = np.sum([np.sin(k * phase) / k for k in range(1, 20)], axis=0) * 0.2
    return np.asarray(voice * (np.sin(2 * np.pi * t / 1.3) > 0))


def _mono(path: Path) -> np.ndarray:
    y, sr = soundfile.read(path, always_2d=True)
    return np.asarray(soxr.resample(y.mean(axis=1), sr, SR))


if __name__ == "__main__":
    main(*sys.argv[1:4])

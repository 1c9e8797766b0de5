"""Time of one kind of work, repeated in one process: warm.py WORK WAV RUNS [SHORT_WAV].

Prints the CPU seconds of each run. A first run on the short recording does not count. So these are
the costs in a warm container, without the time of librosa's compiler.
"""

import json
import resource
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, BinaryIO

from peers import PEERS

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

# Runs of this length vary little.
LONG_S, RUNS_WHEN_LONG = 15.0, 3
Work = Callable[[Path, Path], Any]


def original(wav: Path, folder: Path) -> None:
    from original_recipe import main

    main(str(wav), str(folder / "original.csv"))


def librosa_tables(wav: Path, folder: Path) -> None:
    """MFCC, energy and pitch by librosa's defaults, each to a table of pandas."""
    import librosa
    import pandas as pd

    y, sr = librosa.load(wav)
    mfcc = librosa.feature.mfcc(y=y, sr=sr, n_mfcc=13)
    f0, voiced, voiced_prob = librosa.pyin(y, sr=sr, fmin=65, fmax=500)
    tables = {
        "mfcc": {f"mfcc_{i}": row for i, row in enumerate(mfcc, start=1)},
        "energy": {
            "rms": librosa.feature.rms(y=y)[0],
            "zero_crossing_rate": librosa.feature.zero_crossing_rate(y)[0],
        },
        "pitch": {"f0_hz": f0, "voiced": voiced, "voiced_prob": voiced_prob},
    }
    for name, columns in tables.items():
        pd.DataFrame(columns).to_csv(folder / f"{name}.csv", index=False)


def earshot(*tables: str, fmax: float = 500.0) -> Work:
    def work(wav: Path, folder: Path) -> None:
        from chalicelib.core.features.extract import FeatureParameters, extract

        @contextmanager
        def open_table(name: str) -> Iterator[BinaryIO]:
            with (folder / name).open("wb") as stream:
                yield stream

        with wav.open("rb") as source:
            extract(source, FeatureParameters(tables=tables, f0_max=fmax), open_table)

    return work


def by_numpy(work: Work) -> Work:
    def alone(wav: Path, folder: Path) -> None:
        from chalicelib.core.dsp import kernels

        kernels.library = None
        work(wav, folder)

    return alone


def floor(wav: Path, _folder: Path) -> None:
    """Decode, resample and transform, with the same libraries and no other work."""
    import numpy as np
    import soundfile
    import soxr

    n_fft, hop, at_once = 2048, 512, 32
    with soundfile.SoundFile(wav) as media:
        stream = soxr.ResampleStream(media.samplerate, 22050, 1)
        pcm = np.empty((1 << 16, media.channels), np.int16)
        windowed = np.empty((at_once, n_fft))
        spectrum = np.empty((at_once, 1 + n_fft // 2), np.complex128)
        rest = np.zeros(0, np.float32)
        while n := media.buffer_read_into(pcm.data.cast("B"), "int16"):
            y = pcm[:n, 0] * np.float32(2.0**-15)
            rest = np.concatenate([rest, stream.resample_chunk(y)])
            frames = np.lib.stride_tricks.sliding_window_view(rest, n_fft)[::hop]
            for start in range(0, len(frames), at_once):
                part = frames[start : start + at_once]
                windowed[: len(part)] = part
                np.fft.rfft(windowed[: len(part)], out=spectrum[: len(part)])
            rest = rest[len(frames) * hop :]


def decode_and_resample(wav: Path, _folder: Path) -> None:
    from chalicelib.core.audio.decoding import DecodedAudio

    with wav.open("rb") as source:
        for _ in DecodedAudio(source).blocks(22050):
            pass


WORKS: dict[str, Work] = {
    "original": original,
    "librosa-tables": librosa_tables,
    "mfcc": earshot("mfcc"),
    "energy": earshot("energy"),
    "pitch": earshot("pitch"),
    "pitch-2093": earshot("pitch", fmax=2093.0),
    "mfcc-numpy": by_numpy(earshot("mfcc")),
    "pitch-numpy": by_numpy(earshot("pitch")),
    "pitch-2093-numpy": by_numpy(earshot("pitch", fmax=2093.0)),
    "together": earshot("mfcc", "energy", "pitch"),
    "floor": floor,
    "decode": decode_and_resample,
    **PEERS,
}


def cpu_s() -> float:
    """Return the CPU seconds of this process and of its finished children."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def main(work: str, wav: str, runs: str, short_wav: str | None = None) -> None:
    seconds: list[float] = []
    with TemporaryDirectory() as folder:
        WORKS[work](Path(short_wav or wav), Path(folder))
        while len(seconds) < int(runs):
            start = cpu_s()
            WORKS[work](Path(wav), Path(folder))
            seconds.append(cpu_s() - start)
            if seconds[-1] > LONG_S and len(seconds) == RUNS_WHEN_LONG:
                break
    print(json.dumps(seconds))


if __name__ == "__main__":
    main(*sys.argv[1:5])

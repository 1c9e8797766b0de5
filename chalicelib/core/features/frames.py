"""Frames of a recording, read back from its tables."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import islice, zip_longest
from typing import BinaryIO, Self

import numpy as np
import orjson

ROWS_AT_ONCE = 4096


@dataclass(frozen=True, slots=True)
class Frames:
    """Successive frames of a recording.

    Attributes
    ----------
    times : np.ndarray [shape=(n,)]
        centre of each frame in seconds, ascending
    mfcc : np.ndarray [shape=(n, n_mfcc)]
        mel-frequency cepstral coefficients
    f0 : np.ndarray [shape=(n,)]
        fundamental frequency in hertz, NaN where the frame is unvoiced
    voiced_flag : np.ndarray [shape=(n,)]
        whether each frame is voiced
    rms : np.ndarray [shape=(n,)]
        root-mean-square energy, 1 being full scale
    """

    times: np.ndarray
    mfcc: np.ndarray
    f0: np.ndarray
    voiced_flag: np.ndarray
    rms: np.ndarray

    def __len__(self) -> int:
        """Return the number of frames."""
        return len(self.times)

    def copy(self) -> Self:
        """Return a copy of the frames that does not keep their block in memory."""
        return replace(
            self,
            times=self.times.copy(),
            mfcc=self.mfcc.copy(),
            f0=self.f0.copy(),
            voiced_flag=self.voiced_flag.copy(),
            rms=self.rms.copy(),
        )

    def part(self, start: int, end: int) -> Self:
        """Return the frames from ``start`` up to ``end``, as views."""
        span = slice(start, end)
        return replace(
            self,
            times=self.times[span],
            mfcc=self.mfcc[span],
            f0=self.f0[span],
            voiced_flag=self.voiced_flag[span],
            rms=self.rms[span],
        )


def read_frames(
    mfcc: BinaryIO, pitch: BinaryIO, energy: BinaryIO, *, frame_s: float
) -> Iterator[Frames]:
    """Read ``mfcc.csv``, ``pitch.csv`` and ``energy.csv`` side by side, in blocks.

    Memory is that of one block: 4096 rows of each table, some 2 MB.

    Parameters
    ----------
    mfcc, pitch, energy : BinaryIO
        the tables, already decompressed
    frame_s : float > 0
        seconds from one frame's centre to the next: ``hop_length / sr``

    Yields
    ------
    frames : Frames
        at most 4096 frames

    Raises
    ------
    ValueError
        if a table lacks a column, has a cell that is not a number, or has fewer rows than another
    """
    tables = (
        read_columns(mfcc, "mfcc_"),
        read_columns(pitch, "f0_hz", "voiced"),
        read_columns(energy, "rms"),
    )
    first = 0
    nothing = np.empty((0, 0))
    for coefficients, voice, level in zip_longest(*tables, fillvalue=nothing):
        n_frames = level.shape[1]
        if not coefficients.shape[1] == voice.shape[1] == n_frames:
            raise ValueError(f"the tables differ in length after row {first}")
        yield Frames(
            times=np.arange(first, first + n_frames) * frame_s,
            mfcc=coefficients.T,
            f0=voice[0],
            voiced_flag=voice[1] > 0,
            rms=level[0],
        )
        first += n_frames


def read_columns(table: Iterable[bytes], *names: str) -> Iterator[np.ndarray]:
    """Yield blocks of shape (n_columns, n) of the named columns; ``mfcc_`` is all of MFCC.

    An empty cell is NaN.
    """
    lines = iter(table)
    header = next(lines, b"").decode().strip().split(",")
    columns = [
        index
        for name in names
        for index, column in enumerate(header)
        if column == name or (name.endswith("_") and column.removeprefix(name).isdigit())
    ]
    if len(columns) < len(names):
        raise ValueError(f"no column {' and '.join(names)} in {','.join(header)}")
    while block := list(islice(lines, ROWS_AT_ONCE)):
        # orjson reads numbers many times faster than Python; an empty cell becomes null.
        rows = b"[[" + b"],[".join(line.strip() for line in block) + b"]]"
        # Replaced twice, because the first two of three commas are one match.
        rows = rows.replace(b",,", b",null,").replace(b",,", b",null,")
        rows = rows.replace(b",]", b",null]").replace(b"[,", b"[null,")
        yield np.array(orjson.loads(rows), dtype=np.float64)[:, columns].T

"""Writes rows of numbers as CSV or as a NumPy archive, a few at a time."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import BinaryIO, cast

import numpy as np
import orjson

# The archive is the same bytes whenever it is made.
ZIP_EPOCH = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Array:
    """One array of an archive, whose frames come in blocks.

    ``blocks`` have shape (n,), or (n, n_rows) for an array of shape (n_rows, n_frames), which is
    how librosa lays features out.
    """

    name: str
    blocks: Iterator[np.ndarray]
    dtype: str
    n_rows: int | None = None


def write_csv(
    stream: BinaryIO, columns: tuple[str, ...], lines: Iterator[bytes], *, compress: bool
) -> None:
    """Write a header and lines of CSV as they come, gzipped on request."""
    with _compressed(stream) if compress else nullcontext(stream) as out:
        out.write(",".join(columns).encode() + b"\n")
        for line in lines:
            out.write(line)


def csv_rows(block: np.ndarray) -> bytes:
    """Return rows of shape (n > 0, n_columns) as CSV lines.

    Each number is the shortest text that gives it back in its own precision.
    """
    # orjson writes that form many times faster than Python can.
    text = orjson.dumps(np.ascontiguousarray(block), option=orjson.OPT_SERIALIZE_NUMPY)
    return text[2:-2].replace(b"],[", b"\n") + b"\n"


def csv_columns(*columns: np.ndarray) -> bytes:
    """Return columns of one length, each of its own type, as CSV lines; NaN is an empty cell."""
    texts = [
        orjson.dumps(np.ascontiguousarray(column), option=orjson.OPT_SERIALIZE_NUMPY)[1:-1]
        .replace(b"null", b"")
        .split(b",")
        for column in columns
    ]
    return b"\n".join(map(b",".join, zip(*texts, strict=True))) + b"\n"


def write_npz(stream: BinaryIO, arrays: list[Array], *, n_frames: int, compress: bool) -> None:
    """Write what ``np.load`` reads as an ``.npz``, without holding any array whole."""
    import zipfile  # noqa: PLC0415 - a twentieth of the time to the first MFCC, seldom needed

    method = zipfile.ZIP_DEFLATED if compress else zipfile.ZIP_STORED
    with zipfile.ZipFile(stream, "w", compression=method) as archive:
        for array in arrays:
            entry = zipfile.ZipInfo(f"{array.name}.npy", ZIP_EPOCH)
            entry.compress_type = method
            with archive.open(entry, "w", force_zip64=True) as member:
                shape = (n_frames,) if array.n_rows is None else (array.n_rows, n_frames)
                # Fortran order: a frame's numbers lie together, so frames can come one by one.
                header = {"descr": array.dtype, "fortran_order": True, "shape": shape}
                np.lib.format.write_array_header_1_0(cast("BinaryIO", member), header)
                for block in array.blocks:
                    member.write(np.ascontiguousarray(block, dtype=array.dtype).data)


def _compressed(stream: BinaryIO) -> AbstractContextManager[BinaryIO]:
    import gzip  # noqa: PLC0415 - as for zipfile

    # No name and no time in the header: the same table is the same bytes.
    return cast(
        "AbstractContextManager[BinaryIO]",
        gzip.GzipFile(filename="", mode="wb", fileobj=stream, mtime=0, compresslevel=6),
    )

"""Tables written as CSV or as a NumPy archive, a few rows at a time."""

from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, cast

import numpy as np
import orjson

if TYPE_CHECKING:
    import gzip
    import io

# The archive has the same bytes each time it is made.
ZIP_EPOCH = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Array:
    """One array of an archive, whose frames come in blocks.

    ``blocks`` have shape (n,), or (n, n_rows) for an array of shape (n_rows, n_frames), which is
    librosa's layout of features; together they have ``n_frames``.
    """

    name: str
    blocks: Iterator[np.ndarray]
    dtype: str
    n_frames: int
    n_rows: int | None = None


def write_csv(
    stream: BinaryIO, columns: tuple[str, ...], lines: Iterator[bytes], *, compress: bool
) -> None:
    """Write a header and lines of CSV, gzipped on request."""
    with compressed(stream) if compress else nullcontext(stream) as out:
        out.write(",".join(columns).encode() + b"\n")
        for line in lines:
            out.write(line)


def csv_rows(block: np.ndarray) -> bytes:
    """Return rows of shape (n > 0, n_columns) as CSV lines.

    Each number is the shortest text that gives the same number in its precision.
    """
    # orjson writes this form many times faster than Python.
    text = orjson.dumps(np.ascontiguousarray(block), option=orjson.OPT_SERIALIZE_NUMPY)
    return text[2:-2].replace(b"],[", b"\n") + b"\n"


def csv_columns(*columns: np.ndarray) -> bytes:
    """Return columns of equal length, which may differ in type, as CSV lines; NaN is empty."""
    texts = [
        orjson.dumps(np.ascontiguousarray(column), option=orjson.OPT_SERIALIZE_NUMPY)[1:-1]
        .replace(b"null", b"")
        .split(b",")
        for column in columns
    ]
    return b"\n".join(map(b",".join, zip(*texts, strict=True))) + b"\n"


def write_npz(stream: BinaryIO, arrays: list[Array], *, compress: bool) -> None:
    """Write an ``.npz`` archive for ``np.load``, without a whole array in memory."""
    import zipfile  # noqa: PLC0415  # a twentieth of the time to the first MFCC, rarely needed

    method = zipfile.ZIP_DEFLATED if compress else zipfile.ZIP_STORED
    with zipfile.ZipFile(stream, "w", compression=method) as archive:
        for array in arrays:
            entry = zipfile.ZipInfo(f"{array.name}.npy", ZIP_EPOCH)
            entry.compress_type = method
            with archive.open(entry, "w", force_zip64=True) as member:
                shape = (
                    (array.n_frames,) if array.n_rows is None else (array.n_rows, array.n_frames)
                )
                # Fortran order: the numbers of a frame are adjacent, so frames can be written one
                # by one.
                header = {"descr": array.dtype, "fortran_order": True, "shape": shape}
                np.lib.format.write_array_header_1_0(cast("BinaryIO", member), header)
                for block in array.blocks:
                    member.write(np.ascontiguousarray(block, dtype=array.dtype).data)


def compressed(stream: "BinaryIO | io.RawIOBase") -> "gzip.GzipFile":
    """Return a stream that compresses, with the same bytes each time."""
    import gzip  # noqa: PLC0415  # like zipfile

    # No name and no time in the header.
    return gzip.GzipFile(filename="", mode="wb", fileobj=stream, mtime=0, compresslevel=6)

"""Writes rows of numbers as CSV, a few at a time."""

from collections.abc import Iterable
from typing import BinaryIO

import numpy as np
import orjson


def write_csv(stream: BinaryIO, columns: Iterable[str], rows: Iterable[np.ndarray]) -> None:
    """Write a header and rows, each number in the shortest text that gives it back.

    Parameters
    ----------
    stream : BinaryIO
        where to write
    columns : iterable of str
        the header
    rows : iterable of np.ndarray [shape=(n, n_columns)]
        float rows, written as they come
    """
    stream.write(",".join(columns).encode() + b"\n")
    for block in rows:
        if len(block):
            stream.write(csv_rows(block))


def csv_rows(block: np.ndarray) -> bytes:
    """Return rows of shape (n > 0, n_columns) as CSV lines."""
    # orjson writes the shortest form of a float32, many times faster than Python can.
    text = orjson.dumps(np.ascontiguousarray(block), option=orjson.OPT_SERIALIZE_NUMPY)
    return text[2:-2].replace(b"],[", b"\n") + b"\n"

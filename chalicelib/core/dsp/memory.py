"""Arrays aligned to the processor's cache lines."""

import math
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

CACHE_LINE_BYTES = 64
# Number of elements that numpy handles at once if operands differ in shape. With its default of
# 8192 it copies an operand that is repeated for every row; with one row at a time it does not.
BUFFER_ELEMENTS = 512


def aligned(*shape: int, dtype: DTypeLike) -> NDArray[Any]:
    """Return zeros that begin on a cache line.

    numpy's arrays begin 16 bytes after the start of a line. Every vector that crosses two lines is
    read twice, and a product or a sum takes twice as long.

    Parameters
    ----------
    *shape : int
        shape of the array
    dtype : numpy.typing.DTypeLike
        type of its numbers
    """
    n_bytes = math.prod(shape) * np.dtype(dtype).itemsize
    memory = np.zeros(n_bytes + CACHE_LINE_BYTES, dtype=np.uint8)
    start = -memory.ctypes.data % CACHE_LINE_BYTES
    return memory[start : start + n_bytes].view(dtype).reshape(shape)


def aligned_size(n: int) -> int:
    """Return the smallest number of doubles, at least ``n``, that fills whole cache lines."""
    return n + -n % (CACHE_LINE_BYTES // np.dtype(np.float64).itemsize)

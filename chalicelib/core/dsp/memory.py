"""Memory to compute in, laid out for the processor."""

import math
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

CACHE_LINE_BYTES = 64
# Elements that numpy takes at once where operands differ in shape. At its default of 8192 it
# copies an operand that is repeated for every row; a row at a time, it does not.
BUFFER_ELEMENTS = 512


def aligned(*shape: int, dtype: DTypeLike) -> NDArray[Any]:
    """Return zeros that begin on a cache line.

    numpy's own arrays begin 16 bytes after one, and every vector that lies across two lines is
    read twice: a product or a sum takes twice as long.

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
    """Return how many doubles, ``n`` or a few more, end where a cache line does."""
    return n + -n % (CACHE_LINE_BYTES // np.dtype(np.float64).itemsize)

"""The inner loops of Earshot's feature extractor, compiled: see ``kernels.c`` for each.

Raises ImportError where the processor lacks what they were compiled for.
"""

import ctypes
from os.path import abspath, dirname, join

__version__ = "0.1.0"

library = ctypes.CDLL(join(dirname(abspath(__file__)), "kernels.so"))
if not library.kernels_run_here():
    raise ImportError("This processor has no AVX2, which the compiled kernels need")

# The ABI, and two sizes that memory is laid out by: see kernels.c.
layout = tuple((ctypes.c_int32 * 3).in_dll(library, "kernels_layout"))

_pointer, _size = ctypes.c_void_p, ctypes.c_size_t

library.mel_spectrum.restype = None
library.mel_spectrum.argtypes = [
    *(_pointer, ctypes.c_ssize_t, _size),  # frames, stride, n_frames
    *(_size, _pointer, _pointer, _pointer),  # n_fft, window, roots, reversed
    *(_size, _pointer, _pointer),  # n_mels, bands, weights
    *(_pointer, _pointer, _pointer),  # x, power, mel
]

library.enter_unvoiced.restype = None
library.enter_unvoiced.argtypes = [
    *(_pointer, _pointer, _size, _size),  # before, keep, width, n_columns
    *(_pointer, _pointer, _size),  # bins, voiced, n_voiced
    *(_pointer, _size, ctypes.c_double, _pointer),  # table, n_bins, jump, unvoiced
]
library.enter_voiced.restype = None
library.enter_voiced.argtypes = [
    *(_pointer, _pointer, _size),  # before, band, width
    *(_pointer, _pointer, _size),  # bins, voiced, n_voiced
    *(_pointer, _size, ctypes.c_double),  # table, n_bins, jump
    *(_pointer, _size, _pointer),  # targets, n_targets, out
]

"""The inner loops of Earshot's feature extractor, compiled: see the C files for each.

The import raises ImportError if the processor lacks the instructions that they need.
"""

import ctypes
from os.path import abspath, dirname, join

__version__ = "0.1.0"

library = ctypes.CDLL(join(dirname(abspath(__file__)), "kernels.so"))
if not library.kernels_run_here():
    raise ImportError("This processor has no AVX2, which the compiled kernels need")

# The ABI, and three sizes that memory is laid out by: see kernels.h.
layout = tuple((ctypes.c_int32 * 4).in_dll(library, "kernels_layout"))

_pointer, _size = ctypes.c_void_p, ctypes.c_size_t

library.mel_spectrum.restype = None
library.mel_spectrum.argtypes = [
    *(_pointer, ctypes.c_ssize_t, _size),  # frames, stride, n_frames
    *(_size, _pointer, _pointer, _pointer),  # n_fft, window, roots, reversed
    *(_size, _pointer, _pointer),  # n_mels, bands, weights
    *(_pointer, _pointer, _pointer),  # x, power, mel
]


class Lattice(ctypes.Structure):
    """pYIN's lattice: where its arrays lie, and their sizes. See ``lattice.c``."""

    _fields_ = [
        *((name, _size) for name in ("n_bins", "reach", "width", "n_columns")),
        *((name, _pointer) for name in ("keep_band", "switch_band", "keep_back")),
        *((name, _pointer) for name in ("keep", "change", "reachable")),
        ("row_step", _size),
        *((name, _pointer) for name in ("bins", "voiced", "n_voiced")),
        *((name, _pointer) for name in ("leader", "leader_is_voiced")),
        *((name, ctypes.c_double) for name in ("log_init", "log_impossible", "best_move")),
        *((name, ctypes.c_double) for name in ("safe_unvoiced", "margin")),
        ("is_pruned", ctypes.c_int64),
    ]


library.Lattice = Lattice
library.add_frames.restype = None
library.add_frames.argtypes = [
    *(ctypes.POINTER(Lattice), _size, _size),  # lattice, row, n_frames
    *(_pointer, _pointer, _pointer, _pointer),  # starts, bins, log_probs, log_unvoiced
]
library.trace.restype = _size
library.trace.argtypes = [ctypes.POINTER(Lattice), _size, _pointer]  # lattice, row, states

library.difference.restype = None
library.difference.argtypes = [
    *(_pointer, _size, _pointer, ctypes.c_ssize_t, _size),  # correlations, step, frames, stride, n
    *(_size, _size, _pointer),  # first, stop, yin
]
library.find_troughs.restype = _size
library.find_troughs.argtypes = [
    *(_pointer, _size, _size),  # yin, n_frames, n_lags
    *(_pointer, _pointer, _pointer, _pointer),  # frame, lag, height, shift
]
library.trough_priors.restype = None
library.trough_priors.argtypes = [
    *(_pointer, _pointer, _size, _size),  # n_above, starts, n_frames, n_thresholds
    *(_pointer, _size, _pointer, _pointer, _pointer),  # table, width, n_below, rank, prior
]

library.autocorrelate.restype = None
library.autocorrelate.argtypes = [
    *(_pointer, ctypes.c_ssize_t, _size, _size),  # frames, stride, n_frames, frame_length
    *(_pointer, _pointer, _pointer),  # twiddles, a, b
    *(_size, _size, _pointer),  # n_lags, step, correlations
]

"""Compiled inner loops in place of numpy, if the package ``earshot_kernels`` is installed.

Only this module imports the package. `compiled_mel` and `compiled_lattice` use its functions. If it
is not installed, they use numpy, which gives librosa's numbers too, but more slowly.
"""

import logging
from typing import Any

ABI = 3
LANES = 4
"""Frames that ``mel_spectrum`` transforms at a time."""

SIDE_BY_SIDE = 8
"""Maxima that the lattice's loops take at a time; their tables are padded to a multiple of it."""

FRAMES_AT_ONCE = 8
"""Frames whose autocorrelations are computed at once."""

library: Any
"""The functions of the C files, or None if numpy does everything."""

try:
    import earshot_kernels
except ImportError:
    library = None
else:
    library = earshot_kernels.library
    # If the numbers here differed from the library's, its loops would reach beyond an array.
    found, expected = (
        getattr(earshot_kernels, "layout", None),
        (ABI, LANES, SIDE_BY_SIDE, FRAMES_AT_ONCE),
    )
    if found != expected:
        library = None
        logging.getLogger(__name__).warning(
            "The compiled kernels are of another version (%s, not %s), so numpy does everything, "
            "slower. Compile them anew: make kernels",
            found,
            expected,
        )


def version() -> str | None:
    """Return the version of the compiled functions, or None if numpy does everything."""
    return str(earshot_kernels.__version__) if library else None

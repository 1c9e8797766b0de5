"""Compiled inner loops in place of numpy, if the package ``earshot_kernels`` is installed.

Only this module imports the package. `compiled_mel` and `compiled_lattice` use its functions. If it
is not installed, they use numpy, which gives librosa's numbers too, but more slowly.
"""

from typing import Any

library: Any
"""The functions of ``kernels.c``, or None if numpy does everything."""

try:
    import earshot_kernels
except ImportError:
    library = None
else:
    library = earshot_kernels.library


def version() -> str | None:
    """Return the version of the compiled functions, or None if numpy does everything."""
    return str(earshot_kernels.__version__) if library else None

"""Compiled inner loops in numpy's place, where the package ``earshot_kernels`` is installed.

This is the only module that knows of it. `compiled_mel` and `compiled_lattice` use what it has, and
each gives numpy's own where there is nothing: librosa's numbers too, slower.
"""

from typing import Any

library: Any
"""The functions of ``kernels.c``; None where numpy does everything."""

try:
    import earshot_kernels
except ImportError:
    library = None
else:
    library = earshot_kernels.library


def version() -> str | None:
    """Return the version of what is compiled; None where numpy does everything."""
    return str(earshot_kernels.__version__) if library else None

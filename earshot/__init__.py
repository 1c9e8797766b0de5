"""Speech features of recordings, with librosa's numbers: the library, and the command ``earshot``.

`extract` returns the tables of a recording as arrays. It needs no AWS package. The same code is
deployed as ``chalicelib``; this package adds nothing to the numbers.

Belongs here: what is offered to programs that import Earshot, and its command.
Does not belong here: measurements (``chalicelib.core``), local mode (``local``).
"""

from chalicelib import __version__
from chalicelib.errors import EarshotError, MediaError, ParameterError
from earshot.features import Features, extract

__all__ = [
    "EarshotError",
    "Features",
    "MediaError",
    "ParameterError",
    "__version__",
    "extract",
]

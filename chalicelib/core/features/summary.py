"""Summary of a recording's tables: what was measured, and the versions used."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import soxr

import chalicelib
from chalicelib.core.dsp import kernels
from chalicelib.core.dsp.parameters import FeatureParameters


@dataclass(frozen=True, slots=True)
class FeatureSummary:
    """Summary of the tables: what was measured, and the versions used.

    ``duration_s`` is the decoded duration; ``n_frames`` is the number of rows in every table whose
    frames are the recipe's; ``values`` are what was measured of the recording as a whole, by the
    name of the table; ``f0_frame_length`` is the ``frame_length`` of pYIN, None without pitch;
    ``tables`` are the names of the files beside ``features.json``; ``display`` and ``spectrogram``
    are those that a page draws, the second None without the coefficients; ``remark`` tells
    the owner which part could not be decoded or measured, and which parameter may be misspelt;
    ``versions`` has None for kernels if numpy did everything.
    """

    parameters: FeatureParameters
    sample_rate_hz: int
    source_sample_rate_hz: int
    channels: int
    duration_s: float
    n_frames: int
    f0_frame_length: int | None
    values: Mapping[str, Mapping[str, float | None]]
    tables: tuple[str, ...]
    display: str
    spectrogram: str | None
    remark: str | None
    versions: Mapping[str, str | None]

    def to_dict(self, provenance: Mapping[str, str] | None = None) -> dict[str, Any]:
        """Return the contents of ``features.json``, with the provenance."""
        names = (field.name for field in fields(self))
        found: dict[str, Any] = {name: getattr(self, name) for name in names}
        return found | {"parameters": self.parameters.to_dict()} | dict(provenance or {})


def versions() -> dict[str, str | None]:
    """Return the versions of the packages that compute the numbers."""
    return {
        "earshot": chalicelib.__version__,
        "kernels": kernels.version(),
        "numpy": np.__version__,
        "soxr": soxr.__version__,
    }

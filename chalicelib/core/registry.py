"""The registry of tables: a line for each, with the class that computes it.

A class is imported when its table is asked for, so the other tables cost no time.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chalicelib.core.features.tracks.track import Track

TABLES = {
    "mfcc": "mfcc.MfccTrack",
    "energy": "energy.EnergyTrack",
    "pitch": "pitch.PitchTrack",
    "logmel": "logmel.LogmelTrack",
    "melspectrogram": "spectral.MelspectrogramTrack",
    "spectral": "spectral.SpectralTrack",
    "chroma": "spectral.ChromaTrack",
    "fbank": "kaldi.FbankTrack",
    "mfcc_kaldi": "kaldi.MfccKaldiTrack",
    "loudness": "loudness.LoudnessTrack",
    "quality": "quality.QualityTrack",
    "formants": "formants.FormantTrack",
    "voice": "voice.VoiceTrack",
}
"""The class of each table's track, in a module of ``chalicelib.core.features.tracks``."""

# Made of this module's own name, because the library's wheel has it inside ``earshot``.
PACKAGE = f"{__name__.rpartition('.')[0]}.features.tracks"

DEFAULT_TABLES = ("mfcc", "energy", "pitch")


def track_class(table: str) -> type["Track"]:
    """Return the class that computes a table."""
    module, _, name = TABLES[table].partition(".")
    found: type[Track] = getattr(import_module(f"{PACKAGE}.{module}"), name)
    return found

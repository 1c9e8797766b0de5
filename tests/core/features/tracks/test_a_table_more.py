"""A table that is not in the list is one module and one line: nothing else knows of it."""

import io
import json
import sys
from contextlib import ExitStack
from dataclasses import dataclass
from types import ModuleType
from typing import ClassVar

import numpy as np
import pytest
from support.measuring import encode, measure
from support.signals import vowel

from chalicelib import config
from chalicelib.core import registry
from chalicelib.core.dsp.framing import Framer
from chalicelib.core.dsp.parameters import FeatureParameters
from chalicelib.core.dsp.spectra import FrameAnalyser
from chalicelib.core.features.measures import measured_names
from chalicelib.core.features.tracks.track import FrameTrack, Source
from chalicelib.core.options import Options, option
from chalicelib.errors import ParameterError
from chalicelib.variables import SettingError


@dataclass(frozen=True, slots=True, kw_only=True)
class TeagerOptions(Options):
    table: ClassVar[str] = "teager"

    exponent: float = option(1.0, low=0.1, high=4)


class TeagerTrack(FrameTrack):
    """The mean Teager energy of a frame, as somebody adds it who has read CONTRIBUTING."""

    options = TeagerOptions
    word_columns = ("teager",)

    def __init__(self, parameters: FeatureParameters, source: Source, stack: ExitStack) -> None:
        self._exponent = parameters.of(TeagerOptions).exponent
        framer = Framer(parameters.n_fft, parameters.hop_length)
        super().__init__(
            FrameAnalyser(framer, self._measure, n_columns=1, frame_length=parameters.n_fft),
            "teager",
            ("teager",),
            sr=source.sr,
            frame_s=parameters.hop_length / source.sr,
            stack=stack,
        )

    def _measure(self, frames: np.ndarray) -> np.ndarray:
        energies = frames[:, 1:-1] ** 2 - frames[:, :-2] * frames[:, 2:]
        return np.abs(energies.mean(axis=1, keepdims=True)) ** self._exponent


@pytest.fixture(autouse=True)
def _registered(monkeypatch):
    module = ModuleType("teager")
    module.TeagerTrack = TeagerTrack
    monkeypatch.setitem(sys.modules, f"{registry.PACKAGE}.teager", module)
    monkeypatch.setitem(registry.TABLES, "teager", "teager.TeagerTrack")


def test_it_is_written_with_the_others():
    media = encode(vowel(1, 22_050), 22_050)

    summary, tables = measure(media, tables="mfcc,teager", teager_exponent="0.5", npz="true")

    assert summary.tables == ("mfcc.csv", "teager.csv", "features.npz")
    assert tables.header("teager.csv") == "time_s,teager"
    assert len(tables.rows("teager.csv")) == summary.n_frames
    archive = np.load(io.BytesIO(tables["features.npz"]))
    np.testing.assert_array_equal(archive["teager_teager"], tables.rows("teager.csv")[:, 1])
    assert json.loads(tables["features.json"])["parameters"]["teager_exponent"] == 0.5


def test_its_options_are_settings_and_are_checked():
    known = config._feature_parameters({"FEATURE_TEAGER_EXPONENT": "2"})

    assert known == {"teager_exponent": "2"}
    with pytest.raises(SettingError, match="Did you mean FEATURE_TEAGER_EXPONENT"):
        config._feature_parameters({"FEATURE_TEAGER_EXPONNT": "2"})
    with pytest.raises(ParameterError, match=r"teager_exponent: 9 is not between 0.1 and 4"):
        FeatureParameters.parse({"teager_exponent": "9"})


def test_its_columns_are_those_of_words_too():
    assert measured_names("teager") == ("teager_teager_median", "teager_teager_std")

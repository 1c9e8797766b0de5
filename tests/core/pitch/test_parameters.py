"""Pitch parameters are librosa's, and an unusable one is named."""

import inspect
import re
from dataclasses import fields

import librosa
import pytest

from chalicelib.core.pitch.parameters import PitchParameters
from chalicelib.errors import ParameterError


def test_defaults_are_those_of_librosa():
    theirs = inspect.signature(librosa.pyin).parameters

    ours = PitchParameters(sr=22050)

    # librosa 1.0 leaves unlikely moves out, which 0.11 could not.
    ours_alone = {"sr", "fmin", "fmax", "hop_length", "transition_min_prob"}
    names = {each.name for each in fields(PitchParameters)} - ours_alone
    assert {name: getattr(ours, name) for name in names} == {
        name: theirs[name].default for name in names
    }
    assert ours.hop_length == ours.frame_length // 4


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("sr", 0),
        ("sr", 1e8),
        ("sr", float("nan")),
        ("fmin", 0),
        ("fmin", -1.0),
        ("fmin", float("nan")),
        ("fmin", 500.0),
        ("fmin", 5.0),
        ("fmin", 480.0),
        ("fmax", 20_000.0),
        ("fmax", float("nan")),
        ("fmax", 65.1),
        ("frame_length", 2000),
        ("frame_length", 0),
        ("frame_length", 1 << 20),
        ("hop_length", 0),
        ("pad_mode", "reflect"),
        ("n_thresholds", 0),
        ("beta_parameters", (2, 34 / 3)),
        ("beta_parameters", (0, 18)),
        ("beta_parameters", (2, 400)),
        ("boltzmann_parameter", 0),
        ("boltzmann_parameter", float("inf")),
        ("resolution", 0),
        ("resolution", 1),
        ("resolution", 0.001),
        ("max_transition_rate", 0),
        ("switch_prob", 0),
        ("switch_prob", 1),
        ("no_trough_prob", float("nan")),
        ("transition_min_prob", -1e-4),
        ("transition_min_prob", 1e-308),
        ("transition_min_prob", 1.0),
        ("transition_min_prob", float("nan")),
    ],
)
def test_an_unusable_value_is_named(name, value):
    with pytest.raises(ParameterError, match=name):
        PitchParameters(**({"sr": 22050} | {name: value}))


def test_an_hour_of_hop_is_refused_before_it_is_computed():
    with pytest.raises(ParameterError, match="leaves the range"):
        PitchParameters(sr=22050, hop_length=22050 * 3600)


@pytest.mark.parametrize("sr", [8000, 11025, 22050, 48000])
@pytest.mark.parametrize(("fmin", "fmax"), [(65, 500), (75, 300), (100, 110)])
def test_the_longest_hop_is_told_and_can_be_used(sr, fmin, fmax):
    with pytest.raises(ParameterError, match=r"^hop_length: ") as caught:
        PitchParameters(sr=sr, fmin=fmin, fmax=fmax, hop_length=20_000)
    longest = int(re.search(r"at most (\d+)", str(caught.value))[1])

    assert PitchParameters(sr=sr, fmin=fmin, fmax=fmax, hop_length=longest)
    with pytest.raises(ParameterError, match="hop_length"):
        PitchParameters(sr=sr, fmin=fmin, fmax=fmax, hop_length=longest + 2)

"""Parameters have librosa's names and defaults, are read from text, and are checked."""

import pytest

from chalicelib.core.dsp.parameters import FeatureParameters
from chalicelib.errors import ParameterError


def test_defaults_are_those_of_librosa():
    parameters = FeatureParameters.parse({})

    assert parameters == FeatureParameters(
        sr=22050, n_mfcc=13, n_fft=2048, hop_length=512, win_length=None, n_mels=128, fmax=None
    )


def test_a_later_source_wins():
    parameters = FeatureParameters.parse({"n_mfcc": "20", "hop_length": "256"}, {"n-mfcc": "40"})

    assert parameters.n_mfcc == 40
    assert parameters.hop_length == 256


def test_names_may_be_written_with_dashes_or_capitals():
    assert FeatureParameters.parse({"Hop-Length": " 160 "}).hop_length == 160


@pytest.mark.parametrize("text", ["0", "native", "None"])
def test_the_native_rate_can_be_asked_for(text):
    assert FeatureParameters.parse({"sr": text}).sr is None


def test_metadata_that_is_not_a_parameter_is_ignored():
    assert FeatureParameters.parse({"speaker": "Ada"}) == FeatureParameters()


@pytest.mark.parametrize(
    ("name", "meant"),
    [("nmfcc", "n_mfcc"), ("n-mfc", "n_mfcc"), ("table", "tables"), ("HopLength", "hop_length")],
)
def test_a_misspelt_name_is_remarked(name, meant):
    remark = f"{name} is no parameter; did you mean {meant}?"

    assert FeatureParameters.misspelt([name]) == (remark,)


@pytest.mark.parametrize("name", ["n-mfcc", "N_MFCC", "speaker", "title", "filter", "mfcc", ""])
def test_a_correct_name_and_an_unrelated_name_are_not_remarked(name):
    assert FeatureParameters.misspelt([name]) == ()


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("sr", "-1"),
        ("sr", "1e9"),
        ("n_mfcc", "thirteen"),
        ("n_mfcc", "0"),
        ("n_mfcc", "129"),
        ("n_fft", "8"),
        ("hop_length", "0"),
        ("win_length", "4096"),
        ("n_mels", "100000"),
        ("fmin", "nan"),
        ("fmin", "12000"),
        ("fmax", "inf"),
        ("htk", "perhaps"),
        ("lifter", "-1"),
        ("deltas", "3"),
        ("f0_min", "600"),
        ("channels", "left"),
        ("gzip", "2"),
    ],
)
def test_an_unusable_value_is_refused_by_its_name(name, text):
    with pytest.raises(ParameterError, match=f"^{name}: ") as caught:
        FeatureParameters.parse({name: text})

    assert caught.value.name == name

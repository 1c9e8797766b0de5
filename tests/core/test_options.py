"""Options of a table are read from text, and a bad one is refused with the reason."""

from dataclasses import dataclass
from typing import ClassVar

import pytest

from chalicelib.core.options import Options, option
from chalicelib.errors import ParameterError


@dataclass(frozen=True, slots=True, kw_only=True)
class ToneOptions(Options):
    table: ClassVar[str] = "tone"

    n_bands: int = option(80, choices=(80, 128))
    highest: float | None = option(None, low=10, high=100)
    shape: str = option("round", choices=("round", "square", "flat"))
    is_loud: bool = option(False)


def test_options_are_read_by_their_names_with_the_tables():
    read = ToneOptions.read(
        {"tone_n_bands": "128", "tone_highest": "20", "tone_is_loud": "yes", "n_bands": "3"}
    )

    assert read == ToneOptions(n_bands=128, highest=20.0, is_loud=True)
    assert read.to_dict() == {
        "tone_n_bands": 128,
        "tone_highest": 20.0,
        "tone_shape": "round",
        "tone_is_loud": True,
    }


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("tone_n_bands", "90", "tone_n_bands: 90 is not 80 or 128"),
        ("tone_n_bands", "many", "tone_n_bands: 'many' is not a whole number"),
        ("tone_highest", "9", "tone_highest: 9 is not between 10 and 100"),
        ("tone_highest", "nan", "tone_highest: 'nan' is not a finite number"),
        ("tone_shape", "oval", "tone_shape: 'oval' is not round, square or flat"),
        ("tone_is_loud", "perhaps", "tone_is_loud: 'perhaps' is neither 'true' nor 'false'"),
    ],
)
def test_an_unusable_option_is_refused_with_the_reason(name, text, message):
    with pytest.raises(ParameterError) as refused:
        ToneOptions.read({name: text})

    assert str(refused.value) == message


def test_none_is_read_where_it_is_allowed():
    assert ToneOptions.read({"tone_highest": "none"}).highest is None

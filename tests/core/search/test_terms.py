import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.core.search.terms import MAX_TERM_LENGTH, terms_of


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("Don't STOP, Zoë!", ["dont", "stop", "zoe"]),
        ("the quay\u2019s end", ["the", "quays", "end"]),
        ("twenty-one", ["twenty", "one"]),
        ("Straße", ["strasse"]),
        ("ＡＢＣ １２", ["abc", "12"]),
        ("東京 tower", ["東", "京", "tower"]),
        ("हिन्दी भाषा", ["हिन्दी", "भाषा"]),
        ("한국어", ["한국어"]),
        ("— … !", []),
        ("#tag _x_", ["tag", "x"]),
    ],
)
def test_case_accents_and_punctuation_do_not_count(text, terms):
    assert terms_of(text) == terms


@given(st.text())
def test_terms_stay_as_they_are_when_cut_again(text):
    terms = terms_of(text)

    assert terms_of(" ".join(terms)) == terms
    assert all(0 < len(term) <= MAX_TERM_LENGTH for term in terms)
    assert not any(term.startswith("#") or "/" in term for term in terms)

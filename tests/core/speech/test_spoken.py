import pytest

from chalicelib.core.speech.pronunciation import phones
from chalicelib.core.speech.spoken import is_abbreviation, readings, tokens

DICTIONARY = {"a", "and", "cold", "hearted", "the", "us", "i'm", "is", "well", "b", "c"}


def said(token):
    """Return the readings of a word, each as text."""
    return [" ".join(reading) for reading in readings(token, DICTIONARY.__contains__)]


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ("The", "the"),
        ("I'm", "i'm"),
        ("well,", "well"),
        ("Mr.", "mister"),
        ("etc.", "et cetera"),
        ("cold-hearted,", "cold hearted"),
        ("U.S.", "u s"),
        ("5", "five"),
        ("0", "zero"),
        ("42", "forty two"),
        ("100", "one hundred"),
        ("1,000,000", "one million"),
        ("$5", "five dollars"),
        ("$5.50", "five dollars fifty"),
        ("3.14", "three point one four"),
        ("50%", "fifty percent"),
        ("10:30", "ten thirty"),
        ("21st", "twenty first"),
        ("12th.", "twelfth"),
        ("30th", "thirtieth"),
        ("1960s", "nineteen sixties"),
        ("1961", "nineteen sixty one"),
        ("1905", "nineteen oh five"),
        ("1800", "eighteen hundred"),
        ("2001", "two thousand one"),
        ("555-1234", "five hundred fifty five twelve thirty four"),
        ("&", "and"),
        ("Dashwood", "dashwood"),
    ],
)
def test_a_written_word_is_said(written, spoken):
    assert said(written)[0] == spoken


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ("90210", "nine zero two one zero"),
        ("90210", "nine oh two one oh"),
        ("90210", "ninety thousand two hundred ten"),
        ("1961", "one thousand nine hundred sixty one"),
        ("1961", "one nine six one"),
        ("555-1234", "five five five one two three four"),
        ("007", "zero zero seven"),
        ("US", "u s"),
        ("US", "us"),
        ("9" * 400, " ".join(["nine"] * 400)),
    ],
)
def test_a_number_can_be_said_in_several_ways(written, spoken):
    assert spoken in said(written)


@pytest.mark.parametrize("written", ["", ".", "-", "'", "日本", "é", "²", "½", "$", "%%%", "٣"])
def test_anything_written_has_a_reading(written):
    assert said(written)


def test_quotes_and_dashes_are_not_words():
    assert tokens('"Well," he said \u2014 \u2018I\u2019m (not) 5% sure...\u2019') == [
        "Well,", "he", "said", "I'm", "not", "5%", "sure"
    ]  # fmt: skip


@pytest.mark.parametrize(("word", "expected"), [("Mr.", True), ("U.S.", True), ("us.", False)])
def test_a_full_stop_may_be_part_of_the_word(word, expected):
    assert is_abbreviation(word) is expected


@pytest.mark.parametrize(
    ("word", "sounds"),
    [
        ("dashwood", "D AE SH W UW D"),
        ("sposed", "S P AA S EH D"),
        ("knight", "N AY T"),
        ("kite", "K IH T"),
        ("rabbit", "R AE B IH T"),
        ("dog's", "D AO G Z"),
        ("日本", None),
    ],
)
def test_an_unknown_word_is_sounded_by_its_letters(word, sounds):
    assert phones(word, {"dog": "D AO G"}.get) == sounds

"""Spoken forms of written words: "$5" is "five dollars", "1961" is "nineteen sixty one"."""

import re
from collections.abc import Callable, Iterator

_UNITS = "zero one two three four five six seven eight nine"
_TEENS = "ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen"
_ONES = [*_UNITS.split(), *_TEENS.split()]
_TENS = ["", *["ten", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]]
_THOUSANDS = ((10**12, "trillion"), (10**9, "billion"), (10**6, "million"), (1000, "thousand"))
_ORDINALS = {
    "one": "first",
    "two": "second",
    "three": "third",
    "five": "fifth",
    "eight": "eighth",
    "nine": "ninth",
    "twelve": "twelfth",
}
_ABBREVIATIONS = {
    "mr": "mister",
    "mrs": "missus",
    "dr": "doctor",
    "st": "saint",
    "prof": "professor",
    "jr": "junior",
    "sr": "senior",
    "vs": "versus",
    "etc": "et cetera",
    "lt": "lieutenant",
    "col": "colonel",
    "gen": "general",
    "sgt": "sergeant",
    "capt": "captain",
    "rev": "reverend",
    "hon": "honorable",
}
_SIGNS = {"%": "percent", "&": "and", "@": "at", "+": "plus", "=": "equals", "°": "degrees"}
_CURRENCIES = {"$": "dollars", "£": "pounds", "€": "euros", "¥": "yen"}
_MOST_DIGITS = 15  # longer numbers are read digit by digit only
_PIECE = re.compile(
    r"(?P<currency>[$£€¥])?(?P<number>\d[\d,]*)(?:\.(?P<fraction>\d+))?(?P<suffix>st|nd|rd|th|s)?"
    r"(?![a-z])|(?P<digits>\d+)|(?P<word>[^\W\d_]+(?:'[^\W\d_]+)*'?)|(?P<sign>[%&@+=°])"
)

_DASHES = re.compile(r"[\u2013\u2014\u2026]|--+|\.{2,}")
_QUOTES = re.compile(r"^['\"\u201c\u2018(\[{]+|['\"\u201d)\]}]+(?=[.,!?;:]*$)")
_SPEAKABLE = re.compile(r"[^\W_]|[%&@+=$£€]")
_LONGEST_ACRONYM = 5

Reading = list[str]


def tokens(text: str) -> list[str]:
    """Return the words of a written line with their punctuation, without quotes and dashes."""
    words = _DASHES.sub(" ", text.replace("\u2019", "'")).split()
    stripped = (_QUOTES.sub("", word) for word in words)
    return [word for word in stripped if _SPEAKABLE.search(word)]


def is_abbreviation(word: str) -> bool:
    """Return whether a full stop at the end of ``word`` is part of it, as in "Mr." and "U.S."."""
    return word.endswith(".") and (
        word[:-1].lower() in _ABBREVIATIONS or bool(re.fullmatch(r"(?:[^\W\d_]\.){2,}", word))
    )


def readings(token: str, known: Callable[[str], bool]) -> list[Reading]:
    """Return the ways to say a written word, the most likely first.

    Parameters
    ----------
    token : str
        a written word, with or without punctuation
    known : callable
        whether a word in lower case is in the pronouncing dictionary

    Returns
    -------
    list of list of str
        at least one way, each a list of spoken words in lower case, with all numbers as words
    """
    lower = token.lower().strip(".,!?;:")
    if known(lower):
        letters = list(lower)
        is_acronym = token.isupper() and 1 < len(lower) <= _LONGEST_ACRONYM
        return [[lower], letters] if is_acronym else [[lower]]
    if re.fullmatch(r"(?:[^\W\d_]\.)+[^\W\d_]", lower):
        return [lower.split(".")]
    if lower in _ABBREVIATIONS:
        return [_ABBREVIATIONS[lower].split()]
    said: list[Reading] = [[]]
    for piece in _PIECE.finditer(lower):
        ways = list(_piece(piece, known, is_upper=token.isupper()))
        said = [
            said[min(i, len(said) - 1)] + ways[min(i, len(ways) - 1)]
            for i in range(max(len(said), len(ways)))
        ]
    return said if said[0] else [[]]


def _piece(
    piece: re.Match[str], known: Callable[[str], bool], *, is_upper: bool
) -> Iterator[Reading]:
    if word := piece["word"]:
        if is_upper and not known(word) and len(word) <= _LONGEST_ACRONYM:
            yield list(word.replace("'", ""))
        elif known(word) or not word.endswith("'"):
            yield [word]
        else:
            yield [word.rstrip("'")]
        return
    if sign := piece["sign"]:
        yield [_SIGNS[sign]]
        return
    digits = (piece["number"] or piece["digits"]).replace(",", "")
    unit = [_CURRENCIES[piece["currency"]]] if piece["currency"] else []
    for number in _numbers(digits, is_plain="," not in (piece["number"] or "")):
        if fraction := piece["fraction"]:
            if unit:
                yield [*number, *unit, *cardinal(int(fraction[:2]))]
                continue
            yield [*number, "point", *(_ONES[int(digit)] for digit in fraction)]
        elif piece["suffix"]:
            yield [*number[:-1], _with_suffix(number[-1], piece["suffix"])]
        else:
            yield [*number, *unit]


def _numbers(digits: str, *, is_plain: bool) -> Iterator[Reading]:
    """Yield the ways to say a whole number: as a year, as a number, and digit by digit."""
    value = int(digits)
    named = [_ONES[int(digit)] for digit in digits]
    has_leading_zero = len(digits) > 1 and digits[0] == "0"
    if len(digits) <= _MOST_DIGITS and not has_leading_zero:
        if is_plain and len(digits) == 4 and digits[1] != "0":  # noqa: PLR2004  # a year
            yield _year(*divmod(value, 100))
        yield cardinal(value)
    if len(digits) > 1:
        yield named
        if "zero" in named:
            yield ["oh" if name == "zero" else name for name in named]


def _year(century: int, rest: int) -> Reading:
    if rest == 0:
        return [*cardinal(century), "hundred"]
    return [*cardinal(century), *(["oh"] if rest < 10 else []), *cardinal(rest)]  # noqa: PLR2004  # one digit


def cardinal(value: int) -> Reading:
    """Return a whole number from 0 on in words."""
    if value < len(_ONES):
        return [_ONES[value]]
    if value < 100:  # noqa: PLR2004  # larger numbers have no name here
        tens, ones = divmod(value, 10)
        return [_TENS[tens], *([_ONES[ones]] if ones else [])]
    for size, name in (*_THOUSANDS, (100, "hundred")):
        if value >= size:
            many, rest = divmod(value, size)
            return [*cardinal(many), name, *(cardinal(rest) if rest else [])]
    raise ValueError(f"{value} is negative")


def _with_suffix(name: str, suffix: str) -> str:
    """Return the last word of a number as an ordinal, or in the plural for "1960s"."""
    if suffix == "s":
        return f"{name[:-1]}ies" if name.endswith("y") else f"{name}s"
    if name in _ORDINALS:
        return _ORDINALS[name]
    return f"{name[:-1]}ieth" if name.endswith("y") else f"{name}th"

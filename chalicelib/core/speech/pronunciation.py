"""Phones of words that are not in the dictionary, by English letter-to-sound rules.

Most of these words are names. The phones only need to be good enough for an aligner to find the
start and the end of a word. They are the phones of CMU's pronouncing dictionary.
"""

import re
from collections.abc import Callable

# The longest spelling that fits is used; an empty sound is a silent letter.
_SOUNDS = {
    "tion": "SH AH N",
    "sion": "ZH AH N",
    "ough": "OW",
    "augh": "AO",
    "eigh": "EY",
    "tch": "CH",
    "igh": "AY",
    "sch": "SH",
    "ch": "CH",
    "sh": "SH",
    "th": "TH",
    "ph": "F",
    "gh": "G",
    "wh": "W",
    "ck": "K",
    "ng": "NG",
    "qu": "K W",
    "kn": "N",
    "wr": "R",
    "ee": "IY",
    "ea": "IY",
    "oo": "UW",
    "ou": "AW",
    "ow": "OW",
    "oa": "OW",
    "oi": "OY",
    "oy": "OY",
    "ai": "EY",
    "ay": "EY",
    "ey": "IY",
    "ie": "IY",
    "ei": "EY",
    "eu": "UW",
    "ew": "UW",
    "au": "AO",
    "aw": "AO",
    "ar": "AA R",
    "er": "ER",
    "ir": "ER",
    "ur": "ER",
    "or": "AO R",
    "ce": "S EH",
    "ci": "S IH",
    "cy": "S IY",
    "a": "AE",
    "b": "B",
    "c": "K",
    "d": "D",
    "e": "EH",
    "f": "F",
    "g": "G",
    "h": "HH",
    "i": "IH",
    "j": "JH",
    "k": "K",
    "l": "L",
    "m": "M",
    "n": "N",
    "o": "AA",
    "p": "P",
    "q": "K",
    "r": "R",
    "s": "S",
    "t": "T",
    "u": "AH",
    "v": "V",
    "w": "W",
    "x": "K S",
    "y": "IY",
    "z": "Z",
    "'": "",
}
_DOUBLED = re.compile(r"([^aeiou])\1")
_SILENT_E = re.compile(r"(?<=[aeiouy][^aeiou])e$")
_SPELLINGS = re.compile("|".join(sorted(_SOUNDS, key=len, reverse=True)))


def phones(word: str, known: Callable[[str], str | None]) -> str | None:
    """Return the phones of a word in lower case, or None if it has no English letter.

    ``known`` returns the phones of a word in the dictionary: "Dashwood's" is "Dashwood" and Z.
    """
    stem = word.removesuffix("'s")
    if stem != word and (found := known(stem)):
        return f"{found} Z"
    word = _DOUBLED.sub(r"\1", word)
    word = _SILENT_E.sub("", word)
    return " ".join(filter(None, (_SOUNDS[part] for part in _SPELLINGS.findall(word)))) or None

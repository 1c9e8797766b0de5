"""Local mode's aligner of corrected words: PocketSphinx, loaded at its first use."""

import importlib
from functools import cache
from threading import Lock

from chalicelib.core.speech.alignment import UNALIGNED_CONFIDENCE, Aligner
from chalicelib.core.speech.recogniser import Samples

LANGUAGE = "en"
_one_at_a_time = Lock()


def align(y: Samples, text: str, language: str) -> list[tuple[float, float]] | None:
    """Return the start and end of each word of ``text`` in seconds, or None if it does not fit.

    Parameters
    ----------
    y : np.ndarray [shape=(n,)]
        mono samples at 16 kHz
    text : str
        what is said in them, as written
    language : str
        its language code; PocketSphinx knows English alone
    """
    if language.partition("-")[0] != LANGUAGE:
        return None
    with _one_at_a_time:
        found = _aligner().align(y, text)
    is_found = all(word.confidence != UNALIGNED_CONFIDENCE for word in found)
    if not is_found or len(found) != len(text.split()):
        return None
    return [(word.start_s, word.end_s) for word in found]


@cache
def _aligner() -> Aligner:
    return Aligner(importlib.import_module("pocketsphinx"))

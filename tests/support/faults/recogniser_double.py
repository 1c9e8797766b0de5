"""Earshot's own recogniser for histories: it hears the words of the bytes that it is given.

The handlers, their messages and objects are the real ones. There are doubles for three things: the
decoder, whose samples are the letters of words that no other bytes have; the cutting, which makes a
part of each word; and the engine, which reads these letters.
"""

from collections.abc import Iterable, Iterator
from typing import BinaryIO

import numpy as np

from chalicelib.core.audio import decoding
from chalicelib.core.speech import parts, recogniser
from chalicelib.core.speech.recogniser import Engine, RecognisedWord, Samples
from chalicelib.pipeline import recognition
from support.faults.transcribe_double import START_S, STEP_S, words_of

_FULL_SCALE = 32767
_HALF = 0.5  # half a step of 16 bits, so that rounding down gives the letter again


class Spelling:
    """A decoder whose samples are the letters of the recording's words."""

    sample_rate_hz = 16_000
    channels = 1
    duration_s = 1.0

    def __init__(self, source: BinaryIO) -> None:
        self._source = source

    def blocks(self, _sr: int, *, each_channel: bool) -> Iterator[list[Samples]]:
        del each_channel
        letters = [ord(letter) + _HALF for letter in " ".join(words_of(self._source.read()))]
        yield [np.array(letters, np.float32) / _FULL_SCALE]


class Reading(Engine):
    """An engine that reads the letters again."""

    name = "reading"
    languages = frozenset({"en"})

    def recognise(self, y: Samples, *, language: str) -> list[RecognisedWord]:
        del language
        word = "".join(chr(round(float(one) * _FULL_SCALE)) for one in y)
        return [RecognisedWord(word, 0.0, 0.2, 0.9)]


def cut(blocks: Iterable[Samples]) -> Iterator[tuple[float, Samples]]:
    """Yield each word as an utterance, at the times of Transcribe's double."""
    y = np.concatenate(list(blocks))
    space = int(np.flatnonzero(np.floor(y * _FULL_SCALE) == ord(" "))[0])
    yield START_S, y[:space]
    yield START_S + STEP_S, y[space + 1 :]


def install() -> None:
    """Put the doubles into the modules that use them."""
    engine = Reading()
    decoding.DecodedAudio = Spelling
    parts.utterances, parts.PART_S = cut, 0.0
    recogniser._audible = lambda y: y  # a change of level would change the letters
    recognition._engine = lambda: engine

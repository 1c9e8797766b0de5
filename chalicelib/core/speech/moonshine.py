"""Moonshine: English speech to written text, with words timed by an aligner."""

import importlib
import importlib.metadata
import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from chalicelib.core.speech.alignment import UNALIGNED_CONFIDENCE, Aligner
from chalicelib.core.speech.recogniser import (
    SAMPLE_RATE_HZ,
    Engine,
    RecognisedWord,
    Samples,
    halves,
)

MODEL = "tiny-en"
# Utterances are already cut at their pauses. A threshold of 0 turns off Moonshine's own cutting,
# which splits words ("America." for "Americans") and finds single words in the rest.
_OPTIONS = {"vad_threshold": 0.0, "return_audio_data": "false"}

# If the speech is in another language, Moonshine makes a few English words and repeats them, and
# few of them can be aligned. Measured with espeak-ng in eight languages: the mean confidence was
# 0.10, except for one voice with 0.47, whose words were repeated. In English it was 0.55 to 0.98
# (the lowest was espeak-ng's too), telephone band and noise at 10 dB included, and no words were
# repeated.
_FEWEST_WORDS = 10  # fewer words show nothing
_MEAN_OF_NONSENSE = 0.35
_MEAN_OF_DOUBT = 0.6
_REPEATED = 0.3
_RUN = 3  # words

_SHORTEST_CUT_S = 4.0


class Moonshine(Engine):
    """Moonshine's smallest English model, from its wheel: punctuation, capitals and numbers."""

    name = "moonshine"
    languages = frozenset({"en"})

    def __init__(self, module: Any, aligner: Aligner) -> None:
        # Each processor has its own recogniser. More threads would only wait for each other in busy
        # loops: 0.08 CPU seconds for each second of speech instead of 0.04, and the words come no
        # earlier.
        os.environ.setdefault("MOONSHINE_ORT_SINGLE_THREAD", "1")
        self._transcriber = module.Transcriber(
            model_path=_model_path(module),
            model_arch=module.ModelArch.TINY,
            options=_OPTIONS,
        )
        self._aligner = aligner

    def recognise(self, y: Samples, *, language: str) -> list[RecognisedWord]:
        """Return the words in ``y`` as written, with punctuation attached."""
        words = self._aligner.align(y, self._text(y))
        if _is_aligned(words) or len(y) < _SHORTEST_CUT_S * SAMPLE_RATE_HZ:
            return words
        # In speech without pauses Moonshine repeats phrases or leaves them out. It does so less in
        # a shorter part, and if the text of a part fits, the text of the whole was wrong.
        first, second = halves(y)
        after_s = len(first) / SAMPLE_RATE_HZ
        parts = self.recognise(first, language=language) + [
            replace(word, start_s=word.start_s + after_s, end_s=word.end_s + after_s)
            for word in self.recognise(second, language=language)
        ]
        return parts if _is_aligned(parts) else words

    def _text(self, y: Samples) -> str:
        transcript = self._transcriber.transcribe_without_streaming(y.tolist(), SAMPLE_RATE_HZ)
        return " ".join(line.text for line in transcript.lines)

    @property
    def release(self) -> str:
        """The name and version of the engine and its model, for the recording."""
        return f"{self.name} {importlib.metadata.version('moonshine-voice')}, {MODEL}"

    def is_understood(self, words: Sequence[RecognisedWord]) -> bool:
        """Return whether the words fit the sound, or at least do not repeat."""
        if len(words) < _FEWEST_WORDS:
            return True
        mean = sum(word.confidence for word in words) / len(words)
        return mean >= _MEAN_OF_DOUBT or (
            mean >= _MEAN_OF_NONSENSE and _repeated(words) < _REPEATED
        )


def _model_path(module: Any) -> str:
    """Return the model's folder, which may be in another layer than the package that reads it."""
    inside = f"{module.__name__}/assets/{MODEL}"
    found = (Path(place, inside) for place in sys.path)
    return str(next(filter(Path.is_dir, found), module.get_model_path(MODEL)))


def load_moonshine() -> Moonshine:
    """Load the engine and its aligner, which takes a second of CPU time, and 260 MB.

    Raise ImportError or OSError if there is no package of it for this machine.
    """
    module = importlib.import_module("moonshine_voice")
    return Moonshine(module, Aligner(importlib.import_module("pocketsphinx")))


def _is_aligned(words: Sequence[RecognisedWord]) -> bool:
    """Return whether some of the words were found in the sound, or there are no words."""
    return not words or any(word.confidence != UNALIGNED_CONFIDENCE for word in words)


def _repeated(words: Sequence[RecognisedWord]) -> float:
    """Return the share of runs of three words that occurred before."""
    contents = [word.content.lower().strip(".,?!") for word in words]
    runs = list(zip(*(contents[i:] for i in range(_RUN)), strict=False))
    return 1 - len(set(runs)) / len(runs)

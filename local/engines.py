"""The speech recognisers that can be plugged in: pocketsphinx, faster-whisper and Vosk."""

import importlib
import json
import re
from pathlib import Path
from typing import Any

import numpy as np

from chalicelib.errors import ParameterError
from local.recogniser import SAMPLE_RATE_HZ, Engine, RecognisedWord, Samples

# Weights of the language model in the three passes. These made 22 % word errors where the
# defaults made 25 %, over eight real clips at four levels.
_POCKETSPHINX_OPTIONS = {"lw": 6.0, "fwdflatlw": 7.5, "bestpathlw": 8.0}
_FRAMES_PER_S = 100
_FILLER = re.compile(r"^(<.*>|\[.*\]|\+\+.*\+\+)$")
_PRONUNCIATION = re.compile(r"\(\d+\)$")


def _int16(y: Samples) -> bytes:
    """Return samples in [-1, 1] as little-endian 16-bit integers."""
    return (np.clip(y, -1.0, 1.0) * 32767.0).astype("<i2").tobytes()


class PocketSphinx:
    """CMU PocketSphinx with the English model from its wheel: no download, one core, modest."""

    name = "pocketsphinx"
    languages = frozenset({"en"})

    def __init__(self, module: Any, model: Path | None = None) -> None:
        options: dict[str, Any] = dict(_POCKETSPHINX_OPTIONS)
        if model is not None:
            options |= {
                "hmm": str(model / "en-us"),
                "lm": str(model / "en-us.lm.bin"),
                "dict": str(model / "cmudict-en-us.dict"),
            }
        self._decoder = module.Decoder(samprate=SAMPLE_RATE_HZ, loglevel="FATAL", **options)

    def identify(self, y: Samples) -> tuple[str, float]:
        """Return English: it is the only language this engine has."""
        del y
        return "en", 1.0

    def recognise(self, y: Samples, *, language: str) -> list[RecognisedWord]:
        """Return the words in ``y`` with their posterior probabilities as confidence."""
        del language
        if not len(y):
            return []  # the decoder's binding reads out of bounds on an empty buffer
        self._decoder.start_utt()
        # The whole utterance at once lets it normalise the cepstral mean over all of it.
        self._decoder.process_raw(_int16(y), no_search=False, full_utt=True)
        self._decoder.end_utt()
        return [
            RecognisedWord(
                content=_PRONUNCIATION.sub("", segment.word),
                start_s=segment.start_frame / _FRAMES_PER_S,
                end_s=(segment.end_frame + 1) / _FRAMES_PER_S,
                confidence=_probability(segment.prob),
            )
            for segment in self._decoder.seg() or ()
            if not _FILLER.match(segment.word)
        ]


class FasterWhisper:
    """faster-whisper with a model folder that the user has."""

    name = "faster-whisper"

    def __init__(self, module: Any, model: Path | None) -> None:
        self._model = module.WhisperModel(_needed(model, self.name), device="auto")
        self.languages = frozenset(self._model.supported_languages)

    def identify(self, y: Samples) -> tuple[str, float]:
        """Return the language that the model hears."""
        if len(self.languages) == 1:
            return min(self.languages), 1.0
        language, probability, _ = self._model.detect_language(y)
        return str(language), _probability(probability)

    def recognise(self, y: Samples, *, language: str) -> list[RecognisedWord]:
        """Return the words in ``y``, with punctuation attached to them."""
        segments, _ = self._model.transcribe(
            y,
            language=language,
            word_timestamps=True,
            condition_on_previous_text=False,  # a mistake must not repeat itself for minutes
        )
        return [
            RecognisedWord(
                word.word.strip(),
                float(word.start),
                float(word.end),
                _probability(word.probability),
            )
            for segment in segments
            for word in segment.words or ()
            if word.word.strip()
        ]


class Vosk:
    """Vosk with a model folder that the user has. The folder's name tells the language."""

    name = "vosk"

    def __init__(self, module: Any, model: Path | None) -> None:
        self._module = module
        module.SetLogLevel(-1)
        self._model = module.Model(_needed(model, self.name))
        named = re.search(r"model-(?:small-)?([a-z]{2})\b", Path(str(model)).name)
        self.languages = frozenset({named[1] if named else "en"})

    def identify(self, y: Samples) -> tuple[str, float]:
        """Return the model's language: it has one."""
        del y
        return min(self.languages), 1.0

    def recognise(self, y: Samples, *, language: str) -> list[RecognisedWord]:
        """Return the words in ``y``."""
        del language
        recogniser = self._module.KaldiRecognizer(self._model, SAMPLE_RATE_HZ)
        recogniser.SetWords(True)
        # It ends a sentence when it hears one end; the words of each are given once.
        results = [recogniser.Result()] if recogniser.AcceptWaveform(_int16(y)) else []
        results.append(recogniser.FinalResult())
        return [
            RecognisedWord(
                word["word"], float(word["start"]), float(word["end"]), _probability(word["conf"])
            )
            for result in results
            for word in json.loads(result).get("result", ())
        ]


_ENGINES: dict[str, tuple[str, type[PocketSphinx | FasterWhisper | Vosk]]] = {
    PocketSphinx.name: ("pocketsphinx", PocketSphinx),
    FasterWhisper.name: ("faster_whisper", FasterWhisper),
    Vosk.name: ("vosk", Vosk),
}


def load_engine(name: str = "pocketsphinx", model: Path | None = None) -> Engine:
    """Load a recogniser and its model. Takes from a fifth of a second to many seconds."""
    if name not in _ENGINES:
        raise ParameterError("EARSHOT_RECOGNISER", f"{name!r} is not one of {sorted(_ENGINES)}")
    if model is not None and not model.exists():
        raise ParameterError("EARSHOT_RECOGNISER_MODEL", f"there is nothing at {str(model)!r}")
    module_name, engine = _ENGINES[name]
    try:
        # Heavy, and optional but for the first: imported only where a recording is recognised.
        module = importlib.import_module(module_name)
    except ImportError as exc:
        raise ParameterError("EARSHOT_RECOGNISER", f"{name} is not installed ({exc})") from exc
    return engine(module, model)


def _needed(model: Path | None, engine: str) -> str:
    if model is None:
        raise ParameterError("EARSHOT_RECOGNISER_MODEL", f"{engine} needs the path of a model")
    return str(model)


def _probability(value: float) -> float:
    """Return ``value`` within 0 to 1: posteriors can leave it by a rounding error."""
    return min(1.0, max(0.0, float(value)))

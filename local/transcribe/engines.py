"""The speech recognisers that can be plugged in: pocketsphinx, faster-whisper and Vosk."""

import importlib
import importlib.util
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from chalicelib.errors import ParameterError
from local.transcribe.recogniser import SAMPLE_RATE_HZ, Engine, RecognisedWord, Samples

# Weights of the language model in the three passes. These made 22 % word errors where the
# defaults made 25 %, over eight real clips at four levels.
_POCKETSPHINX_OPTIONS = {"lw": 6.0, "fwdflatlw": 7.5, "bestpathlw": 8.0}
_FRAMES_PER_S = 100
# Some of Vosk's models are named for a country instead.
_VOSK_COUNTRIES = {"cn": "zh", "kz": "kk", "vn": "vi"}
_FILLER = re.compile(r"^(<.*>|\[.*\]|\+\+.*\+\+)$")
_PRONUNCIATION = re.compile(r"\(\d+\)$")


def _int16(y: Samples) -> bytes:
    """Return samples in [-1, 1] as little-endian 16-bit integers."""
    return (np.clip(y, -1.0, 1.0) * 32767.0).astype("<i2").tobytes()


class PocketSphinx:
    """CMU PocketSphinx with the English model from its wheel: no download, one core, modest."""

    name = "pocketsphinx"
    languages = frozenset({"en"})

    def __init__(self, module: Any, model: Path | None) -> None:
        options: dict[str, Any] = dict(_POCKETSPHINX_OPTIONS)
        if model is not None:
            options |= {
                "hmm": str(model / "en-us"),
                "lm": str(model / "en-us.lm.bin"),
                "dict": str(model / "cmudict-en-us.dict"),
            }
        self._decoder = module.Decoder(samprate=SAMPLE_RATE_HZ, loglevel="FATAL", **options)

    def begin(self) -> None:
        """Start from the model's own cepstral mean, which each utterance shifts for the next."""
        # set_cmn() restores the mean but not the frames that are counted towards it.
        self._decoder.reinit_feat()

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

    def __init__(self, module: Any, model: Path) -> None:
        self._model = module.WhisperModel(str(model), device="auto")
        self.languages = frozenset(self._model.supported_languages)

    def begin(self) -> None:
        """Do nothing: the model keeps nothing from one utterance to the next."""

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

    def __init__(self, module: Any, model: Path) -> None:
        self._module = module
        module.SetLogLevel(-1)
        self._model = module.Model(str(model))
        named = re.search(r"model-(?:small-)?([a-z]{2})\b", model.name)
        language = named[1] if named else "en"
        self.languages = frozenset({_VOSK_COUNTRIES.get(language, language)})

    def begin(self) -> None:
        """Do nothing: each utterance gets a recogniser of its own."""

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


_ENGINES: dict[str, tuple[str, Callable[[Any, Any], Engine]]] = {
    PocketSphinx.name: ("pocketsphinx", PocketSphinx),
    FasterWhisper.name: ("faster_whisper", FasterWhisper),
    Vosk.name: ("vosk", Vosk),
}


@dataclass(frozen=True, slots=True)
class EngineChoice:
    """Which recogniser to load, and where its model is. Wrong choices are refused at once."""

    name: str = PocketSphinx.name
    model: Path | None = None

    def __post_init__(self) -> None:
        if self.name not in _ENGINES:
            known = ", ".join(sorted(_ENGINES))
            raise ParameterError("EARSHOT_RECOGNISER", f"{self.name!r} is not one of {known}")
        if self.model is None and self.name != PocketSphinx.name:
            raise ParameterError(
                "EARSHOT_RECOGNISER_MODEL", f"{self.name} needs the path of a model"
            )
        if self.model is not None and not self.model.exists():
            raise ParameterError(
                "EARSHOT_RECOGNISER_MODEL", f"there is nothing at {str(self.model)!r}"
            )

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> "EngineChoice":
        """Return what EARSHOT_RECOGNISER and EARSHOT_RECOGNISER_MODEL name, if it is installed."""
        model = environ.get("EARSHOT_RECOGNISER_MODEL")
        name = environ.get("EARSHOT_RECOGNISER") or PocketSphinx.name
        choice = cls(name, Path(model) if model else None)
        module, _ = _ENGINES[name]
        if importlib.util.find_spec(module) is None:
            raise ParameterError("EARSHOT_RECOGNISER", f"{name} is not installed")
        return choice


def load_engine(choice: EngineChoice | None = None) -> Engine:
    """Load a recogniser and its model. Takes from a fifth of a second to many seconds."""
    choice = choice or EngineChoice()
    module_name, engine = _ENGINES[choice.name]
    try:
        # Heavy, and optional but for the first: imported only where a recording is recognised.
        module = importlib.import_module(module_name)
    except ImportError as exc:
        raise ParameterError(
            "EARSHOT_RECOGNISER", f"{choice.name} is not installed ({exc})"
        ) from exc
    return engine(module, choice.model)


def _probability(value: float) -> float:
    """Return ``value`` within 0 to 1: posteriors can leave it by a rounding error."""
    return min(1.0, max(0.0, float(value)))

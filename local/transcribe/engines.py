"""The choice of a speech recogniser, and two that users install: faster-whisper and Vosk."""

import importlib
import importlib.util
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from chalicelib.core.speech.moonshine import Moonshine, load_moonshine
from chalicelib.core.speech.recogniser import (
    SAMPLE_RATE_HZ,
    Engine,
    RecognisedWord,
    Samples,
    int16,
    probability,
)
from chalicelib.errors import ParameterError
from local.transcribe.sphinx import PocketSphinx
from local.transcribe.vocabulary import Vocabulary, read_vocabulary

# Some of Vosk's models are named after a country and not a language.
_VOSK_COUNTRIES = {"cn": "zh", "kz": "kk", "vn": "vi"}


class FasterWhisper(Engine):
    """faster-whisper with a model folder that the user has."""

    name = "faster-whisper"

    def __init__(self, module: Any, choice: "EngineChoice") -> None:
        self._model = module.WhisperModel(str(choice.model), device="auto")
        vocabulary = choice.vocabulary
        self._preferred = ", ".join(vocabulary.phrases) if vocabulary else None
        self.languages = frozenset(self._model.supported_languages)

    def identify(self, y: Samples) -> tuple[str, float]:
        """Return the language of the model or of the speech in ``y``."""
        if len(self.languages) == 1:
            return min(self.languages), 1.0
        language, score, _ = self._model.detect_language(y)
        return str(language), probability(score)

    def recognise(self, y: Samples, *, language: str) -> list[RecognisedWord]:
        """Return the words in ``y``, with punctuation attached to them."""
        segments, _ = self._model.transcribe(
            y,
            language=language,
            word_timestamps=True,
            condition_on_previous_text=False,  # or one error would repeat for minutes
            hotwords=self._preferred,
        )
        return [
            RecognisedWord(
                word.word.strip(),
                float(word.start),
                float(word.end),
                probability(word.probability),
            )
            for segment in segments
            for word in segment.words or ()
            if word.word.strip()
        ]


class Vosk(Engine):
    """Vosk with a model folder that the user has. The folder's name contains the language."""

    name = "vosk"

    def __init__(self, module: Any, choice: "EngineChoice") -> None:
        self._module = module
        module.SetLogLevel(-1)
        model = Path(choice.model or "")
        self._model = module.Model(str(model))
        named = re.search(r"model-(?:small-)?([a-z]{2})\b", model.name)
        language = named[1] if named else "en"
        self.languages = frozenset({_VOSK_COUNTRIES.get(language, language)})

    def recognise(self, y: Samples, *, language: str) -> list[RecognisedWord]:
        """Return the words in ``y``."""
        del language
        recogniser = self._module.KaldiRecognizer(self._model, SAMPLE_RATE_HZ)
        recogniser.SetWords(True)
        # Vosk detects the ends of sentences; it returns the words of each sentence once.
        results = [recogniser.Result()] if recogniser.AcceptWaveform(int16(y)) else []
        results.append(recogniser.FinalResult())
        return [
            RecognisedWord(
                word["word"], float(word["start"]), float(word["end"]), probability(word["conf"])
            )
            for result in results
            for word in json.loads(result).get("result", ())
        ]


def _moonshine(module: Any, choice: "EngineChoice") -> Engine:
    del module, choice  # the model is in the wheel
    return load_moonshine()


def _sphinx(module: Any, choice: "EngineChoice") -> Engine:
    return PocketSphinx(module, choice.model)


_ENGINES: dict[str, tuple[str, Callable[[Any, "EngineChoice"], Engine]]] = {
    Moonshine.name: ("moonshine_voice", _moonshine),
    PocketSphinx.name: ("pocketsphinx", _sphinx),
    FasterWhisper.name: ("faster_whisper", FasterWhisper),
    Vosk.name: ("vosk", Vosk),
}
WITH_MODEL = frozenset({Moonshine.name, PocketSphinx.name})
"""The engines whose packages contain a model."""

PREFERRING = frozenset({FasterWhisper.name})
"""The engines that can prefer the words of a vocabulary."""


def is_installed(name: str) -> bool:
    """Return whether the package of an engine is installed."""
    module, _ = _ENGINES[name]
    return importlib.util.find_spec(module) is not None


def preferred() -> str:
    """Return the default engine: the best one whose package contains a model."""
    # There is no package of Moonshine for Intel Macs and before macOS 15.
    return Moonshine.name if is_installed(Moonshine.name) else PocketSphinx.name


@dataclass(frozen=True, slots=True)
class EngineChoice:
    """The recogniser to load, and the path of its model. Wrong choices are refused at once."""

    name: str = field(default_factory=preferred)
    model: Path | None = None
    vocabulary: Vocabulary | None = None
    is_asked_for_speakers: bool = False

    def __post_init__(self) -> None:
        if self.name not in _ENGINES:
            known = ", ".join(sorted(_ENGINES))
            raise ParameterError("EARSHOT_RECOGNISER", f"{self.name!r} is not one of {known}")
        if self.model is None and self.name not in WITH_MODEL:
            raise ParameterError(
                "EARSHOT_RECOGNISER_MODEL", f"{self.name} needs the path of a model"
            )
        if self.model is not None and not self.model.exists():
            raise ParameterError(
                "EARSHOT_RECOGNISER_MODEL", f"there is no file or folder {str(self.model)!r}"
            )

    def __str__(self) -> str:
        """Return the sentence about the recogniser for the start of local mode."""
        model = f"the model {self.model}" if self.model else "the English model in its package"
        sentence = (
            f"Recordings are heard by {self.name}, with {model}; "
            "it stands in for Amazon Transcribe (EARSHOT_RECOGNISER in docs/settings.md)."
        )
        return f"{sentence} {self.about_settings}".rstrip()

    @property
    def about_settings(self) -> str:
        """Return sentences about the use of a vocabulary and of speakers, if they are asked for."""
        speakers = (
            "It does not tell speakers apart, so TRANSCRIBE_MAX_SPEAKERS has no effect here."
            if self.is_asked_for_speakers
            else ""
        )
        return f"{self._about_vocabulary} {speakers}".strip()

    @property
    def _about_vocabulary(self) -> str:
        if self.vocabulary is None:
            return ""
        words = f"the {len(self.vocabulary.phrases)} phrases of the vocabulary"
        if self.name in PREFERRING:
            return f"It prefers {words} {self.vocabulary.name}."
        able = " or ".join(sorted(PREFERRING))
        return f"It ignores {words} {self.vocabulary.name}, which {able} prefers."

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> "EngineChoice":
        """Return the choice of EARSHOT_RECOGNISER and its model, if installed, and a vocabulary."""
        model = environ.get("EARSHOT_RECOGNISER_MODEL")
        name = environ.get("EARSHOT_RECOGNISER") or preferred()
        speakers = environ.get("TRANSCRIBE_MAX_SPEAKERS") or "0"
        choice = cls(
            name,
            Path(model) if model else None,
            read_vocabulary(environ),
            is_asked_for_speakers=speakers != "0",
        )
        if not is_installed(name):
            raise ParameterError("EARSHOT_RECOGNISER", f"{name} is not installed")
        return choice


def load_engine(choice: EngineChoice | None = None) -> Engine:
    """Load a recogniser and its model. Takes from a fifth of a second to many seconds."""
    choice = choice or EngineChoice()
    module_name, engine = _ENGINES[choice.name]
    try:
        # Large and partly optional packages, imported only in the process that recognises.
        module = importlib.import_module(module_name)
    except (ImportError, OSError) as exc:
        raise ParameterError(
            "EARSHOT_RECOGNISER", f"{choice.name} is not installed ({exc})"
        ) from exc
    return engine(module, choice)

"""PocketSphinx: English on any machine, with the words of its dictionary."""

import re
from pathlib import Path
from typing import Any

from chalicelib.core.speech.recogniser import (
    SAMPLE_RATE_HZ,
    Engine,
    RecognisedWord,
    Samples,
    int16,
    probability,
)

# Weights of the language model in the three passes. They gave 22 % word errors, the defaults 25 %,
# over eight real clips at four levels.
_OPTIONS = {"lw": 6.0, "fwdflatlw": 7.5, "bestpathlw": 8.0}
_FRAMES_PER_S = 100
_FILLER = re.compile(r"^(<.*>|\[.*\]|\+\+.*\+\+)$")
_PRONUNCIATION = re.compile(r"\(\d+\)$")


class PocketSphinx(Engine):
    """CMU PocketSphinx with the English model from its wheel: no download, one core."""

    name = "pocketsphinx"
    languages = frozenset({"en"})

    def __init__(self, module: Any, model: Path | None) -> None:
        options: dict[str, Any] = dict(_OPTIONS)
        if model is not None:
            options |= {
                "hmm": str(model / "en-us"),
                "lm": str(model / "en-us.lm.bin"),
                "dict": str(model / "cmudict-en-us.dict"),
            }
        self._decoder = module.Decoder(samprate=SAMPLE_RATE_HZ, loglevel="FATAL", **options)

    def begin(self) -> None:
        """Reset the cepstral mean to the model's, because each utterance shifts it for the next."""
        # set_cmn() restores the mean, but not the number of frames in it.
        self._decoder.reinit_feat()

    def recognise(self, y: Samples, *, language: str) -> list[RecognisedWord]:
        """Return the words in ``y`` with their posterior probabilities as confidence."""
        del language
        if not len(y):
            return []  # the decoder's binding reads out of bounds on an empty buffer
        self._decoder.start_utt()
        # With the whole utterance at once, the cepstral mean is normalised over all of it.
        self._decoder.process_raw(int16(y), no_search=False, full_utt=True)
        self._decoder.end_utt()
        return [
            RecognisedWord(
                content=_PRONUNCIATION.sub("", segment.word),
                start_s=segment.start_frame / _FRAMES_PER_S,
                end_s=(segment.end_frame + 1) / _FRAMES_PER_S,
                confidence=probability(segment.prob),
            )
            for segment in self._decoder.seg() or ()
            if not _FILLER.match(segment.word)
        ]

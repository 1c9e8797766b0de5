"""Times and confidences of words whose text is known, by forced alignment with PocketSphinx."""

import math
from collections.abc import Iterator, Sequence
from typing import Any

from chalicelib.core.speech.pronunciation import phones
from chalicelib.core.speech.recogniser import (
    MARGIN_S,
    SAMPLE_RATE_HZ,
    RecognisedWord,
    Samples,
    int16,
)
from chalicelib.core.speech.spoken import Reading, readings, tokens

UNALIGNED_CONFIDENCE = 0.1
"""Confidence of a word whose times are only estimated."""

# A word's score is the mean over its frames of the log likelihood of its phones, relative to the
# best phones; 0 is the best. Measured on read English by nine voices with 142 of 968 words replaced
# by others: half of the right words score above -1.3 and nine of ten above -2.8, half of the wrong
# ones below -6.8 and nine of ten below -3.4. The logistic curve of these two numbers separates them
# with the least log loss.
_EVEN_SCORE = -4.7
_SCORE_SCALE = 0.8
# With its own beams and its lattice, PocketSphinx finds no path through one of six texts that have
# a wrong word.
_OPTIONS = {"beam": 1e-100, "pbeam": 1e-100, "wbeam": 1e-80, "bestpath": False}
_FRAMES_PER_S = 100
_SCORE_UNIT = 1024.0  # without its lattice, PocketSphinx's scores are shifted by ten bits


class Aligner:
    """PocketSphinx with known words, which finds the times and the fit of each word."""

    def __init__(self, module: Any) -> None:
        self._decoder = module.Decoder(
            samprate=SAMPLE_RATE_HZ, loglevel="FATAL", lm=None, **_OPTIONS
        )

    def align(self, y: Samples, text: str) -> list[RecognisedWord]:
        """Return the words of ``text`` with their times in ``y`` and confidences.

        Parameters
        ----------
        y : np.ndarray [shape=(n,)]
            one utterance, mono at ``SAMPLE_RATE_HZ``
        text : str
            the words of the utterance, as written

        Returns
        -------
        list of RecognisedWord
            times in seconds from the start of ``y``. If the text does not fit, times in
            proportion to the words' letters and ``UNALIGNED_CONFIDENCE``.
        """
        words = tokens(text)
        ways = [readings(word, self._knows) for word in words]
        attempts = [
            [way[min(i, len(way) - 1)] for way in ways]
            for i in range(max(map(len, ways), default=0))
        ]
        aligned = [found for said in attempts if (found := self._aligned(y, words, said))]
        if not aligned:
            return spread(words, len(y) / SAMPLE_RATE_HZ)
        return max(aligned, key=lambda found: sum(word.confidence for word in found))

    def _knows(self, word: str) -> bool:
        return self._phones(word) is not None

    def _phones(self, word: str) -> str | None:
        # A parenthesis marks a second pronunciation in the dictionary; no word contains one.
        found = self._decoder.lookup_word(word) if "(" not in word else None
        return str(found) if found else None

    def _aligned(
        self, y: Samples, words: Sequence[str], said: Sequence[Reading]
    ) -> list[RecognisedWord] | None:
        """Return the words with the times of ``said``, or None if it does not fit."""
        said = [[word for word in reading if self._can_say(word)] for reading in said]
        segments = self._segments(y, [word for reading in said for word in reading])
        if segments is None:
            return None
        placed: list[RecognisedWord | None] = []
        for word, reading in zip(words, said, strict=True):
            its, segments = segments[: len(reading)], segments[len(reading) :]
            placed.append(_word(word, its) if its else None)
        return list(_interpolated(words, placed, len(y) / SAMPLE_RATE_HZ))

    def _can_say(self, word: str) -> bool:
        """Return whether a word has phones; if the decoder lacks them, add them to it."""
        if self._knows(word):
            return True
        if guessed := phones(word, self._phones):
            self._decoder.add_word(word, guessed, update=False)
        return bool(guessed)

    def _segments(self, y: Samples, said: Reading) -> list[Any] | None:
        """Return the times of each spoken word, or None if a word cannot be placed."""
        if not said or not len(y):
            return None
        # Each utterance starts from the model's cepstral mean, so that none shifts another.
        self._decoder.reinit_feat()
        try:
            self._decoder.set_align_text(" ".join(said))
            self._decoder.start_utt()
            self._decoder.process_raw(int16(y), no_search=False, full_utt=True)
            self._decoder.end_utt()
        except RuntimeError:
            return None
        segments = [
            segment for segment in self._decoder.seg() or () if segment.word[0] not in "<[+"
        ]
        return segments if len(segments) == len(said) else None


def confidence(score: float) -> float:
    """Return the probability that a word is right, from the score of its alignment."""
    return 1 / (1 + math.exp(min(700.0, (_EVEN_SCORE - score) / _SCORE_SCALE)))


def spread(words: Sequence[str], duration_s: float) -> list[RecognisedWord]:
    """Return words spread over an utterance in proportion to their letters, with low confidence."""
    margin_s = min(MARGIN_S, duration_s / 4)
    return list(_spread(words, margin_s, duration_s - margin_s))


def _spread(words: Sequence[str], start_s: float, end_s: float) -> Iterator[RecognisedWord]:
    per_letter_s = (end_s - start_s) / max(1, sum(map(len, words)))
    for word in words:
        end_s = start_s + len(word) * per_letter_s
        yield RecognisedWord(word, start_s, end_s, UNALIGNED_CONFIDENCE)
        start_s = end_s


def _word(word: str, segments: Sequence[Any]) -> RecognisedWord:
    """Return a written word with the times of its spoken words."""
    first, last = segments[0].start_frame, segments[-1].end_frame + 1
    n_frames = sum(segment.end_frame + 1 - segment.start_frame for segment in segments)
    score = _SCORE_UNIT * sum(math.log(segment.ascore) for segment in segments) / n_frames
    return RecognisedWord(word, first / _FRAMES_PER_S, last / _FRAMES_PER_S, confidence(score))


def _interpolated(
    words: Sequence[str], placed: Sequence[RecognisedWord | None], duration_s: float
) -> Iterator[RecognisedWord]:
    """Yield every word in order; a word without phones is between its neighbours."""
    waiting: list[str] = []
    end_s = 0.0
    for word, found in zip(words, placed, strict=True):
        if found is None:
            waiting.append(word)
            continue
        yield from _spread(waiting, end_s, found.start_s)
        waiting, end_s = [], found.end_s
        yield found
    yield from _spread(waiting, end_s, duration_s)

"""Parts of a long recording, which are recognised apart and joined without a seam.

A part has whole utterances, which the recogniser has cut at pauses, so no word lies on an edge and
the words are the same as those of the whole at once.
"""

import io
import wave
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, astuple, dataclass, replace

import numpy as np
import orjson

from chalicelib.core.speech.recogniser import (
    SAMPLE_RATE_HZ,
    Engine,
    RecognisedWord,
    Recognition,
    Samples,
    int16,
    recognise_utterances,
    utterances,
)

PART_S = 300.0
"""Seconds of speech in a part. They take 20 CPU seconds, so a part that fails costs little."""

_FULL_SCALE = np.float32(32767.0)


@dataclass(frozen=True, slots=True)
class Part:
    """The utterances of a part: where each starts in seconds, and its number of samples."""

    utterances: tuple[tuple[float, int], ...]
    channel: int | None = None


@dataclass(frozen=True, slots=True)
class Parts:
    """All parts of a recording, and its length in seconds."""

    parts: tuple[Part, ...]
    duration_s: float

    def to_json(self) -> bytes:
        """Return the list as it is kept between functions."""
        return orjson.dumps(asdict(self))

    @classmethod
    def of_json(cls, data: bytes) -> "Parts":
        """Read the list."""
        found = orjson.loads(data)
        return cls(
            tuple(
                Part(tuple((start_s, n) for start_s, n in one["utterances"]), one["channel"])
                for one in found["parts"]
            ),
            found["duration_s"],
        )


def cut(blocks: Iterable[Samples], *, channel: int | None = None) -> Iterator[tuple[Part, bytes]]:
    """Cut a signal into parts of ``PART_S`` of speech.

    Parameters
    ----------
    blocks : iterable of np.ndarray [shape=(n,)]
        successive mono samples at ``SAMPLE_RATE_HZ``, in [-1, 1]
    channel : int, optional
        the channel that they are of

    Yields
    ------
    part : Part
        the utterances; there is no part without speech
    sound : bytes
        the samples of all of them, one after the other, as a WAV file of 16 bits
    """
    gathered: list[tuple[float, Samples]] = []
    n_gathered = 0
    for start_s, y in utterances(blocks):
        gathered.append((start_s, y))
        n_gathered += len(y)
        if n_gathered >= PART_S * SAMPLE_RATE_HZ:
            yield _part(gathered, channel)
            gathered, n_gathered = [], 0
    if gathered:
        yield _part(gathered, channel)


def _part(gathered: Sequence[tuple[float, Samples]], channel: int | None) -> tuple[Part, bytes]:
    sound = io.BytesIO()
    with wave.open(sound, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE_HZ)
        file.writeframes(b"".join(int16(y) for _, y in gathered))
    return Part(tuple((start_s, len(y)) for start_s, y in gathered), channel), sound.getvalue()


def recognise_part(part: Part, sound: bytes, engine: Engine, *, language: str) -> bytes:
    """Return the words of a part as they are kept until all parts are there."""
    with wave.open(io.BytesIO(sound)) as file:
        y = np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(np.float32)
    y /= _FULL_SCALE
    edges = np.cumsum([0, *(n for _, n in part.utterances)])
    heard = recognise_utterances(
        (
            (start_s, y[first:last])
            for (start_s, _), first, last in zip(
                part.utterances, edges[:-1], edges[1:], strict=True
            )
        ),
        engine,
        language=language,
    )
    return orjson.dumps([astuple(replace(word, channel=part.channel)) for word in heard.words])


def join(parts: Parts, words: Iterable[bytes], *, language: str) -> Recognition:
    """Return the recording's words in order of time, from the words of its parts."""
    said = (RecognisedWord(*fields) for part in words for fields in orjson.loads(part))
    in_order = sorted(said, key=lambda word: word.start_s)
    return Recognition(tuple(in_order), parts.duration_s, language, 1.0)

"""Speech to timed words: a recording is cut at its pauses, and an engine gets each utterance."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

SAMPLE_RATE_HZ = 16_000
MAX_UTTERANCE_S = 25.0

_FRAME = 320  # samples: 20 ms
_FRAMES_PER_S = SAMPLE_RATE_HZ // _FRAME
# Shortest pause that ends an utterance, by the length of the utterance: long utterances give the
# engine's language model context, short ones limit its memory.
_PAUSES_S = ((0.0, 2.0), (10.0, 0.6), (18.0, 0.25))
MARGIN_S = 0.3  # silence kept around speech, so that no soft first or last sound is lost
_FLOOR_DB = -65.0  # about 18 steps of 16 bits: nothing below it can be speech
_SPEECH_RANGE_DB = 8.0  # speech moves more than this; hum and hiss do not
_PAUSE_BELOW_PEAK_DB = 25.0
_SILENCE_BELOW_PEAK_DB = 40.0  # a soft voice may follow a loud one within an utterance
_ABOVE_NOISE_DB = 4.0
_SHORTEST_SPEECH = 4  # frames; a shorter sound is a click
_SHORTEST_SPAN = (
    _FRAMES_PER_S / 3
)  # from first to last frame; from shorter sounds engines make random words
_QUIET_PEAK = 0.1

Samples = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class RecognisedWord:
    """One word, its times in seconds from the start of what was recognised."""

    content: str
    start_s: float
    end_s: float
    confidence: float
    channel: int | None = None


@dataclass(frozen=True, slots=True)
class Recognition:
    """Everything that was recognised in a recording."""

    words: tuple[RecognisedWord, ...]
    duration_s: float
    language: str
    language_score: float


class Engine:
    """A speech recogniser, independent of files, pauses and services."""

    name: str
    """Name of the engine in messages."""

    languages: frozenset[str]
    """The primary language subtags that the engine understands, such as ``en``."""

    @property
    def release(self) -> str:
        """Name of the engine for the recording; with a version, if the engine is its own model."""
        return self.name

    def begin(self) -> None:  # most engines have no state
        """Reset the engine's state, so that a recording's words depend on its bytes only."""

    def identify(self, y: Samples) -> tuple[str, float]:
        """Return the language spoken in ``y`` (16 kHz mono) and how sure the engine is, 0 to 1."""
        del y
        return min(self.languages), 1.0

    def recognise(self, y: Samples, *, language: str) -> list[RecognisedWord]:
        """Return the words spoken in ``y`` (16 kHz mono), in order."""
        raise NotImplementedError

    def is_understood(self, words: Sequence[RecognisedWord]) -> bool:
        """Return whether the words are plausible, and not made from another language."""
        del words
        return True


def recognise(
    blocks: Iterable[Samples],
    engine: Engine,
    *,
    language: str | None = None,
    on_progress: Callable[[float], None] | None = None,
) -> Recognition:
    """Recognise a recording of any length, one utterance at a time.

    Memory is bounded by ``MAX_UTTERANCE_S`` (1.6 MB of samples), for any length.

    Parameters
    ----------
    blocks : iterable of np.ndarray [shape=(n,)]
        successive mono samples at ``SAMPLE_RATE_HZ``, in [-1, 1]
    engine : Engine
        the recogniser of an utterance
    language : str, optional
        primary language subtag; without it the first utterance decides
    on_progress : callable, optional
        called with the seconds of audio that are done, after each utterance

    Returns
    -------
    Recognition
        no words if nobody speaks
    """
    n_seen = 0

    def counted() -> Iterator[Samples]:
        nonlocal n_seen
        for block in blocks:
            n_seen += len(block)
            yield block

    heard = recognise_utterances(
        utterances(counted()), engine, language=language, on_progress=on_progress
    )
    return replace(heard, duration_s=n_seen / SAMPLE_RATE_HZ)


def recognise_utterances(
    cut: Iterable[tuple[float, Samples]],
    engine: Engine,
    *,
    language: str | None = None,
    on_progress: Callable[[float], None] | None = None,
) -> Recognition:
    """Recognise utterances that ``utterances`` has cut; the duration is not known."""
    words: list[RecognisedWord] = []
    score = 1.0
    engine.begin()
    for start_s, y in cut:
        if language is None:
            language, score = engine.identify(y)
        words.extend(
            replace(word, start_s=word.start_s + start_s, end_s=word.end_s + start_s)
            for word in engine.recognise(_audible(y), language=language)
        )
        if on_progress:
            on_progress(start_s + len(y) / SAMPLE_RATE_HZ)
    if language is None:
        language = "en" if "en" in engine.languages else min(engine.languages)
    return Recognition(tuple(words), 0.0, language, score)


def utterances(blocks: Iterable[Samples]) -> Iterator[tuple[float, Samples]]:
    """Cut a signal at its pauses, and leave out parts without speech.

    Parameters
    ----------
    blocks : iterable of np.ndarray [shape=(n,)]
        successive mono samples at ``SAMPLE_RATE_HZ``, in [-1, 1]

    Yields
    ------
    start_s : float
        where the utterance starts, in seconds from the start of the signal
    y : np.ndarray [shape=(n,)]
        its samples, at most ``MAX_UTTERANCE_S`` long
    """
    pending: Samples = np.zeros(0, np.float32)
    n_before = 0
    for block in _regrouped(blocks):
        pending = np.concatenate([pending, block])
        while cut := _cut(levels_db(pending)):
            yield from _speech(pending[: cut * _FRAME], n_before)
            n_before += cut * _FRAME
            pending = pending[cut * _FRAME :]
    yield from _speech(pending, n_before)


def _regrouped(blocks: Iterable[Samples]) -> Iterator[Samples]:
    """Yield the same samples half a second at a time, because decoders' blocks vary in size."""
    size = SAMPLE_RATE_HZ // 2
    gathered: list[Samples] = []
    n_gathered = 0
    for block in blocks:
        for piece in (block[i : i + size] for i in range(0, len(block), size)):
            gathered.append(piece)
            n_gathered += len(piece)
            if n_gathered >= size:
                yield np.concatenate(gathered)
                gathered, n_gathered = [], 0
    if gathered:
        yield np.concatenate(gathered)


def levels_db(y: Samples) -> NDArray[np.float64]:
    """Return the level of each whole 20 ms of ``y``, in decibels below full scale."""
    frames = y[: len(y) // _FRAME * _FRAME].reshape(-1, _FRAME)
    # A constant offset is not sound, and some sound cards have a large one.
    power = frames.var(axis=1, dtype=np.float64)
    return np.asarray(10 * np.log10(power + 1e-12))


def _threshold_db(levels: NDArray[np.float64], below_peak_db: float) -> float:
    """Return the level below which a frame has no speech."""
    noise, peak = np.percentile(levels, [5, 99])
    return float(max(peak - below_peak_db, noise + _ABOVE_NOISE_DB, _FLOOR_DB))


def _cut(levels: NDArray[np.float64]) -> int:
    """Return the frame at which the first utterance in ``levels`` ends, or 0 if not yet."""
    if not len(levels):
        return 0
    paused = levels < _threshold_db(levels, _PAUSE_BELOW_PEAK_DB)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], paused, [False]])))
    for start, end in edges.reshape(-1, 2):
        length_s = start / _FRAMES_PER_S
        needed_s = min(pause for after, pause in _PAUSES_S if length_s >= after)
        if end - start >= needed_s * _FRAMES_PER_S:
            # A pause grows while blocks come in; half of the required pause is enough
            # silence to leave behind, and the rest is dropped from the next utterance.
            return int(start + needed_s * _FRAMES_PER_S / 2)
    longest = int(MAX_UTTERANCE_S * _FRAMES_PER_S)
    if len(levels) < longest:
        return 0
    return _quietest(levels[:longest], longest // 2, longest - 5)


def _quietest(levels: NDArray[np.float64], first: int, last: int) -> int:
    """Return the quietest 100 ms: without a pause, the least harmful place for a cut."""
    smooth = np.convolve(levels, np.ones(5) / 5, mode="same")
    return first + int(np.argmin(smooth[first:last]))


def halves(y: Samples) -> tuple[Samples, Samples]:
    """Cut an utterance near its middle, where it is quietest."""
    levels = levels_db(y)
    cut = _quietest(levels, len(levels) // 4, len(levels) * 3 // 4) * _FRAME
    return y[:cut], y[cut:]


def _speech(y: Samples, n_before: int) -> Iterator[tuple[float, Samples]]:
    """Yield the part of ``y`` that may have speech, if there is one."""
    levels = levels_db(y)
    if not len(levels):
        return
    low, peak = np.percentile(levels, [10, 99])
    if peak < _FLOOR_DB or peak - low < _SPEECH_RANGE_DB:
        return
    loud = np.flatnonzero(levels >= _threshold_db(levels, _SILENCE_BELOW_PEAK_DB))
    if len(loud) < _SHORTEST_SPEECH or loud[-1] + 1 - loud[0] < _SHORTEST_SPAN:
        return
    margin = int(MARGIN_S * _FRAMES_PER_S)
    start = max(0, int(loud[0]) - margin) * _FRAME
    end = (int(loud[-1]) + 1 + margin) * _FRAME
    yield (n_before + start) / SAMPLE_RATE_HZ, y[start:end]


def _audible(y: Samples) -> Samples:
    """Amplify a very quiet signal, because engines work with 16 bits; remove a constant offset."""
    y = y - y.mean(dtype=np.float64).astype(np.float32)
    peak = float(np.abs(y).max(initial=0.0))
    return y * np.float32(_QUIET_PEAK / peak) if 0.0 < peak < _QUIET_PEAK else y


def int16(y: Samples) -> bytes:
    """Return samples in [-1, 1] as little-endian 16-bit integers."""
    return (np.clip(y, -1.0, 1.0) * 32767.0).astype("<i2").tobytes()


def probability(value: float) -> float:
    """Return ``value`` limited to 0 to 1, because posteriors can exceed it by a rounding error."""
    return min(1.0, max(0.0, float(value)))

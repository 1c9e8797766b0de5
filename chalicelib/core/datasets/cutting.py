"""Parts of a recording for its utterances: frames of the tables, and samples."""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import BinaryIO

import numpy as np

from chalicelib.core.audio.decoding import DecodedAudio
from chalicelib.core.datasets.models import Source, Utterance
from chalicelib.core.features.frames import Frames


def cut(spans: Sequence[tuple[int, int]], blocks: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
    """Yield the rows of each span of a long array that comes in blocks.

    Memory holds a block, and the spans that have begun and are not yielded yet.

    Parameters
    ----------
    spans : sequence of (int, int)
        first row and end of each, in order of their first rows; they may overlap
    blocks : iterable of np.ndarray [shape=(n, …)]
        successive rows, for any n

    Yields
    ------
    rows : np.ndarray [shape=(end - first, …)]
        in the order of the spans; shorter if the blocks end before
    """
    waiting = deque(spans)
    begun: deque[tuple[int, int, list[np.ndarray]]] = deque()
    n_read = 0
    last: np.ndarray | None = None
    for block in blocks:
        n_before, n_read = n_read, n_read + len(block)
        last = block
        while waiting and waiting[0][0] < n_read:
            begun.append((*waiting.popleft(), []))
        for first, end, pieces in begun:
            piece = block[max(first - n_before, 0) : max(end - n_before, 0)]
            if len(piece):
                # A copy, because a view would keep the whole block.
                pieces.append(piece.copy())
        while begun and begun[0][1] <= n_read:
            yield _joined(begun.popleft()[2], block)
    if last is not None:
        for _, _, pieces in begun:
            yield _joined(pieces, last)
        for _ in waiting:
            yield last[:0]


def _joined(pieces: list[np.ndarray], like: np.ndarray) -> np.ndarray:
    return np.concatenate(pieces) if pieces else like[:0]


def cut_frames(
    utterances: Sequence[Utterance], blocks: Iterable[Frames], *, columns: Sequence[str]
) -> Iterator[np.ndarray]:
    """Yield the frames of each utterance.

    Parameters
    ----------
    utterances : sequence of Utterance
        of one recording, in order of time
    blocks : iterable of Frames
        of the whole recording
    columns : sequence of str
        ``mfcc``, ``f0``, ``voiced`` and ``rms``, in their order

    Yields
    ------
    frames : np.ndarray [shape=(n_frames, n_columns)]
        float32; ``f0`` in hertz, and 0 where the frame is unvoiced, because a matrix for training
        has no NaN
    """
    spans = [(one.first_frame, one.first_frame + one.n_frames) for one in utterances]
    # Sorted, because rounding may put a first frame before that of the utterance before it.
    order = sorted(range(len(spans)), key=spans.__getitem__)
    if order == list(range(len(spans))):
        yield from cut(spans, (_matrix(frames, columns) for frames in blocks))
        return
    cuts = cut([spans[i] for i in order], (_matrix(frames, columns) for frames in blocks))
    early: dict[int, np.ndarray] = {}
    expected = 0
    for index, rows in zip(order, cuts, strict=True):
        early[index] = rows
        while expected in early:
            yield early.pop(expected)
            expected += 1


def _matrix(frames: Frames, columns: Sequence[str]) -> np.ndarray:
    found = {
        "mfcc": frames.mfcc,
        "f0": np.nan_to_num(frames.f0)[:, np.newaxis],
        "voiced": frames.voiced_flag[:, np.newaxis],
        "rms": frames.rms[:, np.newaxis],
    }
    return np.hstack([found[name] for name in columns]).astype(np.float32)


def n_samples_of(duration: float, sr: int) -> int:
    """Return the number of samples of a duration in seconds at a rate, rounded as Lhotse does."""
    exact = Decimal(round(duration * sr, ndigits=8))
    return int(exact.quantize(Decimal(0), rounding=ROUND_HALF_UP))


def cut_audio(
    source: Source, utterances: Sequence[Utterance], upload: BinaryIO
) -> Iterator[np.ndarray]:
    """Yield the samples of each utterance, of its channel or of the mix of all channels.

    Parameters
    ----------
    source : Source
        the recording
    utterances : sequence of Utterance
        in order of time
    upload : BinaryIO
        any seekable file object

    Yields
    ------
    y : np.ndarray [shape=(n,)]
        float32 at the rate of the tables, ``source.recipe.sr``

    Raises
    ------
    MediaError
        if the upload cannot be decoded
    """
    sr = source.recipe.sr
    is_apart = any(one.channel is not None for one in utterances)
    signals = DecodedAudio(upload).blocks(sr, each_channel=is_apart)
    spans = [
        (first := round(one.start * sr), first + n_samples_of(one.duration, sr))
        for one in utterances
    ]
    parts = cut(spans, (np.stack(block, axis=1) for block in signals))
    for one, part in zip(utterances, parts, strict=True):
        y = part.mean(axis=1) if one.channel is None else part[:, one.channel]
        # Times are rounded to a sample, so the last utterance may lack one.
        yield np.pad(y, (0, n_samples_of(one.duration, sr) - len(y)))

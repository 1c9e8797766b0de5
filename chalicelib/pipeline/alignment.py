"""Times of corrected words, from an aligner if one is installed."""

import importlib
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any

from chalicelib.core.recording import Recording
from chalicelib.core.transcripts.correcting import rooms
from chalicelib.core.transcripts.corrections import Correction
from chalicelib.errors import MediaError
from chalicelib.pipeline.clips import read_sound

if TYPE_CHECKING:
    from chalicelib.core.transcripts.models import Transcript
    from chalicelib.services import Services

SR = 16_000
LONGEST_S = 30.0
"""Longest part that is aligned, in seconds; the answer to a request waits for this."""

AROUND_S = 0.3
"""Sound that is taken from the pauses before and after, in seconds."""

Aligner = Callable[[Any, str, str], Sequence[tuple[float, float]] | None]
"""Takes mono float32 samples at 16 kHz, their text and its language; returns each word's start and
end in seconds, or None if the text does not fit."""


def align(
    corrections: Sequence[Correction],
    known: set[Correction],
    original: "Transcript",
    recording: Recording,
    services: "Services",
) -> list[Correction]:
    """Return corrections; new ones have the times of their words, if these can be found."""
    aligner = _load(services.settings.aligner)
    if aligner is None:
        return list(corrections)
    found = rooms(original, corrections)
    return [
        replace(one, times=_times(one, room, aligner, recording, services))
        if room and one not in known
        else one
        for one, room in zip(corrections, found, strict=True)
    ]


def _times(
    correction: Correction,
    room: tuple[float, float],
    aligner: Aligner,
    recording: Recording,
    services: "Services",
) -> tuple[tuple[float, float], ...]:
    earliest, latest = room
    start = max(earliest, correction.start_s - AROUND_S)
    if not start < latest <= start + LONGEST_S:
        return ()
    channel = re.search(r"\d+$", correction.channel or "")
    try:
        y = read_sound(
            recording,
            (start, latest),
            services,
            sr=SR,
            channel=int(channel[0]) if channel else None,
        )
    except MediaError:
        return ()  # the words share the time of the old ones
    language = recording.transcript.language_code if recording.transcript else None
    spans = aligner(y, correction.text, language or "") or ()
    return tuple(
        (round(start + first, 3), round(min(start + last, latest), 3)) for first, last in spans
    )


@cache
def _load(name: str) -> Aligner | None:
    """Return the aligner that a setting names as ``module:function``; None for no name."""
    module, _, function = name.partition(":")
    found: Aligner | None = getattr(importlib.import_module(module), function) if name else None
    return found

"""Decoded pictures to pictures for the encoder: turned, scaled, converted."""

from fractions import Fraction
from typing import Any

import av
import av.filter

TICKS = Fraction(1, 90_000)
"""Time base of pictures, fine enough for every frame rate."""

_TURNS = {90: ("transpose", "cclock"), -90: ("transpose", "clock"), 270: ("transpose", "clock")}
# PyAV gives the counter-clockwise rotation that makes the picture upright.


class Scaler:
    """A filter graph that turns, scales and converts pictures; more steps can be added."""

    def __init__(self, size: tuple[int, int], pixels: str, *steps: tuple[str, str]) -> None:
        self._size = size
        self._pixels = pixels
        self._steps = steps
        self._graph: av.filter.Graph | None = None
        self._first: tuple[int, int, str] | None = None

    def push(self, frame: av.VideoFrame, at_s: Fraction, rotation: int) -> None:
        """Take a picture."""
        if self._graph is None or self._first is None:
            self._first = (frame.width, frame.height, frame.format.name)
            self._graph = self._build(frame, rotation)
        if (frame.width, frame.height, frame.format.name) != self._first:
            width, height, pixels = self._first
            frame = frame.reformat(width, height, pixels)
        frame.pts, frame.time_base = round(at_s / TICKS), TICKS
        self._graph.vpush(frame)

    def pull(self, *, is_end: bool = False) -> list[Any]:
        """Return the pictures that are ready."""
        if self._graph is None:
            return []
        if is_end:
            self._graph.vpush(None)
        pictures = []
        while True:
            try:
                pictures.append(self._graph.vpull())
            except (av.error.BlockingIOError, av.error.EOFError):
                return pictures

    def _build(self, frame: av.VideoFrame, rotation: int) -> av.filter.Graph:
        graph = av.filter.Graph()
        last = graph.add_buffer(
            width=frame.width, height=frame.height, format=frame.format, time_base=TICKS
        )
        turns = (
            [("hflip", ""), ("vflip", "")]
            if abs(rotation) == 180  # noqa: PLR2004  # half a turn
            else [_TURNS[rotation]]
            if rotation in _TURNS
            else []
        )
        width, height = self._size
        steps = [
            *turns,
            *(step for step in self._steps if step[0] == "fps"),
            ("scale", f"{width}:{height}:flags=bicubic"),
            ("setsar", "1"),
            ("format", self._pixels),
        ]
        for name, arguments in steps:
            following = graph.add(name, arguments) if arguments else graph.add(name)
            last.link_to(following)
            last = following
        sink = graph.add("buffersink")
        if ("palette", "") in self._steps:
            split, palette, use = (graph.add(n) for n in ("split", "palettegen", "paletteuse"))
            last.link_to(split)
            split.link_to(use, 0, 0)
            split.link_to(palette, 1, 0)
            palette.link_to(use, 0, 1)
            last = use
        last.link_to(sink)
        graph.configure()
        return graph

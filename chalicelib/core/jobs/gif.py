"""The pace of an animated GIF: how long each of its pictures is shown.

CompuServe, Graphics Interchange Format, version 89a, 1990.
"""

from collections.abc import Iterator
from dataclasses import dataclass

HEADER_BYTES, IMAGE_BYTES = 13, 10
EXTENSION, IMAGE = 0x21, 0x2C
GRAPHIC_CONTROL = 0xF9
CENTISECONDS = 100


@dataclass(frozen=True, slots=True)
class Animation:
    """A GIF and its length: the seconds until it starts again."""

    body: bytes
    duration_s: float


def paced(body: bytes, *, pictures_per_s: int) -> Animation:
    """Return an animation that shows every picture for the same time; its size stays the same.

    No picture is encoded again. If the bytes are not a GIF, or end early, the rest is unchanged.
    """
    shown_cs = CENTISECONDS // pictures_per_s
    paced_body = bytearray(body)
    n_pictures = 0
    for place in _delays(body):
        paced_body[place : place + 2] = shown_cs.to_bytes(2, "little")
        n_pictures += 1
    return Animation(bytes(paced_body), n_pictures * shown_cs / CENTISECONDS)


def _delays(body: bytes) -> Iterator[int]:
    """Yield the offset of each picture's delay, which stands in the block before the picture."""
    if not body.startswith(b"GIF8") or len(body) < HEADER_BYTES:
        return
    at = HEADER_BYTES + _palette_bytes(body[10])
    while at + IMAGE_BYTES <= len(body):
        if body[at] == EXTENSION:
            if body[at + 1] == GRAPHIC_CONTROL:
                yield at + 4
            at += 2
        elif body[at] == IMAGE:
            # The descriptor, its palette, and the first byte of the compressed data.
            at += IMAGE_BYTES + _palette_bytes(body[at + 9]) + 1
        else:
            return
        while at < len(body) and body[at]:
            at += 1 + body[at]
        at += 1


def _palette_bytes(flags: int) -> int:
    """Return the length of a palette, from the flags of the screen or of a picture."""
    return 3 << (flags & 0b111) + 1 if flags & 0b1000_0000 else 0

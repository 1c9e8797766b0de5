"""The tracks of a media container, from its index: picture, sound, size and length.

Nothing is decoded, so a few small reads are enough, and no decoder is needed. Damaged or unknown
parts count as missing; the decoder says later what is wrong.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from chalicelib.core.audio.formats import HEAD_BYTES, kind_of
from chalicelib.core.audio.source import BufferedSource

MAX_ELEMENTS = 10_000
MAX_FETCHES = 64
"""Most boxes or elements to read, and most of them that need a new request to S3 of 1 MiB.

If a file has more before its index, the index counts as missing.
"""

ISO_PARENTS = frozenset({b"moov", b"trak", b"mdia"})
TKHD_BYTES = {0: 84, 1: 96}
MDHD_BYTES = {0: 20, 1: 32}
FIXED_POINT = 65536

EBML_HEADER, SEGMENT, CLUSTER = 0x1A45DFA3, 0x18538067, 0x1F43B675
INFO, TIMECODE_SCALE, DURATION = 0x1549A966, 0x2AD7B1, 0x4489
TRACKS, TRACK_ENTRY, TRACK_TYPE, VIDEO = 0x1654AE6B, 0xAE, 0x83, 0xE0
PIXEL_WIDTH, PIXEL_HEIGHT = 0xB0, 0xBA
DISPLAY_WIDTH, DISPLAY_HEIGHT, DISPLAY_UNIT = 0x54B0, 0x54BA, 0x54B2
MATROSKA_PARENTS = frozenset({SEGMENT, INFO, TRACKS, TRACK_ENTRY, VIDEO})
MATROSKA_KINDS = {1: "picture", 2: "sound"}
NANOSECONDS = 1_000_000_000
MAX_VALUE_BYTES = 16


@dataclass(frozen=True, slots=True)
class Size:
    """Displayed width and height of a picture, in pixels."""

    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Contents:
    """The contents of a file. A picture without a size counts as missing."""

    picture: Size | None = None
    has_sound: bool = False
    duration_s: float | None = None
    sample_rate_hz: int | None = None
    channels: int | None = None


def look_into(source: BufferedSource) -> Contents:
    """Return the contents of an MP4, QuickTime, WebM or Matroska file; empty for other files."""
    source.seek(0)
    match kind_of(source.read(HEAD_BYTES)):
        case "iso":
            return _iso_contents(source)
        case "matroska":
            return _matroska_contents(source)
    return Contents()


# --- MP4 and QuickTime: ISO/IEC 14496-12 ---


def _iso_contents(source: BufferedSource) -> Contents:
    picture: Size | None = None
    has_sound = False
    durations: list[float] = []
    shown: Size | None = None
    for kind, body in _boxes(source, 0, source.size):
        if kind == b"tkhd":
            shown = _shown_size(body)
        elif kind == b"hdlr":
            has_sound = has_sound or body[8:12] == b"soun"
            if body[8:12] == b"vide":
                picture = picture or shown
        elif kind in (b"mvhd", b"mdhd"):
            durations += _durations(body)
    return Contents(picture, has_sound, max(durations, default=None))


def _boxes(source: BufferedSource, start: int, end: int) -> Iterator[tuple[bytes, bytes]]:
    """Yield the needed boxes with their first bytes, parents before children."""
    waiting, n_seen = [(start, end)], 0
    while waiting and n_seen < MAX_ELEMENTS and source.n_fetches < MAX_FETCHES:
        start, end = waiting.pop()
        n_seen += 1
        source.seek(start)
        header = source.read(16)
        if start >= end or len(header) < 8:  # noqa: PLR2004  # bytes of a box's length and type
            continue
        size, kind, body_start = int.from_bytes(header[:4], "big"), header[4:8], start + 8
        if size == 1:
            size, body_start = int.from_bytes(header[8:16], "big"), start + 16
        box_end = start + size if size else end
        if box_end <= start:
            continue
        # The search ends after the index, because the media follow.
        if kind != b"moov":
            waiting.append((box_end, end))
        if kind in ISO_PARENTS:
            waiting.append((body_start, min(box_end, end)))
        elif kind in (b"tkhd", b"hdlr", b"mvhd", b"mdhd"):
            source.seek(body_start)
            yield kind, source.read(min(box_end - body_start, max(TKHD_BYTES.values())))


def _shown_size(tkhd: bytes) -> Size | None:
    n_bytes = TKHD_BYTES.get(tkhd[0]) if tkhd else None
    if n_bytes is None or len(tkhd) < n_bytes:
        return None
    across, along = struct.unpack(">ii", tkhd[n_bytes - 44 : n_bytes - 36])
    width, height = (value // FIXED_POINT for value in struct.unpack(">II", tkhd[n_bytes - 8 :]))
    if not width or not height:
        return None
    # The matrix turns the picture by 90 degrees.
    return Size(height, width) if abs(along) > abs(across) else Size(width, height)


def _durations(header: bytes) -> list[float]:
    """Return the duration in a movie's or a track's header, if there is one."""
    n_bytes = MDHD_BYTES.get(header[0]) if header else None
    if n_bytes is None or len(header) < n_bytes:
        return []
    layout = ">II" if header[0] == 0 else ">IQ"
    n_skipped = n_bytes - struct.calcsize(layout)
    timescale, duration = struct.unpack(layout, header[n_skipped:n_bytes])
    is_known = timescale and duration not in (0, 0xFFFF_FFFF, 0xFFFF_FFFF_FFFF_FFFF)
    return [duration / timescale] if is_known else []


# --- WebM and Matroska: RFC 8794 and RFC 9559 ---


def _matroska_contents(source: BufferedSource) -> Contents:
    kinds: set[str] = set()
    pixels: dict[int, int] = {}
    scale, ticks = 1_000_000, 0.0
    for element, body in _elements(source):
        if element == TRACK_TYPE:
            kinds.add(MATROSKA_KINDS.get(int.from_bytes(body, "big"), "other"))
        elif element == TIMECODE_SCALE:
            scale = int.from_bytes(body, "big")
        elif element == DURATION and len(body) in (4, 8):
            (ticks,) = struct.unpack(">f" if len(body) == 4 else ">d", body)  # noqa: PLR2004  # bytes of a single-precision float
        elif element in (PIXEL_WIDTH, PIXEL_HEIGHT, DISPLAY_WIDTH, DISPLAY_HEIGHT, DISPLAY_UNIT):
            pixels.setdefault(element, int.from_bytes(body, "big"))
    return Contents(
        picture=_matroska_size(pixels) if "picture" in kinds else None,
        has_sound="sound" in kinds,
        duration_s=ticks * scale / NANOSECONDS if ticks > 0 else None,
    )


def _matroska_size(pixels: dict[int, int]) -> Size | None:
    width, height = pixels.get(PIXEL_WIDTH, 0), pixels.get(PIXEL_HEIGHT, 0)
    if not pixels.get(DISPLAY_UNIT):  # other units are not pixels
        width = pixels.get(DISPLAY_WIDTH) or width
        height = pixels.get(DISPLAY_HEIGHT) or height
    return Size(width, height) if width and height else None


def _elements(source: BufferedSource) -> Iterator[tuple[int, bytes]]:
    """Yield the small elements of the needed parents, up to the first media after them."""
    waiting, has_tracks = [(0, source.size)], False
    for _ in range(MAX_ELEMENTS):
        if not waiting or source.n_fetches >= MAX_FETCHES:
            return
        start, end = waiting.pop()
        source.seek(start)
        header = source.read(12)
        id_length, size_length = _length(header[:1]), 0
        element = int.from_bytes(header[:id_length], "big")
        size_length = _length(header[id_length : id_length + 1])
        if start >= end or not id_length or not size_length:
            continue
        if element == CLUSTER and has_tracks:
            return
        marked = int.from_bytes(header[id_length : id_length + size_length], "big")
        size = marked & ((1 << 7 * size_length) - 1)
        body_start = start + id_length + size_length
        is_endless = size == (1 << 7 * size_length) - 1
        body_end = end if is_endless else min(body_start + size, end)
        waiting.append((body_end, end))
        has_tracks = has_tracks or element == TRACKS
        if element in MATROSKA_PARENTS:
            waiting.append((body_start, body_end))
        elif size <= MAX_VALUE_BYTES:
            source.seek(body_start)
            yield element, source.read(size)


def _length(first: bytes) -> int:
    """Return the length of the number that begins with a byte: its leading zeros, plus one."""
    return 9 - first[0].bit_length() if first and first[0] else 0

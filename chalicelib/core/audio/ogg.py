"""Pages of an Ogg file (RFC 3533): the codec in the first page, and the end of the last page."""

from dataclasses import dataclass

from chalicelib.core.audio.source import BufferedSource

MAX_PAGE_BYTES = 65_307
HEADER_BYTES = 27
END_OF_STREAM = 4
CODECS = {
    b"OpusHead": "opus",
    b"\x01vorbis": "vorbis",
    b"Speex   ": "speex",
    b"\x7fFLAC": "flac",
}


@dataclass(frozen=True, slots=True)
class LastPage:
    """The last page of a file, which may be cut off.

    ``position`` counts the samples up to the page's end, as the codec does, or is None.
    """

    stream: bytes
    position: int | None
    ends_stream: bool
    is_whole: bool


def first_packet(head: bytes) -> bytes:
    """Return the part of the first packet that is in a file's first bytes."""
    return head[HEADER_BYTES + head[HEADER_BYTES - 1] :] if len(head) >= HEADER_BYTES else b""


def codec_of(head: bytes) -> str | None:
    """Return the codec of a file's first stream, from its first bytes."""
    packet = first_packet(head)
    return next((name for magic, name in CODECS.items() if packet.startswith(magic)), None)


def read_last_page(source: BufferedSource) -> LastPage | None:
    """Find the last page, and restore the source's position."""
    position = source.tell()
    source.seek(max(0, source.size - MAX_PAGE_BYTES))
    tail = source.read(MAX_PAGE_BYTES)
    source.seek(position)
    start = tail.rfind(b"OggS\x00")
    if start < 0:
        return None
    page = tail[start:]
    if len(page) < HEADER_BYTES:
        return LastPage(b"", None, ends_stream=False, is_whole=False)
    n_segments = page[26]
    n_bytes = HEADER_BYTES + n_segments + sum(page[HEADER_BYTES : HEADER_BYTES + n_segments])
    return LastPage(
        stream=page[14:18],
        position=int.from_bytes(page[6:14], "little", signed=True),
        ends_stream=bool(page[5] & END_OF_STREAM),
        is_whole=len(page) >= n_bytes,
    )


def is_cut_off(source: BufferedSource) -> bool:
    """Return whether the last page is incomplete, or does not end its stream."""
    last = read_last_page(source)
    return last is not None and not (last.is_whole and last.ends_stream)

"""The kind of a file and its decoder, by its first bytes, because its name may be wrong."""

import re

from chalicelib.core.audio.ogg import codec_of
from chalicelib.core.audio.source import BufferedSource
from chalicelib.errors import MediaError

HEAD_BYTES = 64
"""Number of bytes of a file that :func:`kind_of` needs."""

# ISO media files open with a box: four bytes of length, then its type.
_ISO_BOXES = {b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip"}
_MAGIC = {
    b"\x1aE\xdf\xa3": "matroska",
    b"#!AMR": "amr",
    b"fLaC": "flac",
    b"OggS": "ogg",
    b"ID3": "mp3",
    b"\xff\xf1": "aac",
    b"\xff\xf9": "aac",
}
_MP3_FRAME = re.compile(rb"\xff[\xfa\xfb\xf2\xf3\xe2\xe3]")
# FFmpeg's names of what libsndfile does not read.
_CONTAINERS = {"iso": "mov", "matroska": "matroska", "amr": "amr", "aac": "aac"}
# In Ogg, libsndfile reads Vorbis and Opus only.
_OGG_CODECS_OF_FFMPEG = {"speex", "flac"}
NOT_RECORDINGS = {
    b"\x89PNG\r\n": "a PNG image",
    b"\xff\xd8\xff": "a JPEG image",
    b"GIF8": "a GIF image",
    b"%PDF": "a PDF document",
    b"PK\x03\x04": "a ZIP archive or an office document",
    b"\x1f\x8b": "a gzip archive",
    b"7z\xbc\xaf": "a 7z archive",
    b"Rar!": "a RAR archive",
    b"<!DOCTYPE": "a web page",
    b"<html": "a web page",
    b"#EXTM3U": "a playlist, which holds no sound itself",
    b"MZ": "a program",
    b"\x7fELF": "a program",
}


def kind_of(head: bytes) -> str | None:
    """Return the kind of a recording by its first bytes.

    Every other module asks here: for the decoder, the header's reader and the format's name.

    Returns
    -------
    kind : str or None
        ``wav``, ``iso`` (MP4, M4A, QuickTime), ``matroska`` (WebM too), ``amr``, ``flac``, ``ogg``,
        ``mp3`` or ``aac``; None if the bytes show none of them
    """
    if head[:4] in (b"RIFF", b"RF64", b"RIFX") and head[8:12] == b"WAVE":
        return "wav"
    if head[4:8] in _ISO_BOXES:
        return "iso"
    if _MP3_FRAME.match(head):
        return "mp3"
    return next((kind for magic, kind in _MAGIC.items() if head.startswith(magic)), None)


def stranger_of(head: bytes) -> str | None:
    """Return what a file is, with its article, if it is certainly not a recording."""
    return next((name for magic, name in NOT_RECORDINGS.items() if head.startswith(magic)), None)


def recognise_container(source: BufferedSource) -> str | None:
    """Return FFmpeg's name of the container, or None if libsndfile reads the file.

    Raises
    ------
    MediaError
        if the file is empty or certainly not a recording
    """
    if source.size == 0:
        raise MediaError("The file is empty: it has no bytes")
    source.seek(0)
    head = source.read(HEAD_BYTES)
    kind = kind_of(head)
    if kind == "ogg":
        return "ogg" if codec_of(head) in _OGG_CODECS_OF_FFMPEG else None
    if kind:
        return _CONTAINERS.get(kind)
    if stranger := stranger_of(head):
        raise MediaError(f"The file is not a recording: it is {stranger}")
    if not head.strip(b"\x00"):
        raise MediaError("The file is not a recording: it begins with zeros")
    return None

"""The decoder for a file, found from its first bytes, because its name may be wrong."""

from chalicelib.core.audio.ogg import codec_of
from chalicelib.core.audio.source import BufferedSource
from chalicelib.errors import MediaError

HEAD_BYTES = 64
# ISO media files open with a box: four bytes of length, then its type.
ISO_BOXES = {b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip"}
CONTAINERS = {b"\x1aE\xdf\xa3": "matroska", b"#!AMR": "amr"}
# In Ogg, libsndfile reads Vorbis and Opus only.
OGG_CODECS_OF_FFMPEG = {"speex", "flac"}
ADTS_HEADS = {b"\xff\xf1", b"\xff\xf9"}
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
    if head[4:8] in ISO_BOXES:
        return "mov"
    if head[:2] in ADTS_HEADS:
        return "aac"
    if head.startswith(b"OggS") and codec_of(head) in OGG_CODECS_OF_FFMPEG:
        return "ogg"
    for magic, container in CONTAINERS.items():
        if head.startswith(magic):
            return container
    for magic, what in NOT_RECORDINGS.items():
        if head.startswith(magic):
            raise MediaError(f"The file is not a recording: it is {what}")
    if not head.strip(b"\x00"):
        raise MediaError("The file is not a recording: it begins with zeros")
    return None

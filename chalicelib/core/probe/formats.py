"""Which uploads Amazon Transcribe can be given, by their names and first bytes."""

import re

from chalicelib.core import keys
from chalicelib.core.audio.formats import NOT_RECORDINGS

FORMATS = ("wav", "mp3", "flac", "ogg", "m4a", "mp4", "webm", "amr", "mov", "mkv")
"""The extensions taken, each the name of a format; Amazon Transcribe takes all but the last two."""

CONTAINERS = frozenset({"mp4", "webm", "mov", "mkv"})
"""The formats that may hold a picture."""

MAX_KEY_BYTES = 1024
"""S3's limit for a key."""

HEAD_BYTES = 64
"""How much of a file :func:`recognise` wants to see."""

_MP3_FRAME = re.compile(rb"\xff[\xfa\xfb\xf2\xf3\xe2\xe3]")


def extension(key: str) -> str:
    """Return the extension of a key's last part in lower case, or nothing."""
    name = key.rpartition("/")[2]
    stem, dot, suffix = name.rpartition(".")
    return suffix.lower() if dot and stem else ""


def sentence() -> str:
    """Return the formats as a person reads them."""
    return f"{', '.join(FORMATS[:-1])} and {FORMATS[-1]}"


def needs_audio_track(media_format: str) -> bool:
    """Tell whether Amazon Transcribe cannot take a format, and has to be given its sound alone."""
    return media_format in ("mov", "mkv")


def unusable_name(name: str, key: str) -> str | None:
    """Return why nothing can be uploaded under a name that would have this key, or None."""
    if not keys.is_plain(name):
        return "name must not have control characters in it."
    if {"", ".", ".."}.intersection(name.split("/")):
        return f"name must be a file's, or a path of folders and a file, not {name[:100]!r}."
    # S3 would put the name that the form gives for its file in its place.
    if "${" in name:
        return "name must not have ${ in it."
    if len(key.encode()) > MAX_KEY_BYTES:
        return f"name is too long: with the owner's it is over {MAX_KEY_BYTES} bytes."
    if extension(name) not in FORMATS:
        return f"name must end as a recording's does. Use {sentence()}."
    return None


def recognise(head: bytes) -> tuple[str | None, str | None]:
    """Tell what a file is by its first bytes.

    Returns
    -------
    media_format : str or None
        the format's name, or None if these bytes do not tell
    stranger : str or None
        what the file is instead, with its article, if it is certainly no recording
    """
    if head[:4] in (b"RIFF", b"RF64", b"RIFX") and head[8:12] == b"WAVE":
        return "wav", None
    if head[4:8] == b"ftyp":
        return {b"M4A ": "m4a", b"qt  ": "mov"}.get(head[8:12], "mp4"), None
    if head[:4] == b"\x1aE\xdf\xa3":
        return ("webm" if b"webm" in head else "mkv" if b"matroska" in head else None), None
    for magic, media_format in ((b"fLaC", "flac"), (b"OggS", "ogg"), (b"#!AMR", "amr")):
        if head.startswith(magic):
            return media_format, None
    if head.startswith(b"ID3") or _MP3_FRAME.match(head):
        return "mp3", None
    return None, next(
        (name for magic, name in NOT_RECORDINGS.items() if head.startswith(magic)), None
    )


def media_format(key: str, head: bytes) -> tuple[str | None, str | None]:
    """Decide what format a file has, in Amazon Transcribe's words, or say why it has none.

    What the bytes are wins over what the name says, for a wrong format fails the whole job.

    Returns
    -------
    media_format : str or None
        one of :data:`FORMATS`
    reason : str or None
        why the file cannot be taken, for the person who uploaded it
    """
    named = extension(key)
    if named not in FORMATS:
        given = f"this file's extension is {named!r}" if named else "this file has no extension"
        return None, f"The recording's format is not supported: {given}. Use {sentence()}."
    if not head:
        return None, "The file is empty: it has 0 bytes."
    found, stranger = recognise(head)
    if stranger:
        return None, f"The file is named .{named} but is {stranger}. Use {sentence()}."
    if found in ("m4a", "mp4") and named in ("m4a", "mp4"):
        # One container under two names, and phones give either brand to either.
        return named, None
    return found or named, None

"""The format of an upload, by its name and first bytes."""

from chalicelib.core import keys
from chalicelib.core.audio.formats import kind_of, stranger_of

FORMATS = ("wav", "mp3", "flac", "ogg", "m4a", "mp4", "webm", "amr", "mov", "mkv")
"""Accepted extensions, each the name of a format; Transcribe takes all except the last two."""

CONTAINERS = frozenset({"mp4", "webm", "mov", "mkv"})
"""The formats that may hold a picture."""

MAX_KEY_BYTES = 1024
"""S3's limit for a key."""


def extension(key: str) -> str:
    """Return the extension of a key's last part in lower case, or nothing."""
    name = key.rpartition("/")[2]
    stem, dot, suffix = name.rpartition(".")
    return suffix.lower() if dot and stem else ""


def sentence() -> str:
    """Return the names of all formats as text."""
    return f"{', '.join(FORMATS[:-1])} or {FORMATS[-1]}"


def needs_audio_track(media_format: str) -> bool:
    """Return whether Amazon Transcribe cannot read a format, so that it needs the sound alone."""
    return media_format in ("mov", "mkv")


def unusable_name(name: str, key: str) -> str | None:
    """Return why a name with this key cannot be uploaded, or None."""
    if not keys.is_plain(name):
        return "name must not have control characters in it."
    if {"", ".", ".."}.intersection(name.split("/")):
        return f"name must be a file's, or a path of folders and a file, not {name[:100]!r}."
    # S3 would replace it with the file name from the form.
    if "${" in name:
        return "name must not have ${ in it."
    if len(key.encode()) > MAX_KEY_BYTES:
        return f"name is too long: with the owner's it is over {MAX_KEY_BYTES} bytes."
    if extension(name) not in FORMATS:
        return f"name must end as a recording's does. Use {sentence()}."
    return None


def recognise(head: bytes) -> tuple[str | None, str | None]:
    """Recognise a file by its first bytes.

    Returns
    -------
    media_format : str or None
        the format's name, or None if the bytes do not show it
    stranger : str or None
        the kind of file, with its article, if it is certainly not a recording
    """
    kind = kind_of(head)
    if kind == "iso":
        # Without a brand the name decides: an old QuickTime file begins with another box.
        branded = {b"M4A ": "m4a", b"qt  ": "mov"}.get(head[8:12], "mp4")
        return (branded if head[4:8] == b"ftyp" else None), None
    if kind == "matroska":
        return ("webm" if b"webm" in head else "mkv" if b"matroska" in head else None), None
    return (kind if kind in FORMATS else None), stranger_of(head)


def media_format(key: str, head: bytes) -> tuple[str | None, str | None]:
    """Return the format of a file, in Amazon Transcribe's words, or the reason for a refusal.

    The bytes decide, not the name, because a wrong format makes the whole job fail.

    Returns
    -------
    media_format : str or None
        one of :data:`FORMATS`
    reason : str or None
        why the file cannot be used, for its owner
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
        # Both extensions belong to one container, and phones write either brand into either file.
        return named, None
    return found or named, None

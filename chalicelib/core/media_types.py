"""Media types of files, by their extensions."""

from collections.abc import Mapping

MEDIA_TYPES: Mapping[str, str] = {
    "wav": "audio/wav",
    "mp3": "audio/mpeg",
    "flac": "audio/flac",
    "ogg": "audio/ogg",
    "m4a": "audio/mp4",
    "mp4": "video/mp4",
    "webm": "video/webm",
    "amr": "audio/amr",
    "mov": "video/quicktime",
    "mkv": "video/x-matroska",
    "gif": "image/gif",
    "jpg": "image/jpeg",
    "csv": "text/csv; charset=utf-8",
    "json": "application/json",
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}

UNKNOWN = "application/octet-stream"


def media_type(name: str) -> str:
    """Return the media type of a file.

    The type that an uploader gives is never used, because it may be the type of a web page.
    """
    return MEDIA_TYPES.get(name.rpartition(".")[2].lower(), UNKNOWN)

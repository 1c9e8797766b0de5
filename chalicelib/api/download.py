"""What a file is called and served as: header fields whatever the recording's own name is."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote

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
}
"""What a browser is told that a file is: never what its uploader said, for that may be a page."""

UNKNOWN = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class Download:
    """A text that is answered as a file: its media type, its name, and the next page's address."""

    text: str
    media_type: str
    file_name: str | None = None
    next_page: str | None = None

    @property
    def headers(self) -> dict[str, str]:
        """The header fields of the answer."""
        fields = {"Content-Type": self.media_type}
        if self.file_name:
            fields["Content-Disposition"] = disposition(self.file_name)
        if self.next_page:
            fields["Link"] = f'<{self.next_page}>; rel="next"'  # RFC 8288
        return fields


def media_type(name: str) -> str:
    """Return the media type of a file, by its extension."""
    return MEDIA_TYPES.get(name.rpartition(".")[2].lower(), UNKNOWN)


def disposition(file_name: str, *, kind: str = "attachment") -> str:
    """Return a Content-Disposition for a file of any name, as RFC 6266 has it.

    Old clients read the first name, in ASCII; all others the second, in UTF-8.
    """
    safe = "".join(
        c if c.isascii() and c.isprintable() and c not in '"\\%' else "_" for c in file_name
    )
    return f"{kind}; filename=\"{safe}\"; filename*=UTF-8''{quote(file_name, safe='')}"

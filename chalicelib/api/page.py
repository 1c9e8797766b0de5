"""The web page: its files under a version, and what a browser may do with them."""

import hashlib
import html
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

from chalicelib.errors import NotThereError

FOLDER = Path(__file__).parents[1] / "web"
CONTENT_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
FOREVER = "public, max-age=31536000, immutable"
"""How long a file is kept that has its version in its address."""

_VERSION_DIGITS = 12


@dataclass(frozen=True, slots=True)
class SignIn:
    """Where people sign in: the address of a user pool's own pages, and the page's app client."""

    domain: str
    client_id: str


@cache
def files() -> dict[str, str]:
    """Return the text of every file that the page asks for, by its name."""
    return {
        path.name: path.read_text(encoding="utf-8")
        for path in sorted(FOLDER.iterdir())
        if path.suffix in CONTENT_TYPES
    }


@cache
def version() -> str:
    """Return a mark of all the files: another page has other addresses, so any may be kept."""
    mark = hashlib.sha256()
    for name, text in files().items():
        mark.update(f"{name}\0{text}\0".encode())
    return mark.hexdigest()[:_VERSION_DIGITS]


@cache
def index(sign_in: SignIn | None = None) -> str:
    """Return the document, which asks for all modules at once and not one after the other."""
    preloads = "\n  ".join(
        f'<link rel="modulepreload" href="web/{version()}/{name}">'
        for name in files()
        if name.endswith(".js")
    )
    document = (FOLDER / "index.html").read_text(encoding="utf-8")
    told = html.escape(json.dumps(asdict(sign_in))) if sign_in else ""
    return (
        document.replace("{preloads}", preloads)
        .replace("{version}", version())
        .replace("{sign_in}", told)
    )


def read(asked_version: str, name: str) -> str:
    """Return one of the page's files.

    Raise NotThereError for another version than this: kept under that address, it would stay.
    """
    if asked_version != version() or name not in files():
        raise NotThereError("There is no such file of the page. Load the page again.")
    return files()[name]


def index_headers(media_origins: Iterable[str], sign_in: SignIn | None = None) -> dict[str, str]:
    """Return the document's headers: nothing from elsewhere but the buckets and a user pool."""
    sources = " ".join(["'self'", *sorted(set(media_origins))])
    pool = f" {sign_in.domain}" if sign_in else ""
    policy = (
        "default-src 'self'",
        f"connect-src {sources}{pool}",
        f"img-src {sources}",
        f"media-src {sources}",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "object-src 'none'",
    )
    return {
        "Content-Type": "text/html; charset=utf-8",
        # Its address stays the same, so it is asked for anew each time: it is 3 kB.
        "Cache-Control": "no-cache",
        "Content-Security-Policy": "; ".join(policy),
        "Referrer-Policy": "same-origin",
        "X-Content-Type-Options": "nosniff",
    }


def file_headers(name: str) -> dict[str, str]:
    """Return a file's headers: it never changes under its address."""
    return {
        "Content-Type": CONTENT_TYPES[Path(name).suffix],
        "Cache-Control": FOREVER,
        "X-Content-Type-Options": "nosniff",
    }

"""The web page: its files under a version, and its security policy.

There are four requests: the document, one module, a style sheet and an icon.
"""

import hashlib
import html
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

from chalicelib.api.bundle import bundle
from chalicelib.core.media_types import media_type
from chalicelib.errors import NotThereError

FOLDER = Path(__file__).parents[1] / "web"
ENTRY = "main"
MODULE = "page.js"
"""Name of the file with all modules."""

SERVED_ALONE = frozenset({".mp3", ".css", ".svg"})
"""Files that are served as they are. The modules are served as one file."""
BINARY = frozenset({".mp3"})
FOREVER = "public, max-age=31536000, immutable"
"""Seconds that browsers keep a file whose address has its version."""

_VERSION_DIGITS = 12


@dataclass(frozen=True, slots=True)
class SignIn:
    """Settings for signing in: the address of the user pool's pages, and the page's app client."""

    domain: str
    client_id: str


@cache
def modules() -> dict[str, str]:
    """Return the source of every module, by name without the extension."""
    return {path.stem: path.read_text(encoding="utf-8") for path in sorted(FOLDER.glob("*.js"))}


@cache
def files() -> dict[str, bytes]:
    """Return every file that the page requests, by name."""
    beside = {
        path.name: path.read_bytes()
        for path in sorted(FOLDER.iterdir())
        if path.suffix in SERVED_ALONE
    }
    return {MODULE: bundle(modules(), ENTRY).encode(), **beside}


@cache
def version() -> str:
    """Return a digest of all files. It is in their addresses, so browsers may cache them."""
    mark = hashlib.sha256()
    for name, content in files().items():
        mark.update(name.encode() + b"\0" + content + b"\0")
    return mark.hexdigest()[:_VERSION_DIGITS]


@cache
def index(sign_in: SignIn | None = None, stand_in: str = "") -> str:
    """Return the document; ``stand_in`` is local mode's recogniser, which the page names."""
    document = (FOLDER / "index.html").read_text(encoding="utf-8")
    told = html.escape(json.dumps(asdict(sign_in))) if sign_in else ""
    return (
        document.replace("{version}", version())
        .replace("{sign_in}", told)
        .replace("{stand_in}", html.escape(stand_in))
    )


def read(asked_version: str, name: str) -> str | bytes:
    """Return one of the page's files: bytes for a sound, text for the others, as Chalice needs.

    Raise NotThereError for another version, because a browser would cache this file as that
    version.
    """
    if asked_version != version() or name not in files():
        raise NotThereError("There is no such file of the page. Load the page again.")
    content = files()[name]
    return content if Path(name).suffix in BINARY else content.decode()


def index_headers(media_origins: Iterable[str], sign_in: SignIn | None = None) -> dict[str, str]:
    """Return the document's headers: only this host, the buckets and a user pool are allowed."""
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
        # The document's address never changes, so its 3 kB are requested each time.
        "Cache-Control": "no-cache",
        "Content-Security-Policy": "; ".join(policy),
        "Referrer-Policy": "same-origin",
        "X-Content-Type-Options": "nosniff",
    }


def file_headers(name: str) -> dict[str, str]:
    """Return a file's headers; a file never changes under its address."""
    return {
        "Content-Type": media_type(name),
        "Cache-Control": FOREVER,
        "X-Content-Type-Options": "nosniff",
    }

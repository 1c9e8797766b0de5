"""Requests and answers of WSGI, as the gateway reads and writes them."""

import json
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any
from xml.sax.saxutils import escape

# An upload has an address of this origin too, and must not run as a page of this origin.
_HARMLESS = {"X-Content-Type-Options": "nosniff", "Content-Security-Policy": "sandbox"}


def is_browser(environ: dict[str, Any]) -> bool:
    """Return whether a request is from a browser, and not from a client that lists buckets."""
    return "text/html" in environ.get("HTTP_ACCEPT", "") and "HTTP_AUTHORIZATION" not in environ


def brings_bytes(environ: dict[str, Any]) -> bool:
    """Return whether a request uploads an object or a part."""
    asked = environ.get("QUERY_STRING", "")
    if environ["REQUEST_METHOD"] == "POST":
        # An upload by a form. Requests to other services are POST too, such as a notice.
        return not asked and environ.get("CONTENT_TYPE", "").startswith("multipart/form-data")
    return environ["REQUEST_METHOD"] == "PUT" and (not asked or "partNumber" in asked)


def body_of(environ: dict[str, Any]) -> bytes:
    """Return the body of a request, which can be read once."""
    length = int(environ.get("CONTENT_LENGTH") or 0)
    body: bytes = environ["wsgi.input"].read(length)
    return body


def answered(
    application: Callable[..., Iterable[bytes]], environ: dict[str, Any]
) -> tuple[str, list[tuple[str, str]], list[bytes]]:
    """Return status, headers and body. The answer is sent later, if its change can be stored."""
    begun: list[tuple[str, list[tuple[str, str]]]] = []

    def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> None:  # noqa: ARG001  # WSGI's own
        begun.append((status, headers))

    body = list(application(environ, start))
    return *begun[-1], body


def answer(
    start_response: Callable[..., Any], status: int, payload: dict[str, Any]
) -> Iterable[bytes]:
    """Answer with JSON."""
    body = json.dumps(payload).encode()
    start_response(
        f"{status} {HTTPStatus(status).phrase}",
        [("Content-Type", "application/x-amz-json-1.1"), ("Content-Length", str(len(body)))],
    )
    return [body]


def answer_not_kept(start_response: Callable[..., Any], message: str) -> Iterable[bytes]:
    """Answer as S3 does, that there is no room."""
    # No SDK retries at once after this status.
    body = (
        '<?xml version="1.0" encoding="UTF-8"?>'
        f"<Error><Code>InsufficientStorage</Code><Message>{escape(message)}</Message></Error>"
    ).encode()
    start_response(
        "507 Insufficient Storage",
        [("Content-Type", "application/xml"), ("Content-Length", str(len(body)))],
    )
    return [body]


def harmless(start_response: Callable[..., Any]) -> Callable[..., Any]:
    """Add headers that stop a browser from running an answer; the page has its own headers."""

    def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
        named = {name.lower() for name, _ in headers}
        added = [(name, value) for name, value in _HARMLESS.items() if name.lower() not in named]
        return start_response(status, [*headers, *added], exc_info)

    return start

"""Requests of local mode's own functions, answered by its gateway without a connection.

In one process a connection is the larger part of a request's work: two threads, a socket, and the
text of HTTP written and read twice. Everything else stays as it is: botocore signs and retries, and
the gateway gets the same request as from outside.
"""

import io
import logging
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPMessage
from typing import Any, cast
from urllib.parse import urlsplit

import boto3
from botocore.awsrequest import AWSPreparedRequest, AWSResponse, HeadersDict
from moto.core.botocore_stubber import MockRawResponse

from local.gateway import Gateway, RequestHandler

log = logging.getLogger(__name__)
_EVENT = "before-send"


@contextmanager
def answered_directly(gateway: Gateway) -> Iterator[None]:
    """Within the block, answer all requests that boto3's new clients send to a gateway."""
    boto3.setup_default_session()
    # boto3's type stubs lack the events that return an answer.
    events: Any = cast("boto3.session.Session", boto3.DEFAULT_SESSION).events
    answer = _answering(gateway)
    events.register(_EVENT, answer)
    try:
        yield
    finally:
        events.unregister(_EVENT, answer)


def _answering(gateway: Gateway) -> Callable[..., AWSResponse | None]:
    address = urlsplit(gateway.url).netloc

    def answer(request: AWSPreparedRequest, **_: Any) -> AWSResponse | None:
        url = urlsplit(request.url)
        if url.netloc != address:
            return None  # a request to another stand-in
        begun: list[tuple[str, list[tuple[str, str]]]] = [("500 Internal Server Error", [])]
        environ = _environ(request, url.netloc, gateway)
        try:
            with _interrupt_held():
                parts = list(gateway(environ, lambda *start: begun.append(start[:2])))
        except Exception:
            # Answer 500, as the server does: moto's threads may collide, and botocore retries.
            log.debug("%s %s", request.method, request.url, exc_info=True)
            begun, parts = begun[:1], []
        status, headers = begun[-1]
        return AWSResponse(
            request.url,
            int(status.split()[0]),
            cast("Any", HeadersDict(headers)),
            MockRawResponse(b"".join(parts)),
        )

    return answer


@contextmanager
def _interrupt_held() -> Iterator[None]:
    """Let Ctrl-C wait for the end of the block.

    In the middle of a request it would leave half a change. Where moto sends an event to a queue,
    it drops every exception, this one too.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # Python calls the handlers of signals in the main thread only
        return
    held: list[tuple[int, Any]] = []
    before = signal.signal(signal.SIGINT, lambda *given: held.append(given))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        if held and callable(before):
            before(*held[-1])


def _environ(request: AWSPreparedRequest, host: str, gateway: Gateway) -> dict[str, Any]:
    """Return the WSGI environment that the gateway's server would make from a request."""
    body: Any = request.body or b""
    body = body.read() if hasattr(body, "read") else body
    body = body.encode() if isinstance(body, str) else bytes(body)
    headers = HTTPMessage()
    headers["Host"] = host
    for name, value in request.headers.items():
        if name.lower() not in ("host", "content-length", "transfer-encoding"):
            text: Any = value
            headers[name] = text.decode("latin-1") if isinstance(text, bytes) else str(text)
    headers["Content-Length"] = str(len(body))
    target = request.url.partition(host)[2] or "/"
    return RequestHandler.environ_of(
        request.method, target, headers, io.BytesIO(body), gateway.server
    )

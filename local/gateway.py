"""One loopback port for Transcribe, MediaConvert and the API, with moto for the rest of AWS."""

import io
import json
import logging
import os
import re
import socket
import threading
from collections.abc import Callable, Iterable
from functools import lru_cache
from http import HTTPStatus
from http.client import HTTPMessage
from io import BufferedIOBase
from typing import TYPE_CHECKING, Any

from moto.moto_server.werkzeug_app import (
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)
from werkzeug.datastructures import EnvironHeaders
from werkzeug.serving import make_server

from local import stack, wsgi
from local.api_gateway import STAGE
from local.mediaconvert.requests import ROOT as MEDIACONVERT
from local.s3_events import events_held
from local.store import NotKeptError

if TYPE_CHECKING:
    from local.api_gateway import Api
    from local.mediaconvert.service import MediaConvertService
    from local.shares import Shares
    from local.transcribe.service import TranscribeService

HOST = "127.0.0.1"
OWN_CLIENTS = f"app/{stack.APP_ID}"
"""Part of the User-Agent of every AWS client of this process and its children."""

_ITEM_WRITES = frozenset({"PutItem", "UpdateItem", "DeleteItem"})
_OBJECT_WRITES = frozenset({"PUT", "POST", "DELETE"})
_LOCAL_NAMES = ("127.0.0.1", "localhost", "[::1]")
_LOCAL_HOST = re.compile(r"(127\.0\.0\.1|localhost|\[::1\]|[\w-]+(\.[\w-]+)*\.localhost)(:\d+)?")
_OURS = frozenset({"same-origin", "none"})
_PAGE_ADDRESSES = frozenset({"/", STAGE, f"{STAGE}/"})


class PortError(Exception):
    """The port cannot be opened."""

    def __init__(self, port: int, reason: str) -> None:
        super().__init__(f"Port {port} cannot be used: {reason}.")
        self.port = port


class RequestHandler(MotoRequestHandler):
    """A request handler without a log; the events' own lines are enough."""

    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002  # werkzeug's name
        """Log the line at the level DEBUG only."""
        logging.getLogger(__name__).debug("%s %s", type, message % args)

    @classmethod
    def environ_of(
        cls, method: str, target: str, headers: HTTPMessage, body: BufferedIOBase, server: Any
    ) -> dict[str, Any]:
        """Return the environment of a request that comes without a connection."""
        handler = cls.__new__(cls)
        handler.command, handler.path, handler.headers = method, target, headers
        handler.rfile, handler.server = body, server
        handler.request_version, handler.client_address = "HTTP/1.1", (HOST, 0)
        handler.connection = None
        return handler.make_environ()


class Dispatcher(DomainDispatcherApplication):
    """moto's dispatcher, which would list the folder of its own package for each request."""

    get_backend_for_host = lru_cache(DomainDispatcherApplication.get_backend_for_host)


class Gateway:
    """A WSGI application and the server that it runs in.

    Parameters
    ----------
    port : int
        the loopback port; any free one if 0
    is_open : bool
        True: all clients are answered from the start; False: until ``open`` is called, only this
        process
    """

    def __init__(self, *, port: int = 0, is_open: bool = True) -> None:
        self.api: Api | None = None
        self.transcribe: TranscribeService | None = None
        self.mediaconvert: MediaConvertService | None = None
        self.shares: Shares | None = None
        self._moto = Dispatcher(create_backend_app)
        # moto checks a condition and changes the item in two steps; DynamoDB does both at once.
        self._tables = threading.Lock()
        self._item_observers: list[Callable[[str], None]] = []
        self._object_observers: list[Callable[[str, str], None]] = []
        self._refuses: Callable[[int], str | None] = _takes_all
        self._is_open = threading.Event()
        if is_open:
            self._is_open.set()
        # Bound here, because werkzeug ends the process if the port is in use.
        with _bind(port) as bound:
            self.server = make_server(
                HOST,
                port,
                self,
                threaded=True,
                request_handler=RequestHandler,
                fd=bound.fileno(),
            )
        self._thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.url = f"http://{HOST}:{self.server.server_address[1]}"

    def start(self) -> None:
        """Answer requests from now on, in separate threads."""
        self._thread.start()

    def open(self) -> None:
        """Answer all clients, including the requests that have waited since the start."""
        self._is_open.set()

    def stop(self) -> None:
        """Stop answering."""
        self._is_open.set()
        self.server.shutdown()
        self.server.server_close()
        self._thread.join()

    def observe_items(self, observer: Callable[[str], None]) -> None:
        """Add a function that is called with an item's key after a write, before the answer."""
        self._item_observers.append(observer)

    def observe_objects(self, observer: Callable[[str, str], None]) -> None:
        """Add a function that is called with bucket and key of each object that is written.

        It is called before the answer, and before the object's event is sent.
        """
        self._object_observers.append(observer)

    def bound_objects(self, refuses: Callable[[int], str | None]) -> None:
        """Add a function that is called before each write with the number of bytes.

        It returns the reason why so many bytes are refused, or None.
        """
        self._refuses = refuses

    def __call__(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        """Answer one request."""
        if not self._is_open.is_set() and OWN_CLIENTS not in environ.get("HTTP_USER_AGENT", ""):
            # When the port answers, everything is ready: bucket, triggers, stored data.
            self._is_open.wait()
        start_response = wsgi.harmless(start_response)
        if message := self._refusal(environ):
            return wsgi.answer(start_response, 403, {"message": message})
        raw = environ.get("RAW_URI", "")
        if raw == f"{STAGE}/progress":
            told = self.shares.described() if self.shares else {}
            return wsgi.answer(start_response, 200, {"recordings": told})
        if self.api and raw.startswith(f"{STAGE}/"):
            return _answer_api(self.api, raw.removeprefix(STAGE), environ, start_response)
        if raw == STAGE or (raw == "/" and wsgi.is_browser(environ)):
            start_response("302 Found", [("Location", f"{self.url}{STAGE}/")])
            return []
        return self._answer_as_aws(environ, start_response)

    def _refusal(self, environ: dict[str, Any]) -> str | None:
        """Return why a request is refused, or None.

        Requests need no key, so any web page could send them.
        """
        if not _LOCAL_HOST.fullmatch(environ.get("HTTP_HOST", "")):
            # Another site's host name may point to this address (DNS rebinding).
            return "This host name is not served."
        origin, port = environ.get("HTTP_ORIGIN"), self.server.server_address[1]
        # Only browsers send the site of a request.
        if origin is not None and origin not in {f"http://{name}:{port}" for name in _LOCAL_NAMES}:
            return "Other sites' pages are not served."
        # A link on another site may open only the page. Requests without an Origin header, such as
        # those for pictures, still have the header with their site.
        leads_here = (
            environ.get("HTTP_SEC_FETCH_MODE") == "navigate"
            and environ["PATH_INFO"] in _PAGE_ADDRESSES
        )
        if environ.get("HTTP_SEC_FETCH_SITE", "none") not in _OURS and not leads_here:
            return "Other sites' pages are not served."
        if environ["PATH_INFO"].startswith("/moto-api"):
            return "moto's own API is closed here."
        return None

    def _answer_as_aws(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        target = environ.get("HTTP_X_AMZ_TARGET", "")
        service, _, operation = target.partition(".")
        if service == "Transcribe" and self.transcribe:
            status, payload = self.transcribe.handle(target, wsgi.body_of(environ))
            return wsgi.answer(start_response, status, payload)
        if environ["PATH_INFO"].startswith(MEDIACONVERT) and self.mediaconvert:
            status, payload = self.mediaconvert.handle(
                environ["REQUEST_METHOD"],
                environ["PATH_INFO"],
                environ.get("QUERY_STRING", ""),
                wsgi.body_of(environ),
            )
            return wsgi.answer(start_response, status, payload)
        if service.startswith("DynamoDB_"):
            body = wsgi.body_of(environ)
            environ = environ | {"wsgi.input": io.BytesIO(body)}
            if operation in _ITEM_WRITES:
                return self._change_item(environ, start_response, body)
            return self._answer_in_turn(environ, start_response)
        if not target and environ["REQUEST_METHOD"] in _OBJECT_WRITES:
            n_bytes = int(environ.get("CONTENT_LENGTH") or 0)
            if wsgi.brings_bytes(environ) and (message := self._refuses(n_bytes)):
                return wsgi.answer_not_kept(start_response, message)
            return self._change_object(environ, start_response)
        answer: Iterable[bytes] = self._moto(environ, start_response)
        return answer

    def _answer_in_turn(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        with self._tables:
            return list(self._moto(environ, start_response))

    def _change_item(
        self, environ: dict[str, Any], start_response: Callable[..., Any], request: bytes
    ) -> Iterable[bytes]:
        status, headers, answer = wsgi.answered(self._answer_in_turn, environ)
        if status.startswith("2"):
            try:
                self._tell_item(request)
            except NotKeptError as exc:
                return wsgi.answer_not_kept(start_response, str(exc))
        start_response(status, headers)
        return answer

    def _change_object(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        try:
            with events_held(self._tell_object):
                status, headers, answer = wsgi.answered(self._moto, environ)
        except NotKeptError as exc:
            return wsgi.answer_not_kept(start_response, str(exc))
        start_response(status, headers)
        return answer

    def _tell_item(self, request: bytes) -> None:
        asked = json.loads(request)
        key = (asked.get("Key") or asked.get("Item") or {}).get("JsonFile", {}).get("S")
        for observer in self._item_observers if key else ():
            observer(key)

    def _tell_object(self, bucket: str, key: str) -> None:
        for observer in self._object_observers:
            observer(bucket, key)


def _takes_all(n_bytes: int) -> None:  # without a data folder, no disk fills up
    """Refuse nothing."""


def _bind(port: int) -> socket.socket:
    try:
        return socket.create_server((HOST, port))
    except OSError as exc:
        raise PortError(port, os.strerror(exc.errno or 0).lower()) from exc


def _answer_api(
    api: "Api", target: str, environ: dict[str, Any], start_response: Callable[..., Any]
) -> Iterable[bytes]:
    headers = dict(EnvironHeaders(environ))
    answer = api.handle(environ["REQUEST_METHOD"], target, headers, wsgi.body_of(environ))
    length = ("Content-Length", str(len(answer.body)))
    status = f"{answer.status} {HTTPStatus(answer.status).phrase}"
    start_response(status, [*answer.headers, length])
    return [answer.body]

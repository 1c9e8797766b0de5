"""The page of a stage, on this machine: python -m scripts.page STAGE.

A browser cannot sign its requests to an API that requires IAM's signatures. This serves the
stage's API on a loopback port, and signs each request with the credentials in the environment, so
the page works as it does in local mode. It refuses requests from other sites' pages, because they
would be signed in your name.
"""

import argparse
import http.client
import json
import re
import sys
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

import boto3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest

ROOT = Path(__file__).resolve().parents[1]
HOST = "127.0.0.1"
DEFAULT_PORT = 4748
TIMEOUT_S = 35
"""Seconds to wait for an answer: a little longer than API Gateway does."""

REGION = re.compile(r"\.execute-api\.([a-z0-9-]+)\.")
HOP_BY_HOP = frozenset({"connection", "keep-alive", "transfer-encoding", "content-length", "date"})
OURS = frozenset({"same-origin", "none"})
"""Values of Sec-Fetch-Site for requests by this page, or from the browser's address bar."""


class Signer:
    """A client that sends signed requests to an API."""

    def __init__(self, url: str, session: Any) -> None:
        self._address = urlsplit(url)
        self._session = session
        found = REGION.search(self._address.netloc)
        self._region = found[1] if found else session.region_name
        self.stage_path = self._address.path.rstrip("/")

    def send(
        self, method: str, target: str, headers: dict[str, str], body: bytes
    ) -> tuple[int, list[tuple[str, str]], bytes]:
        """Return the status, header fields and body of an answer; follow no redirect."""
        target = canonical(target)
        origin = f"{self._address.scheme}://{self._address.netloc}"
        request = AWSRequest(method, f"{origin}{target}", headers=headers, data=body)
        # Read each time, because a role's credentials change every hour.
        credentials = self._session.get_credentials().get_frozen_credentials()
        SigV4Auth(credentials, "execute-api", self._region).add_auth(request)
        is_https = self._address.scheme == "https"
        connect = http.client.HTTPSConnection if is_https else http.client.HTTPConnection
        connection = connect(self._address.netloc, timeout=TIMEOUT_S)
        try:
            connection.request(method, target, body=body, headers=dict(request.headers))
            answer = connection.getresponse()
            return answer.status, answer.getheaders(), answer.read()
        finally:
            connection.close()


def canonical(target: str) -> str:
    """Return a target with its query in the form of Signature Version 4: a space is %20, not +.

    botocore signs a query as it finds it, and AWS checks the signature of the canonical one:
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
    """
    path, _, query = target.partition("?")
    pairs = parse_qsl(query, keep_blank_values=True)
    return f"{path}?{urlencode(pairs, quote_via=quote, safe='')}" if pairs else path


class Handler(BaseHTTPRequestHandler):
    """A handler for the requests of this machine's browser."""

    protocol_version = "HTTP/1.1"
    server: ThreadingHTTPServer
    signer: Signer

    def answer(self) -> None:
        """Forward a request, or refuse it."""
        stage_path = self.signer.stage_path
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if refusal := self._refusal():
            self._reply(HTTPStatus.FORBIDDEN, [], refusal.encode())
        elif self.path == "/":
            self._reply(HTTPStatus.FOUND, [("Location", f"{stage_path}/")], b"")
        elif not self.path.startswith(f"{stage_path}/"):
            self._reply(HTTPStatus.NOT_FOUND, [], b"There is nothing here.")
        else:
            kept = {"Accept", "Content-Type", "If-Match"}
            headers = {name: self.headers[name] for name in kept if name in self.headers}
            try:
                status, fields, content = self.signer.send(self.command, self.path, headers, body)
            except OSError as exc:
                message = json.dumps({"Message": f"The API cannot be reached: {exc}."})
                fields = [("Content-Type", "application/json")]
                status, content = HTTPStatus.BAD_GATEWAY, message.encode()
            self._reply(status, fields, content)

    do_GET = do_POST = do_PUT = do_DELETE = answer  # noqa: N815  # the names that http.server calls

    def _refusal(self) -> str | None:
        """Return why a request is refused, or None. Another site's page could have sent it."""
        port = self.server.server_port
        hosts = {f"{name}:{port}" for name in (HOST, "localhost")}
        if self.headers.get("Host") not in hosts:
            # Another site's host name may point to this address (DNS rebinding).
            return "This host name is not served."
        origin = self.headers.get("Origin")
        is_ours = self.headers.get("Sec-Fetch-Site", "none") in OURS
        if not is_ours or (origin and origin not in {f"http://{host}" for host in hosts}):
            return "Other sites' pages are not served."
        return None

    def _reply(self, status: int, fields: list[tuple[str, str]], content: bytes) -> None:
        self.send_response_only(status)
        for name, value in fields:
            if name.lower() not in HOP_BY_HOP:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


def serve(url: str, session: Any, *, port: int = DEFAULT_PORT) -> ThreadingHTTPServer:
    """Return a server for an API's page; port 0 takes any free port."""
    handler = type("StageHandler", (Handler,), {"signer": Signer(url, session)})
    return ThreadingHTTPServer((HOST, port), handler)


def api_url(project: Path, stage: str) -> str | None:
    """Return the address of a stage, from the record of the last deployment from here."""
    record = project / ".chalice" / "deployed" / f"{stage}.json"
    if not record.exists():
        return None
    resources = json.loads(record.read_text())["resources"]
    found = [one["rest_api_url"] for one in resources if one["resource_type"] == "rest_api"]
    return str(found[0]) if found else None


def main(arguments: list[str] | None = None) -> int:
    """Serve a stage's page until Ctrl-C."""
    parser = argparse.ArgumentParser(prog="python -m scripts.page", description=__doc__)
    parser.add_argument("stage", nargs="?", default="dev")
    parser.add_argument("--url", help="the API's address, if it was deployed from another machine")
    parser.add_argument("--port", type=int, default=DEFAULT_PORT)
    options = parser.parse_args(arguments)
    url = options.url or api_url(ROOT, options.stage)
    session = boto3.Session()
    if url is None:
        print(f"Stage {options.stage} was not deployed from here. Use --url.", file=sys.stderr)
        return 1
    if session.get_credentials() is None:
        print("There are no AWS credentials. Run `aws configure`.", file=sys.stderr)
        return 1
    with serve(url, session, port=options.port) as server:
        print(f"The page of {url} is at http://{HOST}:{server.server_port}/  (Ctrl-C to stop)")
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            print()
    return 0


if __name__ == "__main__":
    sys.exit(main())

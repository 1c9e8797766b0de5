"""The page of a stage: only its own requests are signed and forwarded."""

import ast
import hashlib
import hmac
import http.client
import json
import re
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote

import boto3
import pytest

from scripts.page import api_url, main, serve

ROOT = Path(__file__).parents[2]
KEY, SECRET = "AKIDEXAMPLE", "wJalrXUtnFEMI"
SESSION = boto3.Session(KEY, SECRET, region_name="eu-central-1")
UNRESERVED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")


def uri_encode(text: str) -> str:
    """Encode every byte but the unreserved ones, a space as %20.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
    """
    return "".join(chr(byte) if byte in UNRESERVED else f"%{byte:02X}" for byte in text.encode())


def canonical_query(query: str) -> str:
    """Encode each name and value, and sort them by code point, as AWS's guide says.

    A plus sign that was sent is a plus sign: AWS says that a space is %20 "(and not +)".
    """
    pairs = [part.partition("=")[::2] for part in query.split("&") if part]
    encoded = [(uri_encode(unquote(name)), uri_encode(unquote(value))) for name, value in pairs]
    return "&".join(f"{name}={value}" for name, value in sorted(encoded))


class Upstream(BaseHTTPRequestHandler):
    """A double of API Gateway: answers with the request, and whether its signature is right."""

    def answer(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.path.endswith("/media"):
            self.send_response(302)
            self.send_header("Location", "https://bucket.example/a.wav?signed")
            self.end_headers()
            return
        answer = {
            "asked": f"{self.command} {self.path}",
            "body": body.decode(),
            "is_signed": self._is_signed(body),
            "cookie": self.headers.get("Cookie"),
            "if_match": self.headers.get("If-Match"),
        }
        self.send_response(200)
        self.send_header("Content-Security-Policy", "default-src 'self'")
        self.end_headers()
        self.wfile.write(json.dumps(answer).encode())

    do_GET = do_POST = do_PUT = do_DELETE = answer  # noqa: N815  # the names that http.server calls

    def _is_signed(self, body):
        """Check a signature by AWS's guide, without the code that made the signature."""
        fields = dict(
            part.split("=", 1)
            for part in self.headers["Authorization"].partition(" ")[2].split(", ")
        )
        key, date, region, service, kind = fields["Credential"].split("/")
        names = fields["SignedHeaders"].split(";")
        path, _, query = self.path.partition("?")
        canonical = [
            self.command,
            "/".join(uri_encode(part) for part in path.split("/")),
            canonical_query(query),
            *(f"{name}:{self.headers[name].strip()}" for name in names),
            "",
            fields["SignedHeaders"],
            hashlib.sha256(body).hexdigest(),
        ]
        scope = f"{date}/{region}/{service}/{kind}"
        digest = hashlib.sha256("\n".join(canonical).encode()).hexdigest()
        to_sign = f"AWS4-HMAC-SHA256\n{self.headers['X-Amz-Date']}\n{scope}\n{digest}"
        signing = f"AWS4{SECRET}".encode()
        for part in (date, region, service, kind):
            signing = hmac.digest(signing, part.encode(), "sha256")
        signature = hmac.new(signing, to_sign.encode(), "sha256").hexdigest()
        return (key, service, signature) == (KEY, "execute-api", fields["Signature"])

    def log_message(self, *_arguments):
        """Say nothing."""


@contextmanager
def running(server):
    # By default a server looks twice a second whether it has been stopped.
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def ask():
    upstream = ThreadingHTTPServer(("127.0.0.1", 0), Upstream)
    with (
        running(upstream) as up,
        running(serve(f"http://127.0.0.1:{up}/api/", SESSION, port=0)) as port,
    ):

        def send(target, method="GET", body=b"", **fields):
            headers = {name.replace("_", "-"): value for name, value in fields.items()}
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
            connection.request(method, target, body=body, headers=headers)
            answer = connection.getresponse()
            content = answer.read()
            connection.close()
            return answer.status, dict(answer.getheaders()), content

        send.port = port
        yield send


def test_corrections_are_forwarded_with_the_version_that_they_replace(ask):
    status, _, content = ask("/api/recordings/a/corrections", "PUT", b"{}", If_Match='"e"')

    found = json.loads(content)
    assert (status, found["asked"]) == (200, "PUT /api/recordings/a/corrections")
    assert (found["if_match"], found["is_signed"]) == ('"e"', True)


@pytest.mark.parametrize(
    ("asked", "sent"),
    [
        ("", ""),
        ("recordings?owner=a%20b&status=FAILED", "recordings?owner=a%20b&status=FAILED"),
        ("recordings/a%2Fb%C3%BC", "recordings/a%2Fb%C3%BC"),
        ("search?limit=20&q=old+man", "search?limit=20&q=old%20man"),
        ("search?q=%22old+man%22", "search?q=%22old%20man%22"),
        ("search?q=a*b%7Ec", "search?q=a%2Ab~c"),
        ("search?q=1%2B1%3D2%26", "search?q=1%2B1%3D2%26"),
        ("search?q=stra%C3%9Fe+%E5%8C%97%E4%BA%AC", "search?q=stra%C3%9Fe%20%E5%8C%97%E4%BA%AC"),
        ("recordings?status=&owner=a", "recordings?status=&owner=a"),
    ],
)
def test_a_query_as_browsers_write_it_is_signed_as_aws_reads_it(ask, asked, sent):
    """The page's URLSearchParams write a space as a plus sign, leave * and encode ~."""
    status, headers, content = ask(f"/api/{asked}", Cookie="a=b", Sec_Fetch_Site="same-origin")

    answer = json.loads(content)
    assert status == 200
    assert answer["asked"] == f"GET /api/{sent}"
    assert answer["is_signed"]
    assert answer["cookie"] is None
    assert headers["Content-Security-Policy"] == "default-src 'self'"


def test_the_example_of_the_documentation_signs_its_query_as_aws_reads_it(monkeypatch, capsys):
    example = re.search(r"```python\n(.*?)```", (ROOT / "docs/api.md").read_text(), re.DOTALL)[1]
    for name, value in (("ACCESS_KEY_ID", KEY), ("SECRET_ACCESS_KEY", SECRET)):
        monkeypatch.setenv(f"AWS_{name}", value)
    with running(ThreadingHTTPServer(("127.0.0.1", 0), Upstream)) as port:
        exec(example, {"url": f"http://127.0.0.1:{port}/api/"})  # noqa: S102  # our own page's

    answer = ast.literal_eval(capsys.readouterr().out)
    assert answer["is_signed"]
    assert "?" in answer["asked"]
    assert "%20" in answer["asked"]


def test_a_body_is_signed_too(ask):
    own = f"http://127.0.0.1:{ask.port}"

    _, _, content = ask(
        "/api/uploads", "POST", b'{"name": "a.wav"}', Content_Type="application/json", Origin=own
    )

    assert json.loads(content)["body"] == '{"name": "a.wav"}'
    assert json.loads(content)["is_signed"]


def test_a_redirect_is_returned_to_the_browser(ask):
    status, headers, _ = ask("/api/recordings/a/media")

    assert status == 302
    assert headers["Location"] == "https://bucket.example/a.wav?signed"


def test_the_root_leads_to_the_page(ask):
    assert ask("/")[1]["Location"] == "/api/"
    assert ask("/elsewhere")[0] == 404


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Host": "evil.example"},
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_requests_of_other_sites_pages_are_refused(ask, headers, method):
    assert ask("/api/recordings/a", method, **headers)[0] == 403


def test_an_api_that_cannot_be_reached_gives_an_error_with_the_reason():
    with running(serve("http://127.0.0.1:1/api/", SESSION, port=0)) as port:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        connection.request("GET", "/api/recordings")
        answer = connection.getresponse()

        assert answer.status == 502
        assert json.loads(answer.read())["Message"].startswith("The API cannot be reached")
        connection.close()


def test_the_address_is_read_from_the_record_of_the_deployment(tmp_path):
    record = tmp_path / ".chalice" / "deployed" / "dev.json"
    record.parent.mkdir(parents=True)
    resource = {"resource_type": "rest_api", "rest_api_url": "https://a.example/api/"}
    record.write_text(json.dumps({"resources": [resource]}))

    assert api_url(tmp_path, "dev") == "https://a.example/api/"
    assert api_url(tmp_path, "prod") is None


def test_a_stage_that_was_not_deployed_from_here_is_refused(capsys):
    assert main(["nowhere"]) == 1
    assert "Use --url" in capsys.readouterr().err

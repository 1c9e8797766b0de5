"""The page of a stage: what its own page asks is signed and sent on, and nothing else is."""

import http.client
import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import boto3
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest

from scripts.page import api_url, main, serve

SESSION = boto3.Session("AKIDEXAMPLE", "wJalrXUtnFEMI", region_name="eu-central-1")


class Upstream(BaseHTTPRequestHandler):
    """Stands in for API Gateway: answers what was asked, and whether its signature is right."""

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
        }
        self.send_response(200)
        self.send_header("Content-Security-Policy", "default-src 'self'")
        self.end_headers()
        self.wfile.write(json.dumps(answer).encode())

    do_GET = do_POST = do_DELETE = answer  # noqa: N815 - the names that http.server calls

    def _is_signed(self, body):
        credential, signed, signature = (
            part.partition("=")[2]
            for part in self.headers["Authorization"].partition(" ")[2].split(", ")
        )
        scope = credential.split("/", 1)[1].split("/")
        headers = {name: self.headers[name] for name in signed.split(";") if name != "host"}
        url = f"http://{self.headers['Host']}{self.path}"
        request = AWSRequest(self.command, url, headers=headers, data=body)
        request.context["timestamp"] = self.headers["X-Amz-Date"]
        auth = SigV4Auth(SESSION.get_credentials(), scope[2], scope[1])
        to_sign = auth.string_to_sign(request, auth.canonical_request(request))
        return auth.signature(to_sign, request) == signature and scope[1:3] == [
            "eu-central-1",
            "execute-api",
        ]

    def log_message(self, *_arguments):
        """Say nothing."""


@contextmanager
def running(server):
    thread = threading.Thread(target=server.serve_forever)
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


@pytest.mark.parametrize(
    "target",
    [
        "/api/",
        "/api/recordings?owner=a%20b&status=FAILED",
        "/api/recordings/a%2Fb%C3%BC",
        "/api/search?q=%22a+b%22",
    ],
)
def test_what_the_page_asks_is_signed_and_sent_on_as_it_is(ask, target):
    status, headers, content = ask(target, Cookie="a=b", Sec_Fetch_Site="same-origin")

    answer = json.loads(content)
    assert status == 200
    assert answer["asked"] == f"GET {target}"
    assert answer["is_signed"]
    assert answer["cookie"] is None
    assert headers["Content-Security-Policy"] == "default-src 'self'"


def test_a_body_is_signed_too(ask):
    own = f"http://127.0.0.1:{ask.port}"

    _, _, content = ask(
        "/api/uploads", "POST", b'{"name": "a.wav"}', Content_Type="application/json", Origin=own
    )

    assert json.loads(content)["body"] == '{"name": "a.wav"}'
    assert json.loads(content)["is_signed"]


def test_a_redirect_is_the_browsers_to_follow(ask):
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
def test_nobody_else_asks_in_ones_name(ask, headers, method):
    assert ask("/api/recordings/a", method, **headers)[0] == 403


def test_an_api_that_is_not_there_is_told_of():
    with running(serve("http://127.0.0.1:1/api/", SESSION, port=0)) as port:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        connection.request("GET", "/api/recordings")
        answer = connection.getresponse()

        assert answer.status == 502
        assert json.loads(answer.read())["Message"].startswith("The API cannot be reached")
        connection.close()


def test_the_address_is_what_the_deployment_wrote_down(tmp_path):
    record = tmp_path / ".chalice" / "deployed" / "dev.json"
    record.parent.mkdir(parents=True)
    resource = {"resource_type": "rest_api", "rest_api_url": "https://a.example/api/"}
    record.write_text(json.dumps({"resources": [resource]}))

    assert api_url(tmp_path, "dev") == "https://a.example/api/"
    assert api_url(tmp_path, "prod") is None


def test_a_stage_that_was_not_deployed_from_here_is_refused(capsys):
    assert main(["nowhere"]) == 1
    assert "give --url" in capsys.readouterr().err

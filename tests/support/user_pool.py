"""The pages of a Cognito user pool, as far as Earshot's page needs them to sign people in.

https://docs.aws.amazon.com/cognito/latest/developerguide/cognito-userpools-server-contract-reference.html
"""

import html
import json
import secrets
import threading
import time
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlencode, urlsplit

ARN = "arn:aws:cognito-idp:us-east-1:123456789012:userpool/us-east-1_example"
CLIENT_ID = "the-page"


def base64url(content: bytes) -> str:
    return urlsafe_b64encode(content).decode().rstrip("=")


def token(username: str, *groups: str, lasts_s: float = 3600, client_id: str = CLIENT_ID) -> str:
    """Return an ID token with an invalid signature."""
    claims = {
        "cognito:username": username,
        "exp": time.time() + lasts_s,
        "aud": client_id,
        "token_use": "id",
    }
    if groups:
        claims["cognito:groups"] = groups
    parts = ({"alg": "RS256"}, claims)
    return ".".join([*(base64url(json.dumps(part).encode()) for part in parts), "c2lnbmF0dXJl"])


@dataclass
class UserPool:
    """A pool with one user, alice; a test sets the validity of her tokens."""

    url: str
    told_s: float = 3600
    lasts_s: float = 3600
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    refresh_tokens: set[str] = field(default_factory=set)
    grants: list[str] = field(default_factory=list)
    sign_outs: list[dict[str, str]] = field(default_factory=list)

    @property
    def settings(self) -> dict[str, str]:
        return {
            "COGNITO_USER_POOL_ARN": ARN,
            "COGNITO_DOMAIN": self.url,
            "COGNITO_CLIENT_ID": CLIENT_ID,
        }

    def authorize(self, asked: dict[str, str]) -> str:
        """Return the address to which alice is sent after she has signed in."""
        assert asked["response_type"] == "code"
        assert asked["client_id"] == CLIENT_ID
        assert asked["code_challenge_method"] == "S256"
        code = secrets.token_urlsafe()
        self.codes[code] = asked
        return f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state']})}"

    def grant(self, asked: dict[str, str]) -> dict[str, object] | None:
        """Return tokens, or None if the request is not entitled to them."""
        self.grants.append(asked["grant_type"])
        if asked["client_id"] != CLIENT_ID:
            return None
        given = {"id_token": token("alice", lasts_s=self.lasts_s), "expires_in": self.told_s}
        if asked["grant_type"] == "refresh_token":
            return given if asked["refresh_token"] in self.refresh_tokens else None
        begun = self.codes.pop(asked["code"], {})
        challenge = base64url(sha256(asked["code_verifier"].encode()).digest())
        expected = {"code_challenge": challenge, "redirect_uri": asked["redirect_uri"]}
        if not expected.items() <= begun.items():
            return None
        refresh_token = secrets.token_urlsafe()
        self.refresh_tokens.add(refresh_token)
        return given | {"refresh_token": refresh_token}


class Handler(BaseHTTPRequestHandler):
    pool: UserPool

    def do_GET(self) -> None:
        path, query = urlsplit(self.path).path, urlsplit(self.path).query
        asked = {name: values[0] for name, values in parse_qs(query).items()}
        if path == "/oauth2/authorize":
            address = html.escape(self.pool.authorize(asked))
            page = f'<!doctype html><title>Pool</title><a href="{address}">I am alice</a>'
            self.answer(200, page, "text/html")
        elif path == "/logout":
            self.pool.sign_outs.append(asked)
            self.answer(302, "", "text/plain", Location=asked["logout_uri"])
        else:
            self.answer(204, "", "text/plain")

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        asked = {name: values[0] for name, values in parse_qs(body).items()}
        if urlsplit(self.path).path == "/oauth2/revoke":
            if asked["client_id"] == CLIENT_ID:
                self.pool.refresh_tokens.discard(asked["token"])
            self.answer(200, "", "text/plain", **{"Access-Control-Allow-Origin": "*"})
            return
        given = self.pool.grant(asked)
        content = json.dumps(given or {"error": "invalid_grant"})
        headers = {"Access-Control-Allow-Origin": "*"}
        self.answer(200 if given else 400, content, "application/json", **headers)

    def answer(self, status: int, text: str, content_type: str, **headers: str) -> None:
        self.send_response_only(status)
        for name, value in ({"Content-Type": content_type} | headers).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(text.encode())))
        self.end_headers()
        self.wfile.write(text.encode())


@contextmanager
def user_pool() -> Iterator[UserPool]:
    """Serve a pool's pages on a free port."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    pool = UserPool(f"http://127.0.0.1:{server.server_port}")
    server.RequestHandlerClass = type("PoolHandler", (Handler,), {"pool": pool})
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield pool
    finally:
        server.shutdown()
        server.server_close()

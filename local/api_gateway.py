"""Stand-in for API Gateway and Lambda: HTTP requests to the application's events.

Routes are matched, and events made, as in ``chalice local``. This module adds what ``chalice
local`` leaves out: the caller, a body as text, and Lambda's limits.
"""

import json
import logging
import re
import time
from base64 import b64decode, urlsafe_b64decode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from chalice.app import Chalice, CognitoUserPoolAuthorizer
from chalice.local import LambdaEventConverter, LocalChalice, RouteMatcher

STAGE = "/api"
"""The start of every path, like the stage's name in a deployed API."""

LOCAL_USER = "arn:aws:iam::123456789012:user/local"
"""The user of unsigned requests, such as those of the page on this machine."""

MAX_BYTES = 6 * 2**20
"""Largest event and answer of Lambda, in bytes."""

_ACCESS_KEY = re.compile(r"AWS4-HMAC-SHA256 Credential=([\w.@=+-]+)/")

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP response."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


@dataclass(frozen=True, slots=True)
class Context:
    """The part of Lambda's context that the application reads."""

    function_name: str


class Api:
    """The routes of an application."""

    def __init__(self, app: Chalice) -> None:
        # As in Chalice: each thread has its own current request, so that several requests can be
        # handled at once.
        app.__class__ = LocalChalice
        self._app = app
        self._to_event = LambdaEventConverter(
            RouteMatcher(list(app.routes)), app.api.binary_types
        ).create_lambda_event

    def handle(
        self, method: str, target: str, headers: Mapping[str, str], body: bytes = b""
    ) -> Answer:
        """Answer a request; ``target`` is path and query below the stage, still encoded."""
        if len(body) > MAX_BYTES:
            return _refuse(413, "Request Too Long")
        try:
            event = self._to_event(method, target, dict(headers), body)
        except ValueError:
            # API Gateway's message for an unknown path.
            return _refuse(403, "Missing Authentication Token")
        if not event.get("isBase64Encoded"):
            event["body"] = body.decode(errors="replace")
        context = event["requestContext"]
        view = self._app.routes[context["resourcePath"]].get(method)
        if view and isinstance(view.authorizer, CognitoUserPoolAuthorizer):
            claims = _claims(event["headers"].get("authorization", ""))
            if claims is None:
                return _refuse(401, "Unauthorized")
            context["authorizer"] = {"claims": claims}
        else:
            context["identity"]["userArn"] = _user(event["headers"])
        response = self._app(event, Context("earshot-local"))
        if len(json.dumps(response)) > MAX_BYTES:
            log.error("%s %s answers more than Lambda returns", method, target.partition("?")[0])
            return _refuse(502, "Internal server error")
        return _answer(response)


def _user(headers: Mapping[str, str]) -> str:
    """Return the ARN of the user whose access key signs; the signature is not checked."""
    signed = _ACCESS_KEY.match(headers.get("authorization", ""))
    return f"{LOCAL_USER.rpartition('/')[0]}/{signed[1]}" if signed else LOCAL_USER


def _claims(token: str) -> dict[str, str] | None:
    """Return the claims of a user pool's token as text; None if it has expired or is no token.

    The token's signature is not checked.

    https://docs.aws.amazon.com/cognito/latest/developerguide/amazon-cognito-user-pools-using-the-id-token.html
    """
    try:
        _, payload, _ = token.split(".")
        claims = json.loads(urlsafe_b64decode(payload + "=="))
        if claims["exp"] < time.time():
            return None
    except (ValueError, KeyError, TypeError):
        return None
    return {
        name: ",".join(value) if isinstance(value, list) else str(value)
        for name, value in claims.items()
    }


def _answer(response: dict[str, Any]) -> Answer:
    headers = {"Content-Type": "application/json"} | response["headers"]
    several = [
        (name, value) for name, many in response["multiValueHeaders"].items() for value in many
    ]
    body = response["body"]
    content = b64decode(body) if response.get("isBase64Encoded") else body.encode()
    return Answer(response["statusCode"], (*headers.items(), *several), content)


def _refuse(status: int, message: str) -> Answer:
    body = json.dumps({"message": message}).encode()
    return Answer(status, (("Content-Type", "application/json"),), body)

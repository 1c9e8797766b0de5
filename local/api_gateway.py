"""API Gateway and Lambda before the application: a request becomes the event that it is given.

Routes are matched, and events made, as ``chalice local`` does; what that leaves out is added here:
who asks, a body as text, and Lambda's limits.
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
"""What every path begins with, as it does where a stage is deployed."""

LOCAL_USER = "arn:aws:iam::123456789012:user/local"
"""Whoever signs nothing: the page on one's own machine."""

MAX_BYTES = 6 * 2**20
"""What Lambda takes as an event, and what it returns."""

_ACCESS_KEY = re.compile(r"AWS4-HMAC-SHA256 Credential=([\w.@=+-]+)/")

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Answer:
    """A response of HTTP."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


@dataclass(frozen=True, slots=True)
class Context:
    """What Lambda tells a function about itself, as far as anyone asks."""

    function_name: str


class Api:
    """The routes of an application."""

    def __init__(self, app: Chalice) -> None:
        # Chalice's own way to let several requests in at once: each thread has its current one.
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
            # API Gateway's words for a path that leads nowhere.
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
    """Return the ARN of the user whose access key signs; nobody here checks the signature."""
    signed = _ACCESS_KEY.match(headers.get("authorization", ""))
    return f"{LOCAL_USER.rpartition('/')[0]}/{signed[1]}" if signed else LOCAL_USER


def _claims(token: str) -> dict[str, str] | None:
    """Return what a user pool's token says, as text, until it runs out; nobody checks who wrote it.

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

"""Requests to the API, in the form in which API Gateway gives them to the application."""

import json
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from local.api_gateway import Api

ADMINISTRATOR = "local"


@dataclass(frozen=True)
class Answered:
    """The answer to a request."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def sentence(self) -> str:
        """The sentence of an error in Chalice's shape."""
        assert self.json["Code"].endswith("Error"), self.json
        assert self.json["Message"].endswith("."), self.json
        return self.json["Message"]


class Asker:
    """A client that can be any user."""

    def __init__(self, application: ModuleType) -> None:
        self._api = Api(application.app)

    def __call__(
        self,
        target: str,
        *,
        by: str = "alice",
        method: str = "GET",
        body: Any = None,
        **headers: str,
    ) -> Answered:
        signature = f"AWS4-HMAC-SHA256 Credential={by}/20240101/us-east-1/execute-api/aws4_request"
        content = (
            body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        )
        answer = self._api.handle(
            method,
            target,
            {"Authorization": signature, "Content-Type": "application/json", **headers},
            content,
        )
        return Answered(answer.status, dict(answer.headers), answer.body)

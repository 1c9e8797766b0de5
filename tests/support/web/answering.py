"""The application itself, which answers a browser without a server in between."""

from dataclasses import dataclass
from types import ModuleType
from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, Route

from chalicelib.api import page
from chalicelib.core import keys
from chalicelib.services import Services
from local.api_gateway import Api
from support.media import wav
from support.web.pretending import ORIGIN


@dataclass
class Answering:
    """The application for one user's browser. Media and tables are answered without a redirect."""

    application: ModuleType
    services: Services
    user: str

    def answer_in(self, context: BrowserContext) -> None:
        """Answer every request of a browser's context; no request leaves the browser."""
        self.api = Api(self.application.app)
        context.route("**/*", self._answer)

    def _answer(self, route: Route) -> None:
        address = urlsplit(route.request.url)
        path = address.path.removeprefix("/api")
        parts = path.split("/")
        if path == "/":
            route.fulfill(body=page.index(), headers=page.index_headers([ORIGIN]))
        elif path.startswith("/web/"):
            route.fulfill(body=page.files()[parts[-1]], headers=page.file_headers(parts[-1]))
        elif path.endswith("/media"):
            route.fulfill(body=wav(5.0), headers={"Content-Type": "audio/wav"})
        elif parts[-1] in ("display", "spectrogram"):
            key = keys.features(parts[2], f"{parts[-1]}.json")
            route.fulfill(body=self.services.results.read(key), content_type="application/json")
        else:
            signature = f"AWS4-HMAC-SHA256 Credential={self.user}/20240101/us-east-1/execute-api/x"
            answer = self.api.handle(
                route.request.method,
                f"{path}?{address.query}",
                {**route.request.headers, "authorization": signature},
                route.request.post_data_buffer or b"",
            )
            route.fulfill(status=answer.status, headers=dict(answer.headers), body=answer.body)

"""A pretended API, so that a test can show the page any data.

The page's files, with their headers, come from the application.
"""

import base64
import json
import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import numpy as np
from playwright.sync_api import BrowserContext, Route

from chalicelib.api import page
from support.media import wav

ORIGIN = "http://earshot.test"
ADDRESS = f"{ORIGIN}/api/"


def recording(recording_id: str, name: str = "talk.wav", **changes: Any) -> dict[str, Any]:
    """Return a finished recording in the API's form."""
    return {
        "recording_id": recording_id,
        "owner": "alice",
        "source_key": f"uploads/alice/{name}",
        "created_at": "2024-05-01T09:00:00+00:00",
        "updated_at": "2024-05-01T09:01:00+00:00",
        "size": 190_000,
        "etag": "9a0364b9e99bb480dd25e1f0284c8555",
        "transcription": "COMPLETED",
        "features": "COMPLETED",
        "renditions": "SKIPPED",
        "status": "COMPLETED",
        "reason": None,
        "duration_s": 60.0,
        "excerpt": "so today we talk about the cepstrum",
        "word_count": 7,
        "mean_confidence": 0.9,
        "language_code": "en-US",
        "sample_rate_hz": 22050,
        "n_frames": 2584,
        "display_key": f"features/{recording_id}/display.json",
        "feature_keys": {name: f"features/x/{name}.csv" for name in ("mfcc", "pitch", "energy")},
        "word_table_keys": {"words": "features/x/words.csv"},
        **changes,
    }


def transcript(*segments: tuple[str | None, str], confidence: float = 0.95) -> dict[str, Any]:
    """Return a transcript with one word a second, in the API's form."""
    words: dict[str, list[Any]] = {
        name: [] for name in ("text", "start_s", "end_s", "confidence", "speaker", "punctuation")
    }
    written = []
    for speaker, text in segments:
        first = len(words["text"])
        for token in text.split():
            start = float(len(words["text"]))
            row = (
                token.rstrip(".,"),
                start,
                start + 0.8,
                confidence,
                speaker,
                token[len(token.rstrip(".,")) :],
            )
            for column, value in zip(words.values(), row, strict=True):
                column.append(value)
        written.append(
            {
                "start_s": float(first),
                "end_s": float(len(words["text"])) - 0.2,
                "speaker": speaker,
                "text": text,
                "first_word": first,
                "n_words": len(words["text"]) - first,
            }
        )
    return {"language_code": "en-US", "text": "", "words": words, "segments": written}


def display(duration_s: float, n: int = 2000, n_mfcc: int = 13) -> dict[str, Any]:
    """Return the display of a gliding voice, in the extractor's form."""
    rng = np.random.default_rng(0)
    x = np.arange(n)
    loud = (np.abs(np.sin(x / 25)) * rng.uniform(20, 120, n)).astype(np.int8)
    f0 = np.where(np.sin(x / 25) > 0, 1400 + 300 * np.sin(x / 40), 0).astype("<u2")
    levels = np.full(n, 215, dtype=np.uint8)  # -20 dB
    values = rng.integers(0, 256, (n, n_mfcc), dtype=np.uint8)
    column_s = duration_s / n

    def text(numbers: np.ndarray) -> str:
        return base64.b64encode(numbers.tobytes()).decode()

    return {
        "version": 1,
        "duration_s": duration_s,
        "peaks": {"column_s": column_s, "min": text(-loud), "max": text(loud)},
        "pitch": {"column_s": column_s, "f0": text(f0)},
        "mfcc": {
            "column_s": column_s,
            "n": n_mfcc,
            "low": [-200.0] * n_mfcc,
            "high": [200.0] * n_mfcc,
            "values": text(values),
        },
        "level": {"column_s": column_s, "db": text(levels)},
        "spectrogram": True,
    }


def spectrogram(duration_s: float) -> dict[str, Any]:
    """Return a spectrogram of 100 columns, in the extractor's form."""
    values = base64.b64encode(bytes(range(240)) * 20).decode()
    return {"column_s": duration_s / 100, "n": 48, "values": values}


@dataclass
class Pretended:
    """The pretended API's answers; a test can change them while the page polls."""

    recordings: list[dict[str, Any]] = field(default_factory=list)
    transcripts: dict[str, dict[str, Any]] = field(default_factory=dict)
    displays: dict[str, dict[str, Any]] = field(default_factory=dict)
    results: list[dict[str, Any]] = field(default_factory=list)
    is_administrator: bool = True
    refusal: tuple[int, dict[str, str]] | None = None
    is_down: bool = False
    stand_in: str = ""
    progress: dict[str, dict[str, dict[str, float | None]]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    sound: bytes = field(default_factory=lambda: wav(60.0))
    text: str = "so today we talk about the cepstrum.\n"
    breaks_off_at: int | None = None
    held: list[Route] = field(default_factory=list)

    def add(
        self,
        recording_id: str,
        name: str = "talk.wav",
        *segments: tuple[str | None, str],
        **changes: Any,
    ) -> None:
        self.recordings.append(recording(recording_id, name, **changes))
        said = segments or (("spk_0", "so today we talk about the cepstrum."),)
        self.transcripts[recording_id] = transcript(*said)
        self.displays[recording_id] = display(changes.get("duration_s") or 60.0)

    def answer_in(self, context: BrowserContext) -> None:
        """Answer every request of a browser's context; no request leaves the browser."""
        context.route("**/*", self._answer)

    def _answer(self, route: Route) -> None:
        address = urlsplit(route.request.url)
        path = address.path.removeprefix("/api")
        if path == "/":
            route.fulfill(
                body=page.index(stand_in=self.stand_in), headers=page.index_headers([ORIGIN])
            )
        elif path.startswith("/web/"):
            name = path.rpartition("/")[2]
            route.fulfill(body=page.files()[name], headers=page.file_headers(name))
        elif self.is_down:
            route.abort()
        elif self.refusal:
            status, body = self.refusal
            route.fulfill(status=status, json=body)
        else:
            self.asked.append(f"{route.request.method} {path}?{address.query}")
            self._answer_api(route, path, dict(parse_qsl(address.query)))

    def _answer_api(self, route: Route, path: str, query: dict[str, str]) -> None:
        found = re.fullmatch(r"/recordings/([^/]+)(?:/(.+))?", unquote(path))
        known = {one["recording_id"]: one for one in self.recordings}
        if path == "/caller":
            route.fulfill(json={"owner": "alice", "is_administrator": self.is_administrator})
        elif path in ("/saved.wav", "/saved.csv"):
            kept = {"Content-Disposition": f'attachment; filename="{path[1:]}"'}
            route.fulfill(body=self.sound[:1000], headers=kept)
        elif path == "/recordings":
            status = query.get("status")
            shown = [one for one in self.recordings if status in (None, one["status"])]
            first, limit = int(query.get("cursor", 0)), int(query["limit"])
            cursor = str(first + limit) if first + limit < len(shown) else None
            route.fulfill(json={"recordings": shown[first : first + limit], "cursor": cursor})
        elif path == "/progress":
            route.fulfill(json={"recordings": self.progress})
        elif path == "/search":
            found = {"results": self.results, "cursor": None, "complete": True, "back_to": None}
            route.fulfill(json=found)
        elif found and found[1] in known:
            self._answer_part(route, known[found[1]], found[2], query)
        else:
            route.fulfill(status=404, json={"Code": "NotFoundError", "Message": "Not here."})

    def _answer_part(
        self, route: Route, one: dict[str, Any], part: str | None, query: dict[str, str]
    ) -> None:
        recording_id = one["recording_id"]
        fixed: dict[str | None, dict[str, Any]] = {
            None: {"json": one},
            "transcript": {"json": self.transcripts[recording_id]},
            "corrections": {
                "json": {"recording_id": recording_id, "corrections": []},
                "headers": {"ETag": '"none"'},
            },
            "clip": {"json": {"url": f"{ADDRESS}saved.wav", "expires_in_s": 3600}},
            "features/display": {"json": self.displays[recording_id]},
            "features/spectrogram": {"json": spectrogram(one["duration_s"] or 60.0)},
            "features/words": {"body": f"word,recording_id\nhello,{recording_id}\n"},
        }
        if part and part.startswith("features/") and "from" in query:
            self._answer_rows(route, part.removeprefix("features/"), query)
        elif part == "transcript" and query.get("format") == "text":
            route.fulfill(body=self.text, content_type="text/plain; charset=utf-8")
        elif part in fixed:
            route.fulfill(**fixed[part])
        elif part == "media":
            first = int((re.search(r"\d+", route.request.headers.get("range", "")) or ["0"])[0])
            if self.breaks_off_at is not None and first >= self.breaks_off_at:
                self.held.append(route)
                return
            sent, total = self.sound[first : self.breaks_off_at], len(self.sound)
            route.fulfill(
                status=206,
                body=sent,
                headers={
                    "Content-Type": "audio/wav",
                    "Accept-Ranges": "bytes",
                    "Content-Range": f"bytes {first}-{first + len(sent) - 1}/{total}",
                },
            )
        else:
            route.fulfill(status=202, body=json.dumps(one))

    def _answer_rows(self, route: Route, table: str, query: dict[str, str]) -> None:
        """Answer with the rows of a part, one for each second, or with the rows' address."""
        if query.get("redirect") == "no":
            route.fulfill(json={"url": f"{ADDRESS}saved.csv", "expires_in_s": 3600})
            return
        seconds = range(int(float(query["from"])), int(float(query["to"])) + 1)
        rows = "".join(f"{n}.0,{table}-{n}\n" for n in seconds)
        route.fulfill(body=f"time_s,{table}\n{rows}")

"""Lambda's runtime API, and functions that run behind it as they do in Lambda.

https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
"""

import json
import os
import queue
import resource
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

ANSWER_S = 900  # the longest that Lambda waits


@dataclass(frozen=True, slots=True)
class Function:
    """A function's package, unpacked as Lambda does, and its settings."""

    handler: str
    code: Path
    layers: tuple[Path, ...]
    memory_mb: int
    python: Path
    environment: dict[str, str]

    @property
    def name(self) -> str:
        """Name that Chalice gives the function in AWS, in a stage named ``test``."""
        name = self.handler.partition(".")[2]
        return "earshot-test" if name == "app" else f"earshot-test-{name}"


class RuntimeApi(ThreadingHTTPServer):
    """A server that gives events to a function and takes its answers."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self._one_at_a_time = threading.Lock()
        self.pid = 0
        self.ready_at: float | None = None
        self.events: queue.Queue[Any] = queue.Queue()
        self.answers: queue.Queue[tuple[str, Any]] = queue.Queue()
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()

    def handle_error(self, request, client_address):
        """Print no error if a function was ended while it waited for its next event."""
        if not isinstance(sys.exception(), ConnectionResetError):
            super().handle_error(request, client_address)

    def invoke(self, event: Any) -> Any:
        """Return the function's answer to an event. Raise AssertionError if it fails."""
        with self._one_at_a_time:
            self.events.put(event)
            kind, answer = self.answers.get(timeout=ANSWER_S)
        assert kind == "response", answer
        return answer


class _Handler(BaseHTTPRequestHandler):
    server: RuntimeApi
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.server.ready_at = self.server.ready_at or time.perf_counter()
        event = self.server.events.get()
        body = json.dumps(event).encode()
        self.send_response(200)
        self.send_header("Lambda-Runtime-Aws-Request-Id", "8476a536-e9f4-11e8-9739-2dfe598c3fcd")
        # The client reads these headers without a check that they exist.
        self.send_header("Lambda-Runtime-Trace-Id", "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700")
        self.send_header("Content-Type", "application/json")
        self.send_header("Lambda-Runtime-Client-Context", "{}")
        self.send_header("Lambda-Runtime-Cognito-Identity", "{}")
        self.send_header("Lambda-Runtime-Deadline-Ms", "4102444800000")
        self.send_header("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:x:1:function:f")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(202)
        self.send_header("Content-Length", "0")
        self.end_headers()
        self.server.answers.put((self.path.rpartition("/")[2], json.loads(body or b"null")))

    def log_message(self, format, *args):  # noqa: A002  # the base class's name
        pass


def as_anyone() -> list[str]:
    """Return a prefix for a command, so that it has no right to write read-only files."""
    if os.geteuid() != 0:
        return []
    return ["setpriv", "--bounding-set=-dac_override", "--inh-caps=-dac_override"]


def unpack(archive: Path, folder: Path) -> None:
    """Unpack a package as Lambda does: read-only."""
    with zipfile.ZipFile(archive) as zipped:
        zipped.extractall(folder)
    for path in [folder, *folder.rglob("*")]:
        path.chmod(0o555 if path.is_dir() else 0o444)


@contextmanager
def running(function: Function) -> Iterator[RuntimeApi]:
    """Start a function's runtime with its memory limited, and end it when the block ends."""
    api = RuntimeApi()
    paths = [path for layer in function.layers for path in layer.glob("python/lib/*/site-packages")]
    paths += [layer / "python" for layer in function.layers]
    environment = function.environment | {
        "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{api.server_address[1]}",
        "AWS_LAMBDA_FUNCTION_NAME": function.name,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory_mb),
        "AWS_REGION": "us-east-1",
        "LAMBDA_TASK_ROOT": str(function.code),
        "PYTHONPATH": os.pathsep.join(map(str, paths)),
        "NO_PROXY": "127.0.0.1",
    }
    limit = function.memory_mb * 2**20
    process = subprocess.Popen(
        [*as_anyone(), function.python, "-m", "awslambdaric", function.handler],
        cwd=function.code,
        env=environment,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_DATA, (limit, limit)),  # noqa: PLW1509  # no locks are held
    )
    api.pid = process.pid
    try:
        yield api
    finally:
        process.kill()
        process.wait()
        api.shutdown()
        api.server_close()

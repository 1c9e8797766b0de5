"""Earshot as a user runs it: in a separate process, used through its port."""

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from email.message import Message
from pathlib import Path
from typing import IO, Any

import boto3

ROOT = Path(__file__).parents[2]
SAMPLE = ROOT / "samples" / "sample.wav"
CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "local",
    "AWS_SECRET_ACCESS_KEY": "local",
    "AWS_DEFAULT_REGION": "us-east-1",
}
PATIENCE_S = 240
STOP_S = 30


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_args):
        return None


OPENER = urllib.request.build_opener(_NoRedirect)


def fetch(
    url: str, *, method: str = "GET", body: bytes | None = None, **headers: str
) -> tuple[int, Message, bytes]:
    """Return status, header fields and body, for any status."""
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    request = urllib.request.Request(url, method=method, data=body, headers=fields)
    try:
        with OPENER.open(request, timeout=30) as response:
            return response.status, response.headers, response.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers, error.read()


@dataclass(frozen=True)
class Stage:
    """Earshot in local mode, or deployed to a stand-in for AWS, with its addresses."""

    url: str
    process: subprocess.Popen[str]
    bucket: str = "earshot-local"
    metadata_table: str = "metadata"
    reader: Future[str] | None = None

    def printed(self) -> str:
        """Wait for local mode's end; return all that it printed after its first line."""
        assert self.reader
        self.process.wait(timeout=STOP_S)
        return self.reader.result(timeout=STOP_S)

    def client(self, service: str) -> Any:
        return boto3.client(
            service,
            endpoint_url=self.url,
            aws_access_key_id="local",
            aws_secret_access_key="local",
            region_name="us-east-1",
        )

    def put(self, key: str, body: bytes, **options: Any) -> None:
        self.client("s3").put_object(Bucket=self.bucket, Key=key, Body=body, **options)

    def items(self, key: str) -> list[dict[str, str]]:
        """Return the items of an upload key, each value as text."""
        found = self.client("dynamodb").query(
            TableName=self.metadata_table,
            IndexName="by_source",
            KeyConditionExpression="source_key = :key",
            ExpressionAttributeValues={":key": {"S": key}},
        )["Items"]
        return [
            {name: next(iter(value.values())) for name, value in item.items()} for item in found
        ]

    def settled(self, key: str, *, other_than: str | None = None) -> dict[str, str]:
        """Wait until the recording of an upload key is settled, and return it."""

        def look() -> dict[str, str] | None:
            for item in self.items(key):
                statuses = [item[name] for name in ("transcription", "features", "renditions")]
                ended = not {"PENDING", "IN_PROGRESS"}.intersection(statuses)
                if statuses[:2] == ["COMPLETED", "COMPLETED"]:
                    ended = ended and "word_table_keys" in item
                # The last change of an item records that its notice was sent.
                sent = {f"notice_{outcome}_sent_at" for outcome in ("done", "failed")}
                ended = ended and not sent.isdisjoint(item)
                if ended and item["recording_id"] != other_than:
                    return item
            return None

        return self.wait(look, f"{key!r} to settle")

    def wait(self, look: Callable[[], Any], what: str) -> Any:
        """Poll, as a client must, until there is a result."""
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            assert self.process.poll() is None, "it has ended"
            if found := look():
                return found
            time.sleep(0.1)
        raise TimeoutError(f"waited {PATIENCE_S} s in vain for {what}")

    def object_keys(self, prefix: str = "") -> set[str]:
        pages = (
            self.client("s3")
            .get_paginator("list_objects_v2")
            .paginate(Bucket=self.bucket, Prefix=prefix)
        )
        return {entry["Key"] for page in pages for entry in page.get("Contents", [])}


@contextmanager
def start(
    *arguments: str,
    command: Sequence[str] = ("run", "--port", "0"),
    stderr: IO[str] | None = None,
    **environment: str,
) -> Iterator[Stage]:
    """Start local mode, by default on a free port; stop it with Ctrl-C, as a user does.

    ``stderr`` is a file for its warnings; the default is the test's stderr.
    """
    process = subprocess.Popen(
        [sys.executable, "-m", "local", *command, *arguments],
        cwd=ROOT,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=stderr,
        text=True,
    )
    try:
        assert process.stdout
        line = process.stdout.readline()
        address = re.search(r"http://127\.0\.0\.1:\d+", line)
        assert address, f"local mode did not start: {line!r}"
        # It prints a line for each recording, and would wait for room in a pipe that nobody reads.
        with process.stdout as said, ThreadPoolExecutor(1) as pool:
            reader = pool.submit(said.read)
            try:
                yield Stage(address.group(), process, reader=reader)
            finally:
                _interrupt(process)
    finally:
        _interrupt(process)


def _interrupt(process: subprocess.Popen[str]) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
    process.wait(timeout=STOP_S)


def process(
    *arguments: object, cwd: Path = ROOT, **environment: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "local", "process", *map(str, arguments)],
        cwd=cwd,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=200,
    )


def process_as_json(*arguments: object) -> tuple[int, list[dict]]:
    ended = process("--json", *arguments)
    return ended.returncode, [json.loads(line) for line in ended.stdout.splitlines()]

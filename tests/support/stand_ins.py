"""Stand-ins for AWS that share no code with moto: MiniStack, and dynalite for DynamoDB alone.

Both are in a separate environment, which `make test-peers` creates and names in ``EARSHOT_PEERS``.
Without it, the tests that need them are skipped.
"""

import os
import re
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import boto3
import pytest

from chalicelib.aws.dynamodb import RecordingTable
from chalicelib.aws.dynamodb_hours import HourCounters
from chalicelib.aws.dynamodb_notices import NoticeClaims
from chalicelib.aws.dynamodb_search import SearchTable
from chalicelib.aws.dynamodb_watchlist import Watchlist
from chalicelib.services import Services

HOST = "127.0.0.1"
PATIENCE_S = 60
ON_EACH_DATABASE = pytest.mark.parametrize("services", ["moto", "dynalite"], indirect=True)


def environment() -> Path:
    """Return the environment's folder, or skip the test."""
    if "EARSHOT_PEERS" not in os.environ:
        pytest.skip("run by `make test-peers`")
    return Path(os.environ["EARSHOT_PEERS"]).resolve()


@contextmanager
def dynalite() -> Iterator[str]:
    """Start dynalite, yield its address, and stop it."""
    program = environment() / "node/node_modules/.bin/dynalite"
    times = [f"--{change}TableMs=0" for change in ("create", "update", "delete")]
    process = subprocess.Popen(
        [program, f"--host={HOST}", f"--port={free_port()}", *times],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        line = process.stdout.readline()
        yield re.search(r"http://\S+", line)[0]
    finally:
        process.kill()
        process.communicate()


@contextmanager
def tables_on_dynalite(services: Services) -> Iterator[Services]:
    """Return the same services with both tables on dynalite, created as on moto."""
    with dynalite() as url:
        moto = boto3.client("dynamodb")
        tables = boto3.resource("dynamodb", endpoint_url=url)
        for name in (services.settings.metadata_table, services.settings.search_table):
            found = moto.describe_table(TableName=name)["Table"]
            indexes = [
                {part: index[part] for part in ("IndexName", "KeySchema", "Projection")}
                for index in found.get("GlobalSecondaryIndexes", [])
            ]
            tables.create_table(
                TableName=name,
                BillingMode="PAY_PER_REQUEST",
                KeySchema=found["KeySchema"],
                AttributeDefinitions=found["AttributeDefinitions"],
                **({"GlobalSecondaryIndexes": indexes} if indexes else {}),
            ).wait_until_exists()
        metadata = tables.Table(services.settings.metadata_table)
        yield replace(
            services,
            recordings=RecordingTable(metadata, services.clock),
            watchlist=Watchlist(metadata),
            notice_claims=NoticeClaims(metadata, services.clock),
            hours=HourCounters(metadata, services.clock),
            search_table=SearchTable(tables.Table(services.settings.search_table)),
        )


@contextmanager
def ministack(folder: Path) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """Start MiniStack with its state in a folder, yield its address and process, and stop it."""
    port = free_port()
    variables = {"BIND_HOST": HOST, "GATEWAY_PORT": str(port), "STATE_DIR": str(folder / "state")}
    with (folder / "ministack.log").open("w") as log:
        process = subprocess.Popen(
            [environment() / "bin/ministack"],
            env=os.environ | variables,
            stdout=log,
            stderr=subprocess.STDOUT,
            text=True,
        )
        try:
            await_port(port)
            yield f"http://{HOST}:{port}", process
        finally:
            process.terminate()
            process.wait()


def free_port() -> int:
    with socket.create_server((HOST, 0)) as server:
        return server.getsockname()[1]


def await_port(port: int) -> None:
    """Wait until the port is open, because the server gives no other signal."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        try:
            socket.create_connection((HOST, port), timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise TimeoutError(f"nobody listens on port {port}")

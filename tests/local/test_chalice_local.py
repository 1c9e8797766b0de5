"""``chalice local`` on a running local mode."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from support.running import ROOT, SAMPLE, fetch, start
from support.stand_ins import free_port

pytestmark = pytest.mark.slow

CHALICE = Path(sys.executable).with_name("chalice")
ADA = "arn:aws:iam::123456789012:user/ada"


@pytest.fixture
def stage():
    with start() as stage:
        yield stage


@pytest.fixture
def serve(stage):
    """Start ``chalice local`` on local mode by the documentation's two lines; return its address.

    ``then`` is a command of the shell between the two.
    """
    processes = []
    local_port = stage.url.rpartition(":")[2]

    def serve(then):
        lines = [
            f'eval "$({sys.executable} -m local variables --port {local_port})"',
            then,
            f"exec {CHALICE} local --no-autoreload --port {free_port()}",
        ]
        process = subprocess.Popen(
            ["bash", "-c", "\n".join(lines)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        processes.append(process)
        line = process.stdout.readline()
        assert line.startswith("Serving on"), line + process.stdout.read()
        return line.split()[-1]

    yield serve
    for process in processes:
        process.terminate()
        process.communicate()


def recordings(address):
    status, _, listed = fetch(f"{address}/recordings")
    return status, sorted(one["owner"] for one in json.loads(listed).get("recordings", ()))


def test_the_caller_in_caller_arn_sees_their_own_recordings(stage, serve):
    for owner in ("ada", "bob"):
        stage.put(f"uploads/{owner}/a.wav", SAMPLE.read_bytes())
        stage.wait(lambda owner=owner: stage.items(f"uploads/{owner}/a.wav"), "its item")

    assert recordings(serve("true")) == (200, ["ada", "bob"])
    assert recordings(serve(f"CALLER_ARN={ADA}")) == (200, ["ada"])


def test_without_caller_arn_nobody_is_signed_in(serve):
    assert recordings(serve("unset CALLER_ARN")) == (403, [])

"""``chalice local`` for an existing stage."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from support.running import CREDENTIALS, ROOT, SAMPLE, fetch, start
from support.stand_ins import free_port

pytestmark = pytest.mark.slow

ADA = "arn:aws:iam::123456789012:user/ada"


@pytest.fixture
def stage():
    with start() as stage:
        yield stage


@pytest.fixture
def serve(stage, tmp_path):
    """Start ``chalice local`` in a project whose stage is ``stage``; return its address."""
    processes = []
    shutil.copytree(ROOT / "chalicelib", tmp_path / "chalicelib")
    shutil.copyfile(ROOT / "app.py", tmp_path / "app.py")
    config = json.loads((ROOT / ".chalice/config.json").read_text())
    (queue_url,) = stage.client("sqs").list_queues(QueueNamePrefix="earshot-local-features")[
        "QueueUrls"
    ][:1]
    queues = stage.client("sqs").list_queues(QueueNamePrefix="earshot-local-datasets")["QueueUrls"]
    config["stages"]["dev"]["environment_variables"] = {
        "MEDIA_BUCKET_NAME": stage.bucket,
        "METADATA_TABLE_NAME": stage.metadata_table,
        "SEARCH_TABLE_NAME": "search",
        "FEATURES_QUEUE_URL": queue_url,
        "DATASETS_QUEUE_URL": min(queues, key=len),
    }
    (tmp_path / ".chalice").mkdir()
    (tmp_path / ".chalice/config.json").write_text(json.dumps(config))

    def serve(**environment):
        process = subprocess.Popen(
            [
                Path(sys.executable).with_name("chalice"),
                *("local", "--stage", "dev", "--port", str(free_port()), "--no-autoreload"),
            ],
            cwd=tmp_path,
            env=os.environ | CREDENTIALS | {"AWS_ENDPOINT_URL": stage.url} | environment,
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


def test_the_caller_in_caller_arn_sees_their_own_recordings(stage, serve):
    for owner in ("ada", "bob"):
        stage.put(f"uploads/{owner}/a.wav", SAMPLE.read_bytes())
        stage.wait(lambda owner=owner: stage.items(f"uploads/{owner}/a.wav"), "its item")

    _, _, listed = fetch(f"{serve(CALLER_ARN=ADA)}/recordings")

    assert [one["owner"] for one in json.loads(listed)["recordings"]] == ["ada"]


def test_without_caller_arn_nobody_is_signed_in(serve):
    status, _, _ = fetch(f"{serve()}/recordings")

    assert status == 403

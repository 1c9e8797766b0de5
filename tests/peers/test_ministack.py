"""The deployed functions on MiniStack: no assumption rests on moto alone."""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import boto3
import pytest
from stand_ins import environment, ministack

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

ROOT = Path(__file__).parents[2]
COPIED = (
    *("app.py", "chalicelib", "cloudformation", "kernels"),
    *("requirements.txt", "requirements/media.txt"),
)
PATIENCE_S = 120
BUCKET = "earshot-dev-media-000000000000-us-east-1"
UNKNOWN = ("MediaConvertQueue", "FailuresAlarm")
"""MiniStack's CloudFormation knows no queues of MediaConvert, and no alarm of several metrics."""

DEPLOY = """
import sys; from pathlib import Path; import boto3
from scripts.console import run
from scripts.deploy import Deployment, chalice
from scripts.record_outputs import Account
project, account = Path(sys.argv[1]), Account("000000000000", "us-east-1")
steps = Deployment(project, "dev", boto3.session.Session(), account).steps({})
# What follows looks for the API, and botocore cannot read how MiniStack lists APIs.
status = run(steps[:4], again="make test-peers")
status or chalice("deploy", project, "dev", account)
sys.exit(status)
"""


@pytest.fixture(scope="module")
def aws(tmp_path_factory):
    """MiniStack with the functions deployed, and how to reach it."""
    folder = tmp_path_factory.mktemp("ministack")
    environment()
    python = Path(os.environ["EARSHOT_DEPLOY"]).resolve() / "bin/python"
    with ministack(folder) as url:
        variables = {
            "AWS_ENDPOINT_URL": url,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": "us-east-1",
        }
        done = subprocess.run(
            [python, "-c", DEPLOY, project(folder / "project")],
            cwd=ROOT,
            env=os.environ | variables,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        yield variables


def project(folder: Path) -> Path:
    (folder / ".chalice").mkdir(parents=True)
    (folder / "requirements").mkdir()
    for name in COPIED:
        source = ROOT / name
        (shutil.copytree if source.is_dir() else shutil.copyfile)(source, folder / name)
    for path in (ROOT / ".chalice").glob("*.json"):
        shutil.copyfile(path, folder / ".chalice" / path.name)
    template = folder / "cloudformation/resources.yml"
    text = template.read_text()
    for name in UNKNOWN:
        text, n_cut = re.subn(rf"\n  {name}:\n(?:    .*\n|\n(?=    ))+", "\n", text)
        assert n_cut == 1
    template.write_text(text)
    return folder


def client(aws, service):
    return boto3.client(
        service,
        endpoint_url=aws["AWS_ENDPOINT_URL"],
        aws_access_key_id="test",
        aws_secret_access_key="test",
        region_name="us-east-1",
    )


def copy(aws, *arguments: str) -> None:
    """Run the aws command as a user does."""
    command = [Path(sys.executable).with_name("aws"), "s3", *arguments, "--only-show-errors"]
    subprocess.run(command, cwd=ROOT, env=os.environ | aws, check=True)


def items(aws, key: str) -> list[dict]:
    found = client(aws, "dynamodb").query(
        TableName="earshot-dev-metadata",
        IndexName="by_source",
        KeyConditionExpression="source_key = :key",
        ExpressionAttributeValues={":key": {"S": key}},
    )["Items"]
    return [{name: next(iter(value.values())) for name, value in one.items()} for one in found]


def wait(look):
    """Look again and again, as somebody outside must."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        if found := look():
            return found
        time.sleep(0.5)
    raise TimeoutError


def settled(aws, key: str) -> dict:
    def look() -> dict | None:
        for item in items(aws, key):
            if item["features"] == item["transcription"] == "COMPLETED":
                return item if "word_table_keys" in item else None
            assert "FAILED" not in (item["features"], item["transcription"]), item
        return None

    return wait(look)


def object_keys(aws, prefix: str) -> set[str]:
    found = client(aws, "s3").list_objects_v2(Bucket=BUCKET, Prefix=prefix)
    return {one["Key"].removeprefix(prefix) for one in found.get("Contents", [])}


@pytest.mark.parametrize("key", ["uploads/me/sample.wav", "uploads/me/a talk, Grüße & more.wav"])
def test_an_upload_becomes_a_transcript_and_tables(aws, key):
    copy(aws, "cp", "samples/sample.wav", f"s3://{BUCKET}/{key}")

    item = settled(aws, key)

    assert item["transcript"]
    assert item["n_frames"] == "256"
    assert object_keys(aws, f"features/{item['recording_id']}/") >= {
        "mfcc.csv",
        "pitch.csv",
        "energy.csv",
        "words.csv",
    }


def test_the_same_bytes_again_are_the_same_recording(aws):
    key = "uploads/me/twice.wav"
    copy(aws, "cp", "samples/sample.wav", f"s3://{BUCKET}/{key}")
    first = settled(aws, key)

    copy(aws, "cp", "samples/sample.wav", f"s3://{BUCKET}/{key}")

    assert [one["recording_id"] for one in items(aws, key)] == [first["recording_id"]]
    assert settled(aws, key)["created_at"] == first["created_at"]


def test_what_is_removed_takes_all_that_was_made_of_it_with_it(aws):
    key = "uploads/me/gone.wav"
    copy(aws, "cp", "samples/sample.wav", f"s3://{BUCKET}/{key}")
    recording_id = settled(aws, key)["recording_id"]

    copy(aws, "rm", f"s3://{BUCKET}/{key}")

    wait(lambda: not items(aws, key))
    wait(lambda: not object_keys(aws, f"features/{recording_id}/"))
    assert object_keys(aws, f"transcripts/{recording_id}") == set()


def test_what_is_no_recording_is_refused_with_its_reason(aws, tmp_path):
    (tmp_path / "notes.txt").write_text("Not a recording.")
    key = "uploads/me/notes.txt"
    copy(aws, "cp", str(tmp_path / "notes.txt"), f"s3://{BUCKET}/{key}")

    (item,) = wait(lambda: [one for one in items(aws, key) if one["features"] == "FAILED"])

    assert "'txt'" in item["features_reason"]


def test_a_function_answers_when_it_is_invoked(aws):
    event = {"Records": []}
    answer = client(aws, "lambda").invoke(
        FunctionName="earshot-dev-extract_features", Payload=json.dumps(event)
    )

    assert answer["StatusCode"] == 200
    assert "FunctionError" not in answer

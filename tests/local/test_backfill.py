"""An archive is processed by the command, in local mode, however often it is interrupted."""

import csv
import json
import signal
import subprocess
import sys
from collections import Counter

import pytest
from support.media import wav
from support.running import ROOT, SAMPLE, start

from chalicelib.aws.dynamodb_shards import owner_of

pytestmark = pytest.mark.slow

N = 30
BUCKET = "archive"


@pytest.fixture(scope="module")
def stage():
    """Local mode with a source bucket: recordings of a second, a broken one, and a text."""
    with start(SOURCE_BUCKETS=BUCKET) as running:
        s3 = running.client("s3")
        for number in range(N):
            key = f"calls/{('alice', 'bob')[number % 2]}/{number:02} ü+.wav"
            s3.put_object(Bucket=BUCKET, Key=key, Body=wav(1.0, f0_hz=100 + number))
        s3.put_object(Bucket=BUCKET, Key="calls/alice/broken.wav", Body=b"RIFF" + bytes(100))
        s3.put_object(Bucket=BUCKET, Key="calls/readme.txt", Body=b"Calls of 2019")
        s3.put_object(Bucket=BUCKET, Key="talks/sample.wav", Body=SAMPLE.read_bytes())
        yield running


def command(stage, name: str, *arguments: object) -> list[str]:
    return [sys.executable, "-m", f"scripts.{name}", *map(str, arguments), "--url", stage.url]


def backfill(stage, *arguments: object) -> list[str]:
    return command(stage, "backfill", *arguments, "--stage", "local")


def done(called: list[str], status: int = 0) -> str:
    ended = subprocess.run(called, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.returncode == status, ended.stderr
    return ended.stdout if status == 0 else ended.stderr


def objects(stage, bucket: str) -> dict[str, str]:
    pages = stage.client("s3").get_paginator("list_objects_v2").paginate(Bucket=bucket)
    return {one["Key"]: one["ETag"] for page in pages for one in page.get("Contents", [])}


def items(stage) -> dict[str, dict]:
    pages = stage.client("dynamodb").get_paginator("scan").paginate(TableName="metadata")
    return {one["recording_id"]["S"]: one for page in pages for one in page["Items"]}


def interrupt(stage, called: list[str], sign: signal.Signals, *, after: int) -> int:
    """End a run when so many recordings are there; return its status."""
    process = subprocess.Popen(
        called, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    stage.wait(lambda: process.poll() is not None or len(items(stage)) >= after, "recordings")
    process.send_signal(sign)
    process.communicate(timeout=30)
    return process.returncode


def test_an_archive_is_processed_once_however_often_it_is_interrupted(stage, tmp_path):
    archive = objects(stage, BUCKET)
    report = tmp_path / "report.csv"
    called = backfill(stage, f"s3://{BUCKET}/calls/", "--only", "features", "--report", report)

    plan = done([*called, "--dry-run"])
    assert f"{N + 1} of {N + 2} objects" in plan
    assert items(stage) == {}
    assert "nothing was started" in done([*called, "--budget", "0.0001"], status=1)
    assert interrupt(stage, called, signal.SIGINT, after=6) == 130
    assert interrupt(stage, called, signal.SIGKILL, after=14) == -signal.SIGKILL
    said = done(called)

    assert "Going on with round 1" in said
    assert f"{N + 2} of {N + 2}" in said
    with report.open(newline="") as lines:
        rows = list(csv.DictReader(lines))
    assert {row["key"] for row in rows} == {
        f"s3://{BUCKET}/{key}" for key in archive if "calls/" in key
    }
    assert len(rows) == N + 2
    assert Counter(row["outcome"] for row in rows) == {"COMPLETED": N, "FAILED": 1, "REFUSED": 1}
    found = items(stage)
    assert len(found) == N + 1
    assert Counter(owner_of(one["owner"]["S"]) for one in found.values()) == {
        "alice": 16,
        "bob": 15,
    }
    assert all("transcription_job_id" not in one for one in found.values())
    assert objects(stage, BUCKET) == archive

    # Again: another round, in which nothing is left to do.
    again = done(called)
    assert "0.00 USD" in again.splitlines()[-3]
    assert items(stage) == found


def test_status_and_retry_know_the_failures_by_their_reasons(stage):
    told = json.loads(done(command(stage, "status", "local", "--json")))
    (failure,) = [one for one in told["failures"] if one["branch"] == "features"]
    before = next(one for one in items(stage).values() if one["features"]["S"] == "FAILED")

    said = done(command(stage, "retry", "local", "--reason", failure["reason"][:20]))

    assert said == "1 recordings are tried again.\n"
    recording_id = before["recording_id"]["S"]

    def failed_again():
        item = items(stage)[recording_id]
        is_later = item["features_at"]["S"] > before["features_at"]["S"]
        return is_later and item["features"]["S"] == "FAILED"

    stage.wait(failed_again, "another failure")
    assert failure["reason"] in done(command(stage, "status", "local"))


def test_an_original_is_transcribed_and_joined_like_an_upload(stage):
    done(backfill(stage, f"s3://{BUCKET}/talks/", "--owner", "carol"))

    (item,) = stage.items(f"s3://{BUCKET}/talks/sample.wav")
    assert (owner_of(item["owner"]), item["transcription"]) == ("carol", "COMPLETED")
    assert "word_table_keys" in item
    assert not [key for key in objects(stage, stage.bucket) if key.startswith("jobs/")]

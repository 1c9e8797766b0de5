"""An archive is processed by the command, in local mode, however often it is interrupted."""

import contextlib
import csv
import json
import os
import pty
import signal
import subprocess
import sys
from collections import Counter

import pytest
from support import inventory
from support.media import wav
from support.running import ROOT, SAMPLE, start

from chalicelib.aws.dynamodb_shards import owner_of
from scripts.backfill.listing import Listed

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


@pytest.mark.parametrize("written_as", inventory.FORMATS)
def test_what_an_inventory_lists_is_processed_and_nothing_else(stage, written_as):
    s3 = stage.client("s3")
    folder = f"listed in {written_as}"
    listed, other = f"{folder}/a ü+.wav", f"{folder}/not listed.wav"
    for key, f0_hz in ((listed, 300), (other, 310)):
        s3.put_object(Bucket=BUCKET, Key=key, Body=wav(1.0, f0_hz=f0_hz))
    there = s3.head_object(Bucket=BUCKET, Key=listed)
    objects_ = [
        Listed(listed, there["ETag"].strip('"'), there["ContentLength"], there["LastModified"]),
        Listed(f"{folder}/since removed.wav", "0" * 32, 100, there["LastModified"]),
    ]
    body = inventory.FORMATS[written_as](BUCKET, objects_)
    address = inventory.store(s3, stage.bucket, written_as, BUCKET, body)

    said = done(backfill(stage, f"s3://{BUCKET}/", "--inventory", address, "--only", "features"))

    assert "2 of 2" in said
    (item,) = stage.items(f"s3://{BUCKET}/{listed}")
    assert item["features"] == "COMPLETED"
    assert stage.items(f"s3://{BUCKET}/{other}") == []
    assert stage.items(f"s3://{BUCKET}/{folder}/since removed.wav") == []


def test_in_a_terminal_it_asks_and_rewrites_one_line_of_progress(stage):
    for number in range(4):
        body = wav(1.0, f0_hz=400 + number)
        stage.client("s3").put_object(Bucket=BUCKET, Key=f"seen/{number}.wav", Body=body)
    controller, terminal = pty.openpty()
    process = subprocess.Popen(
        backfill(stage, f"s3://{BUCKET}/seen/", "--only", "features"),
        cwd=ROOT,
        stdin=terminal,
        stdout=terminal,
        stderr=subprocess.PIPE,
    )
    os.close(terminal)
    os.write(controller, b"y\n")
    told = b""
    # Reading fails when the process has ended and all that it wrote was read.
    with contextlib.suppress(OSError):
        while part := os.read(controller, 4096):
            told += part
    os.close(controller)
    process.communicate(timeout=30)

    assert process.returncode == 0
    lines = told.decode().replace("\r\n", "\n").split("\n")
    assert any(line.startswith("Begin? [y/N]") for line in lines)
    (progress,) = [line for line in lines if " in flight" in line]
    assert progress.count("\r\x1b[K") > 1
    assert progress.rpartition("\x1b[K")[2].startswith("4 of 4, ")

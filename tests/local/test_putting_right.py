"""`make reconcile` and `make redrive` do in local mode what they do in AWS."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SAMPLE = (ROOT / "samples" / "sample.wav").read_bytes()

pytestmark = pytest.mark.slow


def command(name: str, url: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", f"scripts.{name}", "local", "--url", url],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_recording_whose_item_was_lost_is_made_again(local_mode):
    key = "uploads/me/lost.wav"
    local_mode.put(key, SAMPLE)
    item = local_mode.settled(key)
    local_mode.client("dynamodb").delete_item(
        TableName="metadata", Key={"JsonFile": {"S": item["JsonFile"]}}
    )
    assert local_mode.items(key) == []

    said = command("reconcile", local_mode.url)

    assert said.endswith(" 0 not settled.\n")
    assert local_mode.settled(key)["recording_id"] == item["recording_id"]


def test_a_dead_letter_is_sent_again(local_mode):
    key = "uploads/me/dead.wav"
    local_mode.put(key, SAMPLE)
    item = local_mode.settled(key)
    # The state of queue and item after a third failure.
    local_mode.client("dynamodb").update_item(
        TableName="metadata",
        Key={"JsonFile": {"S": item["JsonFile"]}},
        UpdateExpression="SET features = :failed",
        ExpressionAttributeValues={":failed": {"S": "FAILED"}},
    )
    sqs = local_mode.client("sqs")
    dead = sqs.get_queue_url(QueueName="earshot-local-features-dead")["QueueUrl"]
    sqs.send_message(QueueUrl=dead, MessageBody=json.dumps({"recording_id": item["recording_id"]}))

    said = command("redrive", local_mode.url)

    assert said == "1 messages and 0 events were sent again.\n"
    local_mode.wait(
        lambda: local_mode.items(key)[0]["features"] == "COMPLETED", "the features again"
    )

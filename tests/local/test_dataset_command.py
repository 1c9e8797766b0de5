"""``make dataset`` on a running local mode, whose queue makes the data set."""

import subprocess
import sys

import pytest
from support.running import ROOT, SAMPLE

pytestmark = pytest.mark.slow


def test_the_queue_makes_a_data_set_and_the_command_waits_for_it(local_mode):
    local_mode.put("uploads/me/talk.wav", SAMPLE.read_bytes())
    recording = local_mode.settled("uploads/me/talk.wav")
    options = ("--format", "webdataset", "--owner", "me", "--splits", "train=1")
    place = ("--stage", "local", "--url", local_mode.url)

    done = subprocess.run(
        [sys.executable, "-m", "scripts.dataset", "talks", *place, *options],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=200,
    )

    assert done.returncode == 0, done.stderr
    prefix = f"s3://{local_mode.bucket}/datasets/files/local/talks/"
    assert done.stdout.startswith(prefix), done.stdout
    assert "train " in done.stdout
    made = local_mode.object_keys("datasets/")
    (tar,) = [key for key in made if key.endswith(".tar")]
    body = local_mode.client("s3").get_object(Bucket=local_mode.bucket, Key=tar)["Body"].read()
    assert f"{recording['recording_id']}-00000.flac".encode() in body

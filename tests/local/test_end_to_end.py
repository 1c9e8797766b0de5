"""Local mode, driven with boto3 and the real ``aws`` CLI: what a user does, and what they get."""

import csv
import ctypes
import io
import json
import os
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import librosa
import numpy as np
import pytest
from boto3.s3.transfer import TransferConfig
from media import CODECS, convert, encode, wav
from running import CREDENTIALS, ROOT, SAMPLE, start

pytestmark = pytest.mark.slow

AWS = Path(sys.executable).with_name("aws")
CHALICE = Path(sys.executable).with_name("chalice")
MFCC_TOLERANCE = 5e-4

HARD_NAMES = [
    "two  spaces and + plus.wav",
    "100% of 50%25.wav",
    "naïve café – “quoted”.wav",
    "日本語の録音.wav",
    "😀🎙️.wav",
    "semi;colon&amp=x?y#z.wav",
    "n" * 900 + ".wav",
]


def mfcc(local_mode, item: dict[str, str]) -> np.ndarray:
    body = local_mode.client("s3").get_object(
        Bucket=local_mode.bucket, Key=f"features/{item['recording_id']}/mfcc.csv"
    )["Body"]
    rows = list(csv.reader(io.TextIOWrapper(body)))
    assert rows[0] == [f"mfcc_{i}" for i in range(1, 14)]
    return np.array(rows[1:], dtype=np.float64)


def assert_completed(item: dict[str, str]) -> None:
    assert (item["transcription"], item["features"]) == ("COMPLETED", "COMPLETED"), item


def test_hard_names_are_recordings_like_any_other(local_mode):
    for name in HARD_NAMES:
        local_mode.put(f"uploads/alice/{name}", SAMPLE.read_bytes())

    items = [local_mode.settled(f"uploads/alice/{name}") for name in HARD_NAMES]

    for item in items:
        assert_completed(item)
        assert item["owner"] == "alice"
    assert len({item["recording_id"] for item in items}) == len(HARD_NAMES)
    assert len({item["transcript"] for item in items}) == 1


@pytest.mark.parametrize("extension", CODECS)
def test_each_format_is_transcribed_and_measured(local_mode, extension):
    key = f"uploads/formats/Sample.{extension.upper()}"

    local_mode.put(key, convert(SAMPLE, extension))

    item = local_mode.settled(key)
    assert_completed(item)
    assert item["transcript"]
    assert mfcc(local_mode, item).shape == (int(item["n_frames"]), 13)


def test_the_table_is_librosas(local_mode):
    key = "uploads/alice/sample.wav"
    local_mode.put(key, SAMPLE.read_bytes())

    ours = mfcc(local_mode, local_mode.settled(key))

    y, sr = librosa.load(SAMPLE)
    reference = librosa.feature.mfcc(y=y, sr=sr, n_mfcc=13).T
    assert ours.shape == reference.shape
    assert np.abs(ours - reference).max() <= MFCC_TOLERANCE


def test_the_aws_command_line_uploads_and_reads(local_mode, tmp_path):
    file = tmp_path / "my talk.m4a"
    file.write_bytes(convert(SAMPLE, "m4a"))

    def aws(*arguments: str) -> str:
        return subprocess.run(
            [AWS, "--endpoint-url", local_mode.url, *arguments],
            env={**os.environ, **CREDENTIALS},
            check=True,
            capture_output=True,
            text=True,
        ).stdout

    aws("s3", "cp", str(file), f"s3://{local_mode.bucket}/uploads/alice/")
    item = local_mode.settled("uploads/alice/my talk.m4a")
    found = json.loads(
        aws(
            "dynamodb",
            "get-item",
            "--table-name",
            "metadata",
            "--key",
            json.dumps({"JsonFile": {"S": item["JsonFile"]}}),
        )
    )["Item"]
    listing = aws("s3", "ls", f"s3://{local_mode.bucket}/features/{item['recording_id']}/")

    assert_completed(item)
    assert found["transcription"] == {"S": "COMPLETED"}
    assert "mfcc.csv" in listing


def test_the_same_bytes_twice_are_one_recording(local_mode):
    key = "uploads/alice/twice.wav"
    local_mode.put(key, wav(1.0))
    first = local_mode.settled(key)

    local_mode.put(key, wav(1.0))
    marker = "uploads/alice/after-twice.wav"
    local_mode.put(marker, wav(1.0, f0_hz=300))
    local_mode.settled(marker)

    assert local_mode.items(key) == [first]


def test_other_bytes_take_the_place_of_the_old(local_mode):
    key = "uploads/alice/replaced.wav"
    local_mode.put(key, wav(1.0))
    old = local_mode.settled(key)

    local_mode.put(key, wav(2.0))
    new = local_mode.settled(key, other_than=old["recording_id"])

    left = local_mode.wait(
        lambda: [item["recording_id"] for item in local_mode.items(key)], "one item to be left"
    )
    assert left == [new["recording_id"]]
    assert not local_mode.object_keys(f"features/{old['recording_id']}/")
    assert not local_mode.object_keys(f"transcripts/{old['recording_id']}")


def test_a_multipart_upload_is_one_recording(local_mode, tmp_path):
    file = tmp_path / "long.wav"
    file.write_bytes(encode(np.zeros((70 * 44_100, 2)), "WAV", 44_100))
    key = "uploads/alice/long.wav"

    local_mode.client("s3").upload_file(
        str(file), local_mode.bucket, key, Config=TransferConfig(multipart_threshold=5 * 2**20)
    )

    item = local_mode.settled(key)
    assert_completed(item)
    assert "-" in item["etag"]
    assert len(local_mode.items(key)) == 1


def test_bad_files_say_what_is_wrong_and_the_next_is_processed_as_usual(local_mode):
    truncated = convert(SAMPLE, "wav")[:-40_000]
    bad = {
        "truncated.wav": (truncated, "ends early"),
        "empty.wav": (b"", "0 bytes"),
        "silent.wav": (encode(np.zeros(32_000), "WAV"), "No speech was recognised."),
        "picture.wav": (b"\x89PNG\r\n\x1a\n" + bytes(500), "PNG image"),
        "notes.txt": (b"hello", "wav, mp3, flac, ogg, m4a, mp4, webm, amr, mov and mkv"),
        "noise.mp3": (bytes(range(256)) * 40, ""),
    }
    for name, (body, _) in bad.items():
        local_mode.put(f"uploads/bob/{name}", body)
    local_mode.put("uploads/bob/good.wav", SAMPLE.read_bytes())

    for name, (_, told) in bad.items():
        item = local_mode.settled(f"uploads/bob/{name}")
        reasons = [text for field, text in item.items() if field.endswith("_reason")]
        assert any(told in reason for reason in reasons), (name, item)
    assert_completed(local_mode.settled("uploads/bob/good.wav"))
    assert local_mode.settled("uploads/bob/silent.wav")["transcription"] == "COMPLETED"
    assert local_mode.settled("uploads/bob/picture.wav")["features"] == "FAILED"


def test_a_removed_upload_leaves_nothing(local_mode):
    key = "uploads/alice/removed.wav"
    local_mode.put(key, wav(1.0))
    item = local_mode.settled(key)

    local_mode.client("s3").delete_object(Bucket=local_mode.bucket, Key=key)

    local_mode.wait(lambda: not local_mode.items(key), "the item to go")
    left = [name for name in local_mode.object_keys() if item["recording_id"] in name]
    assert left == []


def test_a_folder_is_no_recording(local_mode):
    local_mode.put("uploads/carol/", b"")
    local_mode.put("uploads/carol/a.wav", wav(1.0))

    local_mode.settled("uploads/carol/a.wav")

    assert local_mode.items("uploads/carol/") == []


def test_another_hosts_name_is_refused(local_mode):
    request = urllib.request.Request(f"{local_mode.url}/", headers={"Host": "evil.example"})

    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request)

    assert refused.value.code == 403
    refused.value.close()


def test_results_go_to_a_second_bucket_when_one_is_named():
    with start(RESULTS_BUCKET_NAME="earshot-results") as local_mode:
        local_mode.put("uploads/alice/a.wav", wav(1.0))
        item = local_mode.settled("uploads/alice/a.wav")

        found = local_mode.client("s3").list_objects_v2(Bucket="earshot-results")["Contents"]

        assert_completed(item)
        assert local_mode.object_keys() == {"uploads/alice/a.wav"}
        assert f"features/{item['recording_id']}/mfcc.csv" in {entry["Key"] for entry in found}


def test_ctrl_c_ends_it_cleanly_even_with_work_in_hand():
    with start() as local_mode:
        local_mode.put("uploads/alice/a.wav", SAMPLE.read_bytes())
        local_mode.process.send_signal(signal.SIGINT)

        said, _ = local_mode.process.communicate(timeout=30)

        assert local_mode.process.returncode == 0
        assert said.rstrip().endswith("Stopped.")
        assert "Traceback" not in said


@pytest.mark.skipif(sys.platform != "linux", reason="threads are found in /proc")
def test_a_signal_ends_it_whichever_thread_it_meets():
    with start() as local_mode:
        pid = local_mode.process.pid
        *_, thread = sorted(int(task.name) for task in Path(f"/proc/{pid}/task").iterdir())
        ctypes.CDLL(None).tgkill(pid, thread, signal.SIGTERM)

        said, _ = local_mode.process.communicate(timeout=30)

        assert said.rstrip().endswith("Stopped.")


def test_what_was_kept_is_there_after_a_kill(tmp_path):
    with start("--data", str(tmp_path)) as local_mode:
        local_mode.put("uploads/alice/ä b.wav", SAMPLE.read_bytes(), Metadata={"n-mfcc": "13"})
        before = local_mode.settled("uploads/alice/ä b.wav")
        # The ETag of a multipart upload, and so the recording's id, is not that of its bytes.
        local_mode.client("s3").upload_fileobj(
            io.BytesIO(encode(np.zeros(6_000_000), "WAV")),
            local_mode.bucket,
            "uploads/alice/parts.wav",
            Config=TransferConfig(multipart_threshold=5 * 2**20),
        )
        in_parts = local_mode.settled("uploads/alice/parts.wav")
        keys = local_mode.object_keys()
        put = {"Bucket": local_mode.bucket, "Key": "uploads/alice/ä b.wav"}
        put_at = local_mode.client("s3").head_object(**put)["LastModified"]
        local_mode.put("uploads/alice/unfinished.wav", convert(SAMPLE, "wav"))
        local_mode.wait(lambda: local_mode.items("uploads/alice/unfinished.wav"), "its item")
        local_mode.process.kill()

    with start("--data", str(tmp_path)) as local_mode:
        after = local_mode.settled("uploads/alice/ä b.wav")
        unfinished = local_mode.settled("uploads/alice/unfinished.wav")

        assert after == before
        assert local_mode.items("uploads/alice/parts.wav") == [in_parts]
        assert keys <= local_mode.object_keys()
        assert_completed(unfinished)
        head = local_mode.client("s3").head_object(**put)
        assert head["Metadata"] == {"n-mfcc": "13"}
        assert head["LastModified"] == put_at


def test_a_port_in_use_is_said_in_a_sentence():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = subprocess.run(
            [sys.executable, "-m", "local", "--port", str(port)],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )

    assert ended.returncode == 1
    assert f"Port {port} cannot be used" in ended.stderr
    assert "Traceback" not in ended.stderr

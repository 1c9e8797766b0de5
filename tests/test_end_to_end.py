"""A user's work with boto3 and the real ``aws`` CLI, in local mode and on MiniStack.

`make test-peers` deploys the functions to MiniStack, and the same tests run there. Some facts only
local mode can show; their tests are in ``tests/local``:

- the recognised words: MiniStack's Transcribe invents them, also for silence, and cuts an
  ``s3://`` address at a ``?`` or ``#`` in the name;
- videos: MiniStack has no MediaConvert;
- the API and the page: botocore cannot read MiniStack's list of REST APIs, so none is deployed;
- a second bucket for results, and tests that start, stop or kill the process, because each of
  them needs a separate process.
"""

import csv
import io
import json
import os
import subprocess
import sys
from difflib import SequenceMatcher
from pathlib import Path

import librosa
import numpy as np
import pytest
from boto3.s3.transfer import TransferConfig
from support.deployed import deployed
from support.media import CODECS, HARD_NAMES, convert, encode, wav
from support.running import CREDENTIALS, SAMPLE, start

from chalicelib.aws.dynamodb_shards import owner_of

pytestmark = pytest.mark.slow

AWS = Path(sys.executable).with_name("aws")
MFCC_TOLERANCE = 5e-4


@pytest.fixture(
    scope="module",
    # Building the packages takes a minute or two.
    params=["local mode", pytest.param("MiniStack", marks=pytest.mark.timeout(900))],
)
def stage(request, tmp_path_factory):
    if request.param == "local mode":
        running = start()
    else:
        running = deployed(tmp_path_factory.mktemp("ministack"))
    with running as stage:
        yield stage


def mfcc(stage, item: dict[str, str]) -> np.ndarray:
    body = stage.client("s3").get_object(
        Bucket=stage.bucket, Key=f"features/{item['recording_id']}/mfcc.csv"
    )["Body"]
    rows = list(csv.reader(io.TextIOWrapper(body)))
    assert rows[0] == [f"mfcc_{i}" for i in range(1, 14)]
    return np.array(rows[1:], dtype=np.float64)


def assert_completed(item: dict[str, str]) -> None:
    assert (item["transcription"], item["features"]) == ("COMPLETED", "COMPLETED"), item


def test_uploads_with_difficult_names_are_recordings(stage):
    for name in HARD_NAMES:
        stage.put(f"uploads/alice/{name}", SAMPLE.read_bytes())

    items = [stage.settled(f"uploads/alice/{name}") for name in HARD_NAMES]

    for item in items:
        assert_completed(item)
        assert owner_of(item["owner"]) == "alice"
        assert item["transcript"]
    assert len({item["recording_id"] for item in items}) == len(HARD_NAMES)


@pytest.mark.parametrize("extension", CODECS)
def test_each_format_is_transcribed_and_measured(stage, extension):
    key = f"uploads/formats/Sample.{extension.upper()}"

    stage.put(key, convert(SAMPLE, extension))

    item = stage.settled(key)
    assert_completed(item)
    assert item["transcript"]
    assert mfcc(stage, item).shape == (int(item["n_frames"]), 13)


@pytest.mark.parametrize("extension", CODECS)
def test_each_format_is_heard_by_earshots_own_recogniser(stage, extension):
    key = f"uploads/heard/Sample.{extension.upper()}"

    stage.put(key, convert(SAMPLE, extension), Metadata={"transcriber": "earshot"})

    item = stage.settled(key)
    assert_completed(item)
    assert item["heard_by"].startswith("moonshine")
    said, heard = SAMPLE.with_suffix(".txt").read_text().lower(), item["transcript"].lower()
    assert SequenceMatcher(None, said, heard).ratio() > 0.8
    assert stage.object_keys("jobs/") == set()


def test_the_table_is_librosas(stage):
    key = "uploads/alice/sample.wav"
    stage.put(key, SAMPLE.read_bytes())

    ours = mfcc(stage, stage.settled(key))

    y, sr = librosa.load(SAMPLE)
    reference = librosa.feature.mfcc(y=y, sr=sr, n_mfcc=13).T
    assert ours.shape == reference.shape
    assert np.abs(ours - reference).max() <= MFCC_TOLERANCE


def test_the_aws_command_line_uploads_and_reads(stage, tmp_path):
    file = tmp_path / "my talk.m4a"
    file.write_bytes(convert(SAMPLE, "m4a"))

    def aws(*arguments: str) -> str:
        return subprocess.run(
            [AWS, "--endpoint-url", stage.url, *arguments],
            env={**os.environ, **CREDENTIALS},
            check=True,
            capture_output=True,
            text=True,
        ).stdout

    aws("s3", "cp", str(file), f"s3://{stage.bucket}/uploads/alice/")
    item = stage.settled("uploads/alice/my talk.m4a")
    found = json.loads(
        aws(
            "dynamodb",
            "get-item",
            "--table-name",
            stage.metadata_table,
            "--key",
            json.dumps({"JsonFile": {"S": item["JsonFile"]}}),
        )
    )["Item"]
    listing = aws("s3", "ls", f"s3://{stage.bucket}/features/{item['recording_id']}/")

    assert_completed(item)
    assert found["transcription"] == {"S": "COMPLETED"}
    assert "mfcc.csv" in listing


def test_the_same_bytes_twice_are_one_recording(stage):
    key = "uploads/alice/twice.wav"
    stage.put(key, wav(1.0))
    first = stage.settled(key)

    stage.put(key, wav(1.0))
    marker = "uploads/alice/after-twice.wav"
    stage.put(marker, wav(1.0, f0_hz=300))
    stage.settled(marker)

    assert stage.items(key) == [first]


def test_other_bytes_replace_the_old_recording(stage):
    key = "uploads/alice/replaced.wav"
    stage.put(key, wav(1.0))
    old = stage.settled(key)

    stage.put(key, wav(2.0))
    new = stage.settled(key, other_than=old["recording_id"])

    left = stage.wait(
        lambda: [item["recording_id"] for item in stage.items(key)], "one item to be left"
    )
    assert left == [new["recording_id"]]
    assert not stage.object_keys(f"features/{old['recording_id']}/")
    assert not stage.object_keys(f"transcripts/{old['recording_id']}")


def test_a_multipart_upload_is_one_recording(stage, tmp_path):
    file = tmp_path / "long.wav"
    file.write_bytes(encode(np.zeros((70 * 44_100, 2)), "WAV", 44_100))
    key = "uploads/alice/long.wav"

    stage.client("s3").upload_file(
        str(file), stage.bucket, key, Config=TransferConfig(multipart_threshold=5 * 2**20)
    )

    item = stage.settled(key)
    assert_completed(item)
    assert "-" in item["etag"]
    assert len(stage.items(key)) == 1


def test_bad_files_say_what_is_wrong_and_the_next_is_processed_as_usual(stage):
    truncated = convert(SAMPLE, "wav")[:-40_000]
    bad = {
        "truncated.wav": (truncated, "ends early"),
        "empty.wav": (b"", "0 bytes"),
        "picture.wav": (b"\x89PNG\r\n\x1a\n" + bytes(500), "PNG image"),
        "notes.txt": (b"hello", "wav, mp3, flac, ogg, m4a, mp4, webm, amr, mov or mkv"),
        "noise.mp3": (bytes(range(256)) * 40, ""),
    }
    for name, (body, _) in bad.items():
        stage.put(f"uploads/bob/{name}", body)
    stage.put("uploads/bob/good.wav", SAMPLE.read_bytes())

    for name, (_, told) in bad.items():
        item = stage.settled(f"uploads/bob/{name}")
        reasons = [text for field, text in item.items() if field.endswith("_reason")]
        assert any(told in reason for reason in reasons), (name, item)
    assert_completed(stage.settled("uploads/bob/good.wav"))
    assert stage.settled("uploads/bob/picture.wav")["features"] == "FAILED"


def test_a_removed_upload_leaves_nothing(stage):
    key = "uploads/alice/removed.wav"
    stage.put(key, wav(1.0))
    item = stage.settled(key)

    stage.client("s3").delete_object(Bucket=stage.bucket, Key=key)

    stage.wait(lambda: not stage.items(key), "the item to go")
    left = [name for name in stage.object_keys() if item["recording_id"] in name]
    assert left == []


def test_a_folder_is_not_a_recording(stage):
    stage.put("uploads/carol/", b"")
    stage.put("uploads/carol/a.wav", wav(1.0))

    stage.settled("uploads/carol/a.wav")

    assert stage.items("uploads/carol/") == []

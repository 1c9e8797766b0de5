"""Videos through local mode: real encodes, real speech, a kill in the middle."""

import io
import json
import shutil
import subprocess
import sys

import av
import librosa
import numpy as np
import pytest
import video
from running import ROOT, SAMPLE, start

pytestmark = pytest.mark.slow

FLITE = shutil.which("flite")
MFCC_TOLERANCE = 5e-4
EVERYTHING = {"web.mp4", "phone.mp4", "audio.mp3", "preview.gif", "poster.jpg"}


@pytest.fixture(scope="module")
def speech(tmp_path_factory):
    """Something said clearly, by flite where it is installed."""
    if FLITE is None:
        return SAMPLE
    path = tmp_path_factory.mktemp("speech") / "spoken.wav"
    words = "The quick brown fox jumps over the lazy dog near the river bank."
    subprocess.run([FLITE, "-voice", "rms", "-t", words, "-o", path], check=True)
    return path


def body(local_mode, key: str) -> bytes:
    return local_mode.client("s3").get_object(Bucket=local_mode.bucket, Key=key)["Body"].read()


def renditions(local_mode, item) -> set[str]:
    prefix = f"renditions/{item['recording_id']}/"
    return {key.removeprefix(prefix) for key in local_mode.object_keys(prefix)}


def jobs_of(local_mode, item) -> list[dict]:
    return [
        job
        for job in local_mode.client("mediaconvert").list_jobs()["Jobs"]
        if job["UserMetadata"] == {"recording_id": item["recording_id"]}
    ]


def inbox(local_mode) -> str:
    sqs = local_mode.client("sqs")
    url = sqs.create_queue(QueueName="inbox")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]
    (topic,) = (
        topic["TopicArn"]
        for topic in local_mode.client("sns").list_topics()["Topics"]
        if topic["TopicArn"].endswith("notices")
    )
    local_mode.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn["QueueArn"])
    return url


def read(local_mode, url: str) -> list[dict]:
    found = local_mode.client("sqs").receive_message(QueueUrl=url, MaxNumberOfMessages=10)
    for message in found.get("Messages", []):
        local_mode.client("sqs").delete_message(
            QueueUrl=url, ReceiptHandle=message["ReceiptHandle"]
        )
    return [json.loads(message["Body"]) for message in found.get("Messages", [])]


@pytest.mark.parametrize("extension", ["mp4", "MOV", "mkv", "webm"])
def test_each_kind_of_video_is_encoded_recognised_and_measured(local_mode, speech, extension):
    key = f"uploads/films/clip.{extension}"

    local_mode.put(key, video.make(extension.lower(), duration_s=4.5, speech=speech))

    item = local_mode.settled(key)
    assert [item[b] for b in ("transcription", "features", "renditions")] == ["COMPLETED"] * 3
    assert renditions(local_mode, item) == EVERYTHING
    assert len(jobs_of(local_mode, item)) == 1
    if FLITE:
        assert "brown fox" in item["transcript"]


def test_the_audio_track_is_recognised_and_its_mfcc_is_librosas(local_mode, speech, tmp_path):
    key = "uploads/films/track.mkv"
    local_mode.put(key, video.make("mkv", duration_s=4.5, speech=speech))
    item = local_mode.settled(key)
    track = tmp_path / "audio.mp3"
    track.write_bytes(body(local_mode, f"renditions/{item['recording_id']}/audio.mp3"))

    local_mode.put("uploads/films/track.mp3", track.read_bytes())
    heard = local_mode.settled("uploads/films/track.mp3")

    rows = body(local_mode, f"features/{heard['recording_id']}/mfcc.csv").decode().splitlines()
    ours = np.array([row.split(",") for row in rows[1:]], dtype=np.float64)
    y, sr = librosa.load(track)
    reference = librosa.feature.mfcc(y=y, sr=sr, n_mfcc=13).T
    assert ours.shape == reference.shape
    assert np.abs(ours - reference).max() <= MFCC_TOLERANCE
    if FLITE:
        assert "brown fox" in heard["transcript"]


@pytest.mark.parametrize(
    ("name", "options", "size"),
    [
        ("portrait", {"size": (202, 356)}, (202, 356)),
        ("turned", {"rotation": 90}, (240, 320)),
        ("odd", {"size": (321, 241)}, (320, 240)),
        ("short", {"duration_s": 1}, (320, 240)),
        ("large", {"size": (1920, 1080)}, (1280, 720)),
    ],
)
def test_each_shape_of_video_keeps_its_shape(local_mode, name, options, size):
    key = f"uploads/shapes/{name}.mp4"

    local_mode.put(key, video.make(**options))

    item = local_mode.settled(key)
    assert item["renditions"] == "COMPLETED", item
    assert renditions(local_mode, item) == EVERYTHING
    with av.open(io.BytesIO(body(local_mode, f"renditions/{item['recording_id']}/web.mp4"))) as web:
        assert (web.streams.video[0].width, web.streams.video[0].height) == size
        first = next(web.decode(video=0)).to_ndarray(format="rgb24")
    assert first.mean() > 20


def test_a_silent_video_is_done_and_told_of_once(local_mode):
    url = inbox(local_mode)
    key = "uploads/films/silent.mp4"
    local_mode.put(key, video.make(sound=False))
    item = local_mode.settled(key)

    messages = local_mode.wait(lambda: read(local_mode, url), "a notice")
    local_mode.put(key, video.make(sound=False))
    local_mode.put("uploads/films/notes.txt", b"marks the end of what came before")
    later = local_mode.wait(lambda: read(local_mode, url), "the next notice")

    assert [item[b] for b in ("transcription", "features", "renditions")] == [
        "SKIPPED",
        "SKIPPED",
        "COMPLETED",
    ]
    assert [message["Subject"] for message in messages] == ["Earshot: silent.mp4 is done"]
    assert [message["Subject"] for message in later] == ["Earshot: notes.txt has failed"]


def test_a_damaged_video_fails_with_a_code_and_the_next_is_done(local_mode):
    whole = video.make("webm", duration_s=2)
    damaged = whole[:600] + bytes(len(whole) - 600)
    local_mode.put("uploads/films/damaged.webm", damaged)
    local_mode.put("uploads/films/whole.webm", whole)

    item = local_mode.settled("uploads/films/damaged.webm")

    assert item["renditions"] == "FAILED"
    assert "MediaConvert failed with code" in item["renditions_reason"]
    assert local_mode.settled("uploads/films/whole.webm")["renditions"] == "COMPLETED"


def test_a_removed_video_leaves_nothing(local_mode):
    key = "uploads/films/removed.mp4"
    local_mode.put(key, video.make())
    item = local_mode.settled(key)

    local_mode.client("s3").delete_object(Bucket=local_mode.bucket, Key=key)

    local_mode.wait(lambda: not local_mode.items(key), "the item to go")
    assert not [name for name in local_mode.object_keys() if item["recording_id"] in name]


def test_a_kill_in_the_middle_of_an_encode_ends_with_every_rendition_in_place(tmp_path):
    key = "uploads/films/long.mp4"
    film = video.make(size=(1280, 720), duration_s=20)

    def running(local_mode) -> bool:
        jobs = local_mode.client("mediaconvert").list_jobs(Status="PROGRESSING")["Jobs"]
        return any(job["JobPercentComplete"] > 5 for job in jobs)

    with start("--data", str(tmp_path)) as local_mode:
        local_mode.put(key, film)
        local_mode.wait(lambda: running(local_mode), "the encode to be under way")
        local_mode.process.kill()

    with start("--data", str(tmp_path)) as local_mode:
        item = local_mode.settled(key)

        assert item["renditions"] == "COMPLETED", item
        assert renditions(local_mode, item) == EVERYTHING
        assert len(jobs_of(local_mode, item)) == 1


def test_make_process_leaves_playable_files(tmp_path):
    clip = tmp_path / "clip.MP4"
    clip.write_bytes(video.make(sound=False))

    ended = subprocess.run(
        [sys.executable, "-m", "local", "process", "--json", "--out", tmp_path / "out", clip],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )

    told = json.loads(ended.stdout)
    assert told["statuses"]["renditions"] == "COMPLETED"
    (folder,) = (tmp_path / "out").iterdir()
    assert {path.name for path in folder.iterdir()} == EVERYTHING - {"audio.mp3"}
    with av.open(str(folder / "web.mp4")) as web:
        assert len(list(web.decode(video=0))) == 20

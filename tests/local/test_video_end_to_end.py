"""Videos through local mode: real encodes, real speech, a kill in the middle."""

import json
import shutil
import subprocess
import sys

import av
import librosa
import numpy as np
import pytest
from support import video
from support.browser import PATIENCE_MS
from support.running import ROOT, SAMPLE, start

pytestmark = pytest.mark.slow

FLITE = shutil.which("flite")
MFCC_TOLERANCE = 5e-4
EVERYTHING = {"web.mp4", "phone.mp4", "audio.mp3", "preview.gif", "poster.jpg"}
FILMS = {
    "talk.mp4": {"duration_s": 4.5},
    "talk.MOV": {"duration_s": 4.5},
    "talk.mkv": {"duration_s": 4.5},
    "talk.webm": {"duration_s": 4.5},
    "portrait.mp4": {"size": (202, 356)},
    "turned.mp4": {"rotation": 90},
    "odd.mp4": {"size": (321, 241)},
    "large.mp4": {"size": (1920, 1080)},
    "silent.mp4": {"sound": False},
    "second.mp4": {"duration_s": 1.0},
    "minutes.mp4": {"duration_s": 70.0},
}
TURNED = (240, 320)


@pytest.fixture(scope="module")
def speech(tmp_path_factory):
    """Clear speech, by flite if it is installed."""
    if FLITE is None:
        return SAMPLE
    path = tmp_path_factory.mktemp("speech") / "spoken.wav"
    words = "The quick brown fox jumps over the lazy dog near the river bank."
    subprocess.run([FLITE, "-voice", "rms", "-t", words, "-o", path], check=True)
    return path


def body(local_mode, key: str) -> bytes:
    return local_mode.client("s3").get_object(Bucket=local_mode.bucket, Key=key)["Body"].read()


def folder(item) -> str:
    return f"renditions/{item['recording_id']}/{int(item['renditions_attempt'])}/"


def renditions(local_mode, item) -> set[str]:
    prefix = folder(item)
    return {key.removeprefix(prefix) for key in local_mode.object_keys(prefix)}


def jobs_of(local_mode, item) -> list[dict]:
    return [
        job
        for job in local_mode.client("mediaconvert").list_jobs()["Jobs"]
        if job["UserMetadata"]["recording_id"] == item["recording_id"]
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


@pytest.fixture(scope="module")
def films(local_mode, speech):
    """Every kind of video, uploaded at once; return a function that waits for one of them."""
    for name, options in FILMS.items():
        extension = name.rpartition(".")[2].lower()
        local_mode.put(f"uploads/films/{name}", video.make(extension, speech=speech, **options))
    return lambda name: local_mode.settled(f"uploads/films/{name}")


@pytest.mark.parametrize("name", FILMS)
def test_each_kind_of_video_is_encoded_recognised_and_measured(local_mode, films, name):
    item = films(name)

    heard = "COMPLETED" if FILMS[name].get("sound", True) else "SKIPPED"
    assert [item[b] for b in ("transcription", "features")] == [heard] * 2, item
    assert item["renditions"] == "COMPLETED"
    expected = EVERYTHING - ({"audio.mp3"} if heard == "SKIPPED" else set())
    assert renditions(local_mode, item) == expected
    assert len(jobs_of(local_mode, item)) == 1
    if FLITE and item.get("duration_s", "") > "4":
        assert "brown fox" in item["transcript"]


PLAYED = """async () => {
    const video = document.querySelector("video");
    const heard = (event) => new Promise((resolve, reject) => {
        video.addEventListener(event, resolve, { once: true });
        video.addEventListener("error", () => reject(video.error.message), { once: true });
    });
    if (video.error) throw video.error.message;
    if (video.readyState < HTMLMediaElement.HAVE_CURRENT_DATA) await heard("loadeddata");
    video.pause();
    const seeked = heard("seeked");
    video.currentTime = 0;
    await seeked;
    let brightness = null;
    if (video.videoWidth) {
        const canvas = new OffscreenCanvas(video.videoWidth, video.videoHeight);
        const context = canvas.getContext("2d");
        context.drawImage(video, 0, 0);
        const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
        brightness = data.filter((_, i) => i % 4 < 3).reduce((sum, value) => sum + value, 0)
            / (data.length * 3 / 4);
    }
    video.muted = true;
    video.currentTime = Math.max(0, video.duration - 0.5);
    const ended = heard("ended");
    await video.play();
    await ended;
    return {
        brightness,
        duration_s: video.duration,
        size: [video.videoWidth, video.videoHeight],
    };
}"""
SHOWN = """async () => {
    const { body, headers } = await fetch(location.href);
    const decoder = new ImageDecoder({ data: body, type: headers.get("Content-Type") });
    await decoder.completed;
    const { frameCount } = decoder.tracks.selectedTrack;
    let duration = 0;
    for (let frameIndex = 0; frameIndex < frameCount; frameIndex += 1) {
        duration += (await decoder.decode({ frameIndex })).image.duration / 1e6;
    }
    const shown = document.querySelector("img");
    return {
        n_pictures: frameCount,
        duration_s: duration,
        size: [shown.naturalWidth, shown.naturalHeight],
    };
}"""


@pytest.fixture
def bare(browser):
    """A page that runs a test's script in a document of the bucket, which is sandboxed."""
    context = browser.new_context(bypass_csp=True)
    context.set_default_timeout(PATIENCE_MS)
    yield context.new_page()
    context.close()


@pytest.mark.parametrize("name", FILMS)
def test_a_browser_plays_and_shows_every_rendition(local_mode, films, bare, name):
    item = films(name)
    duration_s = FILMS[name].get("duration_s", 2.0)
    width, height = TURNED if "turned" in name else FILMS[name].get("size", (320, 240))

    def fitted(most: int) -> list[int]:
        least = min(height, most)
        return [width * least // height // 2 * 2, least // 2 * 2]

    def opened(file: str, script: str) -> dict:
        bare.goto(
            local_mode.client("s3").generate_presigned_url(
                "get_object",
                {
                    "Bucket": local_mode.bucket,
                    "Key": f"{folder(item)}{file}",
                },
            )
        )
        return bare.evaluate(script)

    for file, most in (("web.mp4", 720), ("phone.mp4", 360)):
        film = opened(file, PLAYED)
        assert film["duration_s"] == pytest.approx(duration_s, abs=0.3), file
        assert film["size"] == fitted(most), file
        assert film["brightness"] > 20, file
    if FILMS[name].get("sound", True):
        track = opened("audio.mp3", PLAYED)
        assert track["duration_s"] == pytest.approx(duration_s, abs=0.3)
        assert track["size"] == [0, 0]
    preview = opened("preview.gif", SHOWN)
    assert 2 <= preview["n_pictures"] <= 61
    assert preview["duration_s"] <= min(duration_s, 7.4) + 0.3
    assert preview["size"] == fitted(180)
    poster = opened("poster.jpg", SHOWN)
    assert poster["size"] == fitted(720)


def test_the_audio_track_is_recognised_and_its_mfcc_is_librosas(local_mode, films, tmp_path):
    item = films("talk.mkv")
    track = tmp_path / "audio.mp3"
    track.write_bytes(body(local_mode, f"{folder(item)}audio.mp3"))

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


def test_a_silent_video_is_done_and_has_one_notice(local_mode):
    url = inbox(local_mode)
    key = "uploads/told/silent.mp4"
    local_mode.put(key, video.make(sound=False))
    item = local_mode.settled(key)

    messages = local_mode.wait(lambda: read(local_mode, url), "a notice")
    local_mode.put(key, video.make(sound=False))
    local_mode.put("uploads/told/notes.txt", b"marks the end of what came before")
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
    assert {path.name for path in folder.iterdir()} == (EVERYTHING - {"audio.mp3"}) | {
        "outcome.json"
    }
    with av.open(str(folder / "web.mp4")) as web:
        assert len(list(web.decode(video=0))) == 20


def test_a_video_whose_pictures_cannot_be_read_is_transcribed(local_mode, speech):
    key = "uploads/films/no pictures.mov"
    local_mode.put(key, video.make("mov", duration_s=4.5, speech=speech).replace(b"avc1", b"xxxx"))

    item = local_mode.settled(key)

    assert item["transcription"] == "COMPLETED", item
    assert renditions(local_mode, item) == {"audio.mp3"}
    assert item["renditions_reason"].startswith("MediaConvert failed with code")
    assert item["renditions_reason"].endswith("The audio track is made alone.")

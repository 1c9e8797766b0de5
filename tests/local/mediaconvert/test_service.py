"""MediaConvert's stand-in, used with boto3."""

import io
import json
import queue
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import urlsplit

import av
import boto3
import numpy as np
import pytest
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ClientError
from moto import mock_aws
from support import video

from chalicelib.aws.mediaconvert import Transcoder
from chalicelib.core import keys
from chalicelib.core.audio.source import BufferedSource
from chalicelib.core.jobs import mediaconvert_events
from chalicelib.core.jobs.ladder import Ladder
from chalicelib.core.jobs.mediaconvert import JobTarget, job_request
from chalicelib.core.probe.contents import look_into
from local.mediaconvert.service import MediaConvertService

LADDER = Ladder.parse((Path(__file__).parents[3] / "chalicelib" / "presets.json").read_text())
BUCKET = "media-bucket"
PREFIX = "renditions/clip-0123456789ab/"
WAIT_S = 120


@pytest.fixture
def s3(monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        client = boto3.client("s3")
        client.create_bucket(Bucket=BUCKET)
        yield client


@pytest.fixture
def make_service(s3):
    made = []

    def make():
        events = queue.Queue()
        service = MediaConvertService(
            s3, url="http://127.0.0.1:1", put_event=lambda *event: events.put(event)
        )
        made.append(service)
        return SimpleNamespace(service=service, events=events, client=client_of(service), s3=s3)

    yield make
    for service in made:
        service.close()


@pytest.fixture
def idle(make_service):
    """Return a service that has not been started, so it accepts jobs and does not do them."""
    return make_service()


@pytest.fixture
def local(make_service):
    local = make_service()
    local.service.start()
    return local


def client_of(service):
    client = boto3.client("mediaconvert")

    def answer(request, **_):
        url = urlsplit(request.url)
        body = request.body or b""
        status, payload = service.handle(request.method, url.path, url.query, body)
        return AWSResponse(
            request.url,
            status,
            {"Content-Type": "application/json"},
            SimpleNamespace(stream=lambda **_: iter([json.dumps(payload).encode()])),
        )

    client.meta.events.register("before-send.mediaconvert.*", answer)
    return client


def request(body: bytes, key: str = "uploads/a.mp4", attempt: int = 1) -> dict:
    contents = look_into(BufferedSource(io.BytesIO(body)))
    presets = LADDER.fitting(picture=contents.picture is not None, sound=contents.has_sound)
    target = JobTarget(f"s3://{BUCKET}/{key}", f"s3://{BUCKET}/{PREFIX}", "arn:aws:iam::1:role/r")
    job = keys.Job("earshot-local-", "clip-0123456789ab", "r", attempt)
    return job_request(job, contents, presets, target)


def submit(local, body: bytes, key: str = "uploads/a.mp4") -> str:
    local.s3.put_object(Bucket=BUCKET, Key=key, Body=body)
    return Transcoder(local.client).start(request(body, key))


def ended(local) -> dict:
    """Return the detail of the event that ends a job."""
    while True:
        source, detail_type, detail = local.events.get(timeout=WAIT_S)
        assert (source, detail_type) == ("aws.mediaconvert", "MediaConvert Job State Change")
        if detail["status"] in ("COMPLETE", "ERROR", "CANCELED"):
            return detail


def file(local, name: str) -> bytes:
    return local.s3.get_object(Bucket=BUCKET, Key=PREFIX + name)["Body"].read()


def pictures(body: bytes) -> list[np.ndarray]:
    with av.open(io.BytesIO(body)) as reader:
        return [frame.to_ndarray(format="rgb24") for frame in reader.decode(video=0)]


SHAPES = {
    "mp4": ({"extension": "mp4"}, (320, 240)),
    "mov": ({"extension": "mov"}, (320, 240)),
    "mkv": ({"extension": "mkv"}, (320, 240)),
    "webm": ({"extension": "webm"}, (320, 240)),
    "portrait": ({"size": (202, 356)}, (202, 356)),
    "odd": ({"size": (321, 241)}, (320, 240)),
    "turned": ({"rotation": 90}, (240, 320)),
    "short": ({"duration_s": 1}, (320, 240)),
}


@pytest.mark.parametrize("name", SHAPES)
def test_every_rendition_exists_with_the_expected_size(local, name):
    options, size = SHAPES[name]
    submit(local, video.make(**options), f"uploads/{name}")

    detail = ended(local)

    assert detail["status"] == "COMPLETE", detail
    assert detail["userMetadata"] == {
        "recording_id": "clip-0123456789ab",
        "attempt": "1",
        "presets": "web,phone,audio,gif,poster",
    }
    for rendition in ("web.mp4", "phone.mp4"):
        shown = pictures(file(local, rendition))
        assert shown[0].shape == (size[1], size[0], 3)
        assert shown[0].mean() > 20
        assert len(shown) == round(options.get("duration_s", 2) * video.FPS)
    assert len(pictures(file(local, "preview.gif"))) > 1
    assert pictures(file(local, "poster.0000000.jpg"))[0].shape == (size[1], size[0], 3)
    with av.open(io.BytesIO(file(local, "audio.mp3"))) as sound:
        assert sound.streams.audio[0].rate == 44_100


def test_a_turned_picture_is_turned_upright(local):
    submit(local, video.make(rotation=90))
    ended(local)

    upright = pictures(file(local, "web.mp4"))[0]

    # The ramp grew brighter downwards; a quarter to the right, what was below is on the left.
    assert upright[:, 20:60].mean() > upright[:, -60:-20].mean() + 40


def test_a_silent_video_gets_its_pictures_and_no_sound(local):
    submit(local, video.make(sound=False))

    assert ended(local)["status"] == "COMPLETE"
    with av.open(io.BytesIO(file(local, "web.mp4"))) as reader:
        assert not reader.streams.audio


def test_events_report_the_start_the_progress_and_each_output(local):
    job_id = submit(local, video.make(duration_s=4))

    details = [local.events.get(timeout=WAIT_S)[2]]
    while details[-1]["status"] != "COMPLETE":
        details.append(local.events.get(timeout=WAIT_S)[2])

    assert {detail["jobId"] for detail in details} == {job_id}
    assert details[0]["status"] == "PROGRESSING"
    updates = [d["jobProgress"] for d in details if d["status"] == "STATUS_UPDATE"]
    percents = [update["jobPercentComplete"] for update in updates]
    assert percents == sorted(percents)
    assert percents
    outputs = [group["outputDetails"][0] for group in details[-1]["outputGroupDetails"]]
    web, poster = outputs[0], outputs[-1]
    assert web["outputFilePaths"] == [f"s3://{BUCKET}/{PREFIX}web.mp4"]
    assert web["videoDetails"] == {"widthInPx": 320, "heightInPx": 240}
    assert abs(web["durationInMs"] - 4000) < 100
    assert poster["outputFilePaths"] == [f"s3://{BUCKET}/{PREFIX}poster.0000001.jpg"]


@pytest.mark.parametrize(
    ("body", "code"),
    [(b"\x00\x00\x00\x18ftypisom" + bytes(4000), 1010), (video.make()[:2000], 1010)],
    ids=["empty", "cut"],
)
def test_a_damaged_input_ends_in_an_error_with_a_code(local, body, code):
    local.s3.put_object(Bucket=BUCKET, Key="uploads/a.mp4", Body=body)
    job_id = Transcoder(local.client).start(request(video.make()))

    detail = ended(local)

    assert (detail["status"], detail["errorCode"]) == ("ERROR", code)
    assert detail["errorMessage"]
    assert local.client.get_job(Id=job_id)["Job"]["ErrorCode"] == code


def test_a_missing_input_ends_in_an_error(local):
    Transcoder(local.client).start(request(video.make()))

    assert ended(local)["errorCode"] == 1404


def test_getjob_gives_the_same_outputs_as_the_event(local):
    job_id = submit(local, video.make())
    detail = ended(local)

    job = Transcoder(local.client).get(job_id)

    assert mediaconvert_events.outputs(
        mediaconvert_events.detail_of(job)
    ) == mediaconvert_events.outputs(detail)
    assert (
        mediaconvert_events.recording_id_of(mediaconvert_events.detail_of(job))
        == "clip-0123456789ab"
    )
    assert Transcoder(local.client).get("never-was") is None


@pytest.mark.slow
def test_more_than_a_minute_is_encoded_whole_and_its_preview_stays_small(local):
    submit(local, video.make(duration_s=70))

    assert ended(local)["status"] == "COMPLETE"
    with av.open(io.BytesIO(file(local, "web.mp4"))) as web:
        assert abs(web.duration / 1e6 - 70) < 0.5
    preview = file(local, "preview.gif")
    assert 1 < len(pictures(preview)) <= 60
    assert len(preview) < 1_000_000  # bytes


def test_a_video_can_be_played_during_download_and_by_every_browser(local):
    submit(local, video.make(size=(321, 241)))
    ended(local)

    web = file(local, "web.mp4")

    assert web.index(b"moov") < web.index(b"mdat")
    with av.open(io.BytesIO(web)) as reader:
        assert reader.streams.video[0].codec_context.pix_fmt == "yuv420p"
        assert reader.streams.audio[0].codec_context.name == "aac"


def test_a_finished_job_is_shown_with_its_outputs(local):
    job_id = submit(local, video.make())
    ended(local)

    job = local.client.get_job(Id=job_id)["Job"]

    assert job["Status"] == "COMPLETE"
    assert job["Settings"] == request(video.make())["Settings"]
    video_details = job["OutputGroupDetails"][0]["OutputDetails"][0]["VideoDetails"]
    assert video_details == {"WidthInPx": 320, "HeightInPx": 240}


def test_one_token_starts_one_job_within_a_minute(idle):
    first = submit(idle, video.make())
    again = submit(idle, video.make())

    assert first == again
    assert [job["Id"] for job in idle.client.list_jobs()["Jobs"]] == [first]
    assert Transcoder(idle.client).find(request(video.make())["ClientRequestToken"]) == first
    assert Transcoder(idle.client).find("another") is None


def test_jobs_are_listed_by_page_and_status(idle):
    started = [Transcoder(idle.client).start(request(video.make(), attempt=n)) for n in range(5)]

    listed, token = [], {}
    while token is not None:
        page = idle.client.list_jobs(MaxResults=2, Order="DESCENDING", **token)
        listed += [job["Id"] for job in page["Jobs"]]
        token = {"NextToken": page["NextToken"]} if "NextToken" in page else None

    assert sorted(listed) == sorted(started)
    assert idle.client.list_jobs(Status="COMPLETE")["Jobs"] == []


def test_a_canceled_job_is_never_done_and_cannot_be_canceled_twice(idle):
    job_id = submit(idle, video.make())

    Transcoder(idle.client).cancel(job_id)
    idle.service.start()

    assert ended(idle)["status"] == "CANCELED"
    assert idle.client.get_job(Id=job_id)["Job"]["Status"] == "CANCELED"
    with pytest.raises(idle.client.exceptions.ConflictException):
        idle.client.cancel_job(Id=job_id)
    Transcoder(idle.client).cancel(job_id)
    Transcoder(idle.client).cancel("never-was")


@pytest.mark.slow
def test_a_job_canceled_while_it_is_encoded_ends_and_the_next_is_done(local):
    first = submit(local, video.make(size=(1280, 720), duration_s=20))
    assert local.events.get(timeout=WAIT_S)[2]["status"] == "PROGRESSING"

    local.client.cancel_job(Id=first)

    assert ended(local)["status"] == "CANCELED"
    local.s3.put_object(Bucket=BUCKET, Key="uploads/b.mp4", Body=video.make())
    Transcoder(local.client).start(request(video.make(), "uploads/b.mp4", attempt=2))
    assert ended(local)["status"] == "COMPLETE"


@pytest.mark.slow
def test_stopping_during_a_job_does_not_count_as_a_crash(local, caplog):
    submit(local, video.make(size=(1280, 720), duration_s=20))
    assert local.events.get(timeout=WAIT_S)[2]["status"] == "PROGRESSING"

    local.service.close()

    assert caplog.records == []


def test_unfinished_jobs_start_again_after_a_restart(make_service):
    first = make_service()
    job_id = submit(first, video.make())
    kept = json.loads(json.dumps(first.service.jobs()))
    first.service.close()

    second = make_service()
    second.service.start()
    second.service.restore(kept)

    assert ended(second)["jobId"] == job_id


def test_events_of_finished_jobs_are_sent_again_after_a_restart(local, make_service):
    submit(local, video.make())
    before = ended(local)
    kept = json.loads(json.dumps(local.service.jobs()))

    following = make_service()
    following.service.restore(kept)

    assert ended(following) == before


def test_the_endpoint_is_this_machine(idle):
    assert idle.client.describe_endpoints()["Endpoints"] == [{"Url": "http://127.0.0.1:1"}]


def change(settings: dict, path: str, value) -> dict:
    *parents, last = path.split("/")
    place = settings
    for name in parents:
        place = place[int(name)] if name.isdecimal() else place[name]
    if value is None:
        del place[last]
    else:
        place[last] = value
    return settings


WEB, AUDIO, GIF = (f"OutputGroups/{n}/Outputs/0" for n in (0, 2, 3))


@pytest.mark.parametrize(
    ("path", "value", "told"),
    [
        (f"{WEB}/VideoDescription/Width", 321, "even"),
        (f"{WEB}/VideoDescription/Width", 9000, "8192 at most"),
        (f"{WEB}/VideoDescription/Width", None, "a width and a height"),
        (f"{WEB}/VideoDescription/ScalingBehavior", "SQUEEZE", "must be one of"),
        (f"{WEB}/VideoDescription/CodecSettings/Codec", "AV1", "does not encode AV1"),
        (f"{WEB}/ContainerSettings/Container", "MOV", "H_264 needs MP4"),
        (f"{GIF}/ContainerSettings/Container", "MP4", "GIF needs GIF"),
        (f"{AUDIO}/AudioDescriptions/0/CodecSettings/Mp3Settings/Bitrate", 400_000, "320000"),
        ("Inputs", [], "one input"),
        ("OutputGroups", [], "one at least"),
    ],
)
def test_a_request_that_the_service_would_refuse_is_refused_with_the_place(idle, path, value, told):
    refused = request(video.make())
    change(refused["Settings"], path, value)

    with pytest.raises(ClientError) as error:
        idle.client.create_job(**refused)

    assert error.value.response["Error"]["Code"] == "BadRequestException"
    assert told in error.value.response["Error"]["Message"]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "jobs/never-was", 404), ("GET", "presets", 404), ("POST", "jobs", 400)],
)
def test_other_requests_get_the_services_errors(idle, method, path, status):
    found, payload = idle.service.handle(method, f"/2017-08-29/{path}", "", b"[")

    assert found == status
    assert payload["__type"].endswith("Exception")

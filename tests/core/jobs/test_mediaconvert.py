"""The request for a MediaConvert job, checked against the documented rules, and its answer."""

from pathlib import Path

import boto3
import pytest
from botocore.stub import ANY, Stubber

from chalicelib.aws.mediaconvert import Transcoder
from chalicelib.core import keys
from chalicelib.core.jobs import mediaconvert, mediaconvert_events
from chalicelib.core.jobs.ladder import Ladder
from chalicelib.core.jobs.mediaconvert import JobTarget, fitted
from chalicelib.core.probe.contents import Contents, Size
from chalicelib.errors import MediaError

LADDER = Ladder.parse((Path(__file__).parents[3] / "chalicelib" / "presets.json").read_text())
TARGET = JobTarget(
    source_uri="s3://media/uploads/alice/my talk + ü.mp4",
    destination_uri="s3://media/renditions/my-talk-0123456789ab/",
    role_arn="arn:aws:iam::123456789012:role/earshot-dev-mediaconvert",
    queue_arn="arn:aws:mediaconvert:us-east-1:123456789012:queues/earshot-dev",
)
TALK = Contents(picture=Size(1920, 1080), has_sound=True, duration_s=120.0)
SOURCES = {
    "talk": TALK,
    "portrait": Contents(Size(1080, 1920), has_sound=True, duration_s=3.0),
    "odd": Contents(Size(853, 479), has_sound=True, duration_s=1.0),
    "silent": Contents(Size(640, 480), has_sound=False, duration_s=2.0),
    "endless": Contents(Size(640, 480), has_sound=True, duration_s=None),
    "day long": Contents(Size(640, 480), has_sound=True, duration_s=200_000.0),
    "wide": Contents(Size(10_000, 700), has_sound=True, duration_s=2.0),
    "sound alone": Contents(None, has_sound=True, duration_s=2.0),
}


def request(contents: Contents = TALK, attempt: int = 7) -> dict:
    presets = LADDER.fitting(picture=contents.picture is not None, sound=contents.has_sound)
    job = keys.Job("earshot-dev-", "my-talk-0123456789ab", "r", attempt)
    return mediaconvert.job_request(job, contents, presets, TARGET)


def groups(contents: Contents = TALK) -> dict[str, dict]:
    return {
        group["CustomName"]: group["Outputs"][0]
        for group in request(contents)["Settings"]["OutputGroups"]
    }


@pytest.mark.parametrize("name", SOURCES)
def test_botocore_takes_the_request_of_every_preset(name):
    client = boto3.client(
        "mediaconvert",
        region_name="us-east-1",
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
    )
    with Stubber(client) as stubber:
        stubber.add_response(
            "create_job",
            {"Job": {"Id": "1-abc", "Role": "r", "Settings": {}}},
            {
                "Role": ANY,
                "Queue": ANY,
                "ClientRequestToken": ANY,
                "UserMetadata": {
                    "recording_id": "my-talk-0123456789ab",
                    "attempt": "7",
                    "presets": ANY,
                },
                "StatusUpdateInterval": ANY,
                "Settings": ANY,
            },
        )

        assert Transcoder(client).start(request(SOURCES[name])) == "1-abc"


@pytest.mark.parametrize("name", SOURCES)
def test_the_job_keeps_the_services_documented_rules(name):
    contents = SOURCES[name]
    settings = request(contents)["Settings"]

    for group in settings["OutputGroups"]:
        (output,) = group["Outputs"]
        video, audio = output.get("VideoDescription"), output.get("AudioDescriptions", [])
        codec = video["CodecSettings"]["Codec"] if video else None
        container = output["ContainerSettings"]["Container"]
        if video:
            assert video["Width"] % 2 == 0
            assert video["Height"] % 2 == 0
            assert 32 <= video["Width"] <= 4096
            assert 32 <= video["Height"] <= min(2304, contents.picture.height)
        # GIF and captured frames: their own container, and never sound.
        assert (codec == "GIF") == (container == "GIF")
        assert codec not in ("GIF", "FRAME_CAPTURE") or not audio
        if codec == "GIF":
            gif = video["CodecSettings"]["GifSettings"]
            assert gif["FramerateNumerator"] >= 1
            assert gif["FramerateDenominator"] >= 1
        # An MP3 is one audio description, without a picture.
        if output.get("Extension") == "mp3":
            assert video is None
            assert len(audio) == 1
        assert bool(audio) <= contents.has_sound
        assert "NameModifier" not in output  # one output in a group needs none
    assert ("AudioSelectors" in settings["Inputs"][0]) == contents.has_sound
    codecs = {group["CustomName"] for group in settings["OutputGroups"]}
    assert "poster" not in codecs or "web" in codecs  # no job of captured frames alone


def test_each_rendition_has_the_expected_key():
    destinations = [
        group["OutputGroupSettings"]["FileGroupSettings"]["Destination"]
        for group in request()["Settings"]["OutputGroups"]
    ]

    names = [destination.removeprefix(TARGET.destination_uri) for destination in destinations]
    assert names == ["web", "phone", "audio", "preview", "poster"]


@pytest.mark.parametrize(
    ("picture", "max_height", "expected"),
    [
        (Size(1920, 1080), 720, Size(1280, 720)),
        (Size(1280, 720), 720, Size(1280, 720)),
        (Size(640, 480), 720, Size(640, 480)),
        (Size(1080, 1920), 720, Size(404, 720)),
        (Size(321, 241), 720, Size(320, 240)),
        (Size(1366, 768), 360, Size(640, 360)),
        (Size(10_000, 700), 720, Size(4096, 286)),
    ],
)
def test_a_rendition_is_even_no_larger_and_of_the_same_shape(picture, max_height, expected):
    assert fitted(picture, max_height) == expected


def test_a_picture_that_is_too_small_is_refused():
    with pytest.raises(MediaError, match="16 by 16 pixels"):
        fitted(Size(16, 16), 720)


def test_a_preview_has_no_more_frames_than_its_preset_allows():
    gif = groups()["gif"]["VideoDescription"]["CodecSettings"]["GifSettings"]

    assert gif["FramerateNumerator"] / gif["FramerateDenominator"] * 120 <= 60


def test_the_token_is_the_same_for_one_attempt_and_another_for_the_next():
    tokens = [request(attempt=number)["ClientRequestToken"] for number in (1, 1, 2)]

    assert tokens[0] == tokens[1] != tokens[2]
    assert len(tokens[0]) <= 64


COMPLETE = {
    "status": "COMPLETE",
    "jobId": "1671476818694-phptj0",
    "userMetadata": {"recording_id": "my-talk-0123456789ab"},
    "outputGroupDetails": [
        {
            "outputDetails": [
                {
                    "outputFilePaths": ["s3://media/renditions/my-talk-0123456789ab/web.mp4"],
                    "durationInMs": 30041,
                    "videoDetails": {"widthInPx": 1280, "heightInPx": 720, "qvbrAvgQuality": 7.3},
                }
            ],
            "type": "FILE_GROUP",
        },
        {
            "outputDetails": [
                {
                    "outputFilePaths": [
                        "s3://media/renditions/my-talk-0123456789ab/poster.0000001.jpg"
                    ],
                    "durationInMs": 2000,
                    "videoDetails": {"widthInPx": 1280, "heightInPx": 720},
                }
            ],
            "type": "FILE_GROUP",
        },
        {
            "outputDetails": [
                {
                    "outputFilePaths": ["s3://media/renditions/my-talk-0123456789ab/audio.mp3"],
                    "durationInMs": 30041,
                }
            ],
            "type": "FILE_GROUP",
        },
    ],
}


def test_a_complete_event_gives_the_size_and_duration_of_each_file():
    found = {output.stem: output for output in mediaconvert_events.outputs(COMPLETE)}

    assert found["web"].size == Size(1280, 720)
    assert found["web"].duration_s == 30.041
    assert found["audio"].size is None
    assert found["poster"].uri.endswith("poster.0000001.jpg")
    assert mediaconvert_events.recording_id_of(COMPLETE) == "my-talk-0123456789ab"


@pytest.mark.parametrize("metadata", [None, {}, {"recording_id": 3}, "text"])
def test_a_job_without_earshots_metadata_is_ignored(metadata):
    assert mediaconvert_events.recording_id_of({"userMetadata": metadata}) is None


def test_an_error_event_gives_a_reason_with_code_and_message():
    detail = {"status": "ERROR", "errorCode": 1040, "errorMessage": "Example error message"}

    assert (
        mediaconvert_events.failure(detail)
        == "MediaConvert failed with code 1040: Example error message"
    )


def test_a_canceled_job_gives_its_reason():
    assert (
        mediaconvert_events.failure({"status": "CANCELED"}) == "The MediaConvert job was canceled"
    )

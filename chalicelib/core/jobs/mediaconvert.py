"""The request to MediaConvert: one job for a video and the ladder."""

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from chalicelib.core import keys
from chalicelib.core.jobs.ladder import MAX_PIXELS, MIN_PIXELS, MP3_SAMPLE_RATE_HZ, Preset
from chalicelib.core.probe.contents import Contents, Size
from chalicelib.errors import MediaError

SELECTOR = "Audio Selector 1"
AAC_SAMPLE_RATE_HZ = 48_000
METADATA_KEY = "recording_id"
"""The name in a job's UserMetadata that holds the recording's id, for the job's events."""

ATTEMPT_KEY = "attempt"
"""The name for the attempt's number, by which events of this job and of earlier jobs differ."""

PRESETS_KEY = "presets"
"""The name for the names of the presets, because the event of a failed job names no outputs."""

UNKNOWN_DURATION_S = 600.0
"""Assumed length of a video for its preview, if the container does not give a length."""

MILLISECONDS = 1000


@dataclass(frozen=True, slots=True)
class JobTarget:
    """The addresses that a job reads and writes, and the role that it runs as."""

    source_uri: str
    destination_uri: str
    role_arn: str
    queue_arn: str = ""


def job_request(
    job: keys.Job,
    contents: Contents,
    presets: Sequence[Preset],
    target: JobTarget,
) -> dict[str, Any]:
    """Return the arguments of CreateJob for one attempt.

    ``target.destination_uri`` ends in a slash. Raises MediaError for a picture of a size that
    MediaConvert does not encode.
    """
    token = hashlib.sha256(job.name.encode()).hexdigest()
    request: dict[str, Any] = {
        "Role": target.role_arn,
        "ClientRequestToken": token,
        "UserMetadata": {
            METADATA_KEY: job.recording_id,
            ATTEMPT_KEY: str(job.attempt),
            PRESETS_KEY: ",".join(preset.name for preset in presets),
        },
        "StatusUpdateInterval": "SECONDS_10",
        "Settings": {
            "TimecodeConfig": {"Source": "ZEROBASED"},
            "Inputs": [_input(contents, target.source_uri)],
            "OutputGroups": [
                _output_group(preset, contents, target.destination_uri) for preset in presets
            ],
        },
    }
    if target.queue_arn:
        request["Queue"] = target.queue_arn
    return request


def fitted(picture: Size, max_height: int) -> Size:
    """Return the size of a rendition: even, no larger than the picture, of the same shape.

    Portrait stays portrait. An odd row or column is cut off, because H.264 needs even sizes.
    """
    height = min(max_height, picture.height)
    scale = min(Fraction(height, picture.height), Fraction(MAX_PIXELS, picture.width), Fraction(1))
    size = Size(_even(picture.width * scale), _even(picture.height * scale))
    if min(size.width, size.height) < MIN_PIXELS:
        raise MediaError(
            f"The picture is {picture.width} by {picture.height} pixels; "
            f"renditions need at least {MIN_PIXELS} each way at a height of {height}"
        )
    return size


def _even(pixels: Fraction) -> int:
    return math.floor(pixels / 2) * 2


def _input(contents: Contents, uri: str) -> dict[str, Any]:
    described: dict[str, Any] = {"FileInput": uri, "TimecodeSource": "ZEROBASED"}
    if contents.picture:
        described["VideoSelector"] = {"Rotate": "AUTO"}
    if contents.has_sound:
        # A selector that finds no track would make the whole job fail.
        described["AudioSelectors"] = {SELECTOR: {"DefaultSelection": "DEFAULT"}}
    return described


def _output_group(preset: Preset, contents: Contents, destination_uri: str) -> dict[str, Any]:
    # One group for each rendition: the destination then ends in the file's name, and the name
    # needs no modifier.
    return {
        "Name": "File Group",
        "CustomName": preset.name,
        "OutputGroupSettings": {
            "Type": "FILE_GROUP_SETTINGS",
            "FileGroupSettings": {"Destination": f"{destination_uri}{preset.stem}"},
        },
        "Outputs": [_OUTPUTS[preset.codec](preset, contents)],
    }


def _h264(preset: Preset, contents: Contents) -> dict[str, Any]:
    codec = {
        "Codec": "H_264",
        "H264Settings": {
            "RateControlMode": "QVBR",
            "QvbrSettings": {"QvbrQualityLevel": preset.values["quality"]},
            "MaxBitrate": preset.values["max_bitrate"],
            "QualityTuningLevel": "SINGLE_PASS_HQ",
            "SceneChangeDetect": "TRANSITION_DETECTION",
            "FramerateControl": "INITIALIZE_FROM_SOURCE",
            "ParControl": "SPECIFIED",
            "ParNumerator": 1,
            "ParDenominator": 1,
        },
    }
    output: dict[str, Any] = {
        "ContainerSettings": {
            "Container": "MP4",
            "Mp4Settings": {"MoovPlacement": "PROGRESSIVE_DOWNLOAD"},
        },
        "VideoDescription": _video(preset, contents, codec),
    }
    if contents.has_sound:
        settings = {
            "Bitrate": preset.values["audio_bitrate"],
            "CodingMode": "CODING_MODE_2_0",
            "SampleRate": AAC_SAMPLE_RATE_HZ,
        }
        output["AudioDescriptions"] = [_audio("AAC", AacSettings=settings)]
    return output


def _mp3(preset: Preset, contents: Contents) -> dict[str, Any]:
    del contents
    settings = {
        "RateControlMode": "CBR",
        "Bitrate": preset.values["bitrate"],
        "Channels": 2,
        "SampleRate": MP3_SAMPLE_RATE_HZ,
    }
    return {
        "ContainerSettings": {"Container": "RAW"},
        "Extension": "mp3",
        "AudioDescriptions": [_audio("MP3", Mp3Settings=settings)],
    }


def _gif(preset: Preset, contents: Contents) -> dict[str, Any]:
    # MediaConvert clips inputs, so all outputs of a job have the same length. The preview shows
    # the whole video in few frames, and its pace is set when its file has been written.
    duration_s = contents.duration_s or UNKNOWN_DURATION_S
    rate = Fraction(preset.values["max_frames"] / duration_s).limit_denominator(MILLISECONDS)
    rate = max(min(rate, Fraction(preset.values["max_frames_per_s"])), Fraction(1, MILLISECONDS))
    codec = {
        "Codec": "GIF",
        "GifSettings": {
            "FramerateControl": "SPECIFIED",
            "FramerateConversionAlgorithm": "DUPLICATE_DROP",
            "FramerateNumerator": rate.numerator,
            "FramerateDenominator": rate.denominator,
        },
    }
    return {
        "ContainerSettings": {"Container": "GIF"},
        "VideoDescription": _video(preset, contents, codec),
    }


def _frame_capture(preset: Preset, contents: Contents) -> dict[str, Any]:
    # The first frame is always captured, and often black, so the second is the poster.
    codec = {
        "Codec": "FRAME_CAPTURE",
        "FrameCaptureSettings": {
            "FramerateNumerator": 1,
            "FramerateDenominator": preset.values["at_s"],
            "MaxCaptures": 2,
            "Quality": preset.values["quality"],
        },
    }
    return {
        "ContainerSettings": {"Container": "RAW"},
        "Extension": "jpg",
        "VideoDescription": _video(preset, contents, codec),
    }


_OUTPUTS = {"H_264": _h264, "MP3": _mp3, "GIF": _gif, "FRAME_CAPTURE": _frame_capture}


def _video(preset: Preset, contents: Contents, codec: dict[str, Any]) -> dict[str, Any]:
    if contents.picture is None:
        raise MediaError("The recording has no picture")
    size = fitted(contents.picture, preset.values["max_height"])
    return {
        "Width": size.width,
        "Height": size.height,
        # The size already has the picture's shape; fitting would only add borders of a pixel.
        "ScalingBehavior": "STRETCH_TO_OUTPUT",
        "CodecSettings": codec,
    }


def _audio(codec: str, **settings: Any) -> dict[str, Any]:
    return {"AudioSourceName": SELECTOR, "CodecSettings": {"Codec": codec, **settings}}

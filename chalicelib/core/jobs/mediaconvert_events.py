"""Events of MediaConvert for a job that has ended: its files, or the reason for the failure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from chalicelib.core.jobs.mediaconvert import ATTEMPT_KEY, METADATA_KEY, PRESETS_KEY
from chalicelib.core.probe.contents import Size

MILLISECONDS = 1000
NO_CAUSE = frozenset({1999, 3999})
"""The last codes of MediaConvert's ranges, which stand for unknown causes."""


@dataclass(frozen=True, slots=True)
class Output:
    """One file of a finished job."""

    stem: str
    uri: str
    duration_s: float | None = None
    size: Size | None = None


def recording_id_of(detail: Mapping[str, Any]) -> str | None:
    """Return the id of the recording of a job's event, or None if the job is not Earshot's."""
    metadata = detail.get("userMetadata")
    found = metadata.get(METADATA_KEY) if isinstance(metadata, Mapping) else None
    return found if isinstance(found, str) else None


def attempt_of(detail: Mapping[str, Any]) -> int | None:
    """Return the attempt that a job's event is about, or None if it names none."""
    found = (detail.get("userMetadata") or {}).get(ATTEMPT_KEY)
    return int(found) if isinstance(found, str) and found.isdecimal() else None


def presets_of(detail: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the names of the presets of a job's event; none if it names none."""
    found = (detail.get("userMetadata") or {}).get(PRESETS_KEY)
    return tuple(found.split(",")) if isinstance(found, str) else ()


def outputs(detail: Mapping[str, Any]) -> list[Output]:
    """Return the files that a COMPLETE event lists."""
    return [
        _output(entry)
        for group in _dicts(detail.get("outputGroupDetails"))
        for entry in _dicts(group.get("outputDetails"))
        if entry.get("outputFilePaths")
    ]


def detail_of(job: Mapping[str, Any]) -> dict[str, Any]:
    """Build a job's last event from the job itself, for an event that was lost.

    ``job`` is the answer of GetJob. It names no files, but their names follow from the request. Of
    captured frames the second one is named, which exists if the video was long enough.
    """
    settings = job.get("Settings") or {}
    groups = _dicts(settings.get("OutputGroups"))
    return {
        "jobId": job.get("Id"),
        "status": job.get("Status"),
        "userMetadata": dict(job.get("UserMetadata") or {}),
        "errorCode": job.get("ErrorCode", "unknown"),
        "errorMessage": job.get("ErrorMessage"),
        "outputGroupDetails": [
            {"outputDetails": [_output_detail(group, told)]}
            for group, told in zip(groups, _dicts(job.get("OutputGroupDetails")), strict=False)
        ],
    }


def _output_detail(group: Mapping[str, Any], told: Mapping[str, Any]) -> dict[str, Any]:
    base = group["OutputGroupSettings"]["FileGroupSettings"]["Destination"]
    (output,) = group["Outputs"]
    container = output["ContainerSettings"]["Container"].lower()
    extension = output.get("Extension", container)
    number = f".{1:07}" if extension == "jpg" else ""
    detail: dict[str, Any] = {"outputFilePaths": [f"{base}{number}.{extension}"]}
    for answer in _dicts(told.get("OutputDetails")):
        detail["durationInMs"] = answer.get("DurationInMs")
        if video := answer.get("VideoDetails"):
            detail["videoDetails"] = {
                "widthInPx": video["WidthInPx"],
                "heightInPx": video["HeightInPx"],
            }
    return detail


def _output(entry: Mapping[str, Any]) -> Output:
    uri = str(entry["outputFilePaths"][-1])
    video = entry.get("videoDetails") or {}
    duration_ms = entry.get("durationInMs")
    is_sized = "widthInPx" in video and "heightInPx" in video
    return Output(
        stem=uri.rpartition("/")[2].partition(".")[0],
        uri=uri,
        duration_s=duration_ms / MILLISECONDS if duration_ms is not None else None,
        size=Size(video["widthInPx"], video["heightInPx"]) if is_sized else None,
    )


def _dicts(entries: Any) -> Iterable[Mapping[str, Any]]:
    return [entry for entry in entries or () if isinstance(entry, Mapping)]


def is_internal(detail: Mapping[str, Any]) -> bool:
    """Return whether the file is not the cause of a job's failure, so that a retry may help.

    A job may also have been canceled by the clean-up of an earlier upload of the same bytes.
    """
    return detail.get("status") == "CANCELED" or detail.get("errorCode") in NO_CAUSE


def failure(detail: Mapping[str, Any]) -> str:
    """Return the reason for a job's failure, with MediaConvert's code and message."""
    if detail.get("status") == "CANCELED":
        return "The MediaConvert job was canceled"
    message = str(detail.get("errorMessage") or "no message").strip()
    return f"MediaConvert failed with code {detail.get('errorCode', 'unknown')}: {message}"

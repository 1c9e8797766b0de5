"""Removes a recording, or starts it anew, and says what was removed."""

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from chalicelib.core.recording import Recording
from chalicelib.settling import remove_results

if TYPE_CHECKING:
    from chalicelib.services import Services


@dataclass(frozen=True, slots=True)
class Removed:
    """What was there to be removed: nothing, where it had been removed before.

    ``objects`` are the keys of what had been made of the recording; ``upload`` is whether its
    upload was still in the bucket.
    """

    recording_id: str
    objects: tuple[str, ...] = ()
    search_entries: int = 0
    transcription_job: bool = False
    item: bool = False
    upload: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Return the report as the API shows it."""
        removed = asdict(self)
        return {"recording_id": removed.pop("recording_id"), "removed": removed}


def delete_recording(recording: Recording, services: "Services") -> Removed:
    """Remove an upload and everything that was made of it. Safe to repeat.

    The upload goes first: without it nothing late is stored, and the event of its removal takes
    up what is cut short here. Other bytes that have taken its place stay.
    """
    upload = services.media.find(recording.source_key)
    is_there = upload is not None and upload.recording_id == recording.id
    was_there = is_there and upload is not None and services.media.remove_upload(upload)
    return replace(remove_everything(recording.id, services), upload=was_there)


def remove_everything(recording_id: str, services: "Services") -> Removed:
    """Remove everything that was made of a recording, and its item. Safe to repeat."""
    made = remove_made(recording_id, services)
    # The item goes last: as long as it is there, a clean-up that was cut short is found again.
    return replace(made, item=services.recordings.delete(recording_id))


def remove_made(recording_id: str, services: "Services") -> Removed:
    """Remove everything that was made of a recording, and stop what is being made."""
    recording = services.recordings.find(recording_id)
    if recording and "renditions_job_id" in recording.attributes:
        services.transcoder.cancel(recording.attributes["renditions_job_id"])
    had_job = services.transcriber.delete(recording_id)
    objects, search_entries = remove_results(recording_id, services)
    return Removed(
        recording_id,
        objects=tuple(objects),
        search_entries=search_entries,
        transcription_job=had_job,
    )

"""Removes a recording, or starts it anew, and says what was removed."""

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from chalicelib.core import keys
from chalicelib.core.recording import Recording
from chalicelib.pipeline.branches import remove_results

if TYPE_CHECKING:
    from chalicelib.services import Services


@dataclass(frozen=True, slots=True)
class Removed:
    """What there was to be removed.

    ``objects`` are the keys of what had been made of the recording; ``upload`` is whether its
    upload was still in the bucket.
    """

    recording_id: str
    objects: tuple[str, ...]
    search_entries: int
    transcription_job: bool
    item: bool
    upload: bool

    def to_dict(self) -> dict[str, Any]:
        """Return the report as the API shows it."""
        removed = asdict(self)
        return {"recording_id": removed.pop("recording_id"), "removed": removed}


def delete_recording(recording: Recording, services: "Services") -> Removed:
    """Remove an upload and everything that was made of it. Safe to repeat.

    The upload goes first: without it nothing late is stored, and the event of its removal takes
    up what is cut short here. Other bytes that have taken its place stay.
    """
    upload = services.media.find_source(recording)
    # Looked at before the upload goes: from then on its event has it all removed as well.
    made = [services.results.keys(prefix) for prefix in keys.derived_prefixes(recording.id)]
    removed = Removed(
        recording.id,
        objects=tuple(sorted(set().union(*made))),
        search_entries=services.search_table.count(recording.id),
        transcription_job=services.transcriber.find(recording.id) is not None,
        item=services.recordings.find(recording.id) is not None,
        upload=upload is not None,
    )
    if upload:
        services.media.remove_upload(upload)
    remove_everything(recording.id, services)
    return removed


def remove_everything(recording_id: str, services: "Services") -> None:
    """Remove everything that was made of a recording, and its item. Safe to repeat."""
    remove_made(recording_id, services)
    # The item goes last: as long as it is there, a clean-up that was cut short is found again.
    services.recordings.delete(recording_id)


def remove_made(recording_id: str, services: "Services") -> None:
    """Remove everything that was made of a recording, and stop what is being made."""
    recording = services.recordings.find(recording_id)
    if recording and "renditions_job_id" in recording.attributes:
        services.transcoder.cancel(recording.attributes["renditions_job_id"])
    services.transcriber.delete(recording_id)
    remove_results(recording_id, services)

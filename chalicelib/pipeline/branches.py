"""Status changes of a recording's branches: transcription, features and renditions."""

from typing import TYPE_CHECKING, Any

from chalicelib import journal
from chalicelib.core.recording import Branch, Status, Upload
from chalicelib.errors import RecordingNotFoundError
from chalicelib.pipeline.removal import remove_results

if TYPE_CHECKING:
    from chalicelib.services import Services

ENDED = frozenset({Status.COMPLETED, Status.FAILED, Status.SKIPPED})
DONE = frozenset({Status.COMPLETED, Status.SKIPPED})


def settle(
    recording_id: str,
    branch: Branch,
    status: Status,
    services: "Services",
    *,
    reason: str | None = None,
    attributes: dict[str, Any] | None = None,
    unless: frozenset[Status] | None = None,
    internal: bool = False,
) -> bool:
    """Move a branch on; tell whether it moved. Results of what is gone by now are removed."""
    if unless is None:
        unless = DONE if status == Status.COMPLETED else ENDED
    try:
        has_moved = services.recordings.settle(
            recording_id,
            branch,
            status,
            unless=unless,
            reason=reason,
            attributes=attributes,
            internal=internal,
        )
    except RecordingNotFoundError:
        remove_results(recording_id, services)
        return False
    if has_moved:
        journal.note(recording_id=recording_id, **{branch.value: status.value})
        if reason:
            journal.note(reason=reason)
    return has_moved


def fail(
    recording_id: str,
    branch: Branch,
    reason: str,
    services: "Services",
    *,
    internal: bool = False,
) -> None:
    """End a branch with a reason; ``internal`` where it is no fault of the file's."""
    settle(recording_id, branch, Status.FAILED, services, reason=reason, internal=internal)


def upload_of(recording_id: str, services: "Services") -> Upload | None:
    """Return the upload that a recording was made of, or None if either is gone by now."""
    journal.note(recording_id=recording_id)
    recording = services.recordings.find(recording_id)
    return services.media.find_source(recording) if recording else None


def may_be_of_others(
    recording_id: str, branch: Branch, upload: Upload, services: "Services"
) -> bool:
    """Tell whether a job may have read other bytes than the recording's.

    A job is given a key, not bytes. If the upload was put after the job was started, others may
    have lain there for a while: it was replaced, and then put back. What is done stays done.
    """
    recording = services.recordings.find(recording_id)
    if recording is None or recording.status_of(branch) in DONE:
        return False
    started_at: str = recording.attributes.get(f"{branch}_started_at", upload.modified_at)
    return upload.modified_at > started_at

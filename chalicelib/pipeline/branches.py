"""Status changes of a recording's branches: transcription, features and renditions."""

from dataclasses import replace
from typing import TYPE_CHECKING

from chalicelib import journal
from chalicelib.core.recording import (
    DONE,
    ENDED,
    Branch,
    BranchState,
    Recording,
    Result,
    Status,
    Upload,
)

if TYPE_CHECKING:
    from chalicelib.services import Services


def move(
    recording: Recording,
    branch: Branch,
    status: Status,
    services: "Services",
    *,
    reason: str | None = None,
    state: BranchState | None = None,
    result: Result | None = None,
    unless: frozenset[Status] | None = None,
) -> Recording:
    """Change the status of a branch, and write what belongs to it.

    A branch that becomes PENDING loses everything that its earlier state and result had, but not
    that it was retried.

    Parameters
    ----------
    recording : Recording
        the recording as it was read
    reason : str, optional
        a sentence for the owner
    state : BranchState, optional
        the branch's state with what else has changed; by default that of the recording, and not
        ``internal``
    result : Result, optional
        the branch's result
    unless : set of Status, optional
        statuses that are not left; by default what has ended is not left, and what has failed
        may be completed

    Returns
    -------
    recording : Recording
        as it is now: as this has written it, or as somebody else has if this was refused

    Raises
    ------
    RecordingNotFoundError
        if the recording is gone
    """
    if unless is None:
        unless = DONE if status == Status.COMPLETED else ENDED
    state = state or replace(recording.state(branch), internal=False)
    if status == Status.PENDING:
        state = BranchState(retried=state.retried)
    moved = services.recordings.move(
        recording,
        branch,
        replace(state, status=status, reason=reason),
        unless=unless,
        result=result,
    )
    if moved is None:
        return services.recordings.get(recording.id)
    journal.note(recording_id=recording.id, **{branch.value: status.value})
    if reason:
        journal.note(reason=reason)
    return moved


def fail(
    recording: Recording,
    branch: Branch,
    reason: str,
    services: "Services",
    *,
    internal: bool = False,
) -> Recording:
    """End a branch with a reason; ``internal`` if the recording has no part in it."""
    state = replace(recording.state(branch), internal=internal)
    return move(recording, branch, Status.FAILED, services, reason=reason, state=state)


def may_be_of_others(recording: Recording, branch: Branch, upload: Upload) -> bool:
    """Tell whether a job may have read other bytes than the recording's.

    A job is given a key, not bytes. If the upload was put after the job was started, others may
    have lain there for a while: it was replaced, and then put back. What is done stays done.
    """
    state = recording.state(branch)
    if state.status in DONE:
        return False
    return upload.modified_at > (state.started_at or upload.modified_at)

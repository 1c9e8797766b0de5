"""Status changes of a recording's branches: transcription, features and renditions."""

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from chalicelib import journal
from chalicelib.core import keys
from chalicelib.core.recording import DONE, ENDED, Branch, BranchState, Recording, Status
from chalicelib.core.results import Result
from chalicelib.core.upload import Upload

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
    """Change the status of a branch, and write its state and result.

    A branch that becomes PENDING loses its earlier state and result. It keeps three facts: that it
    was retried, that it was made again, and that its ladder has failed. It gets the next attempt's
    number, so that nothing of the earlier attempt is written to it. If the branch has begun another
    attempt since the recording was read, nothing is written.

    Parameters
    ----------
    recording : Recording
        the recording as it was read
    reason : str, optional
        a sentence for the owner
    state : BranchState, optional
        the branch's state with further changes; by default the recording's state, not
        ``internal``
    result : Result, optional
        the branch's result
    unless : set of Status, optional
        statuses that must not be changed; by default a branch that has ended is not changed, but
        a failed branch may be completed

    Returns
    -------
    recording : Recording
        the present state: the one written here, or another function's if this write was refused

    Raises
    ------
    RecordingNotFoundError
        if the recording is gone
    """
    moved = _write(
        recording,
        branch,
        status,
        services,
        reason=reason,
        state=state,
        result=result,
        unless=unless,
    )
    return moved or services.recordings.get(recording.id)


def _write(
    recording: Recording,
    branch: Branch,
    status: Status,
    services: "Services",
    *,
    reason: str | None = None,
    state: BranchState | None = None,
    result: Result | None = None,
    unless: frozenset[Status] | None = None,
) -> Recording | None:
    """Write a change of status; return None if it was refused."""
    if unless is None:
        unless = DONE if status == Status.COMPLETED else ENDED
    state = state or replace(recording.state(branch), internal=False)
    if status == Status.PENDING:
        state = BranchState(
            attempt=state.attempt + 1,
            retried=state.retried,
            remade=state.remade,
            track_alone=state.track_alone,
        )
    moved = services.recordings.move(
        recording,
        branch,
        replace(state, status=status, reason=reason),
        unless=unless,
        result=result,
    )
    if moved:
        journal.note(recording_id=recording.id, **{branch.value: status.value})
        if reason and status != Status.SKIPPED:
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
    """End a branch with a reason; ``internal`` if the recording is not the cause."""
    state = replace(recording.state(branch), internal=internal)
    return move(recording, branch, Status.FAILED, services, reason=reason, state=state)


def job_of(recording: Recording, branch: Branch, services: "Services") -> keys.Job:
    """Return the job of a branch's latest attempt."""
    prefix = services.settings.job_prefix
    state = recording.state(branch)
    named = keys.job(state.job_id, prefix) if state.job_id else None
    return named or keys.Job(prefix, recording.id, branch.value[0], state.attempt)


def input_of(job: keys.Job, upload: Upload, media_format: str, services: "Services") -> str:
    """Return the key of a job's input: a copy of its upload, or the original itself.

    Raise UploadChangedError if the upload is no longer there.
    """
    if keys.is_original(upload.key):
        return upload.key
    key = job.input(media_format)
    services.media.copy_upload(upload, key)
    return key


def begin(
    recording: Recording,
    branch: Branch,
    services: "Services",
    *,
    kind: str | None = None,
    result_of: Callable[[int], Result] | None = None,
) -> tuple[Recording, bool]:
    """Draw the number of the present attempt, if the branch is PENDING; return whether it was.

    The number is greater than the last one and not less than the time in milliseconds, so it is
    also new for a recording that was removed and uploaded again. ``kind`` is the kind of its job,
    if the job has a name; ``result_of`` returns the part of the result that follows from the
    number.
    """
    number = max(recording.state(branch).attempt + 1, round(services.clock().timestamp() * 1000))
    prefix = services.settings.job_prefix
    job_id = keys.Job(prefix, recording.id, kind, number).name if kind else None
    begun = _write(
        recording,
        branch,
        Status.IN_PROGRESS,
        services,
        # Only a branch that is PENDING because its ladder has failed has a reason here.
        reason=recording.state(branch).reason,
        state=replace(recording.state(branch), internal=False, attempt=number, job_id=job_id),
        result=result_of(number) if result_of else None,
        unless=frozenset(Status) - {Status.PENDING},
    )
    return begun or services.recordings.get(recording.id), begun is not None

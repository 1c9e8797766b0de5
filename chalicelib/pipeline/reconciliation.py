"""Repair: finds and does work that was not done, because an event was lost or a function died.

A run has two parts, each safe to repeat, and ends before the function's time is over:

* Looks: recordings that have not been found complete since their last move are on a watchlist, by
  the time of their next look. A recording is removed from the list when all its outputs are there.
* The walk (``walk``): it goes through the buckets and the table, a page in each run.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from chalicelib.core import keys
from chalicelib.core.jobs import mediaconvert_events
from chalicelib.core.notices import outcome_of
from chalicelib.core.recording import Branch, BranchState, Recording, Status
from chalicelib.errors import RecordingNotFoundError, SourceClosedError, UploadChangedError
from chalicelib.journal import note
from chalicelib.pipeline import events, recognition, renditions, transcription
from chalicelib.pipeline.branches import job_of, move
from chalicelib.pipeline.removal import (
    delete_job_leftovers,
    delete_job_objects,
    delete_outputs,
    delete_outputs_jobs_and_item,
)
from chalicelib.pipeline.retries import ATTEMPTS, RETRY_AFTER_S
from chalicelib.pipeline.walk import Findings, walk

if TYPE_CHECKING:
    from chalicelib.services import Services

LOOKS = 200
"""Number of due recordings that are read at once."""

PAGES = 1
"""Pages of a run's walk, each of 1,000 objects or items."""

LASTING = timedelta(minutes=12)
"""Time in which a run makes looks; the function has 15 minutes, and runs every 15."""

SOONEST = timedelta(minutes=15)
LATEST = timedelta(days=1)
"""Bounds of the time to the next look at an unfinished recording; this time is its age."""

MESSAGE_LASTS = timedelta(hours=6)
"""Time after which a received message must be lost; the queue repeats it every 90 minutes."""

HANGS_AFTER = timedelta(days=1)
"""Age at which an unfinished recording counts as hanging; Transcribe takes hours at most."""

TRACK_FIRST = (Branch.RENDITIONS, Branch.TRANSCRIPTION, Branch.FEATURES)
"""Order in which failed branches are retried. If another function finds a PENDING transcription
whose audio track has failed, it ends the transcription permanently."""

GONE = "What was made of the recording was removed."
DIED = "each ended without an answer: it needed too much memory or time"


def reconcile(
    services: "Services", *, lasting: timedelta | None = None, pages: int = PAGES
) -> Findings:
    """Continue the walk, and look at as many due recordings as there is time for.

    A look that fails does not delay the others, and many due looks do not delay the walk.
    """
    findings = Findings()
    now = services.clock()
    overdue = now - (services.watchlist.longest_due(now) or now)
    for _ in range(pages):
        walk(services, findings)
    for recording_id in _due(now, lasting, services):
        findings.attempt(partial(_look_at, recording_id, services, findings), recording_id)
    note(
        looks=findings.looks,
        walked=findings.walked,
        look_overdue_seconds=overdue.total_seconds(),
        recordings_hanging=findings.hanging,
        walk_rounds=int(findings.is_round),
    )
    return findings


def _due(now: datetime, lasting: timedelta | None, services: "Services") -> Iterator[str]:
    """Yield each due recording, until there are no more or the time is over."""
    seen: set[str] = set()
    while due := set(services.watchlist.due(now, LOOKS)) - seen:
        for recording_id in sorted(due):
            if lasting and services.clock() - now >= lasting:
                return
            yield recording_id
        # If a next look cannot be set, the watchlist gives the same recording first again.
        seen |= due


def _look_at(recording_id: str, services: "Services", findings: Findings) -> None:
    findings.looks += 1
    found = look(recording_id, services)
    if found and not found.is_settled:
        age = services.clock() - datetime.fromisoformat(found.created_at)
        findings.hanging += age > HANGS_AFTER


def look(recording_id: str, services: "Services") -> Recording | None:
    """Do the missing work of a recording; remove it from the watchlist if nothing is missing.

    Return the new state of the recording, or None if it is gone.
    """
    recording = services.recordings.find(recording_id)
    if recording is None:
        return None
    # Set first, so that a look that fails does not delay others.
    again = _next_look(recording, services.clock())
    services.watchlist.put_off(recording_id, again)
    try:
        upload = services.media.find_source(recording)
    except SourceClosedError:
        return recording  # nobody can say whether the original is there
    if upload is None:
        delete_outputs_jobs_and_item(recording, services)
        return None
    try:
        recording = _ask_transcribe(recording, services)
        recording = _ask_mediaconvert(recording, services)
        recording = _ask_for_features(recording, services)
        for branch in TRACK_FIRST:
            if recording.state(branch).is_worth_a_retry:
                recording = _retry(recording, branch, services)
        recording = _miss_results(recording, services)
        events.resume(recording, services)
    except UploadChangedError:
        # A clean-up has removed a table in the middle. The next look makes it again.
        services.features_queue.send_look(recording_id, delay_s=RETRY_AFTER_S)
    except RecordingNotFoundError:
        delete_outputs(recording_id, services)
        return None
    found = services.recordings.find(recording_id)
    if found:
        delete_job_leftovers(found, services)
    if found and _is_well(found):
        services.watchlist.strike_off(recording_id, again.isoformat())
    return found


def look_again(recording_id: str, services: "Services") -> None:
    """Look at a recording at which several functions were at work at the same time."""
    if look(recording_id, services) is None:
        delete_outputs(recording_id, services)


def _next_look(recording: Recording, now: datetime) -> datetime:
    taken = now - datetime.fromisoformat(recording.created_at)
    return now + min(max(taken, SOONEST), LATEST)


def _is_well(recording: Recording) -> bool:
    outcome = outcome_of(recording)
    return (
        recording.is_settled
        and outcome is not None
        and recording.notice(outcome).sent_at is not None
        and not any(recording.state(branch).is_worth_a_retry for branch in Branch)
    )


def _ask_transcribe(recording: Recording, services: "Services") -> Recording:
    """Use a job's own state in place of a lost event."""
    state = recording.transcription
    if state.status == Status.IN_PROGRESS:
        named = job_of(recording, Branch.TRANSCRIPTION, services)
        if named.kind == keys.RECOGNISER:
            return _ask_recogniser(recording, named, services)
        job = services.transcriber.find(named.name)
        redaction = services.settings.transcription.redaction
        key = named.transcript(redacted=bool(redaction))
        if job is None:
            return reopen(recording, Branch.TRANSCRIPTION, services)
        if job["TranscriptionJobStatus"] == "FAILED":
            events.record_transcription_failure(named.name, services)
            return services.recordings.get(recording.id)
        if job["TranscriptionJobStatus"] == "COMPLETED":
            if services.results.find(key) is None:
                return _make_again(recording, Branch.TRANSCRIPTION, services)
            events.store_transcript(key, services)
            return services.recordings.get(recording.id)
    return recording


def _ask_recogniser(recording: Recording, job: keys.Job, services: "Services") -> Recording:
    """Use the transcript in place of its lost event, or send the message again.

    Nobody can ask a queue whether it has a message, and a message that comes twice finds the work
    done. In the first quarter of an hour the message counts as on its way, unless a late clean-up
    has removed the job's input.
    """
    state = recording.transcription
    if services.results.find(job.transcript()):
        events.store_transcript(job.transcript(), services)
    elif state.receives >= ATTEMPTS:
        # The message was given up, and the function that had it is no longer running.
        if not state.retried:
            return _retry(recording, Branch.TRANSCRIPTION, services)
        recognition.give_up(recording, DIED, services)
    elif not state.at or (
        services.clock() - datetime.fromisoformat(state.at) >= SOONEST
        or not services.media.keys(job.folder)
    ):
        events.start_again(recording, services)
    return services.recordings.get(recording.id)


def _ask_mediaconvert(recording: Recording, services: "Services") -> Recording:
    if recording.renditions.status == Status.IN_PROGRESS and not recording.renditions.job_id:
        # The function that started the job died before it noted the job, which may have ended
        # since.
        events.start_again(recording, services)
        recording = services.recordings.get(recording.id)
    state = recording.renditions
    if state.status == Status.IN_PROGRESS and state.job_id:
        job = services.transcoder.get(state.job_id)
        if job is None:
            return reopen(recording, Branch.RENDITIONS, services)
        if job["Status"] in ("COMPLETE", "ERROR", "CANCELED"):
            events.store_renditions(mediaconvert_events.detail_of(job), services)
            return services.recordings.get(recording.id)
    return recording


def _ask_for_features(recording: Recording, services: "Services") -> Recording:
    state = recording.features
    if state.status == Status.IN_PROGRESS and state.at:
        if (state.receives or 1) >= ATTEMPTS:
            # Its message was given up, and the function that had it is no longer running.
            if not state.retried:
                return _retry(recording, Branch.FEATURES, services)
            events.give_up_features(recording, DIED, services)
            return services.recordings.get(recording.id)
        if services.clock() - datetime.fromisoformat(state.at) > MESSAGE_LASTS:
            return reopen(recording, Branch.FEATURES, services)
    return recording


def _miss_results(recording: Recording, services: "Services") -> Recording:
    """Make missing outputs again, because a late clean-up may have removed them."""
    there = {
        key
        for prefix in keys.derived_prefixes(recording.id)
        for key in services.results.keys(prefix)
    }
    transcript, measurement = recording.transcript, recording.measurement
    claimed: dict[Branch, set[str]] = {
        Branch.TRANSCRIPTION: {transcript.transcript_key} if transcript else set(),
        Branch.FEATURES: {*measurement.feature_keys.values()} if measurement else set(),
        Branch.RENDITIONS: {file.key for file in recording.rendered.rendition_files.values()},
    }
    for branch, made in claimed.items():
        if recording.status_of(branch) == Status.COMPLETED and not made <= there:
            recording = _make_again(recording, branch, services)
    if recording.transcription.status == Status.COMPLETED and transcript:
        subtitles = {transcript.subtitles_srt_key, transcript.subtitles_vtt_key} - {None}
        # They are made from the transcript, like everything that changes with corrections.
        is_missing = not subtitles <= there
        recording = transcription.apply_corrections(recording, services, always=is_missing)
        transcription.index_again(recording, services)
    if not there.issuperset(recording.word_table_keys.values()):
        recording = services.recordings.write_words(recording, {})
    return recording


def _retry(recording: Recording, branch: Branch, services: "Services") -> Recording:
    """Try a branch again that has failed for the first time."""
    state = recording.state(branch)
    # A transcription without a job has failed with its audio track, and keeps its own retry.
    is_own = branch != Branch.TRANSCRIPTION or state.job_id is not None
    return reopen(recording, branch, services, replace(state, retried=is_own))


def _make_again(recording: Recording, branch: Branch, services: "Services") -> Recording:
    """Make a branch's missing outputs again; if they go missing too often, the branch fails."""
    state = recording.state(branch)
    if not state.may_be_remade:
        unless = frozenset(Status) - {state.status}
        return move(recording, branch, Status.FAILED, services, reason=GONE, unless=unless)
    return reopen(recording, branch, services, replace(state, remade=state.remade + 1))


def reopen(
    recording: Recording, branch: Branch, services: "Services", state: BranchState | None = None
) -> Recording:
    """Make a branch PENDING again, without its earlier outcome, unless it has moved.

    ``state`` is the branch's state with further changes.
    """
    state = state or recording.state(branch)
    reopened = move(
        recording,
        branch,
        Status.PENDING,
        services,
        unless=frozenset(Status) - {state.status},
        state=state,
    )
    if state.attempt and reopened.state(branch).status == Status.PENDING:
        if branch == Branch.RENDITIONS:
            renditions.delete_attempt(recording.id, state.attempt, services)
        else:
            delete_job_objects(job_of(recording, branch, services).folder, services)
    return reopened

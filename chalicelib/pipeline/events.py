"""The work for each event: read, compute, write.

The bucket decides, not the order of events. An event only says "look": every function asks the
bucket which object is there now, and finds its recording from that. So events may come twice, late,
in any order, or not at all:

* the object under an upload key is the recording, and outputs of other bytes are removed;
* an output is kept if its upload is unchanged, and removed otherwise;
* a late event does not undo finished work, and does not bring back removed outputs;
* ``reconcile`` does the work of lost events.

Raising means "try again". If no retry can help, the reason is written to the recording instead.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from chalicelib import journal
from chalicelib.core import keys
from chalicelib.core.jobs import mediaconvert_events
from chalicelib.core.probe import formats
from chalicelib.core.recording import DONE, Branch, Recording, Status
from chalicelib.core.upload import Upload
from chalicelib.errors import (
    CallerError,
    RecordingNotFoundError,
    ServiceBusyError,
    UploadChangedError,
)
from chalicelib.pipeline import quotas, renditions, transcription
from chalicelib.pipeline.branches import fail, move
from chalicelib.pipeline.features import measure
from chalicelib.pipeline.notices import announce
from chalicelib.pipeline.removal import (
    delete_job_objects,
    delete_outputs,
    delete_outputs_and_jobs,
    delete_outputs_jobs_and_item,
)
from chalicelib.pipeline.retries import ATTEMPTS, RETRY_AFTER_S
from chalicelib.pipeline.starting import (
    ask_again_soon,
    go_on_with_audio_track,
    look_into,
    start_branches,
)
from chalicelib.pipeline.words import join_words

if TYPE_CHECKING:
    from chalicelib.services import Services

STARTING_LASTS = timedelta(minutes=5)
"""Time that ``receive_upload`` has, which is more than the API's reprocessing has."""


def receive_upload(key: str, services: "Services") -> None:
    """Create the recording of the object under an upload key, and start its branches.

    Safe to repeat: the item is created once, and a branch that has been started is not changed.
    """
    receive(key, services, Recording.of)


def receive(key: str, services: "Services", first_state: Callable[..., Recording]) -> None:
    """Do ``receive_upload``; ``first_state`` returns the recording of an upload."""
    upload = services.media.find(key)
    if upload is None or upload.is_folder:
        return
    recording = first_state(upload, created_at=services.clock().isoformat())
    recording = services.recordings.create(recording)
    _delete_others(key, upload, services)
    _start(recording, upload, services)


def _start(recording: Recording, upload: Upload, services: "Services") -> None:
    try:
        recording = start_branches(recording, upload, services)
        _finish(recording, services)
    except ServiceBusyError:
        ask_again_soon(recording, services)
    except (UploadChangedError, RecordingNotFoundError):
        # The replacement or removal has its own event, but the clean-up of that event may have
        # ended before the branches were started here.
        delete_outputs_jobs_and_item(recording, services)


def reprocess(
    recording: Recording, services: "Services", *, by_administrator: bool = False
) -> Recording:
    """Make all outputs of a recording again, and keep its corrections. Safe to repeat.

    Its hours count once more, except if an administrator asks for it. Raise CallerError if there is
    no room for them, and RecordingNotFoundError if the upload is gone.
    """
    upload = services.media.find_source(recording)
    if upload is None:
        raise RecordingNotFoundError(recording.id)
    accepted_at = None
    if services.settings.quotas:
        accepted_at = services.clock().isoformat()
        if not by_administrator:
            _, contents, refused = look_into(upload, services)
            refused = refused or quotas.refusal_of_another_time(
                recording, upload, contents, services
            )
            if refused:
                raise CallerError(refused)
    # Sent first, because this function may end anywhere below, and the recording may be off the
    # watchlist by then.
    services.features_queue.send_look(recording.id, delay_s=RETRY_AFTER_S)
    delete_outputs_and_jobs(recording, services, keep_corrections=True)
    recording = services.recordings.restart(recording, upload, accepted_at=accepted_at)
    _start(recording, upload, services)
    return services.recordings.get(recording.id)


def resume(recording: Recording, services: "Services") -> None:
    """Start waiting branches, join the tables if possible, and send the notice if due."""
    state = recording.renditions
    if Status.PENDING in recording.statuses.values() or (
        state.status == Status.IN_PROGRESS and state.job_id is None
    ):
        start_again(recording, services)
    else:
        _finish(recording, services)


def start_again(recording: Recording, services: "Services") -> None:
    """Start the waiting branches of a recording. Safe to repeat."""
    if not keys.is_original(recording.source_key):
        receive_upload(recording.source_key, services)
    elif upload := services.media.find_source(recording):
        _start(recording, upload, services)


def store_transcript(key: str, services: "Services") -> None:
    """Publish and index the answer of a transcription job. Safe to repeat.

    The answer of any attempt but the recording's latest is deleted.
    """
    job = keys.job_of(key, services.settings.job_prefix)
    if job is None:
        return  # the name is not from this stage
    recording, upload = _found(job.recording_id, services)
    if recording is None or upload is None or recording.transcription.attempt != job.attempt:
        delete_job_objects(job.folder, services)
        _look_if_gone(recording, upload, services)
        return
    with _late_results_deleted(job.recording_id, services):
        if key == job.transcript(redacted=bool(services.settings.transcription.redaction)):
            _finish(transcription.store_transcript(recording, key, services), services)
        else:
            # The unredacted form of the transcript that is indexed.
            services.results.copy(key, keys.transcript(recording.id))
            services.results.remove(key)


def apply_corrections(recording_id: str, services: "Services", *, attempt: int = 1) -> None:
    """Bring the outputs of a corrected transcript up to date. Safe to repeat."""
    recording, upload = _found(recording_id, services)
    if recording is None or upload is None:
        delete_outputs(recording_id, services)
        _look_if_gone(recording, upload, services)
        return
    with _late_results_deleted(recording_id, services):
        # The attempt before may have ended halfway.
        transcription.apply_corrections(recording, services, always=attempt > 1)


def record_transcription_failure(job_name: str, services: "Services") -> None:
    """Write the reason of a failed job to its recording."""
    job = keys.job(job_name, services.settings.job_prefix)
    recording = services.recordings.find(job.recording_id) if job else None
    if job is None or recording is None or recording.transcription.attempt != job.attempt:
        return
    with _late_results_deleted(recording.id, services):
        announce(transcription.store_failure(recording, services), services)


def extract_features(recording_id: str, services: "Services", *, attempt: int = 1) -> None:
    """Extract a recording's features and write its tables. Safe to repeat: the tables are the same.

    The request is a message, so a failure is tried again. ``attempt`` counts the deliveries of this
    message. After the last one the message is given up, and the recording has the reason.
    """
    recording, upload = _found(recording_id, services)
    if recording is None or upload is None:
        delete_outputs(recording_id, services)
        _look_if_gone(recording, upload, services)
        return
    with _late_results_deleted(recording_id, services):
        try:
            recording = move(
                recording,
                Branch.FEATURES,
                Status.IN_PROGRESS,
                services,
                state=replace(recording.features, receives=attempt, internal=False),
                unless=DONE,
            )
            if recording.features.status not in DONE:
                recording = measure(recording, upload, services)
        except RecordingNotFoundError:
            raise
        except Exception as exc:
            if attempt >= ATTEMPTS:
                give_up_features(recording, f"{type(exc).__name__}: {exc}", services)
            raise
        if _has_waited(recording, services) or _waits_for_track(recording):
            start_again(recording, services)
        else:
            _finish(recording, services)


def _has_waited(recording: Recording, services: "Services") -> bool:
    """Return whether Transcribe had no room for a job when the upload came; now it may have room.

    ``reconcile`` alone would ask for one recording after another. No other function may start the
    branches while the one that starts them is still running.
    """
    state = recording.transcription
    since = datetime.fromisoformat(state.at or recording.created_at)
    return state.status == Status.PENDING and services.clock() - since > STARTING_LASTS


def _waits_for_track(recording: Recording) -> bool:
    """Return whether a video's audio track is to be made, because its ladder has failed."""
    state = recording.renditions
    return state.status == Status.PENDING and state.track_alone


def give_up_features(recording: Recording, cause: str, services: "Services") -> None:
    """Write why a recording's message was given up."""
    reason = f"The recording could not be measured in {ATTEMPTS} attempts ({cause})."
    announce(fail(recording, Branch.FEATURES, reason, services, internal=True), services)


def _found(recording_id: str, services: "Services") -> tuple[Recording | None, Upload | None]:
    """Return a recording and its upload, each None if it does not exist."""
    journal.note(recording_id=recording_id)
    recording = services.recordings.find(recording_id)
    return recording, services.media.find_source(recording) if recording else None


def _look_if_gone(recording: Recording | None, upload: Upload | None, services: "Services") -> None:
    """Ask for a look if only the upload is gone: its removal's event may have come too early."""
    if recording and upload is None:
        services.features_queue.send_look(recording.id, delay_s=0)


@contextmanager
def _late_results_deleted(recording_id: str, services: "Services") -> Iterator[None]:
    """Delete the outputs of a recording that is gone; ask for a look if only outputs are gone."""
    try:
        yield
    except UploadChangedError:
        # A late clean-up has removed them. The look removes the rest too, or makes them again.
        services.features_queue.send_look(recording_id, delay_s=RETRY_AFTER_S)
    except RecordingNotFoundError:
        delete_outputs(recording_id, services)


def _finish(recording: Recording, services: "Services") -> None:
    """Join transcript and tables if both are there, and send the notice if all is done."""
    try:
        recording = join_words(recording, services)
    except UploadChangedError:
        # A late clean-up has removed a table. The look removes the rest, or makes the table again.
        services.features_queue.send_look(recording.id, delay_s=RETRY_AFTER_S)
    announce(recording, services)


def store_renditions(detail: Mapping[str, Any], services: "Services") -> None:
    """Write the outcome of a transcoding job, and process its audio track. Safe to repeat."""
    recording_id = mediaconvert_events.recording_id_of(detail)
    attempt = mediaconvert_events.attempt_of(detail)
    if recording_id is None or attempt is None:
        return  # not one of Earshot's jobs
    recording, upload = _found(recording_id, services)
    if recording is None or upload is None or recording.renditions.attempt != attempt:
        renditions.delete_attempt(recording_id, attempt, services)
        _look_if_gone(recording, upload, services)
        return
    with _late_results_deleted(recording_id, services):
        recording = renditions.store_outcome(recording, detail, services)
        is_needed = formats.needs_audio_track(formats.extension(recording.source_key))
        try:
            recording = go_on_with_audio_track(recording, upload, services, is_needed=is_needed)
        except ServiceBusyError:
            ask_again_soon(recording, services)
        _finish(recording, services)


def remove_recording(key: str, services: "Services") -> None:
    """Delete the outputs of earlier objects under an upload key."""
    _delete_others(key, services.media.find(key), services)


def _delete_others(key: str, upload: Upload | None, services: "Services") -> None:
    for recording in services.recordings.of_source(key):
        is_other = upload is None or recording.id != upload.recording_id
        # Read again, because it may have been uploaded again.
        if is_other and services.media.find_source(recording) is None:
            delete_outputs_jobs_and_item(recording, services)

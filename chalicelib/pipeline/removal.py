"""Deletion of a recording's outputs, if its upload is gone or they are made again."""

from typing import TYPE_CHECKING

from chalicelib.core import keys
from chalicelib.core.recording import ENDED, Branch, Recording
from chalicelib.pipeline.branches import job_of

if TYPE_CHECKING:
    from chalicelib.services import Services

BRANCHES = {
    keys.TRANSCRIBE: Branch.TRANSCRIPTION,
    keys.RECOGNISER: Branch.TRANSCRIPTION,
    keys.MEDIACONVERT: Branch.RENDITIONS,
}
"""The branch of a job, by its kind."""
LATEST_LOOK_S = 900
"""The longest time for which Amazon SQS delays a message, and the longest run of a function."""


def delete_outputs_jobs_and_item(recording: Recording, services: "Services") -> None:
    """Delete a recording's outputs and its item. Safe to repeat.

    If the upload is there again afterwards, the recording is created again and ``reconcile`` starts
    it, because the event of the new upload may have found the old item. An original is never
    removed with its recording, and has no such events.
    """
    delete_outputs_and_jobs(recording, services)
    # The item is deleted after them, so that an interrupted clean-up is found again.
    services.recordings.delete(recording.id)
    # Another function may have written more until then. Now no function finds an item.
    delete_outputs(recording.id, services)
    if keys.is_original(recording.source_key):
        return
    upload = services.media.find_source(recording)
    if upload:
        now = services.clock()
        services.recordings.create(Recording.of(upload, created_at=now.isoformat()))
        services.watchlist.put_off(recording.id, now)
        services.features_queue.send_look(recording.id, delay_s=0)
        # The deletion above may have removed the new job's input. A look after the job's end sees
        # this.
        services.features_queue.send_look(recording.id, delay_s=LATEST_LOOK_S)


def delete_outputs_and_jobs(
    recording: Recording, services: "Services", *, keep_corrections: bool = False
) -> None:
    """Delete a recording's outputs, and stop its jobs. Safe to repeat.

    Amazon Transcribe does not delete a running job; its answer is deleted when it comes. Messages
    of Earshot's own recogniser are dropped when they come.
    """
    # Read again, because a job may have been started since.
    recording = services.recordings.find(recording.id) or recording
    if recording.renditions.job_id:
        services.transcoder.cancel(recording.renditions.job_id)
    job = job_of(recording, Branch.TRANSCRIPTION, services)
    if recording.transcription.job_id and job.kind == keys.TRANSCRIBE:
        services.transcriber.delete(job.name)
    delete_outputs(recording.id, services, keep_corrections=keep_corrections)


def delete_outputs(
    recording_id: str, services: "Services", *, keep_corrections: bool = False
) -> None:
    """Delete every output of a recording, and its rows in the index. Safe to repeat.

    Its corrections are people's work. They are kept if the outputs are made again.
    """
    kept = keys.corrections(recording_id) if keep_corrections else None
    for prefix in keys.derived_prefixes(recording_id):
        services.results.remove(prefix, keep=kept)
    services.search_table.remove(recording_id)
    delete_job_objects(keys.jobs(recording_id, services.settings.job_prefix), services)


def delete_job_objects(prefix: str, services: "Services") -> None:
    """Delete the inputs and answers of jobs with a common prefix. Safe to repeat."""
    services.results.remove(prefix)
    if services.media.bucket != services.results.bucket:
        services.media.remove(prefix)


def delete_job_leftovers(recording: Recording, services: "Services") -> None:
    """Delete the inputs and answers of attempts that have ended or were overtaken. Safe to repeat.

    The objects of later attempts stay, because one may have begun since the recording was read.
    """
    prefix = services.settings.job_prefix
    stores = {store.bucket: store for store in (services.media, services.results)}
    listed = (store.keys(keys.jobs(recording.id, prefix)) for store in stores.values())
    jobs = {keys.job_of(key, prefix) for found in listed for key in found}
    for job in filter(None, jobs):
        state = recording.state(BRANCHES[job.kind])
        is_over = job.attempt == state.attempt and state.status in ENDED
        if job.attempt < state.attempt or is_over:
            delete_job_objects(job.folder, services)

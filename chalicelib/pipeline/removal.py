"""Deletion of what was made of a recording whose upload is gone, or that is to be made anew."""

from typing import TYPE_CHECKING

from chalicelib.core import keys
from chalicelib.core.recording import Recording

if TYPE_CHECKING:
    from chalicelib.services import Services


def delete_outputs_jobs_and_item(recording: Recording, services: "Services") -> None:
    """Delete everything that was made of a recording, and its item. Safe to repeat."""
    delete_outputs_and_jobs(recording, services)
    # The item goes last: as long as it is there, a clean-up that was cut short is found again.
    services.recordings.delete(recording.id)


def delete_outputs_and_jobs(recording: Recording, services: "Services") -> None:
    """Delete everything that was made of a recording, and stop its jobs. Safe to repeat."""
    # Read anew: a job may have been started since.
    recording = services.recordings.find(recording.id) or recording
    if recording.renditions.job_id:
        services.transcoder.cancel(recording.renditions.job_id)
    services.transcriber.delete(recording.id)
    delete_outputs(recording.id, services)


def delete_outputs(recording_id: str, services: "Services") -> None:
    """Delete every object made of a recording, and its rows in the index. Safe to repeat."""
    for prefix in keys.derived_prefixes(recording_id):
        services.results.remove(prefix)
    services.search_table.remove(recording_id)

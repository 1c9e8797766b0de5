"""Deletion of what was made of a recording whose upload is gone, or that is to be made anew."""

from typing import TYPE_CHECKING

from chalicelib.core import keys

if TYPE_CHECKING:
    from chalicelib.services import Services


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


def remove_results(recording_id: str, services: "Services") -> None:
    """Remove every object made of a recording, and what its words are found by. Safe to repeat."""
    for prefix in keys.derived_prefixes(recording_id):
        services.results.remove(prefix)
    services.search_table.remove(recording_id)

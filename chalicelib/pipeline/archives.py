"""Recordings of archives: objects that lay in a bucket before there were events of them."""

from functools import partial
from typing import TYPE_CHECKING

from chalicelib.core.probe import formats
from chalicelib.core.recording import Branch, Recording
from chalicelib.pipeline.events import receive

if TYPE_CHECKING:
    from chalicelib.services import Services


def receive_from_archive(
    key: str,
    services: "Services",
    *,
    owner: str | None = None,
    only: str | None = None,
) -> None:
    """Create the recording of an object of an archive, and start its branches. Safe to repeat.

    The object is an upload, or an original in a source bucket. The request is a message, so a
    failure is tried again, as in ``extract_features``.

    Parameters
    ----------
    key : str
        the upload's key, or the original's address
    owner : str, optional
        the owner; by default the one that the upload's key names
    only : str, optional
        the only branch to start, with the renditions that it needs; by default all
    """
    first_state = partial(
        Recording.of_archive,
        owner=owner,
        skipped=_skipped(key, Branch(only)) if only else (),
        reason=f"Only {only} was asked for.",
    )
    receive(key, services, first_state)


def _skipped(key: str, only: Branch) -> set[Branch]:
    """Return the branches that are not started if only one is asked for."""
    needed = {only}
    if only == Branch.TRANSCRIPTION and formats.needs_audio_track(formats.extension(key)):
        needed.add(Branch.RENDITIONS)
    return set(Branch) - needed

"""Quotas of a day: a recording over them is refused before anything is started for it."""

from typing import TYPE_CHECKING

from chalicelib.core.probe import quotas
from chalicelib.core.recording import Branch, Recording, Status
from chalicelib.core.upload import Upload

if TYPE_CHECKING:
    from chalicelib.core.probe.contents import Contents
    from chalicelib.services import Services


def refusal(
    recording: Recording, upload: Upload, contents: "Contents", services: "Services"
) -> str | None:
    """Count a new recording's hours, and return why it is refused, or None. Safe to repeat."""
    for state in map(recording.state, Branch):
        if state.reason and state.reason.startswith(quotas.REFUSED):
            return state.reason  # the refusal was not written to every branch
    if recording.accepted_at or recording.status != Status.PENDING:
        return None  # it was counted before, or began before there was a quota
    return _count(recording, upload, contents, services, again=False)


def refusal_of_another_time(
    recording: Recording, upload: Upload, contents: "Contents", services: "Services"
) -> str | None:
    """Count the hours of a recording that is made again, and return why it is refused, or None."""
    return _count(recording, upload, contents, services, again=True)


def _count(
    recording: Recording,
    upload: Upload,
    contents: "Contents",
    services: "Services",
    *,
    again: bool,
) -> str | None:
    limits = services.settings.quotas.limits_s(recording.owner)
    if not limits:
        return None
    seconds = quotas.seconds_of(upload.size, contents)
    full = services.hours.count(recording.id, seconds, limits, again=again)
    return quotas.refusal(full, limits[full], seconds) if full else None

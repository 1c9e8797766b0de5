"""Tells, once, that a recording is done or that a part of it has failed."""

from datetime import timedelta
from typing import TYPE_CHECKING

from chalicelib import journal
from chalicelib.core.notices import Outcome, failed_branches, notice_of, outcome_of

if TYPE_CHECKING:
    from chalicelib.services import Services

CLAIM_LASTS = timedelta(minutes=15)
"""How long a notice may be on its way: as long as a function may run, so no longer than its life.

After that whoever claimed it has died before sending, or just after: the next event of the
recording sends it. So a crash errs towards a second notice, and never towards none. SNS could tell
the two for one in a FIFO topic alone, and such a topic sends no e-mail.
"""


def announce(recording_id: str, services: "Services") -> None:
    """Send the notice of what a recording has come to, unless it has been sent. Safe to repeat."""
    journal.note(recording_id=recording_id)
    recording = services.recordings.find(recording_id)
    outcome = outcome_of(recording) if recording else None
    if recording is None or outcome is None:
        return
    claimed_before = (services.clock() - CLAIM_LASTS).isoformat()
    if not services.recordings.claim_notice(recording_id, outcome, claimed_before=claimed_before):
        return
    notice = notice_of(recording, outcome, api_url=services.settings.api_url)
    try:
        services.notices.publish(notice)
    except BaseException:
        # Raising means "try again", and the next try must find the claim free.
        services.recordings.release_notice(recording_id, outcome)
        raise
    services.recordings.record_notice(recording_id, outcome)
    if outcome == Outcome.DONE:
        journal.note(recordings_done=1)
    else:
        journal.note(recordings_failed=1, failed_branches=failed_branches(recording))

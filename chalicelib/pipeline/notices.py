"""Notices: a recording is done, or a branch has failed. Each notice is sent once."""

from datetime import timedelta
from typing import TYPE_CHECKING

from chalicelib import journal
from chalicelib.core.notices import failed_branches, notice_of, outcome_of
from chalicelib.core.recording import Outcome, Recording

if TYPE_CHECKING:
    from chalicelib.services import Services

CLAIM_LASTS = timedelta(minutes=15)
"""Time for which a claim is valid: the longest run of a function.

If a claim is older, its sender has died before or just after sending, and the recording's next
event sends the notice. So a crash may give a second notice, but never none. Only a FIFO topic of
SNS could remove the second one, and a FIFO topic sends no e-mail.
"""


def announce(recording: Recording, services: "Services") -> None:
    """Send the notice of a recording's outcome, unless it has been sent. Safe to repeat."""
    journal.note(recording_id=recording.id)
    outcome = outcome_of(recording)
    if outcome is None or recording.notice(outcome).sent_at:
        return
    claimed_before = (services.clock() - CLAIM_LASTS).isoformat()
    if not services.notice_claims.claim(recording.id, outcome, claimed_before=claimed_before):
        return
    notice = notice_of(recording, outcome, api_url=services.settings.api_url)
    try:
        services.notices.publish(notice)
    except BaseException:
        # Raising means "try again", and the next attempt must find the claim free.
        services.notice_claims.release(recording.id, outcome)
        raise
    services.notice_claims.record(recording.id, outcome)
    if outcome == Outcome.DONE:
        journal.note(recordings_done=1)
    else:
        journal.note(recordings_failed=1, failed_branches=failed_branches(recording))

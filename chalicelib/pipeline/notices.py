"""Notices: a recording is done, or a part of it has failed. Each is sent once."""

from datetime import timedelta
from typing import TYPE_CHECKING

from chalicelib import journal
from chalicelib.core.notices import failed_branches, notice_of, outcome_of
from chalicelib.core.recording import Outcome, Recording

if TYPE_CHECKING:
    from chalicelib.services import Services

CLAIM_LASTS = timedelta(minutes=15)
"""How long a notice may be on its way: as long as a function may run, so no longer than its life.

After that whoever claimed it has died before sending, or just after: the next event of the
recording sends it. So a crash errs towards a second notice, and never towards none. SNS could tell
the two for one in a FIFO topic alone, and such a topic sends no e-mail.
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
        # Raising means "try again", and the next try must find the claim free.
        services.notice_claims.release(recording.id, outcome)
        raise
    services.notice_claims.record(recording.id, outcome)
    if outcome == Outcome.DONE:
        journal.note(recordings_done=1)
    else:
        journal.note(recordings_failed=1, failed_branches=failed_branches(recording))

"""Do the missing work of one recording: ``python -m scripts.replay dev ID``. Safe to repeat.

This is a look of `reconcile` at this recording: it asks Transcribe and MediaConvert for the state
of jobs whose events were lost, and starts missing work again. A recording that was refused because
of `OWNER_HOURS_PER_DAY` or `STAGE_HOURS_PER_DAY` is processed.
"""

import sys

from chalicelib.config import Settings
from chalicelib.core.recording import Recording, Status
from chalicelib.pipeline import events
from chalicelib.pipeline.reconciliation import look
from chalicelib.services import connect
from scripts.stage import enter_stage


def main(arguments: list[str] | None = None) -> int:
    """Replay the recording that the command line names."""
    given = enter_stage("make replay", __doc__, arguments, names=["recording_id"])
    services = connect(Settings.from_env())
    before = services.recordings.find(given.recording_id)
    if before is None:
        print(f"Stage {given.stage} has no recording {given.recording_id!r}.", file=sys.stderr)
        return 1
    if services.settings.quotas and not before.accepted_at and before.status == Status.FAILED:
        # It was over a quota of its day. Anyone who may run this command may lift the quota.
        events.reprocess(before, services, by_administrator=True)
    look(given.recording_id, services)
    after = services.recordings.find(given.recording_id)
    print(f"before: {_told(before)}")
    print(f"after:  {_told(after) if after else 'removed, because its upload is gone'}")
    return 0


def _told(recording: Recording) -> str:
    return ", ".join(f"{branch} {status}" for branch, status in recording.statuses.items())


if __name__ == "__main__":
    sys.exit(main())

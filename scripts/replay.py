"""Do the missing work of one recording: ``python -m scripts.replay dev ID``. Safe to repeat.

This is a look of `reconcile` at this recording: it asks Transcribe and MediaConvert for the state
of jobs whose events were lost, and starts missing work again. A recording that was refused because
of `OWNER_HOURS_PER_DAY` or `STAGE_HOURS_PER_DAY` is processed.
"""

import argparse
import sys

from chalicelib.config import Settings
from chalicelib.core.recording import Recording, Status
from chalicelib.pipeline import events
from chalicelib.pipeline.reconciliation import look
from chalicelib.services import connect
from scripts.stage import UnknownStageError, enter


def main(arguments: list[str] | None = None) -> int:
    """Replay the recording that the command line names."""
    parser = argparse.ArgumentParser(prog="make replay", description=__doc__)
    parser.add_argument("stage")
    parser.add_argument("recording_id")
    parser.add_argument("--url", help="address of local mode, if not the default")
    given = parser.parse_args(arguments)
    try:
        enter(given.stage, given.url)
    except UnknownStageError as exc:
        print(exc, file=sys.stderr)
        return 1
    services = connect(Settings.from_env())
    before = services.recordings.find(given.recording_id)
    if before is None:
        print(f"Stage {given.stage} has no recording {given.recording_id!r}.", file=sys.stderr)
        return 1
    if services.settings.quotas and not before.accepted_at and before.status == Status.FAILED:
        # It was over a quota of its day, which whoever may call this can lift.
        events.reprocess(before, services, by_administrator=True)
    look(given.recording_id, services)
    after = services.recordings.find(given.recording_id)
    print(f"before: {_told(before)}")
    print(f"after:  {_told(after) if after else 'removed, for its upload is gone'}")
    return 0


def _told(recording: Recording) -> str:
    return ", ".join(f"{branch} {status}" for branch, status in recording.statuses.items())


if __name__ == "__main__":
    sys.exit(main())

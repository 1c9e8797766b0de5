"""Try failed branches again if their reason contains a given text. Safe to repeat.

Only the failed branches are made again, so nothing that exists is paid for twice.
"""

import argparse
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from chalicelib.aws.sqs import BATCH
from chalicelib.config import Settings
from chalicelib.core.recording import Branch, Recording, Status
from chalicelib.pipeline.reconciliation import TRACK_FIRST, reopen
from chalicelib.services import connect
from scripts.backfill.pace import Pace, Quotas
from scripts.stage import enter

if TYPE_CHECKING:
    from chalicelib.services import Services

TICK_S = 1.0


def failed_with(reason: str, recordings: Iterator[Recording]) -> Iterator[Recording]:
    """Yield the recordings with a failed branch whose reason contains a text."""
    for recording in recordings:
        if _branches(recording, reason):
            yield recording


def _branches(recording: Recording, reason: str) -> list[Branch]:
    states = {branch: recording.state(branch) for branch in TRACK_FIRST}
    return [
        branch
        for branch, state in states.items()
        if state.status == Status.FAILED and reason.lower() in (state.reason or "").lower()
    ]


def retry(
    recordings: Iterator[Recording],
    reason: str,
    services: "Services",
    *,
    pace: Pace,
    wait: Callable[[float], object],
) -> int:
    """Open the failed branches again, and ask the queue to start them; return how many recordings.

    If this is interrupted between the two, ``reconcile`` starts the opened branches.
    """
    n = 0
    batch: list[Recording] = []
    for recording in failed_with(reason, recordings):
        batch.append(recording)
        if len(batch) == BATCH:
            _retry_batch(batch, reason, services, pace, wait)
            n, batch = n + len(batch), []
    if batch:
        _retry_batch(batch, reason, services, pace, wait)
    return n + len(batch)


def _retry_batch(
    batch: Sequence[Recording],
    reason: str,
    services: "Services",
    pace: Pace,
    wait: Callable[[float], object],
) -> None:
    for recording in batch:
        for branch in _branches(recording, reason):
            reopen(recording, branch, services)
    waiting = [{"key": one.source_key, "owner": one.owner, "only": None} for one in batch]
    while waiting:
        while (n := min(pace.room(0), len(waiting))) == 0:
            wait(TICK_S)
        sent, waiting = waiting[:n], waiting[n:]
        pace.take(len(sent))
        waiting += [sent[place] for place in services.features_queue.send_archive(sent)]


def main(arguments: list[str] | None = None) -> int:
    """Retry what the command line names."""
    parser = argparse.ArgumentParser(prog="python -m scripts.retry", description=__doc__)
    parser.add_argument("stage", help="the stage, or local")
    parser.add_argument("--reason", required=True, help="a part of the reason")
    parser.add_argument("--owner", help="of one owner")
    parser.add_argument("--since", help="created since: 2026-06-30")
    parser.add_argument("--dry-run", action="store_true", help="count them, and end")
    given = enter(parser, arguments)
    services = connect(Settings.from_env())
    recordings = services.recordings.each(owner=given.owner, since=given.since)
    if given.dry_run:
        n = sum(1 for _ in failed_with(given.reason, recordings))
        print(f"{n:,} recordings would be tried again.")
        return 0
    quotas = Quotas(measured_at_once=services.settings.measuring_concurrency)
    pace = Pace(quotas.at_once(None), quotas.a_second(None), time.monotonic)
    n = retry(recordings, given.reason, services, pace=pace, wait=threading.Event().wait)
    print(f"{n:,} recordings are tried again.")
    return 0


if __name__ == "__main__":
    sys.exit(main())

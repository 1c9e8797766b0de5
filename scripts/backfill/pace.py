"""The pace of a backfill: how many recordings may be started now.

Two limits hold at once: recordings in flight, and starts a second. Both leave a part of the
account's quotas to live uploads, which do not wait for a backfill.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

HEAD_ROOM = 0.2
"""Share of the account's quotas that is left to live uploads."""

WAITING_EACH = 20
"""Recordings in flight for each one that is being measured, if nothing is transcribed.

A live upload waits behind them: some seconds for clips, a minute for recordings of ten minutes.
"""

TABLE_A_SECOND = 100.0
"""Most recordings to start in a second, so that a new DynamoDB table has room for live uploads.

Such a table takes 4,000 write units a second, and a recording needs about 30 (docs/scale.md).
"""

JOBS, STARTS = "concurrent batch transcription jobs", "starttranscriptionjob"
"""Parts of the names of Transcribe's quotas, as Service Quotas lists them."""


@dataclass(frozen=True, slots=True)
class Quotas:
    """Quotas of the account and the stage; Transcribe's are AWS's defaults, as in docs/scale.md."""

    jobs_at_once: int = 250
    starts_a_second: float = 25.0
    measured_at_once: int = 5
    told_by: str = "AWS's defaults"

    def at_once(self, only: str | None) -> int:
        """Return how many recordings may be in flight."""
        waiting = WAITING_EACH * self.measured_at_once
        jobs = int(self.jobs_at_once * (1 - HEAD_ROOM))
        return max(1, waiting if only == "features" else jobs)

    def a_second(self, only: str | None) -> float:
        """Return how many recordings may be started in a second."""
        jobs = self.starts_a_second * (1 - HEAD_ROOM)
        return TABLE_A_SECOND if only == "features" else min(jobs, TABLE_A_SECOND)


def ask(client: Any, quotas: Quotas) -> Quotas:
    """Return the quotas with the account's own values, if Service Quotas returns them all."""
    found: dict[str, float] = {}
    try:
        pages = client.get_paginator("list_service_quotas").paginate(ServiceCode="transcribe")
        for page in pages:
            for quota in page["Quotas"]:
                name = quota["QuotaName"].lower()
                for part in (JOBS, STARTS):
                    if part in name:
                        found[part] = quota["Value"]
    except (BotoCoreError, ClientError):
        return quotas
    if found.keys() != {JOBS, STARTS}:
        return quotas
    return replace(
        quotas,
        jobs_at_once=int(found[JOBS]),
        starts_a_second=found[STARTS],
        told_by="Service Quotas",
    )


class Pace:
    """A window of recordings in flight, and a bucket of starts that fills with time.

    Parameters
    ----------
    clock : callable
        returns seconds that never go back
    """

    def __init__(self, at_once: int, a_second: float, clock: Callable[[], float]) -> None:
        self._at_once = at_once
        self._a_second = a_second
        self._clock = clock
        self._filled_at = clock()
        self._starts = 0.0

    def room(self, n_in_flight: int) -> int:
        """Return how many recordings may be started now, within the limit for each second."""
        now = self._clock()
        if self._a_second != float("inf"):
            # Unused starts are not saved for later: no burst may follow a pause.
            filled = self._starts + (now - self._filled_at) * self._a_second
            self._starts = min(filled, self._a_second)
        self._filled_at = now
        window = max(0, self._at_once - n_in_flight)
        return window if self._a_second == float("inf") else min(window, int(self._starts))

    def take(self, n: int) -> None:
        """Note that recordings were started."""
        self._starts -= n

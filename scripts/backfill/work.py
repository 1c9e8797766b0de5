"""The work of a backfill: ask the queue for recordings at a pace, and look at their outcomes.

An interruption loses nothing that is in memory here: finished recordings are in the bucket,
recordings in work are in the table, and requested ones are in the queue.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING

from chalicelib.aws.sqs import BATCH
from chalicelib.core import keys
from chalicelib.core.recording import Recording, Status
from scripts.archive_cost import Amount, Prices
from scripts.backfill.listing import Entry
from scripts.backfill.pace import Pace
from scripts.backfill.plan import Plan
from scripts.backfill.state import PART, Row, State

if TYPE_CHECKING:
    from chalicelib.services import Services

TICK_S = 1.0
"""Seconds between two looks at the recordings in flight, because the table sends no signal."""

PATIENCE_S, MOST_PATIENCE_S = 10.0, 120.0
"""Seconds to wait for a requested recording to be in the table. Then its object is looked for, and
for a recording that the queue only delays, next time after twice as long."""

ASK_AGAIN_S = 6 * 3600.0
"""Seconds after which the queue is asked again: the first message was lost or given up."""

READ = 100
"""Number of entries of the list that one request looks up in the table."""

REFUSED, GONE = "REFUSED", "GONE"


@dataclass(slots=True)
class Flight:
    """A requested recording, and the places of its rows: the part of the list, the place in it."""

    entry: Entry
    places: list[tuple[int, int]]
    asked_at: float
    missed_at: float
    patience_s: float = PATIENCE_S


@dataclass(slots=True)
class Progress:
    """Numbers of this run and of the whole round."""

    total: int
    ended: int = 0
    ended_before: int = 0
    outcomes: dict[str, int] = field(default_factory=dict)
    usd: float = 0.0
    in_flight: int = 0
    is_over_budget: bool = False

    def count(self, row: Row) -> None:
        """Count the outcome of an object."""
        self.ended += 1
        self.outcomes[row.outcome] = self.outcomes.get(row.outcome, 0) + 1
        self.usd += row.usd


class Work:
    """One run of a backfill's round.

    Parameters
    ----------
    budget : float or None
        dollars; no recording is started that could exceed them
    clock : callable
        returns seconds that never go back
    began_at : str
        the time at which the round began; older recordings cost nothing here
    """

    def __init__(
        self,
        services: "Services",
        state: State,
        planned: Plan,
        *,
        began_at: str,
        pace: Pace,
        prices: Prices,
        budget: float | None,
        clock: Callable[[], float],
    ) -> None:
        self._services = services
        self._state = state
        self._began_at = began_at
        self._only = planned.only
        self._minute_usd = planned.minute_usd
        self._mean_usd = planned.total_usd / max(planned.n, 1)
        self._pace = pace
        self._prices = prices
        self._budget = budget
        self._clock = clock
        self.n_parts = -(-planned.n_listed // PART)
        self._open: dict[int, list[Row | None]] = {}
        self._flights: dict[str, Flight] = {}
        self._ready: dict[str, Flight] = {}
        self._unsent: list[Flight] = []
        self._list = self._entries()
        self._is_read = False
        self.progress = Progress(planned.n_listed)
        for row in state.rows(number for number in range(self.n_parts) if state.is_done(number)):
            self.progress.count(row)
        self.progress.ended_before = self.progress.ended

    @property
    def is_done(self) -> bool:
        """Return whether every object has ended, or no more may be started."""
        is_fed = self.progress.is_over_budget or (self._is_read and not self._ready)
        return is_fed and not self._flights

    def step(self) -> None:
        """Look at the recordings in flight, then start as many new ones as there is room for."""
        self._look()
        self._send(self._unsent)
        n = self._pace.room(len(self._flights))
        self._read(n)
        started = []
        for recording_id in list(self._ready)[:n]:
            if self._is_spent():
                self.progress.is_over_budget = True
                break
            flight = self._ready.pop(recording_id)
            flight.asked_at = flight.missed_at = self._clock()
            self._flights[recording_id] = flight
            started.append(flight)
        self._pace.take(len(started))
        self._send(started)
        self.progress.in_flight = len(self._flights)

    def _entries(self) -> Iterator[tuple[int, int, Entry]]:
        for number in range(self.n_parts):
            if self._state.is_done(number):
                continue
            part = self._state.read_part(number)
            self._open[number] = [None] * len(part)
            for place, entry in enumerate(part):
                yield number, place, entry

    def _is_spent(self) -> bool:
        """Return whether one more recording, with those in flight, could exceed the budget."""
        if self._budget is None:
            return False
        reserved = (len(self._flights) + 1) * self._mean_usd
        return self.progress.usd + reserved > self._budget

    def _read(self, n: int) -> None:
        """Read on in the list until ``n`` recordings are ready to be started."""
        while len(self._ready) < n and not self._is_read:
            batch = list(islice(self._list, READ))
            self._is_read = not batch
            self._sort(batch)

    def _sort(self, batch: Sequence[tuple[int, int, Entry]]) -> None:
        """Sort entries: ended, in flight already, or ready to be started."""
        now = self._clock()
        fresh: dict[str, Flight] = {}
        for number, place, entry in batch:
            recording_id = entry.recording_id
            if entry.refusal:
                self._end([(number, place)], _row(entry, REFUSED, entry.refusal))
                continue
            known = (
                fresh.get(recording_id)
                or self._ready.get(recording_id)
                or self._flights.get(recording_id)
            )
            if known:
                known.places.append((number, place))  # the list names it twice
            else:
                fresh[recording_id] = Flight(entry, [(number, place)], now, now)
        found = self._find(fresh)
        for recording_id, flight in fresh.items():
            recording = found.get(recording_id)
            if recording is None or recording.status == Status.PENDING:
                # A message of an earlier run may be on its way; a second one does no harm.
                self._ready[recording_id] = flight
            elif recording.is_settled:
                self._end(flight.places, self._row(flight.entry, recording))
            else:
                self._flights[recording_id] = flight

    def _send(self, flights: Sequence[Flight]) -> None:
        """Ask the queue, in batches. Messages that it refuses are sent with the next step."""
        unsent: list[Flight] = []
        for first in range(0, len(flights), BATCH):
            batch = flights[first : first + BATCH]
            failed = self._services.features_queue.send_archive(
                [
                    {"key": one.entry.key, "owner": one.entry.owner, "only": self._only}
                    for one in batch
                ]
            )
            unsent += [batch[place] for place in failed]
        if flights is self._unsent:
            self._unsent = unsent
        else:
            self._unsent += unsent

    def _find(self, recording_ids: Iterable[str]) -> dict[str, Recording]:
        wanted = [keys.transcript(recording_id) for recording_id in recording_ids]
        return {one.id: one for one in self._services.recordings.find_many(wanted)}

    def _look(self) -> None:
        """End the recordings that are settled, and check those that are not in the table."""
        found = self._find(self._flights)
        now = self._clock()
        for recording_id, flight in list(self._flights.items()):
            recording = found.get(recording_id)
            if recording and recording.is_settled:
                self._leave(recording_id, self._row(flight.entry, recording))
            elif recording is None and now - flight.missed_at > flight.patience_s:
                flight.missed_at = now
                flight.patience_s = min(2 * flight.patience_s, MOST_PATIENCE_S)
                self._miss(recording_id, flight)

    def _miss(self, recording_id: str, flight: Flight) -> None:
        """Find out why a recording is not in the table."""
        there = self._services.media.find(flight.entry.key)
        if there is None or there.recording_id != recording_id:
            reason = "It was removed or replaced after it was listed."
            self._leave(recording_id, _row(flight.entry, GONE, reason))
        elif self._clock() - flight.asked_at > ASK_AGAIN_S:
            flight.asked_at = self._clock()
            self._unsent.append(flight)

    def _leave(self, recording_id: str, row: Row) -> None:
        self._end(self._flights.pop(recording_id).places, row)

    def _row(self, entry: Entry, recording: Recording) -> Row:
        return _row(entry, recording.status.value, recording.reason or "", self._usd(recording))

    def _usd(self, recording: Recording) -> float:
        """Return the dollars of a recording in this round; the mean if its length is not known."""
        if recording.created_at < self._began_at:
            return 0.0
        if recording.duration_s is None:
            return self._mean_usd if recording.status == Status.COMPLETED else 0.0
        amount = Amount.of(recording.duration_s)
        costs = self._prices.costs(amount, only=self._only, minute_usd=self._minute_usd)
        return sum(costs.values())

    def _end(self, places: Sequence[tuple[int, int]], row: Row) -> None:
        """Write the row of an object; write a part's report when it is complete."""
        for number, place in places:
            part = self._open[number]
            part[place] = row
            self.progress.count(row)
            if all(part):
                self._state.finish_part(number, [one for one in part if one])
                del self._open[number]


def _row(entry: Entry, outcome: str, reason: str, usd: float = 0.0) -> Row:
    return Row(entry.key, entry.recording_id, outcome, reason, usd)

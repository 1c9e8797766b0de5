"""Doubles of a stage, for the command that processes an archive."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, BinaryIO

from chalicelib.core import keys
from chalicelib.core.recording import BranchState, Recording, Status
from chalicelib.core.results import RenditionSet
from chalicelib.core.upload import Upload
from scripts.archive_cost import Prices
from scripts.backfill import plan, work
from scripts.backfill.listing import Entry, Listed
from scripts.backfill.pace import Pace, Quotas
from scripts.backfill.state import Row, State

BUCKET = "archive"
BEGAN_AT = "2026-01-01T00:00:00+00:00"
MODIFIED_AT = datetime(2025, 6, 30, tzinfo=UTC)


def listed(key: str, size: int = 32_044, **changed: Any) -> Listed:
    return Listed(key, changed.pop("etag", "e1"), size, MODIFIED_AT, **changed)


def entry(key: str, *, size: int = 32_044, refusal: str | None = None) -> Entry:
    return Entry(BUCKET, keys.original(BUCKET, key), "e1", size, refusal, owner="alice")


class Shelf:
    """A bucket in a folder, so that its objects are not in memory."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def _path(self, key: str) -> Path:
        path = self._folder / key
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def write(self, key: str, body: bytes) -> None:
        self._path(key).write_bytes(body)

    def read(self, key: str) -> bytes | None:
        path = self._path(key)
        return path.read_bytes() if path.is_file() else None

    def keys(self, prefix: str) -> set[str]:
        found = (path for path in self._folder.rglob("*") if path.is_file())
        return {
            key for path in found if (key := str(path.relative_to(self._folder))).startswith(prefix)
        }

    @contextmanager
    def create(self, key: str) -> Iterator[BinaryIO]:
        with self._path(key).open("wb") as stream:
            yield stream


@dataclass
class Clock:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


def _takes_all(_: Sequence[Any]) -> list[int]:
    return []


@dataclass
class Stage:
    """A stage whose queue and table answer as AWS's do; ``work`` lets time pass.

    The queue delivers a message after ``takes_s``, and then its recording is settled. ``refuse``
    says which messages of a batch the queue does not take.
    """

    clock: Clock = field(default_factory=Clock)
    takes_s: float = 3.0
    asked: list[tuple[float, str]] = field(default_factory=list)
    gone: set[str] = field(default_factory=set)
    refuse: Callable[[Sequence[Any]], list[int]] = _takes_all
    existing: dict[str, Recording] = field(default_factory=dict)
    _waiting: dict[str, float] = field(default_factory=dict)

    @property
    def services(self) -> Any:
        return SimpleNamespace(
            features_queue=SimpleNamespace(send_archive=self._send),
            recordings=SimpleNamespace(find_many=self._find_many),
            media=SimpleNamespace(find=self._find),
        )

    def _send(self, asked: Sequence[Mapping[str, str | None]]) -> list[int]:
        assert len(asked) <= 10
        failed = self.refuse(asked)
        for place, one in enumerate(asked):
            if place not in failed:
                key = str(one["key"])
                self.asked.append((self.clock(), key))
                self._waiting.setdefault(_id_of(key), self.clock())
        return failed

    def _find_many(self, item_keys: Sequence[str]) -> list[Recording]:
        ids = [key.removeprefix(keys.TRANSCRIPTS).removesuffix(".json") for key in item_keys]
        return [found for one in ids if (found := self._state(one))]

    def _state(self, recording_id: str) -> Recording | None:
        if recording_id in self.existing:
            return self.existing[recording_id]
        since = self._waiting.get(recording_id)
        if since is None or self.clock() - since < self.takes_s or recording_id in self.gone:
            return None
        return settled(recording_id)

    def _find(self, key: str) -> Upload | None:
        if _id_of(key) in self.gone:
            return None
        return Upload(BUCKET, key, "e1", 32_044)


def _id_of(key: str) -> str:
    return keys.recording_id(key, bucket=BUCKET, etag="e1", size=32_044)


def settled(recording_id: str, status: Status = Status.COMPLETED, reason: str = "") -> Recording:
    skipped = BranchState(Status.SKIPPED)
    return Recording(
        id=recording_id,
        owner="alice",
        source_key="",
        etag="e1",
        size=32_044,
        created_at="2026-01-02T00:00:00+00:00",
        updated_at="",
        transcription=skipped,
        features=BranchState(status, reason=reason or None),
        renditions=skipped,
        rendered=RenditionSet(duration_s=1.0),
    )


def planned(n: int, *, only: str | None = "features") -> plan.Plan:
    tally = plan.Tally()
    tally.count(entry(f"{number}.wav") for number in range(n))
    read = lambda one: plan.Header("wav", one.size, 1.0)  # noqa: E731  # each lasts a second
    return plan.make_plan(tally, read, prices=Prices.read(), quotas=Quotas(), only=only)


def run(
    stage: Stage,
    state: State,
    made: plan.Plan,
    *,
    steps: int | None = None,
    at_once: int = 100,
    a_second: float = float("inf"),
    budget: float | None = None,
) -> work.Work:
    """Do a round's work, or some steps of it. Each step takes a second."""
    doing = work.Work(
        stage.services,
        state,
        made,
        began_at=BEGAN_AT,
        pace=Pace(at_once, a_second, stage.clock),
        prices=Prices.read(),
        budget=budget,
        clock=stage.clock,
    )
    while not doing.is_done and steps != 0:
        doing.step()
        stage.clock.now += work.TICK_S
        steps = None if steps is None else steps - 1
    return doing


def rows(state: State, n: int) -> list[Row]:
    return list(state.rows(range(-(-n // 1000))))

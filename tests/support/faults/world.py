"""A small world, moved step by step: people who upload, doubles of AWS, and the real handlers.

One thread does everything. Every handler runs as a greenlet that stops before each of its requests
to AWS, and makes that request when a move says so. The world performs moves; ``telling`` chooses
them. So the same moves give the same history on every machine.
"""

import json
import traceback
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from urllib.parse import quote_plus

import greenlet
from chalice.app import CloudWatchEventConfig, S3EventConfig

from chalicelib.config import Settings
from chalicelib.core import keys
from chalicelib.core.probe.quotas import Quotas
from chalicelib.services import Services
from support.faults.clients import Buckets, Client, Messages, do_part
from support.faults.connecting import INDEXES, SEARCH_INDEXES, Clients, connect
from support.faults.dynamodb_double import PAGE, Table
from support.faults.mediaconvert_double import MediaConvertDouble
from support.faults.moves import Move
from support.faults.plan import KilledError, Plan, error_of
from support.faults.s3_double import Bucket
from support.faults.transcribe_double import TranscribeDouble
from support.faults.watching import Watch

SECOND_BUCKET = "results"
HOUR_S = 3600
N_SHARDS = 2
"""Shards of each list and of each bucket of terms. Two are merged, and each costs a request."""

RECEIVERS = {
    "features": "extract_features",
    "datasets": "make_dataset",
    "speech": "recognise_speech",
}
ASYNCHRONOUS_ATTEMPTS = 3
RECEIVES = 5
HIDDEN = timedelta(minutes=90)
"""VisibilityTimeout of the features queue. After it, a killed function's message comes again."""

LIFE = timedelta(minutes=15)
A_MOVE = timedelta(seconds=1)
LONGEST_LAG = timedelta(minutes=10)
"""Longest delay of an index behind its table. DynamoDB gives no limit, only that the delay is
usually a fraction of a second."""

TICK = {
    "version": "0",
    "account": "1",
    "region": "us-east-1",
    "detail": {},
    "detail-type": "",
    "source": "",
    "time": "",
    "id": "",
    "resources": [],
}


@dataclass
class Corrected:
    """A requested correction, and the text that it replaced."""

    recording_id: str
    text: str
    replaced: str | None
    n_changed: int
    is_accepted: bool = False


@dataclass
class Delivery:
    """An event on its way to a handler."""

    name: str
    function: str
    event: Mapping[str, Any]
    attempts: int = 0


@dataclass
class Task:
    """A handler at work, stopped before the request ``asks``."""

    name: str
    function: str
    started: datetime
    end: Callable[[str], object]
    skew: timedelta
    about: str = ""
    life: timedelta = LIFE
    run: greenlet.greenlet = None
    asks: str = ""
    fate: str = ""
    n_requests: int = 0
    n_faults: int = 0
    is_dead: bool = False
    told: tuple[str, str] | None = None
    """A notice that was published and is not yet recorded."""


@dataclass(repr=False)
class World:
    """The world of one history."""

    plan: Plan
    settings: Settings
    application: Any
    bodies: Mapping[str, list[bytes]]
    now: datetime = datetime(2026, 1, 1, tzinfo=UTC)
    moves: list[Move] = field(default_factory=list)
    pending: list[Delivery] = field(default_factory=list)
    tasks: list[Task] = field(default_factory=list)
    given_up: list[Delivery] = field(default_factory=list)
    restarts: Counter[str] = field(default_factory=Counter)
    unsure: Counter[tuple[str, str]] = field(default_factory=Counter)
    corrected: list[Corrected] = field(default_factory=list)
    changed: Counter[str] = field(default_factory=Counter)
    """The number of times that people removed or replaced the object of an upload key."""

    requests: Counter[str] = field(default_factory=Counter)
    most_requests: dict[str, int] = field(default_factory=dict)
    requests_of: Counter[str] = field(default_factory=Counter)
    log: list[str] = field(default_factory=list)
    failed_alone: list[str] = field(default_factory=list)
    """Handlers that have failed before any fault had happened."""

    wrong_before: list[str] = field(default_factory=list)
    wrong_after_one: list[str] = field(default_factory=list)
    told: list[Move] = field(default_factory=list)
    """The moves up to the last act of people and the last fault."""

    failed_runs: list[str] = field(default_factory=list)
    """Errors of runs of reconcile after the last fault."""

    n_killed: int = 0
    """Number of functions that have died, or that have reached their time limit."""

    never_ended: str = ""
    is_over: bool = False

    def __post_init__(self) -> None:
        plan = self.plan
        self.settings = replace(
            self.settings,
            results_bucket=SECOND_BUCKET if plan.has_second_bucket else self.settings.media_bucket,
            transcription=replace(
                self.settings.transcription,
                redaction=plan.redaction,
                subtitles=plan.subtitles,
                transcriber=plan.transcriber,
            ),
            quotas=Quotas(owner_hours=plan.owner_s / HOUR_S, stage_hours=plan.stage_s / HOUR_S),
        )
        names = dict.fromkeys((self.settings.media_bucket, self.settings.results_bucket))
        self.buckets = {
            name: Bucket(partial(self._on_object, name), self._clock_of("s3"), page=plan.page)
            for name in names
        }
        self.bucket = self.buckets[self.settings.media_bucket]
        self.results = self.buckets[self.settings.results_bucket]
        self.watch = Watch(self)
        self.table = Table(
            ("JsonFile",), INDEXES, page=plan.page, on_change=self.watch.look_at_item
        )
        self.search = Table(
            ("recording_id", "term"), SEARCH_INDEXES, name="search", page=max(plan.page, PAGE // 2)
        )
        self.messages = Messages(lambda: self.now)
        self.transcribe = TranscribeDouble(
            self.buckets,
            partial(self._on_job, "aws.transcribe"),
            self._clock_of("transcribe"),
            keeps_running=plan.rules.running_jobs_stay,
        )
        self.mediaconvert = MediaConvertDouble(
            self.buckets,
            partial(self._on_job, "aws.mediaconvert"),
            lambda: self.now,
            pictures_fail=plan.pictures_fail,
        )
        self.services = self._connect()
        self.application.services = lambda: self.services
        self._caught_up_at = self.now
        self._hub = greenlet.getcurrent()
        self.by_greenlet: dict[Any, Task] = {}
        self.parts: dict[str, tuple[str, int]] = {}
        self._named: Counter[str] = Counter()

    def __repr__(self) -> str:
        # Errors contain this text, and a history must give the same text each time.
        return "the world"

    def _clock_of(self, service: str) -> Callable[[], datetime]:
        skew = timedelta(seconds=self.plan.skew_s[service])
        return lambda: self.now + skew

    def clock(self) -> datetime:
        """Return the time of the running handler's clock."""
        task = self.by_greenlet.get(greenlet.getcurrent())
        return self.now + task.skew if task else self.now

    def _connect(self) -> Services:
        clients = Clients(
            s3=Client(self.request, Buckets(self.buckets)),
            table=Client(self.request, self.table),
            search=Client(self.request, self.search),
            messages=Client(self.request, self.messages),
            transcribe=Client(self.request, self.transcribe),
            mediaconvert=Client(self.request, self.mediaconvert),
        )
        return connect(
            self.settings,
            clients,
            self.clock,
            n_shards=N_SHARDS,
            part_bytes=self.plan.part_bytes,
        )

    # --- what the handlers meet ---

    def request(self, operation: str, call: Callable[..., Any], **given: Any) -> Any:
        """Stop the handler. At its turn, make the request, unless a fault happens to it."""
        task = self.by_greenlet.get(greenlet.getcurrent())
        if task is None:
            return call(**given)  # a check after the end of the history
        if task.is_dead:
            raise KilledError
        task.asks = operation
        self._hub.switch()
        fate, task.fate = task.fate, ""
        task.is_dead |= fate == "killed"
        if task.is_dead:
            raise KilledError
        self.requests[operation] += 1
        # In some worlds even a small table is written in parts. For the bound it is one request.
        task.n_requests += operation not in ("upload_part", "complete_multipart_upload")
        if fate in ("throttled", "fails", "times out"):
            raise error_of(fate, operation, given)
        answer = self._answer(fate, operation, call, given)
        if operation == "publish":
            task.told = self.messages.published[-1]
        elif task.told and not fate and _writes_down(task.told, given):
            task.told = None
        if fate == "takes effect unheard":
            raise error_of(fate, operation, given)
        return answer

    def _answer(
        self, fate: str, operation: str, call: Callable[..., Any], given: Mapping[str, Any]
    ) -> Any:
        answer = do_part(operation, call, given) if fate == "partly" else None
        if answer is None:
            answer = call(**given)
        if fate == "asked twice":
            # The answer was lost on its way, and botocore repeats the request by itself.
            if hasattr(given.get("Body"), "seek"):
                given["Body"].seek(0)
            if operation == "publish":
                self.unsure[self.messages.published[-1]] += 1
            answer = call(**given)
        return answer

    def start(
        self,
        name: str,
        function: str,
        work: Callable[[], object],
        end: Callable[[str], object] | None = None,
        *,
        about: str = "",
        life: timedelta = LIFE,
    ) -> Task:
        """Let a handler begin; it stops before its first request."""
        skew = timedelta(seconds=self.plan.skew_of_a_function() if not self.is_over else 0)
        task = Task(name, function, self.now, end or _ignore, skew, about, life)
        task.run = greenlet.greenlet(partial(self._handle, task, work))
        self.by_greenlet[task.run] = task
        self.tasks.append(task)
        task.run.switch()
        return task

    def _handle(self, task: Task, work: Callable[[], object]) -> None:
        try:
            work()
        except KilledError:
            self.n_killed += 1
            outcome = "was killed"
        except Exception as exc:  # noqa: BLE001  # as in Lambda, an exception ends only this call
            outcome = f"failed: {exc!r}"
            if not self.plan.spent:
                where = "".join(traceback.format_exception(exc))
                self.failed_alone.append(f"{task.name} {outcome}, without any fault\n{where}")
        else:
            outcome = "ended"
        self.tasks.remove(task)
        del self.by_greenlet[task.run]
        if task.told:
            # The handler cannot know whether the notice was sent, so the notice may come twice.
            self.unsure[task.told] += 1
        most = self.most_requests.get(task.function, 0)
        self.most_requests[task.function] = max(most, task.n_requests)
        self.requests_of[task.function] += task.n_requests
        self.log.append(f"    {task.name} {outcome} after {task.n_requests} requests")
        task.end(outcome)

    # --- what AWS does ---

    def name(self, text: str) -> str:
        self._named[text] += 1
        return f"{text}#{self._named[text]}"

    def _send(self, function: str, about: str, event: Mapping[str, Any]) -> None:
        self.pending.append(Delivery(self.name(f"{function} {about}"), function, event))

    def _on_object(self, bucket: str, operation: str, key: str) -> None:
        if bucket == self.settings.media_bucket and key.startswith(keys.UPLOADS):
            self.watch.look_at_upload(self.by_greenlet.get(greenlet.getcurrent()), operation, key)
        kind = {"put": "s3:ObjectCreated:*", "delete": "s3:ObjectRemoved:*"}[operation]
        place = {"bucket": {"name": bucket}, "object": {"key": quote_plus(key)}}
        for source in self.application.app.event_sources:
            if (
                isinstance(source, S3EventConfig)
                and kind in source.events
                and key.startswith(source.prefix or "")
                and key.endswith(source.suffix or "")
            ):
                self._send(source.name, key, {"Records": [{"s3": place}]})

    def _on_job(self, service: str, detail: Mapping[str, Any]) -> None:
        about = detail.get("TranscriptionJobName") or detail["jobId"]
        for source in self.application.app.event_sources:
            if isinstance(source, CloudWatchEventConfig) and _matches(
                source.event_pattern, {"source": service, "detail": detail}
            ):
                self._send(source.name, about, TICK | {"source": service, "detail": detail})

    def deliver(self, delivery: Delivery) -> None:
        """Call the function of an event, and again if it fails, as Lambda does."""
        delivery.attempts += 1

        def end(outcome: str) -> None:
            if outcome == "ended":
                return
            is_last = delivery.attempts >= ASYNCHRONOUS_ATTEMPTS
            (self.given_up if is_last else self.pending).append(delivery)

        handler = getattr(self.application, delivery.function)
        name = f"{delivery.name}/{delivery.attempts}"
        self.start(name, delivery.function, partial(handler, delivery.event, None), end)

    def receive(self, message: dict[str, Any]) -> None:
        """Call the function of a message; after the last failure the message is given up."""
        waiting = self.messages.waiting
        message["receives"] += 1
        record = {
            "body": message["body"],
            "receiptHandle": message["name"],
            "attributes": {"ApproximateReceiveCount": str(message["receives"])},
        }

        def end(outcome: str) -> None:
            if outcome != "ended":
                is_last = message["receives"] >= RECEIVES
                sooner = self.messages.sooner.pop(message["name"], None)
                message["hidden_until"] = self.now + (sooner or HIDDEN)
                (self.messages.dead if is_last else waiting).append(message)

        function = RECEIVERS[message["queue"]]
        work = partial(getattr(self.application, function), {"Records": [record]}, None)
        self.start(f"{function} {message['name']}/{message['receives']}", function, work, end)

    def let_pass(self, time: timedelta) -> None:
        """Let time pass, and end the tasks that have reached their time limit."""
        self.now += time
        if self.now - self._caught_up_at > LONGEST_LAG:
            self.catch_up()
        for task in [task for task in self.tasks if self.now - task.started > task.life]:
            task.is_dead = True
            task.run.switch()

    def catch_up(self, some: str = "") -> None:
        """Let the indexes show all that the tables hold, or the half of it that ``some`` names."""
        if not some:
            self._caught_up_at = self.now
        self.table.catch_up(some)
        self.search.catch_up(some)

    def visible(self) -> list[dict[str, Any]]:
        """Return the messages that can be received now."""
        return [
            message
            for message in self.messages.waiting
            if message["hidden_until"] is None or message["hidden_until"] <= self.now
        ]

    def lives(self, recording_id: str) -> int:
        """Return how often a recording was made or made again. Each time sends one notice."""
        n_created = self.table.n_created.get((keys.transcript(recording_id),), 0)
        return n_created + self.restarts[recording_id]

    def recording_of(self, key: str) -> str | None:
        """Return the id of the newest recording of an upload key, as its owner sees it."""
        found = [item for item in self.recordings if item["source_key"] == key]
        return max(found, key=lambda item: item["created_at"])["recording_id"] if found else None

    @property
    def recordings(self) -> list[dict[str, Any]]:
        """The items of recordings; the table has counters of hours as well."""
        return [item for item in self.table.items.values() if "recording_id" in item]

    def unfinished(self) -> list[str]:
        """Return the names of all waiting and running jobs."""
        return self.transcribe.unfinished() + self.mediaconvert.unfinished()

    @property
    def is_busy(self) -> bool:
        """Return whether there is work that does not need a further request."""
        return bool(self.tasks or self.pending or self.messages.waiting or self.unfinished())


def _matches(pattern: Mapping[str, Any], event: Mapping[str, Any]) -> bool:
    """Return whether an event matches a rule of EventBridge, apart from the detail type."""
    for name, wanted in pattern.items():
        if name == "detail-type":
            continue
        if isinstance(wanted, Mapping):
            if not _matches(wanted, event.get(name) or {}):
                return False
        elif not any(
            (name in event) == one["exists"] if isinstance(one, Mapping) else event.get(name) == one
            for one in wanted
        ):
            return False
    return True


def _writes_down(told: tuple[str, str], request: Mapping[str, Any]) -> bool:
    text = json.dumps([request.get("ExpressionAttributeNames"), request.get("UpdateExpression")])
    return f"notice_{told[1]}_sent_at" in text


def _ignore(outcome: str) -> None:
    """Do nothing: nobody waits for the outcome."""

"""A small world: people who upload, AWS around them, and the real handlers between, step by step.

One thread does everything. Every handler runs as a greenlet that stops before each of its requests
to AWS, and a seeded choice decides what happens next: a handler goes on, an event is delivered, a
job ends, somebody uploads. So the same seed tells the same history, wherever it is told.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote_plus

import greenlet
from boto3.dynamodb.table import BatchWriter

from chalicelib.aws.dynamodb import RecordingTable
from chalicelib.aws.dynamodb_search import SearchTable
from chalicelib.aws.dynamodb_watchlist import Watchlist
from chalicelib.aws.mediaconvert import Transcoder
from chalicelib.aws.s3 import MediaStore
from chalicelib.aws.s3_bookmark import Bookmark
from chalicelib.aws.sns import Notices
from chalicelib.aws.sqs import FeatureQueue
from chalicelib.aws.transcribe import Transcriber
from chalicelib.config import Settings
from chalicelib.core import keys
from chalicelib.pipeline import reconciliation
from chalicelib.services import Services
from support.faults.jobs_double import MediaConvertDouble, TranscribeDouble
from support.faults.plan import KilledError, Plan, error_of
from support.faults.storage_double import Bucket, Response, Rows, Table

INDEXES = {
    "by_source": ("source_key", None),
    "by_owner": ("owner", "created_at"),
    "by_time": ("kind", "created_at"),
    "by_look_at": ("kind", "look_at"),
}
ASYNCHRONOUS_ATTEMPTS = 3
RECEIVES = 5
AT_ONCE = 4
LIFE = timedelta(minutes=15)
A_STEP_MINUTES = 1 / 60
A_LONG_WHILE = timedelta(hours=7)
ROUNDS = 20


@dataclass
class Delivery:
    """An event on its way to a handler."""

    function: str
    event: Mapping[str, Any]
    attempts: int = 0


@dataclass
class Task:
    """A handler at work."""

    name: str
    started: datetime
    end: Callable[[str], object]
    run: greenlet.greenlet = None
    is_dead: bool = False
    told: tuple[str, str] | None = None  # a notice that was published and not yet written down


class Client:
    """Looks like a client, and asks the world before it asks a double."""

    def __init__(self, world: "World", backend: Any) -> None:
        self._world = world
        self._backend = backend

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        return partial(self._world.request, operation, getattr(self._backend, operation))

    def get_paginator(self, operation: str) -> "Paginator":
        return Paginator(getattr(self, operation))

    # What a table of boto3's has besides.

    @property
    def name(self) -> str:
        return str(self._backend.name)

    @property
    def meta(self) -> SimpleNamespace:
        return SimpleNamespace(client=self)

    def batch_writer(self) -> BatchWriter:
        return BatchWriter(self.name, self)


@dataclass
class Paginator:
    """Asks for page after page."""

    ask: Callable[..., Response]

    def paginate(self, **request: Any) -> Any:
        while True:
            page = self.ask(**request)
            yield page
            if not page["IsTruncated"]:
                return
            request["ContinuationToken"] = page["NextContinuationToken"]


class Messages:
    """The features queue, its dead letters, and what was published."""

    def __init__(self) -> None:
        self.waiting: list[dict[str, Any]] = []
        self.dead: list[dict[str, Any]] = []
        self.published: list[tuple[str, str]] = []

    def send_message(self, *, MessageBody: str, **_: Any) -> Response:
        self.waiting.append({"body": MessageBody, "receives": 0})
        return {}

    def publish(self, *, Message: str, **_: Any) -> Response:
        body = json.loads(json.loads(Message)["default"])
        self.published.append((body["recording_id"], body["event"]))
        return {}


@dataclass
class World:
    """Everything there is in one history."""

    plan: Plan
    settings: Settings
    application: Any
    bodies: Mapping[str, list[bytes]]
    now: datetime = datetime(2026, 1, 1, tzinfo=UTC)
    pending: list[Delivery] = field(default_factory=list)
    tasks: list[Task] = field(default_factory=list)
    given_up: list[Delivery] = field(default_factory=list)
    unsure: dict[tuple[str, str], int] = field(default_factory=dict)
    log: list[str] = field(default_factory=list)
    is_over: bool = False

    def __post_init__(self) -> None:
        self.rng = self.plan.rng
        self.bucket = Bucket(self._on_object, self.clock)
        self.table = Table("JsonFile", INDEXES)
        self.search = Rows()
        self.messages = Messages()
        self.transcribe = TranscribeDouble(self.bucket, self._on_job, self.clock)
        self.mediaconvert = MediaConvertDouble(self.bucket, self._on_job, self.clock)
        self.services = self._connect()
        self.application.services = lambda: self.services
        self._hub = greenlet.getcurrent()
        self._by_greenlet: dict[Any, Task] = {}

    def clock(self) -> datetime:
        return self.now

    def _connect(self) -> Services:
        s3, table = Client(self, self.bucket), Client(self, self.table)
        messages = Client(self, self.messages)
        settings = self.settings
        return Services(
            settings=settings,
            media=MediaStore(s3, settings.media_bucket),
            results=MediaStore(s3, settings.results_bucket),
            recordings=RecordingTable(table, self.clock),
            watchlist=Watchlist(table),
            bookmark=Bookmark(s3, settings.results_bucket),
            search_table=SearchTable(Client(self, self.search)),
            transcriber=Transcriber(Client(self, self.transcribe)),
            transcoder=Transcoder(Client(self, self.mediaconvert)),
            features_queue=FeatureQueue(messages, settings.features_queue_url),
            notices=Notices(messages, settings.notices_topic_arn),
            clock=self.clock,
        )

    # --- what the handlers meet ---

    def request(self, operation: str, call: Callable[..., Any], **given: Any) -> Any:
        """Stop, and go on when it is this handler's turn; then ask, unless something goes wrong."""
        task = self._by_greenlet[greenlet.getcurrent()]
        if task.is_dead:
            raise KilledError
        self._hub.switch()
        if task.is_dead:
            raise KilledError
        fate = self.plan.fate(task.name, operation)
        if fate == "killed":
            task.is_dead = True
            raise KilledError
        if fate and fate != "takes effect unheard":
            raise error_of(fate, operation)
        answer = call(**given)
        if operation == "publish":
            task.told = self.messages.published[-1]
        elif task.told and not fate and _writes_down(task.told, given):
            task.told = None
        if fate:
            raise error_of(fate, operation)
        return answer

    def start(self, name: str, work: Callable[[], object], end: Callable[[str], object]) -> Task:
        task = Task(name, self.now, end)
        task.run = greenlet.greenlet(partial(self._run, task, work))
        self._by_greenlet[task.run] = task
        self.tasks.append(task)
        return task

    def _run(self, task: Task, work: Callable[[], object]) -> None:
        try:
            work()
        except KilledError:
            outcome = "was killed"
        except Exception as exc:  # as Lambda does: whatever a function raises ends that call alone
            outcome = f"failed: {exc!r}"
            if not self.plan.spent:
                raise
        else:
            outcome = "ended"
        self.tasks.remove(task)
        del self._by_greenlet[task.run]
        if task.told:
            self.unsure[task.told] = self.unsure.get(task.told, 0) + 1
        self.log.append(f"{task.name} {outcome}")
        task.end(outcome)

    # --- what AWS does ---

    def _on_object(self, operation: str, key: str) -> None:
        if key.startswith(keys.UPLOADS):
            function = "receive_upload" if operation == "put" else "remove_recording"
        elif operation == "put" and key.startswith(keys.TRANSCRIPTS) and key.endswith(".json"):
            function = "store_transcript"
        else:
            return
        place = {"bucket": {"name": self.settings.media_bucket}, "object": {"key": quote_plus(key)}}
        self.pending.append(Delivery(function, {"Records": [{"s3": place}]}))

    def _on_job(self, service: str, detail: Mapping[str, Any]) -> None:
        function = {
            "transcribe": "record_transcription_state",
            "mediaconvert": "store_renditions",
        }[service]
        event = {
            "version": "0",
            "account": "1",
            "region": "us-east-1",
            "detail": detail,
            "detail-type": "",
            "source": "",
            "time": "",
            "id": "",
            "resources": [],
        }
        self.pending.append(Delivery(function, event))

    def _deliver(self) -> None:
        delivery = self.pending.pop(self.rng.randrange(len(self.pending)))
        if self.plan.strikes():
            fault = self.rng.choice(("lost", "delivered twice"))
            self.plan.spend(f"an event for {delivery.function} is {fault}")
            if fault == "lost":
                return
            self.pending.append(Delivery(delivery.function, delivery.event))
        self.deliver(delivery)

    def deliver(self, delivery: Delivery) -> None:
        """Call the function of an event, and again if it fails, as Lambda does."""
        delivery.attempts += 1

        def end(outcome: str) -> None:
            if outcome == "ended":
                return
            if delivery.attempts < ASYNCHRONOUS_ATTEMPTS:
                self.pending.append(delivery)
            else:
                self.given_up.append(delivery)

        handler = getattr(self.application, delivery.function)
        self.start(delivery.function, partial(handler, delivery.event, None), end)

    def _receive(self) -> None:
        waiting = self.messages.waiting
        message = waiting.pop(self.rng.randrange(len(waiting)))
        if self.plan.strikes():
            self.plan.spend("a message is delivered twice")
            waiting.append(dict(message))
        self.receive(message)

    def receive(self, message: dict[str, Any]) -> None:
        """Have a message's recording measured; after the third failure it is put aside."""
        waiting = self.messages.waiting
        message["receives"] += 1
        record = {
            "body": message["body"],
            "receiptHandle": "",
            "attributes": {"ApproximateReceiveCount": str(message["receives"])},
        }

        def end(outcome: str) -> None:
            if outcome != "ended":
                is_last = message["receives"] >= RECEIVES
                (self.messages.dead if is_last else waiting).append(message)

        handler = self.application.extract_features
        self.start("extract_features", partial(handler, {"Records": [record]}, None), end)

    def redrive(self) -> None:
        """Send the dead letters through again."""
        self.messages.waiting += [{**one, "receives": 0} for one in self.messages.dead]
        self.messages.dead.clear()

    def _advance_job(self) -> None:
        transcriptions, renditions = self.transcribe.unfinished(), self.mediaconvert.unfinished()
        name = self.rng.choice(transcriptions + renditions)
        service = self.transcribe if name in transcriptions else self.mediaconvert
        fails = self.plan.strikes()
        if fails:
            self.plan.spend(f"the job {name} fails")
        service.advance(name, fails=fails)

    def _let_time_pass(self) -> None:
        minutes = self.rng.choice((2, 20, 120))
        self.plan.spend(f"{minutes} minutes pass")
        self.let_pass(minutes)

    def let_pass(self, minutes: float) -> None:
        """Let time pass; no function lives longer than a quarter of an hour."""
        self.now += timedelta(minutes=minutes)
        for task in [task for task in self.tasks if self.now - task.started > LIFE]:
            task.is_dead = True
            task.run.switch()

    # --- what people do ---

    def act(self) -> None:
        """Let somebody upload, replace or remove a recording."""
        key = self.rng.choice(list(self.bodies))
        there = self.bucket.objects.get(key)
        if there and self.rng.random() < 0.4:
            self.log.append(f"remove {key}")
            self.bucket.delete_object(Key=key)
        else:
            number = self.rng.randrange(len(self.bodies[key]))
            self.log.append(f"put {key} number {number}")
            self.bucket.put_object(Key=key, Body=self.bodies[key][number])

    # --- the history ---

    def step(self, n_acts: int) -> int:
        """Let one thing happen; return how many acts of people are still to come."""
        self.let_pass(A_STEP_MINUTES)
        has_room = len(self.tasks) < AT_ONCE
        choices = {
            "run": 12 * bool(self.tasks),
            "deliver": 3 * bool(self.pending and has_room),
            "receive": 2 * bool(self.messages.waiting and has_room),
            "advance": 2 * bool(self.transcribe.unfinished() or self.mediaconvert.unfinished()),
            "catch up": 1,
            "act": n_acts > 0,
            "reconcile": 0.1 * has_room * (not self.is_over),
        }
        (choice,) = self.rng.choices(list(choices), list(choices.values()))
        if choice == "run":
            self.rng.choice(self.tasks).run.switch()
        elif choice == "deliver":
            self._deliver()
        elif choice == "receive":
            self._receive()
        elif choice == "advance":
            self._advance_job()
        elif choice == "catch up":
            self.table.catch_up()
            if self.plan.strikes():
                self._let_time_pass()
        elif choice == "act":
            self.act()
        else:
            self.start("reconcile", partial(self.application.reconcile, {**_TICK}, None), _ignore)
        return n_acts - (choice == "act")

    @property
    def is_busy(self) -> bool:
        """Tell whether something is still to happen by itself."""
        return bool(
            self.tasks
            or self.pending
            or self.messages.waiting
            or self.transcribe.unfinished()
            or self.mediaconvert.unfinished()
        )

    def tell(self, n_acts: int) -> None:
        """Let it all happen, then let the faults be over, and have reconcile put things right."""
        n_steps = 0
        while n_acts or (self.is_busy and n_steps < 4000):
            n_acts = self.step(n_acts)
            n_steps += 1
        self.settle()

    def settle(self) -> None:
        """Spend no more faults, and run reconcile until nothing is left to look at."""
        self.plan.left = 0
        self.is_over = True
        self._come_to_rest()
        before = None
        for _ in range(ROUNDS):
            if before == (before := self._state()):
                return
            self.now += A_LONG_WHILE
            self._reconcile()
            self._come_to_rest()
        raise AssertionError(f"not settled in {ROUNDS} rounds: {self.table.items}")

    def _state(self) -> tuple[dict[str, Any], dict[str, Any], int]:
        return (
            {key: dict(item) for key, item in self.table.items.items()},
            dict(self.bucket.objects),
            len(self.messages.published),
        )

    def _come_to_rest(self) -> None:
        while self.is_busy:
            self.step(0)
        self.table.catch_up()

    def _reconcile(self) -> None:
        def work() -> None:
            pages = len(reconciliation.STAGES)
            reconciliation.reconcile(self.services, pages=pages).raise_failures()

        outcomes: list[str] = []
        task = self.start("reconcile", work, outcomes.append)
        while not outcomes:
            task.run.switch()
        assert outcomes == ["ended"], outcomes


_TICK = {
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


def _writes_down(told: tuple[str, str], request: Mapping[str, Any]) -> bool:
    names = request.get("ExpressionAttributeNames", {}).values()
    return f"notice_{told[1]}_sent_at" in names


def _ignore(outcome: str) -> None:
    """Nobody waits for how a scheduled run ended: the next one comes."""

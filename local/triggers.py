"""Local mode's triggers: they call the deployed handlers, as S3, SQS and EventBridge would.

The triggers are read from the application's ``event_sources``. moto delivers events to queues but
not to functions, so each function has a queue, and threads that call the function.
"""

import json
import logging
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, cast

import boto3
from chalice.app import (
    BaseEventSourceConfig,
    CloudWatchEventConfig,
    S3EventConfig,
    ScheduledEventConfig,
    ScheduleExpression,
    SQSEventConfig,
)

from local.api_gateway import Context
from local.store import NotKeptError

if TYPE_CHECKING:
    from types_boto3_s3.literals import EventType
    from types_boto3_s3.type_defs import FilterRuleTypeDef, QueueConfigurationTypeDef

ATTEMPTS = 3
"""Number of attempts for an event: one, and the two retries of an asynchronous invocation.

The application's queues set their number of attempts themselves.
"""

RETRY_AFTER_S = 1
"""Seconds before a failed event is tried again; Lambda waits minutes."""

POLL_S = 1
"""Seconds that one request waits for a message."""

STOP_S = 2.0
"""Seconds that stopping waits for running work; later work ends by itself."""

THREADS = 4
"""Largest number of events of one kind handled at once, unless the application sets fewer."""

_TICK = {
    "version": "0",
    "detail-type": "Scheduled Event",
    "source": "aws.events",
    "resources": [],
    "detail": {},
} | dict.fromkeys(("id", "time", "region"), "")
_SECONDS = {"minute": 60, "hour": 3600, "day": 86_400}

log = logging.getLogger(__name__)

Event = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Trigger:
    """A function, the queue of its events, and the conversion from message to event."""

    name: str
    queue_url: str
    handler: Callable[[Event], object]
    to_event: Callable[[Mapping[str, Any]], Event | None]
    attempts: int = ATTEMPTS
    threads: int = THREADS
    # moto may give one message to two requests at the same time.
    receiving: threading.Lock = field(default_factory=threading.Lock)


class Triggers:
    """All functions of the application, connected to their triggers.

    Parameters
    ----------
    give_up : callable or None
        called with a function's name when the last attempt for an event has failed
    """

    def __init__(self, give_up: Callable[[str], object] | None = None) -> None:
        self._give_up = give_up
        self._sqs = boto3.client("sqs")
        self._triggers: list[Trigger] = []
        self._threads: list[threading.Thread] = []
        self._stopping = threading.Event()
        self._notifications: dict[str, list[QueueConfigurationTypeDef]] = defaultdict(list)
        self._schedules: dict[str, float] = {}

    def add_application(self, module: Any) -> None:
        """Connect every function that an application's module declares."""
        for source in module.app.event_sources:
            function = getattr(module, source.handler_string.rpartition(".")[2])
            self._add_source(
                source, partial(_invoke, function, Context(f"earshot-local-{source.name}"))
            )

    def _add_source(
        self, source: BaseEventSourceConfig, handler: Callable[[Event], object]
    ) -> None:
        match source:
            case S3EventConfig():
                self.add_bucket(
                    source.name,
                    source.bucket,
                    handler,
                    events=source.events,
                    prefix=source.prefix or "",
                    suffix=source.suffix or "",
                )
            case SQSEventConfig():
                url = self._sqs.get_queue_url(QueueName=source.queue or "")["QueueUrl"]
                threads = min(THREADS, source.maximum_concurrency or THREADS)
                self._triggers.append(
                    Trigger(
                        source.name,
                        url,
                        handler,
                        self._sqs_event(url),
                        self._attempts(url),
                        threads,
                    )
                )
            case CloudWatchEventConfig():
                self._add_rule(source, handler)
            case ScheduledEventConfig():
                url, _ = self._make_queue(source.name)
                self._triggers.append(Trigger(source.name, url, handler, _rule_event))
                self._schedules[url] = _period_s(source.schedule_expression)
            case _:
                raise NotImplementedError(f"nothing here calls a {type(source).__name__}")

    def add_bucket(
        self,
        name: str,
        bucket: str,
        handler: Callable[[Event], object],
        *,
        events: list[str],
        prefix: str = "",
        suffix: str = "",
    ) -> None:
        """Call a function for a bucket's events, in S3's form."""
        url, arn = self._make_queue(name)
        rules: list[FilterRuleTypeDef] = []
        if prefix:
            rules.append({"Name": "prefix", "Value": prefix})
        if suffix:
            rules.append({"Name": "suffix", "Value": suffix})
        rule: QueueConfigurationTypeDef = {
            "QueueArn": arn,
            "Events": cast("list[EventType]", events),
        }
        if rules:
            rule["Filter"] = {"Key": {"FilterRules": rules}}
        self._notifications[bucket].append(rule)
        self._triggers.append(Trigger(name, url, handler, _s3_event))

    def _add_rule(self, source: CloudWatchEventConfig, handler: Callable[[Event], object]) -> None:
        url, arn = self._make_queue(source.name)
        events = boto3.client("events")
        events.put_rule(Name=source.name, EventPattern=json.dumps(source.event_pattern))
        events.put_targets(Rule=source.name, Targets=[{"Id": source.name, "Arn": arn}])
        self._triggers.append(Trigger(source.name, url, handler, _rule_event))

    def _make_queue(self, name: str) -> tuple[str, str]:
        dead_url = self._sqs.create_queue(QueueName=f"local-{name}-dead")["QueueUrl"]
        redrive = {"deadLetterTargetArn": self._arn(dead_url), "maxReceiveCount": ATTEMPTS}
        url = self._sqs.create_queue(
            QueueName=f"local-{name}",
            Attributes={"RedrivePolicy": json.dumps(redrive), "VisibilityTimeout": "3600"},
        )["QueueUrl"]
        return url, self._arn(url)

    def _arn(self, url: str) -> str:
        attributes = self._sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
        return str(attributes["Attributes"]["QueueArn"])

    def _attempts(self, url: str) -> int:
        """Return the number of times that a queue delivers a message before it gives it up."""
        found = self._sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["RedrivePolicy"])
        return int(json.loads(found["Attributes"]["RedrivePolicy"])["maxReceiveCount"])

    def _sqs_event(self, url: str) -> Callable[[Mapping[str, Any]], Event]:
        arn = self._arn(url)

        def to_event(message: Mapping[str, Any]) -> Event:
            record = {
                "messageId": message["MessageId"],
                "receiptHandle": message["ReceiptHandle"],
                "body": message["Body"],
                "attributes": message.get("Attributes", {}),
                "messageAttributes": {},
                "md5OfBody": message["MD5OfBody"],
                "eventSource": "aws:sqs",
                "eventSourceARN": arn,
                "awsRegion": arn.split(":")[3],
            }
            return {"Records": [record]}

        return to_event

    def start(self) -> None:
        """Connect the buckets, and start delivering events."""
        s3 = boto3.client("s3")
        for bucket, queues in self._notifications.items():
            s3.put_bucket_notification_configuration(
                Bucket=bucket, NotificationConfiguration={"QueueConfigurations": queues}
            )
        for trigger in self._triggers:
            for number in range(trigger.threads):
                self._start_thread(f"{trigger.name}-{number}", self._work, trigger)
        for url, period_s in self._schedules.items():
            self._start_thread(f"schedule of {url}", self._keep_time, url, period_s)

    def _start_thread(self, name: str, target: Callable[..., None], *arguments: Any) -> None:
        # A daemon thread, so that long work does not delay the end of the program.
        thread = threading.Thread(target=target, args=arguments, name=name, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _keep_time(self, url: str, period_s: float) -> None:
        """Send a schedule's event after each period."""
        while not self._stopping.wait(period_s):
            self._tick(url)

    def run_schedules(self) -> None:
        """Send the event of every schedule now, for what an earlier run has left undone."""
        for url in self._schedules:
            self._tick(url)

    def _tick(self, url: str) -> None:
        self._sqs.send_message(QueueUrl=url, MessageBody=json.dumps(_TICK))

    def stop(self) -> None:
        """Stop delivering, and wait a short time for running work."""
        self._stopping.set()
        for trigger in self._triggers:
            # A polling thread receives it and checks whether it should stop.
            self._sqs.send_message(QueueUrl=trigger.queue_url, MessageBody="stop")
        until = time.monotonic() + STOP_S
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))

    def _work(self, trigger: Trigger) -> None:
        while True:
            with trigger.receiving:
                if self._stopping.is_set():
                    return
                response = self._sqs.receive_message(
                    QueueUrl=trigger.queue_url, WaitTimeSeconds=POLL_S, AttributeNames=["All"]
                )
            for message in response.get("Messages", []):
                if not self._stopping.is_set():
                    self._deliver(trigger, message)

    def _deliver(self, trigger: Trigger, message: Mapping[str, Any]) -> None:
        receipt = {"QueueUrl": trigger.queue_url, "ReceiptHandle": message["ReceiptHandle"]}
        try:
            event = trigger.to_event(message)
            if event is not None:
                trigger.handler(event)
        except Exception as exc:  # like Lambda: an exception in a function ends only this call
            if self._stopping.is_set():
                return
            if _is_not_kept(exc):
                log.error("%s failed: %s", trigger.name, exc)  # noqa: TRY400  # the disk is full
            else:
                log.exception("%s failed", trigger.name)
            self._sqs.change_message_visibility(**receipt, VisibilityTimeout=RETRY_AFTER_S)
            n_received = int(message["Attributes"]["ApproximateReceiveCount"])
            if n_received >= trigger.attempts and self._give_up:
                self._give_up(trigger.name)
        else:
            if not self._stopping.is_set():
                self._sqs.delete_message(**receipt)


def _is_not_kept(exc: BaseException) -> bool:
    """Return whether the disk is full. If it is, a traceback for each failed call does not help."""
    answer = getattr(exc, "response", None) or {}  # None for a time-out
    if answer.get("Error", {}).get("Code") == "InsufficientStorage" or isinstance(
        exc, NotKeptError
    ):
        return True
    return exc.__cause__ is not None and _is_not_kept(exc.__cause__)


def _invoke(function: Callable[[Event, Context], object], context: Context, event: Event) -> object:
    return function(event, context)


def _period_s(expression: str | ScheduleExpression) -> float:
    """Return the seconds between the events of a schedule of the form ``rate(15 minutes)``."""
    text = expression if isinstance(expression, str) else expression.to_string()
    number, unit = text.removeprefix("rate(").removesuffix(")").split()
    return int(number) * _SECONDS[unit.rstrip("s")]


def _s3_event(message: Mapping[str, Any]) -> Event | None:
    event: Event = json.loads(message["Body"])
    # S3 sends a new destination a test event without records.
    return event if "Records" in event else None


def _rule_event(message: Mapping[str, Any]) -> Event:
    # moto leaves out the account id, which Chalice reads.
    return {"account": "123456789012", **json.loads(message["Body"])}

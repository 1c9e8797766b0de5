"""Send failed messages and events again: ``python -m scripts.redrive dev``.

Run this after the cause is repaired.

Messages in a dead-letter queue go back to their queue. Events that a function has given up
are sent to that function again. A message is deleted only after it has been sent, so an
interrupted run loses nothing. At worst a message comes twice, which does no harm.
"""

import json
import sys
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import boto3

from scripts.record_outputs import APP_NAME
from scripts.stage import enter_stage

AT_ONCE = 10


def redrive(stage: str, session: Any) -> tuple[int, int]:
    """Send again, and return the number of messages and the number of events."""
    sqs, functions = session.client("sqs"), session.client("lambda")
    prefix = f"{APP_NAME}-{stage}"
    n_messages = 0
    # SQS can move messages by itself, but it does not count them, and no stand-in has this.
    for dead, url in _dead_letters(sqs, prefix):
        n_messages += _drain(sqs, dead, partial(_send, sqs, url))
    failed_events = _url(sqs, f"{prefix}-failed-events")
    n_events = _drain(sqs, failed_events, partial(_invoke, functions))
    return n_messages, n_events


def _dead_letters(sqs: Any, prefix: str) -> Iterator[tuple[str, str]]:
    """Yield the address of each dead-letter queue, and of the queue its messages came from."""
    for name in ("features", "datasets", "speech"):
        yield _url(sqs, f"{prefix}-{name}-dead"), _url(sqs, f"{prefix}-{name}")
    if prefix.endswith("-local"):
        # Local mode has a queue for each function.
        for dead in sqs.list_queues(QueueNamePrefix="local-").get("QueueUrls", []):
            if dead.endswith("-dead"):
                yield dead, dead.removesuffix("-dead")


def _url(sqs: Any, name: str) -> str:
    return str(sqs.get_queue_url(QueueName=name)["QueueUrl"])


def _drain(sqs: Any, url: str, send: Callable[[str], object]) -> int:
    n_sent = 0
    while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=AT_ONCE).get(
        "Messages", []
    ):
        for message in messages:
            send(message["Body"])
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
            n_sent += 1
    return n_sent


def _send(sqs: Any, url: str, body: str) -> None:
    sqs.send_message(QueueUrl=url, MessageBody=body)


def _invoke(functions: Any, body: str) -> None:
    """Send an event to the function that gave it up; Lambda's failure message has both."""
    record = json.loads(body)
    functions.invoke(
        FunctionName=record["requestContext"]["functionArn"].removesuffix(":$LATEST"),
        InvocationType="Event",
        Payload=json.dumps(record["requestPayload"]).encode(),
    )


def main(arguments: list[str] | None = None) -> int:
    """Redrive the stage that the command line names."""
    given = enter_stage("make redrive", __doc__, arguments)
    n_messages, n_events = redrive(given.stage, boto3.session.Session())
    print(f"{n_messages} messages and {n_events} events were sent again.")
    return 0


if __name__ == "__main__":
    sys.exit(main())

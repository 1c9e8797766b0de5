"""Send through again what was given up: ``python -m scripts.redrive dev``.

For when the cause is mended.

Messages that could not be measured go back to their queue; events that a function failed on for
good are sent to that function again. Each leaves the place where it was kept only when it has been
sent, so a run that is cut short loses nothing: at worst something comes twice, which is no harm.
"""

import argparse
import json
import sys
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import boto3

from scripts.record_outputs import APP_NAME
from scripts.stage import UnknownStageError, enter

AT_ONCE = 10


def redrive(stage: str, session: Any) -> tuple[int, int]:
    """Return how many messages and how many events have been sent through again."""
    sqs, functions = session.client("sqs"), session.client("lambda")
    prefix = f"{APP_NAME}-{stage}"
    n_messages = 0
    # SQS could move messages by itself, but no stand-in for it can, nor does it tell how many.
    for dead, url in _dead_letters(sqs, prefix):
        n_messages += _drain(sqs, dead, partial(_send, sqs, url))
    failed_events = _url(sqs, f"{prefix}-failed-events")
    n_events = _drain(sqs, failed_events, partial(_invoke, functions))
    return n_messages, n_events


def _dead_letters(sqs: Any, prefix: str) -> Iterator[tuple[str, str]]:
    """Yield the address of each queue of dead letters, and that of the queue they came from."""
    yield _url(sqs, f"{prefix}-features-dead"), _url(sqs, f"{prefix}-features")
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
    """Send an event to the function that gave it up, as Lambda's failure destination tells both."""
    record = json.loads(body)
    functions.invoke(
        FunctionName=record["requestContext"]["functionArn"].removesuffix(":$LATEST"),
        InvocationType="Event",
        Payload=json.dumps(record["requestPayload"]).encode(),
    )


def main(arguments: list[str] | None = None) -> int:
    """Redrive the stage that the command line names."""
    parser = argparse.ArgumentParser(prog="make redrive", description=__doc__)
    parser.add_argument("stage")
    parser.add_argument("--url", help="where local mode listens, if not on its own port")
    given = parser.parse_args(arguments)
    try:
        enter(given.stage, given.url)
    except UnknownStageError as exc:
        print(exc, file=sys.stderr)
        return 1
    n_messages, n_events = redrive(given.stage, boto3.session.Session())
    print(f"{n_messages} messages and {n_events} events were sent through again.")
    return 0


if __name__ == "__main__":
    sys.exit(main())

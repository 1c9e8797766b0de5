"""Make a data set of a stage's recordings: ``python -m scripts.dataset calls --format kaldi``.

The stage makes it, by its queue, and this command shows the progress. With ``--here`` this machine
makes it, with your credentials, and stores it in the stage's bucket. Parquet is always made in this
way, because its library is too large for a function.
"""

import argparse
import sys
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import boto3
import orjson

from chalicelib.api import datasets
from chalicelib.api.requests import Caller, Request, caller_of
from chalicelib.config import Settings
from chalicelib.core.recording import Status
from chalicelib.errors import CallerError, NotThereError, RequestError
from chalicelib.pipeline.dataset_requests import (
    DatasetRequest,
    n_batches_done,
    read_dataset_request,
)
from chalicelib.pipeline.datasets import take_dataset_step
from chalicelib.services import connect
from local.dataset_options import add_dataset_options
from scripts.stage import LOCAL, LOCAL_URL, enter_stage

if TYPE_CHECKING:
    from chalicelib.services import Services

LOOKS_EVERY_S = 5.0


class Here:
    """A queue in this process: its messages are the steps that this machine does."""

    def __init__(self) -> None:
        self.messages: deque[Mapping[str, Any]] = deque()

    def send(self, message: Mapping[str, Any]) -> None:
        """Add a step."""
        self.messages.append(message)

    def retry_after(self, receipt_handle: str, delay_s: int) -> None:
        """Do nothing: a step that fails here ends the command."""


def main(arguments: list[str] | None = None) -> int:
    """Make the data set that the command line describes; return 1 if it failed."""
    given = _parser().parse_args(arguments)
    enter_stage("make dataset", __doc__, [given.stage, "--url", given.url])
    services = connect(Settings.from_env())
    names = {"query": "q", "owner": "owner", "since": "from", "until": "to"}
    body = {name: getattr(given, one) for one, name in names.items()}
    body |= {one: getattr(given, one) for one in datasets.PARAMETERS}
    body["recording_ids"] = given.ids.read().split() if given.ids else None
    body = {"name": given.name, **{one: value for one, value in body.items() if value is not None}}
    is_here = given.here or given.format == "parquet"
    try:
        request = Request(_caller(given.stage, services), content=orjson.dumps(body))
        datasets.create_dataset(request, services, in_queue=not is_here)
        asked = datasets.find_dataset(given.name, request, services)
        ended = _make_here(asked, services) if is_here else _wait(asked, services)
    except (RequestError, CallerError, NotThereError) as exc:
        print(exc, file=sys.stderr)
        return 2
    print(_describe(ended, services))
    return 0 if ended.status == Status.COMPLETED else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make dataset", description=__doc__)
    parser.add_argument("name", help="small letters, digits and hyphens")
    parser.add_argument("--stage", default="dev", help="a deployed stage, or local (default: dev)")
    parser.add_argument("--url", default=LOCAL_URL, help="address of local mode")
    parser.add_argument(
        "--query", help="words and phrases: take the recordings that a search for them finds"
    )
    parser.add_argument("--owner", help="owner of the recordings (default: all owners)")
    parser.add_argument("--from", dest="since", help="created on this day or later")
    parser.add_argument("--to", dest="until", help="created on this day or earlier")
    parser.add_argument("--ids", type=argparse.FileType(), help="a file of recordings' ids")
    parser.add_argument(
        "--format",
        default="parquet",
        help="parquet, lhotse, shar, webdataset or kaldi (default: parquet)",
    )
    parser.add_argument("--here", action="store_true", help="make it on this machine")
    add_dataset_options(parser)
    return parser


def _caller(stage: str, services: "Services") -> Caller:
    """Return the person who runs the command, with all rights: they can read the bucket anyway."""
    if stage == LOCAL:
        return Caller(LOCAL, is_administrator=True)
    arn = boto3.client("sts").get_caller_identity()["Arn"]
    owner = caller_of({}, services.settings.administrators, unsigned=arn).owner
    return Caller(owner, is_administrator=True)


def _make_here(asked: DatasetRequest, services: "Services") -> DatasetRequest:
    queue = Here()
    here = replace(services, datasets_queue=queue)  # type: ignore[arg-type]  # a queue that sends nothing
    plan = {"owner": asked.owner, "name": asked.name, "requested_at": asked.requested_at}
    queue.send({**plan, "step": "plan", "batch": 0})
    n_done = 0
    while queue.messages:
        message = queue.messages.popleft()
        take_dataset_step(message, here)
        if message["step"] == "batch":
            n_done += 1
            print(f"{n_done} of {n_done + _n_waiting(queue)} batches", file=sys.stderr)
    return read_dataset_request(asked.owner, asked.name, services) or asked


def _n_waiting(queue: Here) -> int:
    return sum(message["step"] == "batch" for message in queue.messages)


def _wait(asked: DatasetRequest, services: "Services") -> DatasetRequest:
    told = ""
    while True:
        found = read_dataset_request(asked.owner, asked.name, services)
        if found is None or found.requested_at != asked.requested_at:
            raise RequestError("The data set was deleted or asked for again meanwhile.")
        if found.status in (Status.COMPLETED, Status.FAILED):
            return found
        line = f"{n_batches_done(found, services)} of {found.n_batches} batches"
        if found.version and line != told:
            print(line, file=sys.stderr)
            told = line
        time.sleep(LOOKS_EVERY_S)


def _describe(ended: DatasetRequest, services: "Services") -> str:
    if ended.status != Status.COMPLETED:
        return f"{ended.name}: {ended.status}. {ended.reason or ''}".strip()
    splits = ", ".join(
        f"{name} {one['n_utterances']:,} ({one['hours']:.2f} h)"
        for name, one in ended.summary["splits"].items()
    )
    left_out = ended.summary["left_out"]["n"]
    more = f"; {left_out:,} left out" if left_out else ""
    return f"{services.datasets.uri(ended.folder)}: {splits or 'no utterances'}{more}"


if __name__ == "__main__":
    sys.exit(main())

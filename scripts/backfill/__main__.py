"""Process an archive: recordings that lay in a bucket before the stage could hear of them.

First a plan is printed: how many recordings, hours, dollars and days. Then the work begins. It can
be interrupted at any time; the same command goes on where it was, on any machine. Nothing is done
twice. Nothing of the archive is written, copied or removed.
"""

import argparse
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.config import Settings
from chalicelib.core.probe.formats import extension
from chalicelib.core.probe.limits import speech_refusal
from chalicelib.core.upload import Upload
from chalicelib.errors import EarshotError, UploadChangedError
from chalicelib.pipeline.starting import look_into
from chalicelib.services import connect
from scripts.archive_cost import Prices
from scripts.backfill import pace, plan, work
from scripts.backfill.inventory import list_inventory
from scripts.backfill.listing import Entry, Listed, Source, list_bucket, source_of
from scripts.backfill.state import State, name_of
from scripts.backfill.telling import Telling
from scripts.console import CommandError
from scripts.stage import LOCAL, enter

if TYPE_CHECKING:
    from chalicelib.services import Services

ONLY = {"features": "features", "transcript": "transcription"}


def main(arguments: list[str] | None = None) -> int:
    """Run the command. Return 1 if it fails or the budget is too small, 130 if interrupted."""
    given = enter(_parser(), arguments)
    try:
        return _run(given, connect(Settings.from_env()))
    except (CommandError, EarshotError, BotoCoreError, ClientError) as exc:
        print(f"\nStopped: {exc}", file=sys.stderr)
        print("Nothing is lost: the same command goes on from here.", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nInterrupted. The same command goes on from here.", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m scripts.backfill", description=__doc__)
    parser.add_argument("source", help="the archive: s3://bucket/prefix")
    parser.add_argument("--stage", default="dev", help="the stage, or local (default: dev)")
    parser.add_argument(
        "--inventory", help="manifest.json of an S3 Inventory, instead of a listing"
    )
    parser.add_argument("--only", choices=ONLY, help="make only these")
    parser.add_argument("--since", help="only objects that changed since a date: 2019-06-30")
    parser.add_argument("--owner", help="the owner, or a pattern of keys: 'calls/{owner}/'")
    parser.add_argument(
        "--sample",
        type=int,
        default=plan.SAMPLE,
        help=f"recordings whose headers are read for the plan (default: {plan.SAMPLE})",
    )
    parser.add_argument(
        "--budget",
        type=float,
        help="dollars that may be spent; the work stops before it costs more",
    )
    parser.add_argument("--dry-run", action="store_true", help="print the plan, and end")
    parser.add_argument(
        "--report", type=Path, help="a file for the report, in addition to the one in the bucket"
    )
    return parser


def _run(given: argparse.Namespace, services: "Services") -> int:
    settings = services.settings
    only = ONLY[given.only] if given.only else None
    source = source_of(
        given.source,
        media_bucket=settings.media_bucket,
        results_bucket=settings.results_bucket,
        source_buckets=settings.source_buckets,
        since=given.since,
        owner=given.owner,
    )
    asked = ("source", "inventory", "only", "since", "owner")
    state = State(services.results, name_of({name: getattr(given, name) for name in asked}))
    prices = Prices.read()
    quotas = pace.Quotas(measured_at_once=settings.measuring_concurrency)
    if given.stage != LOCAL:
        quotas = pace.ask(boto3.client("service-quotas"), quotas)
    stored = state.read_plan()
    if stored:
        began_at, planned = stored.pop("began_at"), plan.Plan(**stored)
        print(f"Going on with round {state.number} of {given.source}, begun {began_at}.")
    else:
        print(f"Listing {given.source} for stage {given.stage} ...", flush=True)
        began_at = services.clock().isoformat()
        planned = _plan(given, source, state, services, prices, quotas, only)
    print("\n".join(plan.lines(planned)), flush=True)
    if given.dry_run:
        return 0
    if not stored:
        if not _may_begin(given, planned):
            return 1
        state.write_plan({**planned.to_dict(), "began_at": began_at})
    return _work(given, state, services, planned, prices, quotas, began_at)


def _may_begin(given: argparse.Namespace, planned: plan.Plan) -> bool:
    if given.budget is not None:
        if planned.total_usd <= given.budget:
            return True
        print(
            f"The plan costs {planned.total_usd:,.2f} USD, and the budget is {given.budget:,.2f}: "
            "nothing was started. Raise --budget, or choose a smaller prefix.",
            file=sys.stderr,
        )
        return False
    if not sys.stdin.isatty():
        return True
    print("Begin? [y/N] ", end="", flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _plan(
    given: argparse.Namespace,
    source: Source,
    state: State,
    services: "Services",
    prices: Prices,
    quotas: pace.Quotas,
    only: str | None,
) -> plan.Plan:
    tally = plan.Tally(sample_size=given.sample)
    entries: Iterator[Entry] = (
        entry for listed in _listed(given, source) if (entry := source.entry(listed))
    )
    tally.count(entries if given.dry_run else state.write_list(entries))

    def read(entry: Entry) -> plan.Header:
        upload = Upload(entry.bucket, entry.key, entry.etag, entry.size)
        named = extension(entry.key)
        try:
            _, contents, reason = look_into(upload, services)
        except UploadChangedError:
            return plan.Header(named, entry.size, None)
        if only != "features":
            reason = reason or speech_refusal(contents)
        return plan.Header(named, entry.size, contents.duration_s, reason)

    return plan.make_plan(tally, read, prices=prices, quotas=quotas, only=only)


def _listed(given: argparse.Namespace, source: Source) -> Iterator[Listed]:
    s3 = boto3.client("s3")
    if given.inventory:
        return list_inventory(s3, given.inventory, bucket=source.bucket)
    return list_bucket(s3, source.bucket, source.prefix)


def _work(
    given: argparse.Namespace,
    state: State,
    services: "Services",
    planned: plan.Plan,
    prices: Prices,
    quotas: pace.Quotas,
    began_at: str,
) -> int:
    limits = quotas.at_once(planned.only), quotas.a_second(planned.only)
    doing = work.Work(
        services,
        state,
        planned,
        began_at=began_at,
        pace=pace.Pace(*limits, time.monotonic),
        prices=prices,
        budget=given.budget,
        clock=time.monotonic,
    )
    telling = Telling(sys.stdout, time.monotonic)
    pause = threading.Event()
    while True:
        began = time.monotonic()
        doing.step()
        telling.tell(doing.progress, is_last=doing.is_done)
        if doing.is_done:
            break
        # Steps begin one tick apart. After a longer step the next begins at once; none are made up.
        pause.wait(max(0.0, began + work.TICK_S - time.monotonic()))
    return _end(given, state, services, doing)


def _end(given: argparse.Namespace, state: State, services: "Services", doing: work.Work) -> int:
    progress = doing.progress
    if progress.is_over_budget:
        print(
            f"Stopped at the budget: {progress.total - progress.ended:,} recordings were not "
            "started. The same command with a larger --budget goes on from here.",
            file=sys.stderr,
        )
        return 1
    state.write_report(doing.n_parts)
    if given.report:
        body: Any = services.results.read(state.report_key)
        given.report.write_bytes(body)
    print(f"The report is {services.results.uri(state.report_key)}.")
    if progress.outcomes.get("FAILED"):
        print(f"`make status STAGE={given.stage}` shows why some have failed.")
    return 0


if __name__ == "__main__":
    sys.exit(main())

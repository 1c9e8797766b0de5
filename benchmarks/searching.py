"""Search in an index of up to 200,000 recordings, on dynalite: python benchmarks/searching.py.

It needs dynalite: `make test-peers` installs it, and EARSHOT_PEERS names its folder. The index has
only the rows that the queries read: for every recording, the rows of the queries' buckets; for the
recordings that an answer can reach, also places, heads and passages. A real index has more rows,
but in other partitions. The index grows to each of the sizes, or to those given as arguments. At
each size, every query runs in a separate process. Writes searching.md.
"""

import json
import os
import random
import resource
import subprocess
import sys
import time
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice
from types import SimpleNamespace
from typing import Any

import boto3
import orjson
from processes import HERE

sys.path[:0] = [str(HERE.parent), str(HERE.parent / "tests")]

from support.stand_ins import dynalite  # noqa: E402  # imported after the paths are set

from chalicelib.api.search import LISTING, MAX_ROWS, READING, search  # noqa: E402  # imported after the paths are set
from chalicelib.aws.dynamodb_marks import N_SHARDS  # noqa: E402  # imported after the paths are set
from chalicelib.aws.dynamodb_search import SearchTable, bucket_shards  # noqa: E402  # imported after the paths are set
from chalicelib.core.search import layout  # noqa: E402  # imported after the paths are set
from scripts.cost import table as markdown_table  # noqa: E402  # imported after the paths are set

SIZES = (50_000, 200_000)
"""Numbers of recordings at which the queries run."""

N_TERMS = 1500
TERMS_EACH = 760 // layout.N_BUCKETS
"""Terms of a recording in one bucket; ten minutes of speech have about 760 in all buckets."""

SHARES = {"the": 0.95, "river": 0.05, "barge": 0.0001}
"""Share of the recordings that have a word."""

QUERIES = ("barge", "river barge", "the river", '"the river"', "the")
QUERY_S, BATCH_S = 0.2, 0.05
"""Assumed seconds of DynamoDB for a page of a megabyte, and for 100 rows. AWS publishes no times.
 A partition gives 3,000 read units a second, which is 23 such pages.
"""

REACHED = round(1.05 * MAX_ROWS / SHARES["the"])
"""Newest recordings that a query for ``the`` can reach; other words reach all that have them."""

START = datetime(2026, 1, 1, tzinfo=UTC)
TABLE = "search"
ASK = "ask"
KEYS = {"region_name": "us-east-1", "aws_access_key_id": "k", "aws_secret_access_key": "s"}


def recordings(sizes: Sequence[int]) -> Iterator[list[dict[str, Any]]]:
    """Yield each recording's rows of the index."""
    rng = random.Random(0)  # noqa: S311  # not for security
    buckets = sorted({layout.bucket_of(word) for word in SHARES})
    others = [f"word{number}" for number in range(5000)]
    spare = [layout.mark_of(word) for word in others]
    for number in range(max(sizes)):
        words = [word for word, share in SHARES.items() if rng.random() < share]
        key = {"recording_id": f"alice-interview-{number:06}-wav-{number:012x}"}
        own = layout.marks(words)
        rows = [
            key
            | {
                "term": bucket_shards(bucket, None, N_SHARDS).name_of(key["recording_id"]),
                "created_at": (START + timedelta(seconds=number)).isoformat(),
                # As long as owner_term; no query here reads that index.
                "owner_name": "alice/~00-0",
                "n_terms": N_TERMS,
                "marks": {*own.get(bucket, ()), *rng.sample(spare, TERMS_EACH)},
            }
            for bucket in buckets
        ]
        is_newest = any(size - REACHED <= number < size for size in sizes)
        if is_newest or {"river", "barge"} & set(words):
            rows += own_rows(key, words, rng.sample(others, 700), rng)
        yield rows


def own_rows(
    key: dict[str, str], words: list[str], others: list[str], rng: random.Random
) -> Iterator[dict[str, Any]]:
    places = {word: sorted(rng.sample(range(N_TERMS), 2)) for word in others}
    places |= {word: [place] for place, word in enumerate(words)}
    groups = layout.groups(places, n_terms=N_TERMS)
    for group in {layout.group_of(word, n_terms=N_TERMS) for word in words}:
        yield key | {"term": f"={group}", "places": zlib.compress(orjson.dumps(groups[group]))}
    yield key | {"term": "#", "owner": "alice", "source_key": "uploads/alice/interview.wav"}
    passage = {
        "words": words,
        "starts_s": list(range(len(words))),
        "ends_s": list(range(len(words))),
        "first_terms": list(range(len(words))),
    }
    yield key | {"term": "#0", "passage": zlib.compress(orjson.dumps(passage))}


def create(url: str) -> None:
    """Create the table with the index by term."""
    attributes = ("recording_id", "term", "created_at")
    table = boto3.resource("dynamodb", endpoint_url=url, **KEYS).create_table(
        TableName=TABLE,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in attributes],
        KeySchema=schema("recording_id", "term"),
        GlobalSecondaryIndexes=[
            {
                "IndexName": "by_term",
                "KeySchema": schema("term", "created_at"),
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
    )
    table.wait_until_exists()


def fill(url: str, new: Iterable[list[dict[str, Any]]]) -> None:
    """Write recordings' rows."""
    table = boto3.resource("dynamodb", endpoint_url=url, **KEYS).Table(TABLE)
    with table.batch_writer() as batch:
        for rows in new:
            for row in rows:
                batch.put_item(Item=row)


def schema(partition: str, order: str) -> list[dict[str, str]]:
    return [
        {"AttributeName": partition, "KeyType": "HASH"},
        {"AttributeName": order, "KeyType": "RANGE"},
    ]


def ask(url: str, query: str) -> dict[str, Any]:
    """Answer a query and measure it, in this process."""
    resources = boto3.resource("dynamodb", endpoint_url=url, **KEYS)
    asked: Counter[str] = Counter()
    resources.meta.client.meta.events.register(
        "after-call.dynamodb", lambda model, **_: asked.update([model.name])
    )
    services = SimpleNamespace(
        search_table=SearchTable(resources.Table(TABLE)), clock=lambda: datetime.now(UTC)
    )
    began, cpu = time.perf_counter(), time.process_time()
    page = search(query, owner=None, cursor=None, limit=20, services=services)
    return {
        "results": len(page.results),
        "complete": page.complete,
        "Query": asked["Query"],
        "BatchGetItem": asked["BatchGetItem"],
        "cpu_s": time.process_time() - cpu,
        "s": time.perf_counter() - began,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def seconds_of_aws(one: dict[str, Any]) -> float:
    """Return the seconds that an answer would take with DynamoDB, one request after another."""
    return float(one["cpu_s"] + one["Query"] * QUERY_S + one["BatchGetItem"] * BATCH_S)


def main() -> None:
    if sys.argv[1:2] == [ASK]:
        print(json.dumps(ask(*sys.argv[2:])))
        return
    sizes = sorted(map(int, sys.argv[1:])) or list(SIZES)
    found: list[list[str]] = []
    loads: list[float] = []
    new = recordings(sizes)
    with dynalite() as url:
        create(url)
        before = 0
        for size in sizes:
            began = time.perf_counter()
            fill(url, islice(new, size - before))
            before = size
            print(f"{size} are filled in after {time.perf_counter() - began:.0f} s", flush=True)
            for query in QUERIES:
                found.append(row_of(url, size, query))
                loads.append(os.getloadavg()[0])
    heads = [
        *("Recordings", "query", "results", "`Query`", "`BatchGetItem`"),
        *("CPU s", "s on dynalite", "s on DynamoDB, reckoned", "peak, MB"),
    ]
    load = f"{min(loads):.1f} to {max(loads):.1f} on {os.cpu_count()} cores"
    page = INTRODUCTION.format(load=load) + markdown_table(heads, found) + "\n"
    (HERE / "searching.md").write_text(page)


def row_of(url: str, size: int, query: str) -> list[str]:
    """Run a query in a separate process, and return its row of the page."""
    command = [sys.executable, __file__, ASK, url, query]
    one = json.loads(subprocess.check_output(command, env=os.environ))  # noqa: S603  # ourselves
    print(size, query, one, flush=True)
    return [
        f"{size:,}",
        f"`{query}`",
        f"{one['results']}{'' if one['complete'] else ', and more'}",
        str(one["Query"]),
        str(one["BatchGetItem"]),
        f"{one['cpu_s']:.1f}",
        f"{one['s']:.1f}",
        f"{seconds_of_aws(one):.1f}",
        f"{one['peak_mb']:.0f}",
    ]


INTRODUCTION = f"""# Search in {max(SIZES):,} recordings

`benchmarks/searching.py` writes this page: the first page of results for all owners.
The recordings have ten minutes each. {SHARES["the"]:.0%} of them have `the`,
{SHARES["river"]:.0%} have `river`, and one in {1 / SHARES["barge"]:,.0f} has `barge`.
CPU and memory are those of the function's process, which has 29 s and 1,769 MB.
The seconds on dynalite, a stand-in for DynamoDB in one thread, are those of a machine with other
work, whose load was {{load}}.
Those on DynamoDB are reckoned: the CPU's, {QUERY_S:g} s for each `Query`, which reads at most
a megabyte, and {BATCH_S:g} s for each `BatchGetItem` of 100 rows.
However slow the table is, a request lists recordings for {LISTING.seconds} s at most and reads
places for {READING.seconds} s; then it answers with what it has, says so, and gives the cursor
of the rest.
A bucket of terms has {N_SHARDS} shards, so that a thousand recordings a second can be written: a
query asks each of them, which is {N_SHARDS - 1} requests more than without shards in a small
library, and at most as many more in a large one, for the pages of a megabyte are the same.

"""


if __name__ == "__main__":
    main()

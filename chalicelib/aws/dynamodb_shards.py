"""The partitions of the indexes with all recordings in them, ordered by a time.

One partition of DynamoDB takes 1,000 writes a second. A recording changes its entry in these
indexes some twelve times, so their partition key, ``kind``, has a shard's name. A list reads every
shard and merges them.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/bp-indexes-gsi-sharding.html
"""

import heapq
from collections.abc import Callable, Iterator, Mapping
from itertools import groupby
from typing import Any

from boto3.dynamodb.conditions import ConditionBase, Key

from chalicelib.core import keys
from chalicelib.core.recording_item import KIND

N_SHARDS = 32
"""At 1,000 recordings a second, 12,000 writes: 375 a second for each shard."""


def shard_of(recording_id: str, n_shards: int) -> str:
    """Return the name of a recording's shard. The first has the name of the time before shards."""
    number = int(recording_id[-keys.DIGEST_LENGTH :], 16) % n_shards
    return f"{KIND}-{number}" if number else KIND


def shards(n_shards: int) -> Iterator[str]:
    """Yield the names of all shards."""
    yield from (f"{KIND}-{number}" if number else KIND for number in range(n_shards))


def in_order(
    ask: Callable[..., Mapping[str, Any]],
    condition: ConditionBase,
    *,
    order: str,
    newest_first: bool,
    limit: int,
    n_shards: int,
) -> Iterator[dict[str, Any]]:
    """Yield the entries of an index in the order of their times, and of their keys at one time.

    ``ask`` is DynamoDB's Query on the index. Pages of ``limit`` entries are read when they are
    needed.
    """

    def place(entry: dict[str, Any]) -> tuple[str, str]:
        return entry[order], entry["JsonFile"]

    def read(shard: str) -> Iterator[dict[str, Any]]:
        query = {
            "KeyConditionExpression": Key("kind").eq(shard) & condition,
            "ScanIndexForward": not newest_first,
            "Limit": limit,
        }
        while True:
            page = ask(**query)
            yield from page["Items"]
            if "LastEvaluatedKey" not in page:
                return
            query["ExclusiveStartKey"] = page["LastEvaluatedKey"]

    def sorted_shard(shard: str) -> Iterator[dict[str, Any]]:
        # An index has no order among entries of one time.
        for _, entries in groupby(read(shard), key=lambda entry: entry[order]):
            yield from sorted(entries, key=place, reverse=newest_first)

    return heapq.merge(*map(sorted_shard, shards(n_shards)), key=place, reverse=newest_first)

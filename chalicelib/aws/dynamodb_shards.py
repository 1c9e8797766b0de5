"""Partitions of the lists of recordings, of all owners or of one, each ordered by a time.

One partition of DynamoDB takes 1,000 writes a second. A recording changes its entries in these
indexes about twelve times. So a list has several partitions, its shards, and a recording's id says
which shard it is in. A list reads every shard and merges them.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/bp-indexes-gsi-sharding.html
"""

import heapq
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from boto3.dynamodb.conditions import ConditionBase, Key

from chalicelib.core import keys
from chalicelib.core.recording_item import KIND

N_SHARDS = 32
"""1,000 recordings a second make 12,000 writes a second: 375 for each shard."""

OWNERS = "/"
"""Separator of an owner's name and a shard's number; no owner's name contains it."""


@dataclass(frozen=True, slots=True)
class Shards:
    """The shards of one list.

    Parameters
    ----------
    attribute : str
        the attribute that is the indexes' partition key
    first : str
        the name of the first shard; before there were shards, the whole list had this name
    between : str
        the text between this name and the number, in the names of the other shards
    n : int
        number of shards
    """

    attribute: str
    first: str
    between: str
    n: int

    def name_of(self, recording_id: str) -> str:
        """Return the name of a recording's shard."""
        return self._name(int(recording_id[-keys.DIGEST_LENGTH :], 16) % self.n)

    def names(self) -> Iterator[str]:
        """Yield the names of all shards."""
        yield from map(self._name, range(self.n))

    def _name(self, number: int) -> str:
        return f"{self.first}{self.between}{number}" if number else self.first


def all_shards(n_shards: int) -> Shards:
    """Return the shards of the lists of all recordings."""
    return Shards("kind", KIND, "-", n_shards)


def owners_shards(owner: str, n_shards: int) -> Shards:
    """Return the shards of an owner's list."""
    return Shards("owner", owner, OWNERS, n_shards)


def owner_of(shard: str) -> str:
    """Return the owner whose list has a shard of this name."""
    return shard.partition(OWNERS)[0]


def in_order(
    ask: Callable[..., Mapping[str, Any]],
    shards: Shards,
    condition: ConditionBase,
    *,
    order: str,
    newest_first: bool,
    limit: int,
) -> Iterator[dict[str, Any]]:
    """Yield the entries of an index in the order of their times; at equal times, of their keys.

    ``ask`` is DynamoDB's Query on the index, and ``limit`` the number of wanted entries. The first
    page of a shard has twice its share of them, and each page twice as many as the page before.
    """

    def place(entry: dict[str, Any]) -> tuple[str, str]:
        return entry[order], entry["JsonFile"]

    def read(shard: str) -> Iterator[dict[str, Any]]:
        n = min(limit, 2 * (1 + limit // shards.n))
        query: dict[str, Any] = {
            "KeyConditionExpression": Key(shards.attribute).eq(shard) & condition,
            "ScanIndexForward": not newest_first,
            "Limit": n,
        }
        while True:
            page = ask(**query)
            yield from page["Items"]
            if "LastEvaluatedKey" not in page:
                return
            n *= 2
            query |= {"ExclusiveStartKey": page["LastEvaluatedKey"], "Limit": n}

    def sorted_shard(shard: str) -> Iterator[dict[str, Any]]:
        # An index has no order among entries with the same time.
        for _, entries in groupby(read(shard), key=lambda entry: entry[order]):
            yield from sorted(entries, key=place, reverse=newest_first)

    return heapq.merge(*map(sorted_shard, shards.names()), key=place, reverse=newest_first)

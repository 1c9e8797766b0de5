"""Lists of recordings' entries, newest first: an owner's, or all of them."""

from collections.abc import Callable, Iterable, Mapping
from itertools import chain, islice
from typing import Any

from boto3.dynamodb.conditions import Key

from chalicelib.aws.dynamodb_shards import Shards, in_order

Read = Callable[[int], tuple[list[dict[str, Any]], dict[str, str] | None]]
"""Return the next entries, at most a given number, and the key of their end if more follow."""


def read_list(
    ask: Callable[..., Mapping[str, Any]],
    shards: Shards,
    times: tuple[str, str],
    start: dict[str, str] | None,
    limit: int,
) -> Read:
    """Read the entries of a list between two times, from the end of the page before.

    ``ask`` is DynamoDB's Query on the list's index.
    """
    first, last = times
    after = (start["created_at"], start["JsonFile"]) if start else None
    entries = in_order(
        ask,
        shards,
        Key("created_at").between(first, after[0] if after else last),
        order="created_at",
        newest_first=True,
        limit=limit,
    )
    waiting: Iterable[dict[str, Any]] = (
        entry
        for entry in entries
        if after is None or (entry["created_at"], entry["JsonFile"]) < after
    )

    def read(n: int) -> tuple[list[dict[str, Any]], dict[str, str] | None]:
        nonlocal waiting
        rest = iter(waiting)
        page, following = list(islice(rest, n)), list(islice(rest, 1))
        waiting = chain(following, rest)
        # The cursor is of the whole list, not of a shard.
        end = {**page[-1], shards.attribute: shards.first} if following else None
        return page, end

    return read

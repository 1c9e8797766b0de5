"""Lists of recordings' entries, newest first: an owner's, or all of them."""

from collections.abc import Callable, Iterable, Mapping
from itertools import chain, islice
from typing import Any

from boto3.dynamodb.conditions import Key

from chalicelib.aws.dynamodb_shards import in_order
from chalicelib.core.recording_item import KIND

Ask = Callable[..., Mapping[str, Any]]
"""DynamoDB's Query, on the list's index."""

Read = Callable[[int], tuple[list[dict[str, Any]], dict[str, str] | None]]
"""Read on: return the next entries, at most so many, and the key of their end if more follow."""


def read_owners(ask: Ask, owner: str, times: tuple[str, str], start: dict[str, str] | None) -> Read:
    """Read an owner's items between two times, from the end of the page before."""
    query = {
        "KeyConditionExpression": Key("owner").eq(owner) & Key("created_at").between(*times),
        "ScanIndexForward": False,
    }

    def read(n: int) -> tuple[list[dict[str, Any]], dict[str, str] | None]:
        nonlocal start
        begin = {"ExclusiveStartKey": start} if start else {}
        response = ask(**query, **begin, Limit=n)
        start = response.get("LastEvaluatedKey")
        return response["Items"], start

    return read


def read_all(
    ask: Ask,
    times: tuple[str, str],
    start: dict[str, str] | None,
    limit: int,
    *,
    n_shards: int,
) -> Read:
    """Read the keys of all items between two times, from the end of the page before."""
    first, last = times
    after = (start["created_at"], start["JsonFile"]) if start else None
    entries = in_order(
        ask,
        Key("created_at").between(first, after[0] if after else last),
        order="created_at",
        newest_first=True,
        limit=limit,
        n_shards=n_shards,
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
        return page, {**page[-1], "kind": KIND} if following else None

    return read

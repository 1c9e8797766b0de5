"""The recordings with a term: the rows of the term's bucket with the term's mark, newest first.

One partition of DynamoDB takes 1,000 writes a second, and a recording has a row in nearly every
bucket, so a bucket has several shards (``dynamodb_shards``). Rows that are older than the shards
are in the first one. A search reads all shards of a bucket, a page at a time.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from boto3.dynamodb.conditions import Attr, Key

from chalicelib.aws.dynamodb_shards import Shards

N_SHARDS = 4
"""1,000 recordings a second make 1,000 writes a second to a bucket: 250 for each shard."""

SAMPLE = 500
"""Number of rows, the newest of a bucket's first shard, that are counted to find a query's rarest
term."""

LAST = "~"
"""A text that comes after every recording's id and every time in their order."""

Ask = Callable[..., Mapping[str, Any]]
"""DynamoDB's Query on the index of the buckets."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A recording that has a term, unless another term has the same mark."""

    recording_id: str
    created_at: str
    n_terms: int

    @property
    def place(self) -> tuple[str, str]:
        """Return the time and the id, by which recordings are ordered."""
        return self.created_at, self.recording_id


@dataclass(frozen=True, slots=True)
class Stretch:
    """The recordings with a term in a stretch of time, newest first.

    ``end`` is a time and an id, where older recordings begin; None if there are no older ones. The
    id is that of the last recording, or LAST if all recordings of this time remain.
    """

    marks: Sequence[Mark]
    end: tuple[str, str] | None

    def until(self, n: int) -> "Stretch":
        """Return the stretch of the newest ``n`` recordings."""
        return Stretch(self.marks[:n], self.marks[n - 1].place)


def count_newest(ask: Ask, shards: Shards, mark: str) -> int:
    """Return how many of the newest rows of the first shard have a mark."""
    # To count in every shard would take four requests for each term of a query.
    shard = next(shards.names())
    return int(ask(**_query(shards, shard, mark), Select="COUNT", Limit=SAMPLE)["Count"])


def read_stretch(
    ask: Ask,
    shards: Shards,
    mark: str,
    *,
    after: tuple[str, str] | None,
    most: int,
    max_pages: int,
    is_over: Callable[[], bool],
) -> Stretch:
    """Return recordings with a mark, newest first.

    The next page is always from the shard that has been read least far back in time, so the stretch
    ends at nearly the same time in all shards. It has at least one page of each shard.

    Parameters
    ----------
    after : tuple of str or None
        the ``end`` of the stretch before
    most : int
        number of recordings after which the stretch ends
    max_pages : int
        number of pages, of a megabyte each, after which the stretch ends
    is_over : callable
        returns whether the time is over, so that the stretch ends with the page that is read
    """
    start = after or (LAST, LAST)
    read_to = dict.fromkeys(shards.names(), start[0])  # without the shards that have ended
    pages_after: dict[str, Mapping[str, Any]] = {}
    found: dict[str, Mark] = {}
    n_pages = 0
    while read_to:
        shard = max(read_to, key=read_to.__getitem__)
        query = _query(shards, shard, mark, until=after and after[0])
        query["ProjectionExpression"] = "recording_id, created_at, n_terms"
        page = ask(**query, **pages_after.get(shard, {}))
        n_pages += 1
        for row in page["Items"]:
            one = Mark(row["recording_id"], row["created_at"], int(row["n_terms"]))
            if one.place < start:
                # A recording that is older than the shards is in two of them while it is written
                # again.
                found[one.recording_id] = one
        if last := page.get("LastEvaluatedKey"):
            pages_after[shard] = {"ExclusiveStartKey": last}
            read_to[shard] = last["created_at"]
        else:
            del read_to[shard]
        back_to = max(read_to.values(), default="")
        n_complete = sum(one.created_at > back_to for one in found.values())
        is_further = back_to < start[0]  # or the next stretch would begin here again
        if n_complete >= most or (is_further and (n_pages >= max_pages or is_over())):
            break
    marks = sorted(
        (one for one in found.values() if one.created_at > back_to),
        key=lambda one: one.place,
        reverse=True,
    )
    stretch = Stretch(marks, (back_to, LAST) if read_to else None)
    return stretch.until(most) if len(marks) > most else stretch


def _query(shards: Shards, shard: str, mark: str, *, until: str | None = None) -> dict[str, Any]:
    """Return the query for the rows of a shard with a mark, newest first, until a time."""
    condition: Any = Key(shards.attribute).eq(shard)
    if until:
        condition &= Key("created_at").lte(until)
    return {
        "KeyConditionExpression": condition,
        "FilterExpression": Attr("marks").contains(mark),
        "ScanIndexForward": False,
    }

"""The table of recordings: every write conditional, every list by page."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from boto3.dynamodb.conditions import Attr, Key
from botocore.exceptions import ClientError

from chalicelib.aws.dynamodb_cursors import decode, encode
from chalicelib.aws.dynamodb_values import assignment, from_dynamodb, is_refused, to_item
from chalicelib.core import keys, recording_item
from chalicelib.core.recording import Branch, BranchState, Recording, Result, Status, Upload
from chalicelib.core.recording_item import KIND
from chalicelib.errors import CursorError, RecordingNotFoundError

BY_OWNER = "by_owner"
BY_SOURCE = "by_source"
BY_TIME = "by_time"

READS = 10
"""How often one page looks for recordings that answer its filter, before it ends without them."""

BATCH = 100
"""How many items DynamoDB returns in a batch."""

EARLIEST, LATEST = "0", "9"
"""What no time is before, and none after."""

QUIET = timedelta(hours=1)
"""How long after its last move a recording is looked at: what moved it is not alive then."""


class RecordingTable:
    """The recordings and how far each has come.

    A write returns the recording as it has written it, so nothing reads it again.
    """

    def __init__(self, table: Any, clock: Callable[[], datetime]) -> None:
        self._table = table
        self._clock = clock

    def create(self, recording: Recording) -> Recording:
        """Add a recording; return it, or the one that is there already."""
        created = replace(recording, look_at=self._look_at())
        while True:
            try:
                self._table.put_item(
                    Item=to_item(recording_item.flat(created)),
                    ConditionExpression=Attr("JsonFile").not_exists(),
                )
            except ClientError as exc:
                if not is_refused(exc):
                    raise
                if found := self.find(recording.id):
                    return found
                # Removed between the two requests, so there is room for this one.
            else:
                return created

    def find(self, recording_id: str) -> Recording | None:
        """Return a recording as it is now, or None."""
        response = self._table.get_item(
            Key={"JsonFile": keys.transcript(recording_id)}, ConsistentRead=True
        )
        return _to_recording(response["Item"]) if "Item" in response else None

    def get(self, recording_id: str) -> Recording:
        """Return a recording as it is now. Raise RecordingNotFoundError if there is none."""
        recording = self.find(recording_id)
        if recording is None:
            raise RecordingNotFoundError(recording_id)
        return recording

    def move(
        self,
        recording: Recording,
        branch: Branch,
        state: BranchState,
        *,
        unless: Collection[Status],
        result: Result | None = None,
    ) -> Recording | None:
        """Write the new state of a branch and its result, and when to look whether all is well.

        Of the state, what differs from the recording that was read is written. A branch that
        becomes PENDING loses everything that its earlier state and result had.

        Return the recording as it is then, or None if the branch has a status in ``unless`` or
        has begun another attempt since it was read, or the recording is gone: nothing late brings
        it back.
        """
        now = self._clock().isoformat()
        before = recording_item.of_state(branch, recording.state(branch))
        after = recording_item.of_state(branch, replace(state, at=now))
        outcome = recording_item.outcome_names(branch)
        clears = state.status == Status.PENDING
        changes = {
            name: value
            for name, value in after.items()
            if clears or name in outcome or value != before[name]
        }
        if clears:
            changes |= recording_item.cleared(branch)
        if result:
            changes |= recording_item.of_result(result)
        changes |= {"updated_at": now, "look_at": self._look_at()}
        attempt = Attr(recording_item.attempt_name(branch))
        read = recording.state(branch).attempt
        condition = (
            Attr("JsonFile").exists()
            & (attempt.eq(read) if read else attempt.not_exists())
            & ~Attr(branch.value).is_in(sorted(unless))
        )
        return self._write(recording.id, changes, condition)

    def write_words(self, recording: Recording, word_table_keys: Mapping[str, str]) -> Recording:
        """Write where the tables of words are, or that there are none any more.

        Raise RecordingNotFoundError if the recording is gone.
        """
        changes = {
            "word_table_keys": word_table_keys or None,
            "updated_at": self._clock().isoformat(),
        }
        return self._write_or_raise(recording.id, changes)

    def restart(self, recording: Recording, upload: Upload) -> Recording:
        """Set a recording back to where it was when its upload was seen, but for its attempts.

        Raise RecordingNotFoundError if it is gone. Whatever was added since it was read is lost or
        left over: it was made of what is to be made anew.
        """
        now = self._clock().isoformat()
        before = recording_item.flat(recording)
        fresh = Recording.of(upload, created_at=recording.created_at)
        fresh = replace(fresh, updated_at=now, restarted_at=now, look_at=self._look_at())
        changes = {**dict.fromkeys(before), **recording_item.flat(fresh)}
        # An attempt's number is drawn once: what an earlier one answers is not the next one's.
        kept = {"JsonFile", *map(recording_item.attempt_name, Branch)}
        changes = {name: value for name, value in changes.items() if name not in kept}
        return self._write_or_raise(recording.id, changes)

    def _look_at(self) -> str:
        return (self._clock() + QUIET).isoformat()

    def _write_or_raise(self, recording_id: str, changes: Mapping[str, Any]) -> Recording:
        written = self._write(recording_id, changes, Attr("JsonFile").exists())
        if written is None:
            raise RecordingNotFoundError(recording_id)
        return written

    def _write(
        self, recording_id: str, changes: Mapping[str, Any], condition: Any
    ) -> Recording | None:
        try:
            response = self._table.update_item(
                Key={"JsonFile": keys.transcript(recording_id)},
                **assignment(changes),
                ConditionExpression=condition,
                ReturnValues="ALL_NEW",
            )
        except ClientError as exc:
            if is_refused(exc):
                return None
            raise
        return _to_recording(response["Attributes"])

    def delete(self, recording_id: str) -> None:
        """Remove a recording's item. Safe to repeat."""
        self._table.delete_item(Key={"JsonFile": keys.transcript(recording_id)})

    def of_source(self, source_key: str) -> list[Recording]:
        """Return every recording that was made under an upload key.

        The index follows the table after a moment, so what was created just now may be missing.
        """
        found: list[Recording] = []
        query = {
            "IndexName": BY_SOURCE,
            "KeyConditionExpression": Key("source_key").eq(source_key),
        }
        while True:
            page = self._table.query(**query)
            found += [_to_recording(item) for item in page["Items"]]
            if "LastEvaluatedKey" not in page:
                return found
            query["ExclusiveStartKey"] = page["LastEvaluatedKey"]

    def page(
        self,
        *,
        owner: str | None = None,
        status: str | None = None,
        since: str | None = None,
        until: str | None = None,
        cursor: str | None = None,
        limit: int = 50,
    ) -> tuple[list[Recording], str | None]:
        """Return some recordings, newest first, and the cursor of the next page, None at the end.

        Of one owner or of all, of one status as a whole, created within a time: bounds included.
        A page may hold fewer than the limit, even none, and others follow it all the same.
        Raise CursorError for a cursor that no page of the same list ended with.
        """
        start = decode(cursor, owner) if cursor else None
        first, last = since or EARLIEST, until or LATEST
        if start and not first <= start["created_at"] <= last:
            raise CursorError(cursor or "")
        found: list[Recording] = []
        for _ in range(READS):
            page, start = self._read(owner, (first, last), start, limit - len(found))
            found += [one for one in page if status in (None, one.status)]
            if start is None or len(found) == limit:
                break
        return found, encode(start, owner) if start else None

    def _read(
        self,
        owner: str | None,
        times: tuple[str, str],
        start: dict[str, str] | None,
        limit: int,
    ) -> tuple[list[Recording], dict[str, str] | None]:
        partition = Key("kind").eq(KIND) if owner is None else Key("owner").eq(owner)
        response = self._table.query(
            IndexName=BY_TIME if owner is None else BY_OWNER,
            KeyConditionExpression=partition & Key("created_at").between(*times),
            ScanIndexForward=False,
            Limit=limit,
            **({"ExclusiveStartKey": start} if start else {}),
        )
        if owner is None:
            # This index holds keys alone: all items in one partition would be written too often.
            page = self.find_many([item["JsonFile"] for item in response["Items"]])
        else:
            page = [_to_recording(item) for item in response["Items"]]
        return page, response.get("LastEvaluatedKey")

    def find_many(self, item_keys: Sequence[str]) -> list[Recording]:
        """Return recordings by their items' keys, in the order given; those gone are left out."""
        found: dict[str, Recording] = {}
        waiting = [{"JsonFile": key} for key in item_keys]
        while waiting:
            batch, waiting = waiting[:BATCH], waiting[BATCH:]
            response = self._table.meta.client.batch_get_item(
                RequestItems={self._table.name: {"Keys": batch}}
            )
            for item in response["Responses"].get(self._table.name, []):
                found[item["JsonFile"]] = _to_recording(item)
            unread = response.get("UnprocessedKeys", {}).get(self._table.name, {}).get("Keys", [])
            waiting = unread + waiting
        return [found[key] for key in item_keys if key in found]

    def cursor_after(self, recording: Recording, *, owner: str | None) -> str:
        """Return the cursor of a page that ends with a recording, in an owner's list or in all."""
        return encode(recording_item.flat(recording), owner)


def _to_recording(item: Mapping[str, Any]) -> Recording:
    return recording_item.restore(from_dynamodb(item))

"""The table of recordings: every write conditional, every list by page."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from boto3.dynamodb.conditions import Attr, Key
from botocore.exceptions import ClientError

from chalicelib.aws.dynamodb_cursors import decode, encode
from chalicelib.aws.dynamodb_lists import read_list
from chalicelib.aws.dynamodb_shards import N_SHARDS, all_shards, owner_of, owners_shards
from chalicelib.aws.dynamodb_values import assignment, from_dynamodb, is_refused, to_item
from chalicelib.core import keys, recording_item
from chalicelib.core.recording import Branch, BranchState, Recording, Status
from chalicelib.core.results import Result, TranscriptSummary
from chalicelib.core.upload import Upload
from chalicelib.errors import CursorError, RecordingNotFoundError

if TYPE_CHECKING:
    from types_boto3_dynamodb.service_resource import Table

BY_OWNER = "by_owner"
BY_SOURCE = "by_source"
BY_TIME = "by_time"

READS = 10
"""Most queries for one page of a filtered list; the page may then be shorter."""

BATCH = 100
"""Most items in one BatchGetItem of DynamoDB."""

EARLIEST, LATEST = "0", "9"
"""Bounds before and after all times."""

QUIET = timedelta(hours=1)
"""Time from a recording's last move to its look; by then the function has ended."""


class RecordingTable:
    """The table of recordings.

    A write returns the recording that it has written, so that no second read is needed.
    """

    def __init__(
        self, table: "Table", clock: Callable[[], datetime], *, n_shards: int = N_SHARDS
    ) -> None:
        self._table = table
        self._clock = clock
        self._n_shards = n_shards

    def create(self, recording: Recording) -> Recording:
        """Add a recording; return it, or the existing one."""
        created = replace(recording, look_at=self._look_at())
        while True:
            try:
                self._table.put_item(
                    Item=to_item(self._flat(created)),
                    ConditionExpression=Attr("JsonFile").not_exists(),
                )
            except ClientError as exc:
                if not is_refused(exc):
                    raise
                if found := self.find(recording.id):
                    return found
                # The existing one was removed between the two requests, so this one can be added.
            else:
                return created

    def find(self, recording_id: str) -> Recording | None:
        """Return the present state of a recording, or None."""
        response = self._table.get_item(
            Key={"JsonFile": keys.transcript(recording_id)}, ConsistentRead=True
        )
        return _to_recording(response["Item"]) if "Item" in response else None

    def get(self, recording_id: str) -> Recording:
        """Return the present state of a recording, or raise RecordingNotFoundError."""
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
        """Write the new state of a branch, its result, and the time of the next look.

        Only the changes from the recording that was read are written. A branch that becomes
        PENDING loses its earlier state and result.

        Return the new recording. Return None if the branch has a status in ``unless`` or has begun
        another attempt since it was read, or if the recording is gone: a late event must not bring
        it back.
        """
        now = self._clock().isoformat()
        before = recording_item.of_state(branch, recording.state(branch))
        after = recording_item.of_state(branch, replace(state, at=now))
        outcome = recording_item.outcome_names(branch)
        clears = state.status == Status.PENDING
        # Everything is written for another attempt: the earlier one may have noted its job since.
        is_new = clears or state.attempt != recording.state(branch).attempt
        changes = {
            name: value
            for name, value in after.items()
            if is_new or name in outcome or value != before[name]
        }
        if clears:
            changes |= recording_item.cleared(branch)
        if result:
            changes |= recording_item.of_result(result)
        changes |= {"updated_at": now, "look_at": self._look_at()}
        condition = _in_attempt(recording, branch) & ~Attr(branch.value).is_in(sorted(unless))
        return self._write(recording.id, changes, condition)

    def write_words(self, recording: Recording, word_table_keys: Mapping[str, str]) -> Recording:
        """Write the keys of the tables of words, or remove them.

        Nothing is written if the transcription has begun another attempt since the recording was
        read; the present state is returned then. Raise RecordingNotFoundError if it is gone.
        """
        changes = {
            "word_table_keys": word_table_keys or None,
            "updated_at": self._clock().isoformat(),
        }
        written = self._write(recording.id, changes, _in_attempt(recording, Branch.TRANSCRIPTION))
        return written or self.get(recording.id)

    def write_transcript(
        self, recording: Recording, summary: TranscriptSummary
    ) -> Recording | None:
        """Write the summary of a transcript whose corrections have changed.

        Return None if the recording is gone or its transcription has begun again.
        """
        changes = {
            **recording_item.of_result(summary),
            "updated_at": self._clock().isoformat(),
        }
        branch = Branch.TRANSCRIPTION
        is_done = Attr(branch.value).eq(Status.COMPLETED.value)
        condition = _in_attempt(recording, branch) & is_done
        return self._write(recording.id, changes, condition)

    def restart(
        self, recording: Recording, upload: Upload, *, accepted_at: str | None = None
    ) -> Recording:
        """Set a recording back to its first state, with the next number for each branch's attempt.

        ``accepted_at`` is the time at which its hours were counted again, if there are quotas.
        Raise RecordingNotFoundError if it is gone. Changes since it was read are lost, because they
        belong to outputs that are made again.
        """
        now = self._clock().isoformat()
        fresh = Recording.of(upload, created_at=recording.created_at)
        fresh = replace(
            fresh,
            owner=recording.owner,  # an original's address does not name it
            updated_at=now,
            restarted_at=now,
            accepted_at=accepted_at,
            look_at=self._look_at(),
        )
        # Every attribute that an item may have: others may have been written since it was read.
        changes = {**dict.fromkeys(recording_item.attributes()), **self._flat(fresh)}
        # The table increases these numbers itself: another attempt may have begun since the read.
        counted = [recording_item.attempt_name(branch) for branch in Branch]
        for name in ("JsonFile", *counted):
            changes.pop(name, None)
        return self._write_or_raise(recording.id, changes, counted=counted)

    def _flat(self, recording: Recording) -> dict[str, Any]:
        lists = (
            all_shards(self._n_shards),
            owners_shards(recording.owner, self._n_shards),
        )
        shards = {one.attribute: one.name_of(recording.id) for one in lists}
        return recording_item.flat(recording) | shards

    def _look_at(self) -> str:
        return (self._clock() + QUIET).isoformat()

    def _write_or_raise(
        self, recording_id: str, changes: Mapping[str, Any], *, counted: Collection[str] = ()
    ) -> Recording:
        written = self._write(recording_id, changes, Attr("JsonFile").exists(), counted=counted)
        if written is None:
            raise RecordingNotFoundError(recording_id)
        return written

    def _write(
        self,
        recording_id: str,
        changes: Mapping[str, Any],
        condition: Any,
        *,
        counted: Collection[str] = (),
    ) -> Recording | None:
        try:
            response = self._table.update_item(
                Key={"JsonFile": keys.transcript(recording_id)},
                **assignment(changes, counted=counted),
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
        """Return every recording of an upload key.

        The index follows the table with a delay, so a new recording may be missing.
        """
        found: list[Recording] = []
        query: dict[str, Any] = {
            "IndexName": BY_SOURCE,
            "KeyConditionExpression": Key("source_key").eq(source_key),
        }
        while True:
            page = self._table.query(**query)
            found += [_to_recording(item) for item in page["Items"]]
            if "LastEvaluatedKey" not in page:
                return found
            query["ExclusiveStartKey"] = page["LastEvaluatedKey"]

    def each(
        self, *, owner: str | None = None, since: str | None = None, until: str | None = None
    ) -> Iterator[Recording]:
        """Yield all recordings of a list, newest first, 100 in memory at a time; see ``page``."""
        cursor: str | None = None
        while True:
            page, cursor = self.page(
                owner=owner, since=since, until=until, cursor=cursor, limit=BATCH
            )
            yield from page
            if cursor is None:
                return

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

        The list can be limited to one owner, one overall status, and a time of creation, bounds
        included. A page may have fewer recordings than the limit, even none, although more pages
        follow. Raise CursorError for a cursor that is not from a page of the same list.
        """
        start = decode(cursor, owner) if cursor else None
        first, last = since or EARLIEST, until or LATEST
        if start and not first <= start["created_at"] <= last:
            raise CursorError(cursor or "")
        index, shards = BY_TIME, all_shards(self._n_shards)
        if owner is not None:
            index, shards = BY_OWNER, owners_shards(owner, self._n_shards)
        read = read_list(
            lambda **asked: self._table.query(IndexName=index, **asked),
            shards,
            (first, last),
            start,
            limit,
        )
        found: list[Recording] = []
        for _ in range(READS):
            entries, start = read(limit - len(found))
            page = (
                # The index of all recordings has keys only: whole items would be written to it too
                # often.
                self.find_many([entry["JsonFile"] for entry in entries])
                if owner is None
                else [_to_recording(entry) for entry in entries]
            )
            found += [one for one in page if status in (None, one.status)]
            if start is None or len(found) == limit:
                break
        return found, encode(start, owner) if start else None

    def find_many(self, item_keys: Sequence[str]) -> list[Recording]:
        """Return recordings by their items' keys, in the given order, without removed ones."""
        found: dict[str, Recording] = {}
        waiting = [{"JsonFile": key} for key in item_keys]
        while waiting:
            batch, waiting = waiting[:BATCH], waiting[BATCH:]
            response: Mapping[str, Any] = self._table.meta.client.batch_get_item(
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
    found = from_dynamodb(item)
    return recording_item.restore(found | {"owner": owner_of(found["owner"])})


def _in_attempt(recording: Recording, branch: Branch) -> Any:
    """Return the condition that the item is there, and in the attempt that was read."""
    attempt = Attr(recording_item.attempt_name(branch))
    read = recording.state(branch).attempt
    return Attr("JsonFile").exists() & (attempt.eq(read) if read else attempt.not_exists())

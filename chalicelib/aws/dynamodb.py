"""The table of recordings: every write conditional, every list by page."""

import base64
import json
import math
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from boto3.dynamodb.conditions import Attr, Key
from botocore.exceptions import ClientError

from chalicelib.core import keys
from chalicelib.core.recording import KIND, Branch, Recording, Status, Upload
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
    """The recordings and how far each has come."""

    def __init__(self, table: Any, clock: Callable[[], datetime]) -> None:
        self._table = table
        self._clock = clock

    def create(self, recording: Recording) -> bool:
        """Add a recording. Return False, and change nothing, if it is there already."""
        try:
            self._table.put_item(
                Item=_to_item({**recording.attributes, "look_at": self._look_at()}),
                ConditionExpression=Attr("JsonFile").not_exists(),
            )
        except ClientError as exc:
            if _is_refused(exc):
                return False
            raise
        return True

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

    def settle(
        self,
        recording_id: str,
        branch: Branch,
        status: Status,
        *,
        unless: Collection[Status],
        reason: str | None = None,
        attributes: Mapping[str, Any] | None = None,
        internal: bool = False,
    ) -> bool:
        """Move one branch on and write what came with it, and when to look whether all is well.

        ``internal`` marks a failure that the recording has no part in, worth another try.

        Return False, and change nothing, if the branch has a status in ``unless``. Raise
        RecordingNotFoundError if the recording is gone: nothing late brings it back.
        """
        changes = {
            branch.value: status,
            f"{branch}_reason": reason,
            f"{branch}_internal": internal or None,
            f"{branch}_at": self._clock().isoformat(),
            "updated_at": self._clock().isoformat(),
            "look_at": self._look_at(),
            **(attributes or {}),
        }
        condition = Attr("JsonFile").exists() & ~Attr(branch.value).is_in(sorted(unless))
        if self._update_if(recording_id, changes, condition):
            return True
        self.get(recording_id)
        return False

    def _look_at(self) -> str:
        return (self._clock() + QUIET).isoformat()

    def note(self, recording_id: str, attributes: Mapping[str, Any]) -> None:
        """Write what else is known of a recording. Raise RecordingNotFoundError if it is gone."""
        changes = {**attributes, "updated_at": self._clock().isoformat()}
        if not self._update_if(recording_id, changes, Attr("JsonFile").exists()):
            raise RecordingNotFoundError(recording_id)

    def claim_notice(self, recording_id: str, outcome: str, *, claimed_before: str) -> bool:
        """Take it on to send a notice; tell whether it was free to take.

        It is if it was not sent, and nobody claimed it, or did before a given time and died.
        """
        claim, sent = f"notice_{outcome}_claimed_at", f"notice_{outcome}_sent_at"
        return self._update_if(
            recording_id,
            {claim: self._clock().isoformat()},
            Attr("JsonFile").exists()
            & Attr(sent).not_exists()
            & (Attr(claim).not_exists() | Attr(claim).lt(claimed_before)),
        )

    def release_notice(self, recording_id: str, outcome: str) -> None:
        """Give back what was claimed and could not be sent."""
        self._update_if(
            recording_id, {f"notice_{outcome}_claimed_at": None}, Attr("JsonFile").exists()
        )

    def record_notice(self, recording_id: str, outcome: str) -> None:
        """Write that a notice was sent: no other is, ever."""
        self._update_if(
            recording_id,
            {
                f"notice_{outcome}_sent_at": self._clock().isoformat(),
                f"notice_{outcome}_claimed_at": None,
            },
            Attr("JsonFile").exists(),
        )

    def _update_if(self, recording_id: str, changes: Mapping[str, Any], condition: Any) -> bool:
        try:
            self._table.update_item(
                Key={"JsonFile": keys.transcript(recording_id)},
                **_assignment(changes),
                ConditionExpression=condition,
            )
        except ClientError as exc:
            if _is_refused(exc):
                return False
            raise
        return True

    def restart(self, recording_id: str, upload: Upload) -> None:
        """Set a recording back to where it was when its upload was seen.

        Raise RecordingNotFoundError if it is gone. Between looking and writing something may be
        added, and is lost: it was made of what is to be made anew.
        """
        found = self.get(recording_id)
        fresh = Recording.of(upload, created_at=found.attributes["created_at"]).attributes
        now = self._clock().isoformat()
        dropped = dict.fromkeys(found.attributes.keys() - fresh.keys())
        changes = {**dropped, **fresh, "updated_at": now, "restarted_at": now}
        changes["look_at"] = self._look_at()
        del changes["JsonFile"]
        if not self._update_if(recording_id, changes, Attr("JsonFile").exists()):
            raise RecordingNotFoundError(recording_id)

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
        start = _decode(cursor, owner) if cursor else None
        first, last = since or EARLIEST, until or LATEST
        if start and not first <= start["created_at"] <= last:
            raise CursorError(cursor or "")
        found: list[Recording] = []
        for _ in range(READS):
            page, start = self._read(owner, (first, last), start, limit - len(found))
            found += [one for one in page if status in (None, one.status)]
            if start is None or len(found) == limit:
                break
        return found, _encode(start) if start else None

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
        page = [_to_recording(item) for item in response["Items"]]
        if owner is None:
            # This index holds keys alone: all items in one partition would be written too often.
            page = self.find_many([str(one.attributes["JsonFile"]) for one in page])
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
        return _encode({name: str(recording.attributes[name]) for name in _cursor_names(owner)})


def _is_refused(exc: ClientError) -> bool:
    return bool(exc.response["Error"]["Code"] == "ConditionalCheckFailedException")


def _assignment(changes: Mapping[str, Any]) -> dict[str, Any]:
    # Names are always given as placeholders: DynamoDB reserves words such as "owner" and "size".
    given = {name: value for name, value in changes.items() if value is not None}
    dropped = [name for name in changes if name not in given]
    names = {f"#{i}": name for i, name in enumerate([*given, *dropped])}
    clauses = []
    if given:
        clauses.append("SET " + ", ".join(f"#{i} = :{i}" for i in range(len(given))))
    if dropped:
        clauses.append("REMOVE " + ", ".join(f"#{i}" for i in range(len(given), len(names))))
    values = {f":{i}": _to_dynamodb(value) for i, value in enumerate(given.values())}
    return {
        "UpdateExpression": " ".join(clauses),
        "ExpressionAttributeNames": names,
        # DynamoDB refuses an empty map of values.
        **({"ExpressionAttributeValues": values} if values else {}),
    }


def _to_item(attributes: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _to_dynamodb(value) for name, value in attributes.items() if value is not None}


def _to_dynamodb(value: Any) -> Any:
    """Return a value as DynamoDB takes it: no floats, and no NaN or infinity at all."""
    if isinstance(value, float):
        return Decimal(repr(value)) if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): _to_dynamodb(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_to_dynamodb(inner) for inner in value]
    if isinstance(value, str):
        return str(value)
    return value


def _to_recording(item: Mapping[str, Any]) -> Recording:
    return Recording(_from_dynamodb(item))


def _from_dynamodb(value: Any) -> Any:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, dict):
        return {key: _from_dynamodb(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_from_dynamodb(inner) for inner in value]
    return value


def _encode(key: Mapping[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(key).encode()).decode().rstrip("=")


def _cursor_names(owner: str | None) -> set[str]:
    return {"JsonFile", "created_at", "kind" if owner is None else "owner"}


def _decode(cursor: str, owner: str | None) -> dict[str, str]:
    try:
        key = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (ValueError, RecursionError) as exc:
        raise CursorError(cursor) from exc
    if not isinstance(key, dict) or not all(isinstance(v, str) and v for v in key.values()):
        raise CursorError(cursor)
    # A cursor leads into one owner's list and no other's.
    if key.keys() != _cursor_names(owner) or key.get("owner", owner) != owner:
        raise CursorError(cursor)
    if key.get("kind", KIND) != KIND:
        raise CursorError(cursor)
    return key

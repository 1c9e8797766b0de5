"""S3 and DynamoDB in memory: what Earshot asks of them, and nothing else.

``test_doubles.py`` holds both equal to moto. They are here because a history of events makes some
hundred requests, and thousands of histories are to be told.
"""

import hashlib
import io
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from boto3.dynamodb.conditions import AttributeBase, ConditionBase
from botocore.exceptions import ClientError

PAGE = 1000
Response = dict[str, Any]


def refuse(operation: str, code: str, status: int = 400, **more: Any) -> ClientError:
    """Return the error that a client raises for a service's refusal."""
    error = {"Error": {"Code": code, "Message": f"{code} by the double"} | more}
    return ClientError(error | {"ResponseMetadata": {"HTTPStatusCode": status}}, operation)


def _nobody(operation: str, key: str) -> None:
    """Hear of a change, and do nothing."""


def _now() -> datetime:
    return datetime.now(UTC)


class Bucket:
    """One bucket's objects. ``on_change(operation, key)`` hears of every object made or removed."""

    def __init__(
        self,
        on_change: Callable[[str, str], object] = _nobody,
        clock: Callable[[], datetime] = _now,
    ) -> None:
        self.objects: dict[str, tuple[bytes, str, dict[str, str]]] = {}
        self._clock = clock
        self._modified: dict[str, datetime] = {}
        self._parts: dict[str, dict[int, bytes]] = {}
        self._n_uploads = 0
        self._on_change = on_change

    def _store(self, key: str, body: bytes, etag: str, metadata: Mapping[str, str]) -> Response:
        self.objects[key] = (body, etag, dict(metadata))
        # S3 tells no fraction of a second.
        self._modified[key] = self._clock().replace(microsecond=0)
        self._on_change("put", key)
        return {"ETag": f'"{etag}"'}

    def put_object(
        self, *, Key: str, Body: Any = b"", Metadata: Mapping[str, str] | None = None, **_: Any
    ) -> Response:
        body = Body if isinstance(Body, bytes) else Body.read()
        return self._store(Key, body, _md5(body), Metadata or {})

    def head_object(self, *, Key: str, **_: Any) -> Response:
        if Key not in self.objects:
            raise refuse("HeadObject", "404", 404)
        body, etag, metadata = self.objects[Key]
        return {
            "ETag": f'"{etag}"',
            "ContentLength": len(body),
            "Metadata": metadata,
            "LastModified": self._modified[Key],
        }

    def get_object(
        self, *, Key: str, Range: str | None = None, IfMatch: str | None = None, **_: Any
    ) -> Response:
        if Key not in self.objects:
            raise refuse("GetObject", "NoSuchKey", 404)
        body, etag, metadata = self.objects[Key]
        if IfMatch is not None and IfMatch.strip('"') != etag:
            raise refuse("GetObject", "PreconditionFailed", 412)
        if Range is None:
            return _answer(body, 200, ETag=f'"{etag}"') | {"Metadata": metadata}
        first, last = re.fullmatch(r"bytes=(\d*)-(\d*)", Range).groups()
        n = len(body)
        start = int(first) if first else max(0, n - int(last))
        stop = min(int(last) + 1, n) if first and last else n
        if start >= n:
            raise refuse("GetObject", "InvalidRange", 416, ActualObjectSize=str(n))
        span = f"bytes {start}-{stop - 1}/{n}"
        answer = _answer(body[start:stop], 206, ETag=f'"{etag}"', ContentRange=span)
        return answer | {"Metadata": metadata}

    def copy_object(self, *, Key: str, CopySource: Mapping[str, str], **_: Any) -> Response:
        if CopySource["Key"] not in self.objects:
            raise refuse("CopyObject", "NoSuchKey", 404)
        self._store(Key, *self.objects[CopySource["Key"]])
        return {}

    def list_objects_v2(
        self,
        *,
        Prefix: str = "",
        StartAfter: str = "",
        ContinuationToken: str = "",
        MaxKeys: int = PAGE,
        **_: Any,
    ) -> Response:
        after = ContinuationToken or StartAfter
        found = [key for key in sorted(self.objects) if key.startswith(Prefix) and key > after]
        page: Response = {"IsTruncated": len(found) > MaxKeys}
        if found:
            page["Contents"] = [
                {"Key": key, "ETag": f'"{self.objects[key][1]}"', "Size": len(self.objects[key][0])}
                for key in found[:MaxKeys]
            ]
        if page["IsTruncated"]:
            page["NextContinuationToken"] = found[MaxKeys - 1]
        return page

    def delete_objects(self, *, Delete: Mapping[str, Any], **_: Any) -> Response:
        for entry in Delete["Objects"]:
            self.delete_object(Key=entry["Key"])
        return {}

    def delete_object(self, *, Key: str, **_: Any) -> Response:
        if self.objects.pop(Key, None):
            self._on_change("delete", Key)
        return {}

    def create_multipart_upload(self, **_: Any) -> Response:
        self._n_uploads += 1
        upload_id = f"upload-{self._n_uploads}"
        self._parts[upload_id] = {}
        return {"UploadId": upload_id}

    def upload_part(self, *, UploadId: str, PartNumber: int, Body: Any, **_: Any) -> Response:
        body = Body if isinstance(Body, bytes) else Body.read()
        self._parts[UploadId][PartNumber] = body
        return {"ETag": f'"{_md5(body)}"'}

    def complete_multipart_upload(
        self, *, Key: str, UploadId: str, MultipartUpload: Mapping[str, Any], **_: Any
    ) -> Response:
        if UploadId not in self._parts:
            raise refuse("CompleteMultipartUpload", "NoSuchUpload", 404)
        if not MultipartUpload["Parts"]:
            raise refuse("CompleteMultipartUpload", "MalformedXML")
        parts = [body for _, body in sorted(self._parts.pop(UploadId).items())]
        digests = b"".join(hashlib.md5(part).digest() for part in parts)  # noqa: S324  # as S3 does
        return self._store(Key, b"".join(parts), f"{_md5(digests)}-{len(parts)}", {})

    def abort_multipart_upload(self, *, UploadId: str, **_: Any) -> Response:
        self._parts.pop(UploadId, None)
        return {}


def _md5(body: bytes) -> str:
    return hashlib.md5(body).hexdigest()  # noqa: S324  # as S3 does


def _answer(body: bytes, status: int, **headers: str) -> Response:
    metadata = {"HTTPStatusCode": status, "RetryAttempts": 0}
    return {
        "Body": io.BytesIO(body),
        "ContentLength": len(body),
        "ResponseMetadata": metadata,
        **headers,
    }


class Table:
    """One table. Its indexes show the items as they were when ``catch_up`` was last called."""

    def __init__(
        self, key: str, indexes: Mapping[str, tuple[str, str | None]], *, name: str = "metadata"
    ) -> None:
        self.items: dict[str, dict[str, Any]] = {}
        self.n_created: dict[str, int] = {}
        self.name = name
        self._key = key
        self._indexes = indexes
        self._indexed: dict[str, dict[str, Any]] = {}

    def catch_up(self) -> None:
        self._indexed = {key: dict(item) for key, item in self.items.items()}

    def put_item(self, *, Item: Mapping[str, Any], ConditionExpression: Any = None) -> Response:
        key = Item[self._key]
        self._check("PutItem", key, ConditionExpression)
        self.items[key] = dict(Item)
        self.n_created[key] = self.n_created.get(key, 0) + 1
        return {}

    def get_item(self, *, Key: Mapping[str, str], **_: Any) -> Response:
        found = self.items.get(Key[self._key])
        return {} if found is None else {"Item": dict(found)}

    def batch_get_item(self, *, RequestItems: Mapping[str, Any]) -> Response:
        ((name, request),) = RequestItems.items()
        found = [
            self.items[key[self._key]] for key in request["Keys"] if key[self._key] in self.items
        ]
        return {"Responses": {name: [dict(item) for item in found]}, "UnprocessedKeys": {}}

    def delete_item(self, *, Key: Mapping[str, str], **_: Any) -> Response:
        item = self.items.pop(Key[self._key], None)
        return {} if item is None else {"Attributes": item}

    def update_item(
        self,
        *,
        Key: Mapping[str, str],
        UpdateExpression: str,
        ConditionExpression: Any = None,
        ExpressionAttributeNames: Mapping[str, str] | None = None,
        ExpressionAttributeValues: Mapping[str, Any] | None = None,
    ) -> Response:
        key = Key[self._key]
        self._check("UpdateItem", key, ConditionExpression)
        item = self.items.setdefault(key, dict(Key))
        names = ExpressionAttributeNames or {}
        for verb, rest in re.findall(r"(SET|REMOVE) (.*?)(?= SET | REMOVE |$)", UpdateExpression):
            for clause in rest.split(", "):
                name, _, value = clause.partition(" = ")
                if verb == "SET":
                    item[names.get(name, name)] = (ExpressionAttributeValues or {})[value]
                else:
                    item.pop(names.get(name, name), None)
        return {}

    def query(
        self,
        *,
        IndexName: str,
        KeyConditionExpression: ConditionBase,
        Limit: int = PAGE,
        ScanIndexForward: bool = True,
        ExclusiveStartKey: Mapping[str, str] | None = None,
    ) -> Response:
        partition, order = self._indexes[IndexName]
        found = [
            item
            for item in self._indexed.values()
            if all(name in item for name in (partition, order) if name)
            and _holds(KeyConditionExpression, item)
        ]
        found.sort(key=lambda item: (item[order] if order else "", item[self._key]))
        return self._page(found[:: 1 if ScanIndexForward else -1], Limit, ExclusiveStartKey)

    def _page(
        self, found: list[dict[str, Any]], limit: int, after: Mapping[str, str] | None
    ) -> Response:
        names = [item[self._key] for item in found]
        start = names.index(after[self._key]) + 1 if after and after[self._key] in names else 0
        page = found[start : start + limit]
        more = (
            {"LastEvaluatedKey": {self._key: page[-1][self._key]}} if found[start + limit :] else {}
        )
        return {"Items": [dict(item) for item in page], **more}

    def _check(self, operation: str, key: str, condition: ConditionBase | None) -> None:
        if condition is not None and not _holds(condition, self.items.get(key, {})):
            raise refuse(operation, "ConditionalCheckFailedException")


class Rows:
    """The search table: each recording's rows, by their terms. Nothing here asks its indexes."""

    name = "search"

    def __init__(self) -> None:
        self.rows: dict[str, dict[str, dict[str, Any]]] = {}

    def query(self, *, KeyConditionExpression: ConditionBase, **_: Any) -> Response:
        recording_id = KeyConditionExpression.get_expression()["values"][1]
        return {"Items": [{"term": term} for term in self.rows.get(recording_id, {})]}

    def batch_write_item(self, *, RequestItems: Mapping[str, Any]) -> Response:
        for request in RequestItems[self.name]:
            if "PutRequest" in request:
                row = request["PutRequest"]["Item"]
                self.rows.setdefault(row["recording_id"], {})[row["term"]] = row
            else:
                key = request["DeleteRequest"]["Key"]
                self.rows.get(key["recording_id"], {}).pop(key["term"], None)
        return {"UnprocessedItems": {}}


def _holds(condition: ConditionBase, item: Mapping[str, Any]) -> bool:
    """Tell whether one of boto3's conditions is true of an item."""
    expression = condition.get_expression()
    operator, values = expression["operator"], expression["values"]
    if operator in ("AND", "OR", "NOT"):
        truths = [_holds(value, item) for value in values]
        return {"AND": all(truths), "OR": any(truths), "NOT": not truths[0]}[operator]
    name, *given = [v.name if isinstance(v, AttributeBase) else v for v in values]
    if operator in ("attribute_exists", "attribute_not_exists"):
        return (name in item) == (operator == "attribute_exists")
    if name not in item:
        return False
    found = item[name]
    return bool(
        {
            "=": lambda: found == given[0],
            "<": lambda: found < given[0],
            "<=": lambda: found <= given[0],
            "IN": lambda: found in given[0],
            "BETWEEN": lambda: given[0] <= found <= given[1],
        }[operator]()
    )

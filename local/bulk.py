"""Make moto fast enough for thousands of recordings, with the same answers.

moto is slow in five places:

* For each value of an item, moto tries every type that AWS's service model allows. But its items
  are in DynamoDB's JSON already, so here they are written as they are.
* For each query, moto sorts all items of the table, and makes the keys again for each comparison.
* For each message of a queue, moto makes a calendar date to see whether the message is visible.
* While it starts, moto opens a dozen sessions of boto3, each of which parses AWS's models anew.
* It also reads megabytes of JSON, such as all types of EC2's instances, with Python's own parser.
"""

import base64
import json
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import cache
from typing import Any

import botocore.loaders
import botocore.session
import moto.utilities.utils
import orjson
from moto.core.responses import ActionContext, ActionResult
from moto.core.serialize import JSONSerializer
from moto.dynamodb.models.dynamo_type import DynamoType, Item
from moto.dynamodb.models.table import Table
from moto.dynamodb.responses import DynamoResult
from moto.sqs import models as sqs


@contextmanager
def moto_in_bulk() -> Iterator[None]:
    """Make these five places of moto fast within the block."""
    with ExitStack() as cleanup:
        for owner, name, function in (
            (DynamoResult, "execute_result", _execute_result),
            (Table, "all_items", _all_items),
            (DynamoType, "__eq__", _equals),
            (DynamoType, "__ne__", lambda one, other: not _equals(one, other)),
            (sqs, "unix_time_millis", lambda: time.time() * 1000),
            (botocore.session, "create_loader", cache(botocore.session.create_loader)),
            (botocore.loaders, "json", _QuickJson),
            (moto.utilities.utils, "json", _QuickJson),
        ):
            cleanup.callback(setattr, owner, name, getattr(owner, name))
            setattr(owner, name, function)
        yield


class _QuickJson:
    """The part of the module ``json`` that reads the models of AWS."""

    @staticmethod
    def loads(text: str | bytes, **_: Any) -> Any:
        return orjson.loads(text)


def _execute_result(result: DynamoResult, context: ActionContext) -> Any:
    context.serializer_class = _ItemsAsTheyAre
    return ActionResult.execute_result(result, context)


class _ItemsAsTheyAre(JSONSerializer):
    """The serializer of an answer, which does not look into the values of items."""

    def _serialize_type_structure(self, serialized: Any, value: Any, shape: Any, key: str) -> None:
        if shape.name == "AttributeValue":
            serialized[key] = value
        else:
            super()._serialize_type_structure(serialized, value, shape, key)

    def _serialize_body(self, body: Mapping[str, Any]) -> str:
        return json.dumps(body, default=_base64)


def _base64(blob: bytes) -> str:
    return base64.b64encode(blob).decode()


def _all_items(table: Table) -> list[Item]:
    """Return the items of a table in the order of their keys."""
    found: list[Any] = list(table.items.values())
    if not table.range_key_attr:
        return sorted(found, key=lambda item: _key(item.hash_key))
    each = (item for items in found for item in items.values())
    return sorted(each, key=lambda item: (_key(item.hash_key), _key(item.range_key)))


def _equals(one: DynamoType, other: DynamoType) -> bool:
    return one.type == other.type and bool(_key(one) == _key(other))


def _key(value: DynamoType) -> Any:
    # Nearly all values are strings, which are compared as they are.
    return value.value if value.type == "S" else value.cast_value

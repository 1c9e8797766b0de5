"""Values in DynamoDB's types, and update expressions for them."""

import math
from collections.abc import Collection, Mapping
from decimal import Decimal
from typing import Any

from botocore.exceptions import ClientError


def to_item(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Return attributes as an item, without those that are None."""
    return {name: to_dynamodb(value) for name, value in attributes.items() if value is not None}


def to_dynamodb(value: Any) -> Any:
    """Return a value in DynamoDB's types, which have no floats, no NaN and no infinity."""
    if isinstance(value, float):
        return Decimal(repr(value)) if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): to_dynamodb(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [to_dynamodb(inner) for inner in value]
    if isinstance(value, str):
        return str(value)
    return value


def from_dynamodb(value: Any) -> Any:
    """Return a value of DynamoDB in Python's types, with numbers as int or float."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, dict):
        return {key: from_dynamodb(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [from_dynamodb(inner) for inner in value]
    return value


def assignment(changes: Mapping[str, Any], *, counted: Collection[str] = ()) -> dict[str, Any]:
    """Return the arguments of UpdateItem that set attributes, and remove those that are None.

    Each number in ``counted`` is increased by one; a missing one becomes 1.
    """
    # Names are always placeholders, because DynamoDB reserves words such as "owner" and "size".
    given = {name: value for name, value in changes.items() if value is not None}
    dropped = [name for name in changes if name not in given]
    names = {f"#{i}": name for i, name in enumerate([*given, *dropped, *counted])}
    clauses = []
    if given:
        clauses.append("SET " + ", ".join(f"#{i} = :{i}" for i in range(len(given))))
    kept = len(given) + len(dropped)
    if dropped:
        clauses.append("REMOVE " + ", ".join(f"#{i}" for i in range(len(given), kept)))
    values = {f":{i}": to_dynamodb(value) for i, value in enumerate(given.values())}
    if counted:
        clauses.append("ADD " + ", ".join(f"#{i} :one" for i in range(kept, len(names))))
        values[":one"] = 1
    return {
        "UpdateExpression": " ".join(clauses),
        "ExpressionAttributeNames": names,
        # DynamoDB refuses an empty map of values.
        **({"ExpressionAttributeValues": values} if values else {}),
    }


def is_refused(exc: ClientError) -> bool:
    """Return whether a write was refused because of its condition."""
    return bool(exc.response["Error"]["Code"] == "ConditionalCheckFailedException")

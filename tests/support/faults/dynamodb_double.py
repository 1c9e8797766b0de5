"""A DynamoDB table in memory, with only the requests that Earshot makes.

``test_doubles.py`` compares it with moto; ``s3_double`` gives the reason.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from zlib import crc32

from boto3.dynamodb.conditions import AttributeBase, ConditionBase

from support.faults.refusals import cancel, refuse

CLAUSES = re.compile(r"(SET|REMOVE|ADD) (.*?)(?= REMOVE | ADD |$)")
PAGE = 1000
ALL_AT_ONCE = frozenset({"by_look_at"})
"""Indexes with keys only: 200 of their items are much less than the megabyte of a page."""

Response = dict[str, Any]
Key = tuple[str, ...]


def _nobody(item: Mapping[str, Any] | None) -> None:
    """Ignore a change."""


class Table:
    """One table. Its indexes show each item as it was when ``catch_up`` last chose it.

    ``on_change`` is called for every item that is written or removed.
    """

    def __init__(
        self,
        key: tuple[str, ...],
        indexes: Mapping[str, tuple[str, str | None]],
        *,
        name: str = "metadata",
        page: int = PAGE,
        on_change: Callable[[Mapping[str, Any] | None], object] = _nobody,
    ) -> None:
        self.items: dict[Key, dict[str, Any]] = {}
        self.n_created: dict[Key, int] = {}
        self.name = name
        self._key = key
        self._indexes = indexes
        self._page = page
        self.on_change = on_change
        self._indexed: dict[Key, dict[str, Any]] = {}

    def catch_up(self, some: str = "") -> None:
        """Let the indexes show all items as they are, or only the half that ``some`` names."""
        for key in {*self.items, *self._indexed}:
            if some and crc32(f"{some} {key}".encode()) % 2:
                continue
            self._indexed.pop(key, None)
            if key in self.items:
                self._indexed[key] = dict(self.items[key])

    def _key_of(self, given: Mapping[str, Any]) -> Key:
        return tuple(given[name] for name in self._key)

    def put_item(self, *, Item: Mapping[str, Any], ConditionExpression: Any = None) -> Response:
        key = self._key_of(Item)
        self._check("PutItem", key, ConditionExpression)
        self.items[key] = dict(Item)
        self.n_created[key] = self.n_created.get(key, 0) + 1
        self.on_change(self.items[key])
        return {}

    def get_item(self, *, Key: Mapping[str, str], **_: Any) -> Response:
        found = self.items.get(self._key_of(Key))
        return {} if found is None else {"Item": dict(found)}

    def batch_get_item(self, *, RequestItems: Mapping[str, Any]) -> Response:
        ((name, request),) = RequestItems.items()
        wanted = [self._key_of(key) for key in request["Keys"]]
        found = [dict(self.items[key]) for key in wanted if key in self.items]
        return {"Responses": {name: found}, "UnprocessedKeys": {}}

    def batch_write_item(self, *, RequestItems: Mapping[str, Any]) -> Response:
        ((_, requests),) = RequestItems.items()
        for request in requests:
            if "PutRequest" in request:
                self.put_item(Item=request["PutRequest"]["Item"])
            else:
                self.delete_item(Key=request["DeleteRequest"]["Key"])
        return {"UnprocessedItems": {}}

    def delete_item(
        self, *, Key: Mapping[str, str], ConditionExpression: Any = None, **_: Any
    ) -> Response:
        key = self._key_of(Key)
        self._check("DeleteItem", key, ConditionExpression)
        item = self.items.pop(key, None)
        self.on_change(None)
        return {} if item is None else {"Attributes": item}

    def update_item(
        self,
        *,
        Key: Mapping[str, str],
        UpdateExpression: str,
        ConditionExpression: Any = None,
        ExpressionAttributeNames: Mapping[str, str] | None = None,
        ExpressionAttributeValues: Mapping[str, Any] | None = None,
        ReturnValues: str = "NONE",
        ReturnValuesOnConditionCheckFailure: str = "NONE",
    ) -> Response:
        key = self._key_of(Key)
        shows_old = ReturnValuesOnConditionCheckFailure == "ALL_OLD"
        self._check("UpdateItem", key, ConditionExpression, shows_old=shows_old)
        item = self.items.setdefault(key, dict(Key))
        names, values = ExpressionAttributeNames or {}, ExpressionAttributeValues or {}
        for verb, clauses in re.findall(
            r"(SET|REMOVE|ADD) (.*?)(?= REMOVE | ADD |$)", UpdateExpression
        ):
            for clause in clauses.split(", "):
                alias, *rest = clause.split()
                name = names.get(alias, alias)
                if verb == "SET":
                    item[name] = values[rest[-1]]
                elif verb == "ADD":
                    item[name] = item.get(name, 0) + values[rest[-1]]
                else:
                    item.pop(name, None)
        self.on_change(item)
        return {"Attributes": dict(item)} if ReturnValues == "ALL_NEW" else {}

    def transact_write_items(self, *, TransactItems: Sequence[Mapping[str, Any]]) -> Response:
        """Make every change, or none if one of the conditions does not hold.

        https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html
        """
        updates = [one["Update"] for one in TransactItems]
        holds = [
            _holds_in_words(
                update["ConditionExpression"],
                self.items.get(self._key_of(update["Key"]), {}),
                update["ExpressionAttributeValues"],
            )
            for update in updates
        ]
        if not all(holds):
            raise cancel(["None" if held else "ConditionalCheckFailed" for held in holds])
        for update in updates:
            names = ("Key", "UpdateExpression", "ExpressionAttributeValues")
            self.update_item(**{name: update[name] for name in names})
        return {}

    def query(
        self,
        *,
        KeyConditionExpression: ConditionBase,
        FilterExpression: ConditionBase | None = None,
        Select: str | None = None,
        IndexName: str | None = None,
        Limit: int = PAGE,
        ScanIndexForward: bool = True,
        ExclusiveStartKey: Mapping[str, str] | None = None,
        **_: Any,
    ) -> Response:
        partition, order = self._indexes[IndexName] if IndexName else (self._key[0], None)
        found = [
            item
            for item in (self._indexed if IndexName else self.items).values()
            if all(name in item for name in (partition, order) if name)
            and _holds(KeyConditionExpression, item)
        ]
        found.sort(key=lambda item: (item[order] if order else "", self._key_of(item)))
        if not ScanIndexForward:
            found.reverse()
        start = 0
        if ExclusiveStartKey:
            # A page begins after a position in the order, even if that item has been removed.
            last = _place(ExclusiveStartKey, order, self._key)
            places = [_place(item, order, self._key) for item in found]
            start = sum(place <= last if ScanIndexForward else place >= last for place in places)
        # A page may end before the limit, as a real page does at one megabyte.
        limit = Limit if IndexName in ALL_AT_ONCE else min(Limit, self._page)
        page = found[start : start + limit]
        # A page is limited before it is filtered.
        passed = [item for item in page if not FilterExpression or _holds(FilterExpression, item)]
        answer: Response = {"Count": len(passed), "ScannedCount": len(page)}
        if Select != "COUNT":
            answer["Items"] = [dict(item) for item in passed]
        # DynamoDB stops at the limit and does not look further, so a full page always has a key for
        # the next page, even if that is empty. [Paginating table query results, Amazon
        # DynamoDB Developer Guide]
        if len(page) == limit:
            names = dict.fromkeys([*self._key, partition, *([order] if order else [])])
            answer["LastEvaluatedKey"] = {name: page[-1][name] for name in names}
        return answer

    def _check(
        self,
        operation: str,
        key: Key,
        condition: ConditionBase | None,
        *,
        shows_old: bool = False,
    ) -> None:
        found = self.items.get(key)
        if condition is not None and not _holds(condition, found or {}):
            error = refuse(operation, "ConditionalCheckFailedException")
            if shows_old and found:
                error.response["Item"] = dict(found)
            raise error


def _place(item: Mapping[str, Any], order: str | None, key: Key) -> tuple[Any, ...]:
    return (item[order] if order else "", *(item[name] for name in key))


def _holds_in_words(condition: str, item: Mapping[str, Any], values: Mapping[str, Any]) -> bool:
    """Return whether a condition in DynamoDB's language is true. Knows only Earshot's forms."""
    for word, together in ((" AND ", all), (" OR ", any)):
        if word in condition:
            parts = condition.split(word)
            return together(_holds_in_words(part, item, values) for part in parts)
    if found := re.fullmatch(r"attribute_(not_)?exists\((\w+)\)", condition):
        return (found[2] in item) != bool(found[1])
    name, value = condition.split(" <= ")
    return name in item and item[name] <= values[value]


def _holds(condition: ConditionBase, item: Mapping[str, Any]) -> bool:
    """Return whether one of boto3's conditions is true for an item."""
    expression = condition.get_expression()
    operator, values = expression["operator"], expression["values"]
    if operator in ("AND", "OR", "NOT"):
        truths = [_holds(value, item) for value in values]
        return {"AND": all(truths), "OR": any(truths), "NOT": not truths[0]}[operator]
    name, *given = [v.name if isinstance(v, AttributeBase) else v for v in values]
    if operator in ("attribute_exists", "attribute_not_exists"):
        return (name in item) == (operator == "attribute_exists")
    if name not in item:
        return operator == "<>"
    found = item[name]
    return bool(
        {
            "=": lambda: found == given[0],
            "<": lambda: found < given[0],
            "<=": lambda: found <= given[0],
            ">": lambda: found > given[0],
            ">=": lambda: found >= given[0],
            "<>": lambda: found != given[0],
            "IN": lambda: found in given[0],
            "contains": lambda: given[0] in found,
            "BETWEEN": lambda: given[0] <= found <= given[1],
        }[operator]()
    )

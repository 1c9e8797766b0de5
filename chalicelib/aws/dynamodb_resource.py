"""The connection to DynamoDB, which threads may share."""

from typing import TYPE_CHECKING, Any

import boto3
from boto3.dynamodb.transform import TransformationInjector

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBServiceResource

_EVENT = "before-parameter-build.dynamodb"


def connect_dynamodb() -> "DynamoDBServiceResource":
    """Return a resource that builds the condition of each request by itself.

    boto3's own resource has one builder for the conditions of all threads, and this builder numbers
    the names in them. If two conditions are built at once, they name the wrong attributes, and
    DynamoDB refuses a write that is allowed. In local mode the functions are threads of one
    process. boto3 says that resources are not thread safe:
    https://docs.aws.amazon.com/boto3/latest/guide/resources.html
    """
    dynamodb = boto3.resource("dynamodb")
    events = dynamodb.meta.client.meta.events
    name = "dynamodb-condition-expression"
    events.unregister(_EVENT, unique_id=name)
    # This is called first, because a later handler writes the conditions' values in DynamoDB's
    # types.
    events.register_first(_EVENT, _build_conditions, unique_id=name)
    return dynamodb


def _build_conditions(params: dict[str, Any], model: Any, **_: Any) -> None:
    TransformationInjector().inject_condition_expressions(params, model)

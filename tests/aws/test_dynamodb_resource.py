"""Threads share the connection to DynamoDB."""

import pytest
from boto3.dynamodb.conditions import Attr, ConditionBase
from botocore.exceptions import ClientError

from chalicelib.aws.dynamodb_resource import connect_dynamodb

KEY = {"JsonFile": "transcripts/one.json"}


class Interrupted(ConditionBase):
    """A condition that another request is made in the middle of, as another thread makes it."""

    expression_operator = "AND"
    expression_format = "({0} {operator} {1})"

    def __init__(self, first, second, interrupt):
        super().__init__(first, second)
        self.interrupt = interrupt

    def get_expression(self):
        first, second = self._values

        def one_after_the_other():
            yield first
            self.interrupt()
            yield second

        expression = super().get_expression()
        return expression | {"values": one_after_the_other()}


@pytest.fixture
def table(services):
    table = connect_dynamodb().Table(services.settings.metadata_table)
    table.put_item(Item=KEY | {"owner": "alice"})
    return table


def change(table, condition, value):
    table.update_item(
        Key=KEY,
        UpdateExpression="SET title = :title",
        ExpressionAttributeValues={":title": value},
        ConditionExpression=condition,
    )


def test_a_condition_is_not_mixed_up_with_that_of_another_thread(table):
    condition = Interrupted(
        Attr("owner").eq("alice"),
        Attr("title").not_exists() | Attr("title").eq("of another thread"),
        lambda: change(table, Attr("JsonFile").exists(), "of another thread"),
    )

    change(table, condition, "mine")

    assert table.get_item(Key=KEY)["Item"]["title"] == "mine"


def test_a_condition_that_does_not_hold_refuses_the_write(table):
    with pytest.raises(ClientError, match="ConditionalCheckFailed"):
        change(table, Attr("owner").eq("bob"), "mine")

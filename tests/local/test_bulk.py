"""The same answers, quickly."""

import boto3
import pytest
from moto import mock_aws

from local.bulk import moto_in_bulk

VALUES = {
    "text": {"S": "ü"},
    "empty": {"S": ""},
    "number": {"N": "1.5"},
    "bytes": {"B": b"\x00\xff"},
    "many_bytes": {"BS": [b"\x00", b"\xff"]},
    "texts": {"SS": ["a", "b"]},
    "numbers": {"NS": ["1", "2"]},
    "yes": {"BOOL": True},
    "no": {"BOOL": False},
    "nothing": {"NULL": True},
    "list": {"L": [{"S": "a"}, {"M": {"b": {"B": b"\x01"}}}, {"L": []}]},
    "map": {"M": {"S": {"S": "a"}, "Item": {"M": {}}}},
}


def of_items() -> list:
    """Return what DynamoDB answers to each request whose answer has items."""
    client = boto3.client("dynamodb", region_name="us-east-1")
    client.create_table(
        TableName="metadata",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    table, key = {"TableName": "metadata"}, {"id": {"S": "one"}}
    return [
        client.put_item(**table, Item=key | VALUES),
        client.get_item(**table, Key=key),
        client.get_item(**table, Key={"id": {"S": "none"}}),
        client.scan(**table),
        client.query(
            **table,
            KeyConditionExpression="id = :id",
            ExpressionAttributeValues={":id": {"S": "one"}},
            ReturnConsumedCapacity="TOTAL",
        ),
        client.batch_get_item(RequestItems={"metadata": {"Keys": [key]}}),
        client.transact_get_items(TransactItems=[{"Get": table | {"Key": key}}]),
        client.update_item(
            **table,
            Key=key,
            UpdateExpression="SET #text = :text",
            ConditionExpression="#number = :number",
            ExpressionAttributeNames={"#text": "text", "#number": "number"},
            ExpressionAttributeValues={":text": {"S": "changed"}, ":number": {"N": "1.50"}},
            ReturnValues="ALL_NEW",
        ),
        client.delete_item(**table, Key=key, ReturnValues="ALL_OLD"),
    ]


def of_order() -> list:
    """Return what DynamoDB answers to each request whose answer has an order."""
    client = boto3.client("dynamodb", region_name="us-east-1")
    client.create_table(
        TableName="search",
        KeySchema=[
            {"AttributeName": "term", "KeyType": "HASH"},
            {"AttributeName": "n", "KeyType": "RANGE"},
        ],
        AttributeDefinitions=[
            {"AttributeName": "term", "AttributeType": "S"},
            {"AttributeName": "n", "AttributeType": "N"},
            {"AttributeName": "owner", "AttributeType": "S"},
        ],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "by_owner",
                "KeySchema": [{"AttributeName": "owner", "KeyType": "HASH"}],
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
        BillingMode="PAY_PER_REQUEST",
    )
    table = {"TableName": "search"}
    for term, n, owner in (("b", "10", "x"), ("a", "9", "y"), ("b", "9.0", "x"), ("b", "-1", "x")):
        client.put_item(**table, Item={"term": {"S": term}, "n": {"N": n}, "owner": {"S": owner}})
    values = {":term": {"S": "b"}, ":n": {"N": "9"}}
    return [
        client.scan(**table),
        client.query(
            **table,
            KeyConditionExpression="term = :term AND n >= :n",
            ExpressionAttributeValues=values,
            ScanIndexForward=False,
        ),
        client.query(
            **table,
            IndexName="by_owner",
            KeyConditionExpression="#owner = :owner",
            ExpressionAttributeNames={"#owner": "owner"},
            ExpressionAttributeValues={":owner": {"S": "x"}},
        ),
        client.get_item(**table, Key={"term": {"S": "b"}, "n": {"N": "9"}}),
    ]


def of_messages() -> list:
    """Return the bodies that a queue has for each of four who ask."""
    client = boto3.client("sqs", region_name="us-east-1")
    queue = {"QueueUrl": client.create_queue(QueueName="features")["QueueUrl"]}
    client.send_message(**queue, MessageBody="now")
    client.send_message(**queue, MessageBody="later", DelaySeconds=900)
    found = [client.receive_message(**queue).get("Messages", []) for _ in range(2)]
    receipt = {"ReceiptHandle": found[0][0]["ReceiptHandle"]}
    client.change_message_visibility(**queue, **receipt, VisibilityTimeout=0)
    found.append(client.receive_message(**queue).get("Messages", []))
    client.delete_message(**queue, **receipt)
    found.append(client.receive_message(**queue).get("Messages", []))
    return [[message["Body"] for message in messages] for messages in found]


def answers(ask) -> list:
    with mock_aws():
        found = ask()
    for answer in found:
        if isinstance(answer, dict):
            del answer["ResponseMetadata"]
    return found


@pytest.mark.parametrize("ask", [of_items, of_order, of_messages])
def test_the_answers_are_the_same(ask):
    before = answers(ask)

    with moto_in_bulk():
        assert answers(ask) == before

    assert any(before)
    assert answers(ask) == before


def test_a_message_is_hidden_while_it_is_worked_on():
    with moto_in_bulk():
        assert answers(of_messages) == [["now"], [], ["now"], []]

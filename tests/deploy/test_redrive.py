"""``make redrive`` sends again what was given up."""

import json

import boto3
import pytest
from botocore.stub import Stubber

from scripts.redrive import redrive


def test_dead_letters_go_back_to_the_queue_that_they_came_from(services):
    sqs = boto3.client("sqs")
    dead = sqs.get_queue_url(QueueName="earshot-local-features-dead")["QueueUrl"]
    for number in range(12):
        sqs.send_message(QueueUrl=dead, MessageBody=json.dumps({"recording_id": f"r{number}"}))

    assert redrive("local", boto3.session.Session()) == (12, 0)

    back = sqs.receive_message(QueueUrl=services.settings.features_queue_url)
    assert "recording_id" in back["Messages"][0]["Body"]
    assert "Messages" not in sqs.receive_message(QueueUrl=dead)


@pytest.mark.usefixtures("services")
def test_an_event_that_was_given_up_is_sent_to_its_function_again():
    sqs, functions = boto3.client("sqs"), boto3.client("lambda")
    queue = sqs.get_queue_url(QueueName="earshot-local-failed-events")["QueueUrl"]
    arn = "arn:aws:lambda:us-east-1:123456789012:function:earshot-dev-store_transcript"
    record = {
        "requestContext": {"functionArn": f"{arn}:$LATEST", "condition": "RetriesExhausted"},
        "requestPayload": {"Records": []},
    }
    sqs.send_message(QueueUrl=queue, MessageBody=json.dumps(record))

    class Session:
        def client(self, name):
            return {"sqs": sqs, "lambda": functions}[name]

    with Stubber(functions) as stubber:
        expected = {
            "FunctionName": arn,
            "InvocationType": "Event",
            "Payload": json.dumps({"Records": []}).encode(),
        }
        stubber.add_response("invoke", {"StatusCode": 202}, expected)
        assert redrive("local", Session()) == (0, 1)

    assert "Messages" not in sqs.receive_message(QueueUrl=queue)

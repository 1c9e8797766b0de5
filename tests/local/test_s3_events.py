"""An event of a bucket in local mode follows the change that it tells of."""

import json

import boto3
import pytest
from botocore.exceptions import ClientError

from local.store import NotKeptError

BUCKET = "told"


@pytest.fixture
def told(gateway):  # noqa: ARG001  # it answers
    """Return a function that takes the events of the bucket, as names and keys."""
    sqs, s3 = boto3.client("sqs"), boto3.client("s3")
    url = sqs.create_queue(QueueName=BUCKET)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    s3.create_bucket(Bucket=BUCKET)
    s3.put_bucket_notification_configuration(
        Bucket=BUCKET,
        NotificationConfiguration={
            "QueueConfigurations": [
                {
                    "QueueArn": arn["Attributes"]["QueueArn"],
                    "Events": ["s3:ObjectCreated:*", "s3:ObjectRemoved:*"],
                }
            ]
        },
    )
    sqs.purge_queue(QueueUrl=url)  # S3's test event

    def take():
        bodies = []
        while found := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
            bodies += [json.loads(message["Body"]) for message in found]
        records = [record for body in bodies for record in body["Records"]]
        return sorted((one["eventName"], one["s3"]["object"]["key"]) for one in records)

    yield take
    sqs.delete_queue(QueueUrl=url)


def test_what_cannot_be_stored_is_not_told_of(gateway, told):
    """Nothing else told the pipeline that the upload had gone, and its recording stayed."""

    def is_full(bucket, key):
        raise NotKeptError(f"There is no room for {bucket}/{key}.")

    gateway.observe_objects(is_full)
    s3 = boto3.client("s3")

    with pytest.raises(ClientError, match="InsufficientStorage"):
        s3.put_object(Bucket=BUCKET, Key="a.wav", Body=b"abc")

    assert told() == []


def test_when_an_event_is_sent_the_object_has_its_metadata_and_is_stored(gateway, told):
    s3, seen = boto3.client("s3"), []

    def look(bucket, key):
        metadata = s3.head_object(Bucket=bucket, Key=key)["Metadata"]
        seen.append((key, metadata, told()))

    gateway.observe_objects(look)

    s3.put_object(Bucket=BUCKET, Key="a.wav", Body=b"abc", Metadata={"n_mfcc": "20"})

    assert seen == [("a.wav", {"n_mfcc": "20"}, [])]
    assert told() == [("ObjectCreated:Put", "a.wav")]


def test_each_way_to_change_objects_is_stored_and_told(gateway, told):
    s3, stored = boto3.client("s3"), []
    gateway.observe_objects(lambda _, key: stored.append(key))

    s3.put_object(Bucket=BUCKET, Key="a", Body=b"abc")
    s3.copy_object(Bucket=BUCKET, Key="b", CopySource={"Bucket": BUCKET, "Key": "a"})
    parts = s3.create_multipart_upload(Bucket=BUCKET, Key="c")
    part = s3.upload_part(
        Bucket=BUCKET, Key="c", UploadId=parts["UploadId"], PartNumber=1, Body=b"abc"
    )
    s3.complete_multipart_upload(
        Bucket=BUCKET,
        Key="c",
        UploadId=parts["UploadId"],
        MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]},
    )
    s3.delete_object(Bucket=BUCKET, Key="a")
    s3.delete_objects(Bucket=BUCKET, Delete={"Objects": [{"Key": "b"}, {"Key": "c"}]})

    assert stored == ["a", "b", "c", "a", "b", "c"]
    # moto tells of an upload in parts twice.
    assert {(name.partition(":")[0], key) for name, key in told()} == {
        (change, key) for change in ("ObjectCreated", "ObjectRemoved") for key in "abc"
    }

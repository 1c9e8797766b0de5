"""The doubles answer any request as moto does, or as AWS's pages say if moto differs."""

import random
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import boto3
import pytest
from boto3.dynamodb.conditions import Attr, Key
from botocore.exceptions import ClientError
from support.faults.clients import Client, Messages, do_part
from support.faults.connecting import INDEXES, SEARCH_INDEXES
from support.faults.dynamodb_double import Table
from support.faults.s3_double import Bucket
from support.faults.transcribe_double import DELETIONS_PER_S, TranscribeDouble

from chalicelib.aws.dynamodb_hours import HourCounters

KEYS = ("uploads/a b.wav", "uploads/ü.wav", "features/x/mfcc.csv", "transcripts/x.json")
BODIES = (b"", b"hello", b"hello there" * 50)
PARTS = (b"a" * (5 * 2**20), b"b")


def ask(client, operation, **request):
    """Return the relevant parts of an answer, or the code of a refusal."""
    try:
        answer = getattr(client, operation)(**request)
    except ClientError as exc:
        return exc.response["Error"]["Code"]
    wanted = ("ETag", "ContentLength", "ContentRange", "Metadata", "IsTruncated", "Item", "Items")
    found = {name: answer[name] for name in wanted if name in answer}
    if operation in ("delete_objects", "put_item", "upload_part"):
        found = {}
    if "Body" in answer:
        found["Body"] = answer["Body"].read()
    if "Contents" in answer:
        found["Contents"] = [(e["Key"], e["ETag"], e["Size"]) for e in answer["Contents"]]
    found["from here"] = sorted(answer.get("LastEvaluatedKey", {}))
    return found


def object_request(rng: random.Random, etag: str) -> tuple[str, dict]:
    key = rng.choice(KEYS)
    first = rng.randrange(12)
    ranges = (None, f"bytes={first}-{first + 5}", f"bytes={first}-", "bytes=-3", "bytes=900-950")
    prefix = rng.choice(("", "uploads/", "nothing/"))
    return rng.choice(
        (
            ("put_object", {"Key": key, "Body": rng.choice(BODIES), "Metadata": {"n": "1"}}),
            ("put_object", {"Key": key, "Body": rng.choice(BODIES)}),
            ("head_object", {"Key": key}),
            ("get_object", {"Key": key} | ({"Range": r} if (r := rng.choice(ranges)) else {})),
            ("get_object", {"Key": key, "IfMatch": etag}),
            (
                "copy_object",
                {"Key": f"{key}2", "CopySource": {"Bucket": "bucket", "Key": key}},
            ),
            ("list_objects_v2", {"Prefix": prefix, "MaxKeys": rng.choice((1, 1000))}),
            ("list_objects_v2", {"Prefix": prefix, "StartAfter": key}),
            ("delete_objects", {"Delete": {"Objects": [{"Key": key}, {"Key": "no"}]}}),
        )
    )


@pytest.mark.parametrize("seed", range(3))
def test_the_bucket_answers_as_motos_does(services, seed):
    rng = random.Random(seed)  # noqa: S311  # chance that can be had again
    real, double = boto3.client("s3"), Bucket()
    real.create_bucket(Bucket="bucket")
    assert services
    etag = ""

    for _ in range(150):
        operation, request = object_request(rng, etag)
        expected = ask(real, operation, Bucket="bucket", **request)
        assert ask(double, operation, Bucket="bucket", **request) == expected, (operation, request)
        if isinstance(expected, dict):
            etag = expected.get("ETag", etag)


@pytest.mark.parametrize("storage_class", ["STANDARD", "GLACIER", "DEEP_ARCHIVE"])
def test_an_archived_object_is_as_motos(services, storage_class):
    client, bucket = boto3.client("s3"), Bucket()
    given = {"Key": "a.wav", "Body": b"hello", "StorageClass": storage_class}
    client.put_object(Bucket=services.media.bucket, **given)
    bucket.put_object(**given)

    for operation in ("head_object", "get_object"):
        theirs = ask(client, operation, Bucket=services.media.bucket, Key="a.wav")
        assert ask(bucket, operation, Key="a.wav") == theirs


def test_a_multipart_object_equals_motos(services):
    real, double = boto3.client("s3"), Bucket()
    real.create_bucket(Bucket="bucket")
    assert services
    found = []
    for client in (real, double):
        names = {"Bucket": "bucket", "Key": "k"}
        upload = {**names, "UploadId": client.create_multipart_upload(**names)["UploadId"]}
        parts = [
            {"PartNumber": n, "ETag": client.upload_part(**upload, PartNumber=n, Body=part)["ETag"]}
            for n, part in enumerate(PARTS, start=1)
        ]
        ask(client, "complete_multipart_upload", **upload, MultipartUpload={"Parts": parts})
        head = ask(client, "head_object", **names)
        found.append((head["ETag"], head["ContentLength"]))

    assert found[0] == found[1]


def item_request(rng: random.Random) -> tuple[str, dict]:
    key = {"JsonFile": f"transcripts/{rng.randrange(4)}.json"}
    source, at = f"uploads/{rng.randrange(2)}", f"2026-01-0{rng.randrange(1, 6)}"
    names = {"ExpressionAttributeNames": {"#0": "features", "#1": "reason"}}
    values = {"ExpressionAttributeValues": {":0": rng.choice(("PENDING", "FAILED"))}}
    counts = {"ExpressionAttributeValues": {":one": 1}}
    there = Attr("JsonFile").exists()
    conditions = (
        there,
        there & ~Attr("features").is_in(["COMPLETED", "FAILED"]),
        there & Attr("sent").not_exists() & (Attr("at").not_exists() | Attr("at").lt(at)),
        Attr("look_at").eq(at),
    )
    item = {**key, "source_key": source, "owner": "o", "created_at": at, "n": Decimal(1)}
    item |= {"kind": "recording", "look_at": at, "features": "PENDING"}
    by_look = Key("kind").eq("recording") & Key("look_at").lte(at)
    update = {"Key": key, "ConditionExpression": rng.choice(conditions)}
    return rng.choice(
        (
            ("put_item", {"Item": item}),
            ("put_item", {"Item": item, "ConditionExpression": Attr("JsonFile").not_exists()}),
            ("get_item", {"Key": key, "ConsistentRead": True}),
            ("delete_item", {"Key": key}),
            (
                "update_item",
                update | names | values | {"UpdateExpression": "SET #0 = :0 REMOVE #1"},
            ),
            ("update_item", update | counts | {"UpdateExpression": "REMOVE m ADD n :one, k :one"}),
            ("update_item", update | {"UpdateExpression": "REMOVE look_at"}),
            ("query", {"IndexName": "by_look_at", "KeyConditionExpression": by_look, "Limit": 2}),
            (
                "query",
                {
                    "IndexName": "by_source",
                    "KeyConditionExpression": Key("source_key").eq(source),
                },
            ),
        )
    )


@pytest.mark.parametrize("seed", range(3))
def test_the_table_answers_as_motos_does(services, seed):
    rng = random.Random(seed)  # noqa: S311  # chance that can be had again
    real = boto3.resource("dynamodb").Table(services.settings.metadata_table)
    double = Table(("JsonFile",), INDEXES)

    for _ in range(200):
        operation, request = item_request(rng)
        expected = ask(real, operation, **request)
        found = ask(double, operation, **request)
        double.catch_up()
        if operation == "query" and isinstance(expected, dict):
            for answer in (expected, found):
                # moto leaves out the key of some last pages that are full.
                if len(answer["Items"]) == request.get("Limit"):
                    answer.pop("from here")
                # An index has no order among equal keys.
                answer["Items"] = sorted(
                    item["look_at"] for item in answer["Items"] if "look_at" in item
                )
        assert found == expected, (operation, request)
    assert sorted(double.items) == sorted((item["JsonFile"],) for item in real.scan()["Items"])


@pytest.mark.parametrize("page", [{}, {"Limit": 3}, {"Limit": 3, "Select": "COUNT"}])
def test_the_search_table_answers_as_motos_does(services, page):
    """Pages are limited before they are filtered, in both."""
    real = boto3.resource("dynamodb").Table(services.settings.search_table)
    double = Table(("recording_id", "term"), SEARCH_INDEXES, name="search")
    for number in range(7):
        row = {"recording_id": f"r{number}", "term": "~1", "created_at": f"2026-01-0{number + 1}"}
        row |= {"owner_term": "o/~1", "marks": {"abcd", f"mar{number % 2}"}}
        for table in (real, double):
            table.put_item(Item=row)
    double.catch_up()
    query = {
        "IndexName": "by_owner_term",
        "KeyConditionExpression": Key("owner_term").eq("o/~1"),
        "FilterExpression": Attr("marks").contains("mar0"),
        "ScanIndexForward": False,
        **page,
    }

    expected, found = real.query(**query), double.query(**query)

    assert found["Count"] == expected["Count"] == (2 if page else 4)
    for name in ("ScannedCount", "Items", "LastEvaluatedKey"):
        assert found.get(name) == expected.get(name)


def test_pages_of_two_show_every_item_once_in_both_orders():
    double = Table(("JsonFile",), INDEXES, page=2)
    for number in range(7):
        at = f"2026-01-0{1 + number // 3}"
        double.put_item(Item={"JsonFile": f"{number}", "kind": "recording", "created_at": at})
    double.catch_up()

    for forward in (True, False):
        query = {"IndexName": "by_time", "KeyConditionExpression": Key("kind").eq("recording")}
        query["ScanIndexForward"] = forward
        found = []
        while True:
            page = double.query(**query)
            found += [item["JsonFile"] for item in page["Items"]]
            if "LastEvaluatedKey" not in page:
                break
            assert set(page["LastEvaluatedKey"]) == {"JsonFile", "kind", "created_at"}
            query["ExclusiveStartKey"] = page["LastEvaluatedKey"]
        assert found == [f"{number}" for number in (range(7) if forward else range(6, -1, -1))]


def test_an_index_may_show_some_items_before_others():
    """Items and removals; each in the end."""
    double = Table(("JsonFile",), INDEXES)
    query = {"IndexName": "by_time", "KeyConditionExpression": Key("kind").eq("recording")}
    for number in range(20):
        item = {"JsonFile": f"{number}", "kind": "recording", "created_at": "2026-01-01"}
        double.put_item(Item=item)

    double.catch_up("some")
    some = {item["JsonFile"] for item in double.query(**query)["Items"]}
    double.catch_up()
    for number in range(20):
        double.delete_item(Key={"JsonFile": f"{number}"})
    double.catch_up("some")
    others = {item["JsonFile"] for item in double.query(**query)["Items"]}
    double.catch_up()

    assert 4 < len(some) < 16
    assert others == {f"{number}" for number in range(20)} - some
    assert double.query(**query)["Items"] == []


def code_of(call, **request):
    with pytest.raises(ClientError) as refused:
        call(**request)
    return refused.value.response["Error"]["Code"]


def test_an_object_is_removed_only_if_its_etag_is_the_one_given():
    bucket = Bucket()
    etag = bucket.put_object(Key="k", Body=b"first")["ETag"]
    bucket.put_object(Key="k", Body=b"second")

    assert code_of(bucket.delete_object, Key="k", IfMatch=etag) == "PreconditionFailed"
    assert "k" in bucket.objects

    bucket.delete_object(Key="k", IfMatch=bucket.head_object(Key="k")["ETag"])
    assert "k" not in bucket.objects


def test_an_object_is_copied_only_if_its_etag_is_the_one_given():
    bucket = Bucket()
    etag = bucket.put_object(Key="k", Body=b"first")["ETag"]
    source = {"Bucket": "b", "Key": "k"}
    bucket.copy_object(Key="copy", CopySource=source, CopySourceIfMatch=etag)
    bucket.put_object(Key="k", Body=b"second")

    refused = code_of(bucket.copy_object, Key="2", CopySource=source, CopySourceIfMatch=etag)
    assert refused == "PreconditionFailed"
    assert bucket.objects["copy"][0] == b"first"


def test_a_multipart_upload_has_the_time_of_its_start():
    now = datetime(2026, 1, 1, tzinfo=UTC)
    bucket = Bucket(clock=lambda: now)
    upload_id = bucket.create_multipart_upload(Key="a")["UploadId"]
    bucket.upload_part(UploadId=upload_id, PartNumber=1, Body=b"a")
    now += timedelta(hours=1)

    bucket.complete_multipart_upload(Key="k", UploadId=upload_id, MultipartUpload={"Parts": [1]})

    assert bucket.head_object(Key="k")["LastModified"] == now - timedelta(hours=1)


def transcribe(clock):
    bucket = Bucket()
    bucket.put_object(Key="k", Body=b"said")
    return TranscribeDouble({"b": bucket}, [].append, clock)


def test_a_transcription_job_can_be_deleted_once_it_has_ended():
    double = transcribe(lambda: datetime(2026, 1, 1, tzinfo=UTC))
    media = {"MediaFileUri": "s3://b/k"}
    double.start_transcription_job(
        TranscriptionJobName="j", Media=media, OutputBucketName="b", OutputKey="o.json"
    )

    for _ in range(2):
        refused = code_of(double.delete_transcription_job, TranscriptionJobName="j")
        assert refused == "BadRequestException"
        double.advance("j", fails=False)
    double.delete_transcription_job(TranscriptionJobName="j")

    assert not double.jobs


def test_five_deletions_a_second_are_accepted():
    now = datetime(2026, 1, 1, tzinfo=UTC)
    double = transcribe(lambda: now)

    refused = [
        code_of(double.delete_transcription_job, TranscriptionJobName="no")
        for _ in range(DELETIONS_PER_S + 1)
    ]
    now += timedelta(seconds=1)

    assert set(refused[:-1]) == {"BadRequestException"}
    assert refused[-1] == "LimitExceededException"
    assert code_of(double.delete_transcription_job, TranscriptionJobName="no") == refused[0]


@pytest.mark.parametrize("delay_s", [-1, 901])
def test_a_message_waits_for_a_quarter_of_an_hour_at_most(delay_s):
    messages = Messages(lambda: datetime(2026, 1, 1, tzinfo=UTC))
    asked = {"QueueUrl": "https://queues.example/1/features", "MessageBody": '{"key": "a"}'}

    messages.send_message(**asked, DelaySeconds=900)
    with pytest.raises(ClientError, match="InvalidParameterValue"):
        messages.send_message(**asked, DelaySeconds=delay_s)
    with pytest.raises(ClientError, match="InvalidParameterValue"):
        messages.change_message_visibility(ReceiptHandle="a", VisibilityTimeout=43_201)

    assert len(messages.waiting) == 1


def test_a_batch_request_may_be_done_in_part():
    table = Table(("JsonFile",), INDEXES)
    puts = [{"PutRequest": {"Item": {"JsonFile": name}}} for name in "abc"]

    answer = do_part("batch_write_item", table.batch_write_item, {"RequestItems": {"t": puts}})
    assert answer["UnprocessedItems"] == {"t": puts[2:]}
    wanted = {"Keys": [{"JsonFile": name} for name in "ab"]}
    answer = do_part("batch_get_item", table.batch_get_item, {"RequestItems": {"t": wanted}})
    assert answer["Responses"] == {"t": [{"JsonFile": "a"}]}
    assert answer["UnprocessedKeys"] == {"t": {"Keys": [{"JsonFile": "b"}]}}

    bucket = Bucket()
    for name in "ab":
        bucket.put_object(Key=name)
    objects = {"Objects": [{"Key": name} for name in "ab"]}
    answer = do_part("delete_objects", bucket.delete_objects, {"Delete": objects})
    assert [error["Key"] for error in answer["Errors"]] == list(bucket.objects) == ["b"]


def test_an_object_is_written_only_under_the_given_condition():
    bucket = Bucket()
    assert code_of(bucket.put_object, Key="k", Body=b"1", IfMatch='"e"') == "NoSuchKey"
    etag = bucket.put_object(Key="k", Body=b"1", IfNoneMatch="*")["ETag"]

    assert code_of(bucket.put_object, Key="k", IfNoneMatch="*") == "PreconditionFailed"
    bucket.put_object(Key="k", Body=b"2", IfMatch=etag)
    assert code_of(bucket.put_object, Key="k", IfMatch=etag) == "PreconditionFailed"
    assert bucket.objects["k"][0] == b"2"


def test_a_transaction_is_answered_as_motos_is(services):
    """Both counters or none, and a reason for each; the second time it is marked."""
    real = boto3.resource("dynamodb").Table(services.settings.metadata_table)
    double = Table(("JsonFile",), INDEXES, name=services.settings.metadata_table)
    answers = []
    for clients in (real, Client(lambda _, call, **given: call(**given), double)):
        clients.put_item(Item={"JsonFile": "transcripts/a.json"})
        clients.put_item(Item={"JsonFile": "transcripts/b.json"})
        now = datetime(2026, 1, 1, tzinfo=UTC)
        hours = HourCounters(clients, lambda now=now: now)
        answers.append(
            [
                hours.count("a", 5, {"owner/x": 8, "stage": 10}),
                hours.count("a", 5, {"owner/x": 8, "stage": 10}),
                hours.count("b", 5, {"owner/x": 8, "stage": 10}),
                hours.count("b", 5, {"owner/y": 8, "stage": 9}),
                clients.get_item(Key={"JsonFile": "hours/2026-01-01/stage"})["Item"],
                clients.get_item(Key={"JsonFile": "transcripts/b.json"})["Item"],
            ]
        )

    assert answers[0] == answers[1]
    assert answers[0][:4] == [None, None, "owner/x", "stage"]

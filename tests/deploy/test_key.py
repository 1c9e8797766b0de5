"""A key of one's own: it encrypts everything that the stack stores, and only if it is given."""

import boto3
import pytest
from moto import mock_aws

from local.stack import CREDENTIALS, TEMPLATE

pytestmark = pytest.mark.filterwarnings("ignore:Tried to parse AWS")


@pytest.fixture(params=[True, False], ids=["with a key", "without a key"])
def key(request, monkeypatch):
    """Create a stack, with a key or without; give back the key's ARN, or nothing."""
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    with mock_aws():
        made = boto3.client("kms").create_key()["KeyMetadata"]["Arn"] if request.param else ""
        given = {"Stage": "dev", "KmsKeyArn": made, "FailuresEmail": "ada@example.org"}
        boto3.client("cloudformation").create_stack(
            StackName="earshot-dev",
            TemplateBody=TEMPLATE.read_text(),
            Parameters=[
                {"ParameterKey": name, "ParameterValue": value} for name, value in given.items()
            ],
            Capabilities=["CAPABILITY_NAMED_IAM"],
        )
        yield made


def outputs() -> dict[str, str]:
    (stack,) = boto3.client("cloudformation").describe_stacks(StackName="earshot-dev")["Stacks"]
    return {one["OutputKey"]: one["OutputValue"] for one in stack["Outputs"]}


def resolved(name: str) -> dict | None:
    """Return the properties that a resource has, or None if its condition is not met.

    moto's tables drop the key, and its roles the policy.
    """
    from moto.cloudformation.models import cloudformation_backends  # noqa: PLC0415  # needs mock_aws
    from moto.cloudformation.parsing import clean_json  # noqa: PLC0415  # as above

    (stack,) = cloudformation_backends["123456789012"]["us-east-1"].stacks.values()
    resources = stack.resource_map
    described = resources._resource_json_map[name]
    if not resources.lazy_condition_map[described.get("Condition", "HasTranscoder")]:
        return None
    return clean_json(described["Properties"], resources)


def test_the_key_encrypts_everything_that_is_stored(key):
    found = outputs()
    s3, sqs, sns = (boto3.client(service) for service in ("s3", "sqs", "sns"))

    rules = s3.get_bucket_encryption(Bucket=found["MediaBucketName"])
    (rule,) = rules["ServerSideEncryptionConfiguration"]["Rules"]
    tables = [resolved(name)["SSESpecification"] for name in ("MetadataTable", "SearchTable")]
    queues = [
        sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
        for url in sqs.list_queues(QueueNamePrefix="earshot-dev-")["QueueUrls"]
    ]
    topics = {
        one["TopicArn"].rpartition("-")[2]: sns.get_topic_attributes(TopicArn=one["TopicArn"])[
            "Attributes"
        ].get("KmsMasterKeyId")
        for one in sns.list_topics()["Topics"]
    }

    assert found.get("KmsKeyArn", "") == key
    expected = (
        {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key} if key else {"SSEAlgorithm": "AES256"}
    )
    assert rule["ApplyServerSideEncryptionByDefault"] == expected
    of_a_table = {"SSEType": "KMS", "KMSMasterKeyId": key} if key else {}
    assert tables == [{"SSEEnabled": True} | of_a_table] * 2
    assert len(queues) == 7
    assert [one.get("KmsMasterKeyId", "") for one in queues] == [key] * 7
    # An alarm could not be published to a topic with a key whose policy does not name CloudWatch.
    assert topics == {
        "alarms": None,
        "notices": key or "alias/aws/sns",
        "failures": key or "alias/aws/sns",
    }


def test_the_roles_of_both_services_may_use_the_key_and_no_other(key):
    if not key:
        assert resolved("KeyPolicy") is None
        return
    policy = resolved("KeyPolicy")

    assert policy["PolicyDocument"]["Statement"] == [
        {"Effect": "Allow", "Action": ["kms:Decrypt", "kms:GenerateDataKey"], "Resource": key}
    ]
    assert policy["Roles"] == [
        f"earshot-dev-us-east-1-{service}" for service in ("transcribe", "mediaconvert")
    ]

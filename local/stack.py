"""The project's template, built in moto, and the names of its resources."""

import logging
import os
import warnings
from functools import cache
from pathlib import Path
from typing import Any

import boto3
import yaml

from local.api_gateway import LOCAL_USER

ROOT = Path(__file__).resolve().parents[1]
TEMPLATE = ROOT / "cloudformation" / "resources.yml"

REGION = "us-east-1"
BUCKET = "earshot-local"
TABLE = "metadata"
SEARCH_TABLE = "search"

CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "local",
    "AWS_SECRET_ACCESS_KEY": "local",
    "AWS_DEFAULT_REGION": REGION,
}

APP_ID = f"earshot-{os.getpid()}"
"""A mark on this process's own requests."""


def isolate(endpoint_url: str) -> None:
    """Make every AWS client of this process use one address, whatever the user has configured."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    os.environ |= CREDENTIALS | {
        "AWS_ENDPOINT_URL": endpoint_url,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        # When moto copies a multipart upload, the copy keeps the checksum of the parts' checksums;
        # S3 computes a new one. So every reader would refuse the copy that is a job's input.
        "AWS_RESPONSE_CHECKSUM_VALIDATION": "when_required",
        "AWS_SDK_UA_APP_ID": APP_ID,
        "NO_PROXY": "127.0.0.1,localhost",
    }


def create() -> dict[str, str]:
    """Create the stack and return the application's environment variables."""
    # moto lacks these, and prints long warnings; local mode does not need them.
    policies = ("S3::BucketPolicy", "SQS::QueuePolicy", "SNS::TopicPolicy")
    for unknown in (*policies, "MediaConvert::Queue", "CloudWatch::Alarm"):
        warnings.filterwarnings("ignore", message=f"Tried to parse AWS::{unknown}")
    logging.getLogger("moto").setLevel(logging.ERROR)
    cloudformation = boto3.client("cloudformation")
    cloudformation.create_stack(
        StackName="earshot-local",
        TemplateBody=TEMPLATE.read_text(),
        Parameters=[
            {"ParameterKey": name, "ParameterValue": value}
            for name, value in {
                "Stage": "local",
                "MediaBucketName": BUCKET,
                "MetadataTableName": TABLE,
                "SearchTableName": SEARCH_TABLE,
                "SourceObjects": _source_objects(os.environ.get("SOURCE_BUCKETS", "")),
            }.items()
        ],
    )
    variables = environment()
    s3 = boto3.client("s3")
    # moto's CloudFormation drops a bucket's CORS, which a browser's upload needs.
    s3.put_bucket_cors(
        Bucket=variables["MEDIA_BUCKET_NAME"], CORSConfiguration=_cors_of_the_template()
    )
    if results_bucket := os.environ.get("RESULTS_BUCKET_NAME"):
        s3.create_bucket(Bucket=results_bucket)
    for bucket in filter(None, variables["SOURCE_BUCKETS"].split(",")):
        s3.create_bucket(Bucket=bucket)
    return variables


def environment() -> dict[str, str]:
    """Return the application's environment variables for the existing stack."""
    cloudformation = boto3.client("cloudformation")
    (stack,) = cloudformation.describe_stacks(StackName="earshot-local")["Stacks"]
    outputs = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
    given = {one["ParameterKey"]: one["ParameterValue"] for one in stack["Parameters"]}
    objects = filter(None, given["SourceObjects"].split(","))
    return {
        "SOURCE_BUCKETS": ",".join(arn.split(":")[-1].removesuffix("/*") for arn in objects),
        "MEDIA_BUCKET_NAME": outputs["MediaBucketName"],
        "METADATA_TABLE_NAME": outputs["MetadataTableName"],
        "SEARCH_TABLE_NAME": outputs["SearchTableName"],
        "FEATURES_QUEUE_URL": outputs["FeaturesQueueUrl"],
        "DATASETS_QUEUE_URL": outputs["DatasetsQueueUrl"],
        "SPEECH_QUEUE_URL": outputs["SpeechQueueUrl"],
        "NOTICES_TOPIC_ARN": outputs["NoticesTopicArn"],
        "FAILURES_TOPIC_ARN": outputs["FailuresTopicArn"],
        "MEDIACONVERT_ROLE_ARN": outputs["MediaConvertRoleArn"],
        "MEDIACONVERT_QUEUE_ARN": outputs["MediaConvertQueueArn"],
        "ADMINISTRATORS": os.environ.get("ADMINISTRATORS") or LOCAL_USER,
    }


def _source_objects(buckets: str) -> str:
    # Not with scripts.record_outputs, because the library's wheel has no scripts.
    names = filter(None, (name.strip() for name in buckets.split(",")))
    return ",".join(f"arn:aws:s3:::{name}/*" for name in names)


@cache  # reading YAML is the slowest step here
def _cors_of_the_template() -> Any:
    template = yaml.load(TEMPLATE.read_text(), Loader=_TemplateLoader)  # noqa: S506  # our own file
    bucket = template["Resources"]["MediaBucket"]["Properties"]
    return {
        "CORSRules": [
            {
                {"ExposedHeaders": "ExposeHeaders", "MaxAge": "MaxAgeSeconds"}.get(name, name): (
                    ["*"] if name == "AllowedOrigins" else value
                )
                for name, value in rule.items()
            }
            for rule in bucket["CorsConfiguration"]["CorsRules"]
        ]
    }


class _TemplateLoader(yaml.SafeLoader):
    """A YAML loader for templates that leaves CloudFormation's tags unresolved."""


_TemplateLoader.add_multi_constructor("!", lambda _loader, tag, node: (tag, node.value))

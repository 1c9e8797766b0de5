"""MediaConvert's errors, with botocore's stubber in its place."""

import boto3
import pytest
from botocore.stub import Stubber

from chalicelib.aws.mediaconvert import Transcoder
from chalicelib.errors import JobRejectedError, ServiceBusyError

REQUEST = {"Role": "r", "Settings": {}}


@pytest.fixture
def stubber():
    keys = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing"}
    client = boto3.client("mediaconvert", region_name="us-east-1", **keys)
    with Stubber(client) as stubber:
        yield stubber


@pytest.mark.parametrize("code", ["BadRequestException", "ForbiddenException"])
def test_a_refusal_has_the_message_of_mediaconvert(stubber, code):
    stubber.add_client_error("create_job", code, "the bitrate is too high")

    with pytest.raises(JobRejectedError, match="the bitrate is too high"):
        Transcoder(stubber.client).start(REQUEST)


@pytest.mark.parametrize(
    "code", ["TooManyRequestsException", "ThrottlingException", "ServiceQuotaExceededException"]
)
def test_a_quota_is_not_taken_for_a_failure(stubber, code):
    """The errors of CreateJob in botocore's model."""
    stubber.add_client_error("create_job", code)

    with pytest.raises(ServiceBusyError):
        Transcoder(stubber.client).start(REQUEST)

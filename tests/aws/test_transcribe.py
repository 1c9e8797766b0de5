from collections.abc import Iterator

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber

from chalicelib.aws.transcribe import Transcriber
from chalicelib.core import keys
from chalicelib.core.jobs.transcribe import TranscriptionOptions, job_request
from chalicelib.errors import JobRejectedError, ServiceBusyError

REQUEST = job_request(
    keys.Job("earshot-dev-", "a-0123456789ab", "t", 1),
    media_uri="s3://media/uploads/a.wav",
    media_format="wav",
    output_bucket="media",
    options=TranscriptionOptions(),
)


@pytest.fixture
def stubber() -> Iterator[Stubber]:
    client = boto3.client(
        "transcribe",
        region_name="us-east-1",
        aws_access_key_id="fake",
        aws_secret_access_key="fake",
    )
    with Stubber(client) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


def test_a_job_is_started(stubber):
    stubber.add_response("start_transcription_job", {}, REQUEST)

    assert Transcriber(stubber.client).start(REQUEST) is True


def test_a_job_of_the_same_name_is_not_started_again(stubber):
    stubber.add_client_error("start_transcription_job", "ConflictException")

    assert Transcriber(stubber.client).start(REQUEST) is False


def test_a_refusal_has_the_message_of_transcribe(stubber):
    stubber.add_client_error("start_transcription_job", "BadRequestException", "No such bucket.")

    with pytest.raises(JobRejectedError, match="No such bucket"):
        Transcriber(stubber.client).start(REQUEST)


def test_an_error_that_a_retry_may_cure_is_raised(stubber):
    stubber.add_client_error("start_transcription_job", "InternalFailureException")

    with pytest.raises(ClientError, match="InternalFailureException"):
        Transcriber(stubber.client).start(REQUEST)


@pytest.mark.parametrize("code", ["LimitExceededException", "ThrottlingException"])
def test_a_quota_is_not_taken_for_a_failure(stubber, code):
    stubber.add_client_error("start_transcription_job", code)

    with pytest.raises(ServiceBusyError):
        Transcriber(stubber.client).start(REQUEST)


@pytest.mark.parametrize("code", ["NotFoundException", "BadRequestException"])
def test_a_missing_job_is_none_and_deleting_it_does_nothing(stubber, code):
    stubber.add_client_error("get_transcription_job", code)
    stubber.add_client_error("delete_transcription_job", code)

    assert Transcriber(stubber.client).find("a") is None
    Transcriber(stubber.client).delete("a")


@pytest.mark.parametrize("code", ["LimitExceededException", "ThrottlingException"])
def test_a_deletion_over_the_quota_is_left_to_the_job_records_own_end(stubber, code):
    """Transcribe takes five deletions a second; thousands of removals are more."""
    stubber.add_client_error("delete_transcription_job", code)

    Transcriber(stubber.client).delete("a")


def test_a_deletion_that_fails_for_another_reason_is_raised(stubber):
    stubber.add_client_error("delete_transcription_job", "InternalFailureException")

    with pytest.raises(ClientError):
        Transcriber(stubber.client).delete("a")

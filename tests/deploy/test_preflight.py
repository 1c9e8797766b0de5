"""Refusals of `make deploy`, before it changes anything."""

import boto3
import pytest
from moto import mock_aws

from local.stack import CREDENTIALS
from scripts.console import DeploymentError
from scripts.preflight import check_sources


def test_source_buckets_are_there_and_in_the_stages_region(monkeypatch):
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    with mock_aws():
        session = boto3.session.Session(region_name="us-east-1")
        s3 = session.client("s3")
        s3.create_bucket(Bucket="archive")
        s3.create_bucket(
            Bucket="elsewhere", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}
        )

        check_sources(session, "archive")
        check_sources(session, "")
        with pytest.raises(DeploymentError, match="elsewhere, which is in eu-west-1"):
            check_sources(session, "archive, elsewhere")
        with pytest.raises(DeploymentError, match="nowhere, which these credentials cannot read"):
            check_sources(session, "nowhere")

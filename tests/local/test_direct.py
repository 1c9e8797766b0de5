"""Requests of local mode's own functions are answered without a connection, and the same."""

import contextlib
import io
import signal

import boto3
import pytest
from botocore.exceptions import ClientError

from local.gateway import Gateway


def test_objects_are_written_and_read_with_their_metadata_by_any_name(gateway):
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket="one")
    told = []
    gateway.observe_objects(lambda *place: told.append(place))
    key = "uploads/a b/100% ü+😀.wav"

    s3.put_object(Bucket="one", Key=key, Body=io.BytesIO(b"abc"), Metadata={"n_mfcc": "20"})
    s3.upload_fileobj(io.BytesIO(bytes(9_000_000)), "one", "large.bin")
    found = s3.get_object(Bucket="one", Key=key, Range="bytes=1-")

    assert (found["Body"].read(), found["Metadata"]) == (b"bc", {"n_mfcc": "20"})
    assert s3.head_object(Bucket="one", Key="large.bin")["ContentLength"] == 9_000_000
    assert told[0] == ("one", key)


def test_errors_are_those_of_the_service(gateway):  # noqa: ARG001  # it answers
    with pytest.raises(ClientError) as raised:
        boto3.client("s3").get_object(Bucket="none", Key="a")

    assert raised.value.response["Error"]["Code"] == "NoSuchBucket"


def test_an_exception_of_a_stand_in_is_asked_again(gateway, monkeypatch):
    """As over a connection, whose server answers 500."""
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket="two")
    moto, n_asked = gateway._moto, []

    def fails_once(environ, start):
        n_asked.append(environ["REQUEST_METHOD"])
        if len(n_asked) == 1:
            raise KeyError("dictionary changed size during iteration")
        return moto(environ, start)

    monkeypatch.setattr(gateway, "_moto", fails_once)

    assert s3.list_objects_v2(Bucket="two")["KeyCount"] == 0
    assert n_asked == ["GET", "GET"]


def test_ctrl_c_in_the_middle_of_a_request_comes_when_it_has_ended(gateway, monkeypatch):
    """moto drops every exception where it sends an event to a queue."""
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket="three")
    moto = gateway._moto

    def interrupted(environ, start):
        with contextlib.suppress(BaseException):
            signal.raise_signal(signal.SIGINT)
        return moto(environ, start)

    monkeypatch.setattr(gateway, "_moto", interrupted)
    with pytest.raises(KeyboardInterrupt):
        s3.put_object(Bucket="three", Key="a", Body=b"abc")
    monkeypatch.undo()

    assert s3.head_object(Bucket="three", Key="a")["ContentLength"] == 3
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)


def test_other_addresses_are_asked_over_a_connection(gateway, monkeypatch):
    other = Gateway()
    other.start()
    monkeypatch.setenv("AWS_ENDPOINT_URL", other.url)

    asked = []
    monkeypatch.setattr(gateway, "_moto", lambda *request: asked.append(request))

    assert "Buckets" in boto3.client("s3").list_buckets()

    other.stop()
    assert asked == []

"""Answers of Amazon Transcribe, written under the keys of its jobs."""

import json
from typing import Any

import boto3

from chalicelib.services import Services


def job_name(services: Services, recording_id: str) -> str:
    """Return the name of the recording's latest transcription job."""
    name = services.recordings.get(recording_id).transcription.job_id
    assert name is not None
    return name


def answer_key(services: Services, recording_id: str) -> str:
    """Return the key that the latest job writes its transcript to."""
    return f"jobs/{job_name(services, recording_id)}/transcript.json"


def put_answer(services: Services, recording_id: str, document: Any) -> str:
    """Write a transcript, a document or bytes, as the latest job does; return its key."""
    key = answer_key(services, recording_id)
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    boto3.client("s3").put_object(Bucket=services.results.bucket, Key=key, Body=body)
    return key

"""Every trigger and route, one short function each: unpack the event, call the pipeline."""

import json
from collections.abc import Callable
from typing import Any

from chalice.app import (
    BadRequestError,
    Chalice,
    CloudWatchEvent,
    IAMAuthorizer,
    NotFoundError,
    Request,
    S3Event,
    SQSEvent,
)

from chalicelib import journal, pipeline
from chalicelib.config import Settings
from chalicelib.core import keys
from chalicelib.errors import CursorError, RecordingNotFoundError
from chalicelib.services import services

PAGE_LIMIT = 100

app = Chalice(app_name="earshot")
settings = Settings.from_env()
authorizer = IAMAuthorizer()


@app.middleware("all")
def write_journal(event: Any, get_response: Callable[[Any], Any]) -> Any:
    """Write one line about every event and request, whatever comes of it."""
    is_request = isinstance(event, Request)
    context = event.lambda_context if is_request else event.context
    with journal.event(context.function_name, services()):
        response = get_response(event)
        if is_request:
            route = event.context["resourcePath"]
            journal.note(method=event.method, route=route, status=response.status_code)
        return response


@app.on_s3_event(bucket=settings.media_bucket, events=["s3:ObjectCreated:*"], prefix=keys.UPLOADS)
def receive_upload(event: S3Event) -> None:
    """Something was put under ``uploads/``: start its transcription and its measuring."""
    pipeline.receive_upload(event.key, services())


@app.on_s3_event(bucket=settings.media_bucket, events=["s3:ObjectRemoved:*"], prefix=keys.UPLOADS)
def remove_recording(event: S3Event) -> None:
    """Something was removed from ``uploads/``: remove what was made of it."""
    pipeline.remove_recording(event.key, services())


@app.on_sqs_message(queue=settings.features_queue, batch_size=1)
def extract_features(event: SQSEvent) -> None:
    """A recording waits to be measured."""
    for message in event:
        pipeline.extract_features(json.loads(message.body)["recording_id"], services())


@app.on_s3_event(
    bucket=settings.results_bucket,
    events=["s3:ObjectCreated:*"],
    prefix=keys.TRANSCRIPTS,
    suffix=".json",
)
def store_transcript(event: S3Event) -> None:
    """Amazon Transcribe has written a transcript: index it."""
    pipeline.store_transcript(event.key, services())


@app.on_cw_event(
    {
        "source": ["aws.transcribe"],
        "detail-type": ["Transcribe Job State Change"],
        "detail": {"TranscriptionJobStatus": ["FAILED"]},
    }
)
def record_transcription_state(event: CloudWatchEvent) -> None:
    """A transcription job has failed: write its reason on the recording."""
    pipeline.record_transcription_failure(event.detail["TranscriptionJobName"], services())


@app.on_cw_event(
    {
        "source": ["aws.mediaconvert"],
        "detail-type": ["MediaConvert Job State Change"],
        "detail": {
            "status": ["COMPLETE", "ERROR", "CANCELED"],
            "userMetadata": {"recording_id": [{"exists": True}]},
        },
    }
)
def store_renditions(event: CloudWatchEvent) -> None:
    """A transcoding job has ended: list its renditions, or write why there are none."""
    pipeline.store_renditions(event.detail, services())


@app.route("/recordings", authorizer=authorizer)
def list_recordings() -> dict[str, Any]:
    """List recordings by page; with ``owner``, that owner's, newest first."""
    request = app.current_request
    query = dict(request.query_params or {}) if request else {}
    limit = query.get("limit", str(PAGE_LIMIT))
    if not limit.isdecimal() or not 1 <= int(limit) <= PAGE_LIMIT:
        raise BadRequestError(f"limit must be 1 to {PAGE_LIMIT}, not {limit!r}.")
    try:
        page, cursor = services().recordings.page(
            owner=query.get("owner"), cursor=query.get("cursor"), limit=int(limit)
        )
    except CursorError as exc:
        raise BadRequestError("This cursor is not one that a page ended with.") from exc
    return {"recordings": [recording.to_dict() for recording in page], "cursor": cursor}


@app.route("/recordings/{recording_id}", authorizer=authorizer)
def show_recording(recording_id: str) -> dict[str, Any]:
    """Show one recording."""
    try:
        return services().recordings.get(recording_id).to_dict()
    except RecordingNotFoundError as exc:
        raise NotFoundError(f"There is no recording {recording_id!r}.") from exc

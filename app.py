"""Every trigger and route: one short function unpacks the event and makes one call."""

import json
from collections.abc import Callable
from dataclasses import asdict
from functools import wraps
from typing import Any
from urllib.parse import unquote

from chalice.app import (
    BadRequestError,
    Chalice,
    CloudWatchEvent,
    CognitoUserPoolAuthorizer,
    ForbiddenError,
    IAMAuthorizer,
    NotFoundError,
    Rate,
    Response,
    S3Event,
    SQSEvent,
    SQSRecord,
    TooManyRequestsError,
)
from chalice.app import Request as HttpRequest

from chalicelib import config, journal
from chalicelib.api import corrections, downloads, openapi, page, recordings, search, uploads
from chalicelib.api import datasets as dataset_views
from chalicelib.api.corrections import Corrections
from chalicelib.api.downloads import Download
from chalicelib.api.requests import Request, caller_of, privacy_headers
from chalicelib.core import keys
from chalicelib.errors import (
    CallerError,
    CursorError,
    NotThereError,
    ParameterError,
    RecordingNotFoundError,
    RequestError,
    ServiceBusyError,
    UploadChangedError,
)
from chalicelib.pipeline import datasets, events, messages, recognition, reconciliation
from chalicelib.services import services

View = Callable[..., Any]

app = Chalice(app_name="earshot")
settings = config.read()
authorizer = (
    CognitoUserPoolAuthorizer("cognito", [settings.cognito_user_pool_arn])
    if settings.cognito_user_pool_arn
    else IAMAuthorizer()
)
sign_in = (
    page.SignIn(settings.cognito_domain, settings.cognito_client_ids[0])
    if settings.cognito_domain
    else None
)
# With a user pool the page must be public: people sign in on it, and it contains no data. With IAM,
# `make page` signs the requests for the page's files as well.
page_authorizer = None if settings.cognito_user_pool_arn else authorizer


@app.middleware("all")
def write_journal(event: Any, get_response: Callable[[Any], Any]) -> Any:
    """Write one line about every event and request, even if it fails."""
    is_request = isinstance(event, HttpRequest)
    context = event.lambda_context if is_request else event.context
    with journal.event(getattr(context, "function_name", ""), services()):
        response = get_response(event)
        if is_request:
            route = event.context["resourcePath"]
            journal.note(method=event.method, route=route, status=response.status_code)
        return response


@app.middleware("http")
def keep_private(event: HttpRequest, get_response: Callable[[Any], Response]) -> Response:
    """Add the headers that forbid caches, and connections without TLS."""
    response = get_response(event)
    response.headers = {**privacy_headers(event.headers), **response.headers}
    return response


@app.on_s3_event(bucket=settings.media_bucket, events=["s3:ObjectCreated:*"], prefix=keys.UPLOADS)
def receive_upload(event: S3Event) -> None:
    """Start the branches of a new upload."""
    events.receive_upload(event.key, services())


@app.on_s3_event(bucket=settings.media_bucket, events=["s3:ObjectRemoved:*"], prefix=keys.UPLOADS)
def remove_recording(event: S3Event) -> None:
    """Remove the outputs of an upload that was removed."""
    events.remove_recording(event.key, services())


def _attempt(message: SQSRecord) -> int:
    """Return how often a message has been received, this time included."""
    return int(message.to_dict()["attributes"]["ApproximateReceiveCount"])


@app.on_sqs_message(
    queue=settings.features_queue,
    batch_size=1,
    maximum_concurrency=settings.measuring_concurrency,
)
def extract_features(event: SQSEvent) -> None:
    """Extract the features of a recording, or do another task that the message names."""
    for message in event:
        messages.take_message(
            json.loads(message.body),
            services(),
            attempt=_attempt(message),
            receipt_handle=message.receipt_handle,
        )


@app.on_sqs_message(
    queue=settings.speech_queue,
    batch_size=1,
    maximum_concurrency=settings.recognising_concurrency,
)
def recognise_speech(event: SQSEvent) -> None:
    """Write the words of a part of a recording, for Earshot's own recogniser."""
    for message in event:
        asked = json.loads(message.body)
        recognition.recognise_part(
            asked["job"],
            asked["part"],
            services(),
            attempt=_attempt(message),
            receipt_handle=message.receipt_handle,
        )


@app.on_sqs_message(
    queue=settings.datasets_queue,
    batch_size=1,
    maximum_concurrency=config.DATASETS_CONCURRENCY,
)
def make_dataset(event: SQSEvent) -> None:
    """Do one step of a data set: plan it, make a batch, or join the batches."""
    for message in event:
        datasets.take_dataset_step(
            json.loads(message.body),
            services(),
            attempt=_attempt(message),
            receipt_handle=message.receipt_handle,
        )


@app.on_s3_event(
    bucket=settings.results_bucket,
    events=["s3:ObjectCreated:*"],
    prefix=keys.JOBS,
    suffix=".json",
)
def store_transcript(event: S3Event) -> None:
    """Store and index a transcript that Amazon Transcribe has written."""
    events.store_transcript(event.key, services())


@app.on_cw_event(
    {
        "source": ["aws.transcribe"],
        "detail-type": ["Transcribe Job State Change"],
        "detail": {"TranscriptionJobStatus": ["FAILED"]},
    }
)
def record_transcription_state(event: CloudWatchEvent) -> None:
    """Write the reason of a failed transcription job to its recording."""
    events.record_transcription_failure(event.detail["TranscriptionJobName"], services())


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
    """Store the renditions of a finished transcoding job, or the reason of its failure."""
    events.store_renditions(event.detail, services())


@app.schedule(Rate(15, Rate.MINUTES))
def reconcile(event: CloudWatchEvent) -> None:  # noqa: ARG001  # the event has only the time
    """Every quarter of an hour, find and do the work that lost events have left undone."""
    reconciliation.reconcile(services(), lasting=reconciliation.LASTING).raise_failures()


def _answering(view: View) -> View:
    """Turn Earshot's exceptions in a view into HTTP errors with the same sentence."""

    @wraps(view)
    def answer(**path: str) -> Any:
        try:
            _refuse_unknown_parameters()
            return view(**{name: unquote(value) for name, value in path.items()})
        except (RequestError, CursorError, ParameterError) as exc:
            raise BadRequestError(str(exc)) from exc
        except CallerError as exc:
            raise ForbiddenError(str(exc)) from exc
        except (NotThereError, RecordingNotFoundError, UploadChangedError) as exc:
            raise NotFoundError(str(exc)) from exc
        except ServiceBusyError as exc:
            raise TooManyRequestsError(f"Please try again in a moment: {exc}") from exc

    return answer


def _answering_caller(view: View) -> View:
    """Do the same as ``_answering``, and pass the request with its caller to the view."""

    @_answering
    @wraps(view)
    def answer(**path: str) -> Any:
        return view(_asked(), **path)

    return answer


def _refuse_unknown_parameters() -> None:
    """Refuse an unknown parameter, because the answer without it would be wrong."""
    request: Any = app.current_request
    known = openapi.query_parameters(request.method, request.context["resourcePath"])
    for name in request.query_params or ():
        # A request may also be signed in its query, like a presigned address.
        if name not in known and not name.startswith("X-Amz-"):
            there_are = f"there are {', '.join(sorted(known))}" if known else "there are none"
            raise RequestError(f"There is no parameter {name[:100]!r} here: {there_are}.")


def _asked() -> Request:
    request: Any = app.current_request
    return Request(
        caller=caller_of(
            request.context,
            settings.administrators,
            client_ids=settings.cognito_client_ids,
            unsigned=settings.caller_arn,
        ),
        query=dict(request.query_params or {}),
        content=request.raw_body,
        headers={name.lower(): value for name, value in request.headers.items()},
    )


def _redirect(request: Request, address: dict[str, Any]) -> Response | dict[str, Any]:
    """Redirect a browser to an object, or return the address to a page that sends a header."""
    if request.choice("redirect", ("yes", "no")) == "no":
        return address
    return Response(body="", status_code=302, headers={"Location": address["url"]})


def _corrections(found: Corrections) -> Response:
    """Return corrections; if they have changed meanwhile, the present ones with status 412."""
    body = found.body
    if found.is_refused:
        message = "Another person has changed the corrections meanwhile."
        body = {"Code": "PreconditionFailedError", "Message": message, **body}
    status = 412 if found.is_refused else 200
    return Response(body=body, status_code=status, headers=dict(found.headers))


def _download(download: Download) -> Response:
    return Response(body=download.text, headers=dict(download.headers))


@app.route("/", authorizer=page_authorizer)
def show_page() -> Response:
    """Show the page, which contains no data and gets everything from the API."""
    request: Any = app.current_request
    path = str(request.context["path"])
    if not path.endswith("/"):
        # The document's links are relative, so its address must end with a slash.
        return Response(body="", status_code=302, headers={"Location": f"{path}/"})
    media, results = services().media, services().results
    origins = (media.origin, results.origin, *media.source_origins)
    return Response(
        body=page.index(sign_in, settings.stand_in),
        headers=dict(page.index_headers(origins, sign_in)),
    )


@app.route("/web/{version}/{name}", authorizer=page_authorizer)
@_answering
def show_page_file(version: str, name: str) -> Response:
    """Show one of the page's files."""
    return Response(body=page.read(version, name), headers=dict(page.file_headers(name)))


@app.route("/caller", authorizer=authorizer)
@_answering_caller
def show_caller(request: Request) -> dict[str, Any]:
    """Show the caller."""
    return asdict(request.caller)


@app.route("/uploads", methods=["POST"], authorizer=authorizer)
@_answering_caller
def offer_upload(request: Request) -> Response:
    """Return the address and the form of an upload to the caller's folder."""
    return Response(body=uploads.offer_upload(request, services()), status_code=201)


@app.route("/recordings", authorizer=authorizer)
@_answering_caller
def list_recordings(request: Request) -> dict[str, Any]:
    """List recordings by page, newest first."""
    return recordings.list_recordings(request, services())


@app.route("/recordings/{recording_id}", authorizer=authorizer)
@_answering_caller
def show_recording(request: Request, recording_id: str) -> dict[str, Any]:
    """Show one recording."""
    return recordings.show(recordings.find_recording(recording_id, request, services()))


@app.route("/recordings/{recording_id}", methods=["DELETE"], authorizer=authorizer)
@_answering_caller
def delete_recording(request: Request, recording_id: str) -> dict[str, Any]:
    """Remove a recording and all its outputs."""
    recording = recordings.find_recording(recording_id, request, services())
    return recordings.delete_recording(recording, services()).to_dict()


@app.route("/recordings/{recording_id}/reprocess", methods=["POST"], authorizer=authorizer)
@_answering_caller
def reprocess_recording(request: Request, recording_id: str) -> Response:
    """Make all outputs of a recording again."""
    recording = recordings.find_recording(recording_id, request, services())
    started = events.reprocess(
        recording, services(), by_administrator=request.caller.is_administrator
    )
    return Response(body=recordings.show(started), status_code=202)


@app.route("/recordings/{recording_id}/transcript", authorizer=authorizer)
@_answering_caller
def show_transcript(request: Request, recording_id: str) -> Response | dict[str, Any]:
    """Show a transcript in one of its formats, or redirect to it if it is too large to show."""
    recording = recordings.find_recording(recording_id, request, services())
    found = downloads.transcript_download(recording, request, services())
    return _redirect(request, found) if isinstance(found, dict) else _download(found)


@app.route("/recordings/{recording_id}/corrections", authorizer=authorizer)
@_answering_caller
def show_corrections(request: Request, recording_id: str) -> Response:
    """Show the corrections of a transcript."""
    recording = recordings.find_recording(recording_id, request, services())
    return _corrections(corrections.show_corrections(recording, services()))


@app.route("/recordings/{recording_id}/corrections", methods=["PUT"], authorizer=authorizer)
@_answering_caller
def write_corrections(request: Request, recording_id: str) -> Response:
    """Replace the corrections of a transcript, unless another person has changed them first."""
    recording = recordings.find_recording(recording_id, request, services())
    found = corrections.write_corrections(recording, request, services())
    count = len(found.body["corrections"])
    journal.note(recording_id=recording_id, by=request.caller.owner, corrections=count)
    return _corrections(found)


@app.route("/recordings/{recording_id}/features/{table}", authorizer=authorizer)
@_answering_caller
def show_features(request: Request, recording_id: str, table: str) -> Response | dict[str, Any]:
    """Redirect to one of a recording's tables, or to its rows in a part of the recording."""
    recording = recordings.find_recording(recording_id, request, services())
    return _redirect(request, downloads.table_address(recording, table, request, services()))


@app.route("/recordings/{recording_id}/media", authorizer=authorizer)
@_answering_caller
def show_media(request: Request, recording_id: str) -> Response | dict[str, Any]:
    """Redirect to a recording's upload, or to one of its renditions."""
    recording = recordings.find_recording(recording_id, request, services())
    return _redirect(request, downloads.media_address(recording, request, services()))


@app.route("/recordings/{recording_id}/clip", authorizer=authorizer)
@_answering_caller
def show_clip(request: Request, recording_id: str) -> Response | dict[str, Any]:
    """Redirect to a part of a recording's sound, as WAV."""
    recording = recordings.find_recording(recording_id, request, services())
    return _redirect(request, downloads.clip_address(recording, request, services()))


@app.route("/search", authorizer=authorizer)
@_answering_caller
def search_transcripts(request: Request) -> dict[str, Any]:
    """Find words and phrases in all transcripts."""
    return search.answer_search(request, services())


@app.route("/manifests/{kind}", authorizer=authorizer)
@_answering_caller
def show_manifest(request: Request, kind: str) -> Response:
    """List a selection of recordings as Lhotse manifests, by page."""
    return _download(recordings.manifest(kind, request, services()))


@app.route("/datasets", methods=["POST"], authorizer=authorizer)
@_answering_caller
def create_dataset(request: Request) -> Response:
    """Ask for a data set of a selection of recordings."""
    return Response(body=dataset_views.create_dataset(request, services()), status_code=202)


@app.route("/datasets", authorizer=authorizer)
@_answering_caller
def list_datasets(request: Request) -> dict[str, Any]:
    """List an owner's data sets."""
    return dataset_views.list_datasets(request, services())


@app.route("/datasets/{name}", authorizer=authorizer)
@_answering_caller
def show_dataset(request: Request, name: str) -> dict[str, Any]:
    """Show a data set, and how far it is."""
    found = dataset_views.find_dataset(name, request, services())
    return dataset_views.show_dataset(found, services())


@app.route("/datasets/{name}", methods=["DELETE"], authorizer=authorizer)
@_answering_caller
def delete_dataset(request: Request, name: str) -> dict[str, Any]:
    """Delete a data set with all its versions."""
    found = dataset_views.find_dataset(name, request, services())
    return dataset_views.remove_dataset(found, services())


@app.route("/datasets/{name}/file", authorizer=authorizer)
@_answering_caller
def show_dataset_file(request: Request, name: str) -> Response | dict[str, Any]:
    """Redirect to one of a data set's files."""
    found = dataset_views.find_dataset(name, request, services())
    return _redirect(request, dataset_views.file_address(found, request, services()))


@app.route("/openapi.json", authorizer=authorizer)
@_answering
def show_description() -> dict[str, Any]:
    """Describe every route to programs."""
    return openapi.document()

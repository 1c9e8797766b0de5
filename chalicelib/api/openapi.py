"""The API's requests and answers, as an OpenAPI 3.1 document."""

from functools import cache
from typing import Any

import chalicelib
from chalicelib.api.downloads import VERSIONS
from chalicelib.api.operations import (
    ATTACHMENT,
    CURSOR,
    DATASET,
    IF_MATCH,
    OWNER,
    RECORDING_ID,
    REDIRECT,
    a_manifest,
    a_transcript,
    an_address,
    as_json,
    choice,
    in_path,
    limit,
    operation,
    selection,
    text,
    with_etag,
    words,
)
from chalicelib.api.schemas import SCHEMAS
from chalicelib.core.transcripts.exports import EXPORTS

DESCRIPTION = """\
Transcripts and speech features of recordings. The status of a recording says how far it is. An
owner can see and change their own recordings only; for another owner's recording the answer is
404, as if it did not exist. Requests are signed (AWS Signature Version 4, service execute-api),
or carry a token of the Cognito user pool that the stage was deployed with.
"""


@cache
def query_parameters(method: str, path: str) -> frozenset[str]:
    """Return the names of the query parameters of a route."""
    operation = document()["paths"].get(path, {}).get(method.lower(), {})
    return frozenset(one["name"] for one in operation.get("parameters", ()) if one["in"] == "query")


def document() -> dict[str, Any]:
    """Return the description of every route except those of the page."""
    recording = "/recordings/{recording_id}"
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Earshot",
            "version": chalicelib.__version__,
            "description": DESCRIPTION,
            "license": {"name": "Apache 2.0", "identifier": "Apache-2.0"},
        },
        # Relative to the stage, like this document.
        "servers": [{"url": "."}],
        "components": {"schemas": SCHEMAS},
        "paths": {
            "/caller": {"get": operation("Show the caller", as_json("Caller"), errors=())},
            "/uploads": {
                "post": operation(
                    "Get the form of an upload to the caller's folder",
                    as_json("Offer", status="201"),
                    body="Upload",
                    errors=(),
                )
            },
            "/recordings": {
                "get": operation(
                    "List recordings by page, newest first",
                    as_json("RecordingPage"),
                    query=[*selection(), CURSOR, limit(100)],
                    errors=(),
                )
            },
            recording: {
                "get": operation("Show a recording", as_json("Recording"), path=[RECORDING_ID]),
                "delete": operation(
                    "Remove a recording and all its outputs",
                    as_json("Removed"),
                    path=[RECORDING_ID],
                ),
            },
            f"{recording}/reprocess": {
                "post": operation(
                    "Make all outputs of a recording again",
                    as_json("Recording", status="202"),
                    path=[RECORDING_ID],
                )
            },
            f"{recording}/transcript": {
                "get": operation(
                    "Show a transcript, or download it in another program's format",
                    a_transcript(),
                    path=[RECORDING_ID],
                    query=[
                        choice("format", ("json", *EXPORTS)),
                        choice("version", VERSIONS),
                        REDIRECT,
                    ],
                )
            },
            f"{recording}/corrections": {
                "get": operation(
                    "Show the corrections of a transcript",
                    with_etag(as_json("Corrections")),
                    path=[RECORDING_ID],
                ),
                "put": operation(
                    "Replace the corrections of a transcript; those left out are undone",
                    with_etag(as_json("Corrections") | as_json("Changed", status="412")),
                    path=[RECORDING_ID],
                    query=[IF_MATCH],
                    body="NewCorrections",
                ),
            },
            f"{recording}/features/{{table}}": {
                "get": operation(
                    "Go to one of a recording's tables, or to its rows in a part of the recording",
                    an_address(),
                    path=[RECORDING_ID, in_path("table", "Such as mfcc, pitch, energy or words.")],
                    query=[
                        text("from", "Where the part begins, in seconds."),
                        text("to", "Where it ends, in seconds."),
                        REDIRECT,
                    ],
                )
            },
            f"{recording}/media": {
                "get": operation(
                    "Go to a recording's upload, or to one of its renditions",
                    an_address(),
                    path=[RECORDING_ID],
                    query=[
                        text("rendition", "Such as web, phone, audio or poster."),
                        ATTACHMENT,
                        REDIRECT,
                    ],
                )
            },
            f"{recording}/clip": {
                "get": operation(
                    "Go to a part of a recording's sound, as WAV",
                    an_address(),
                    path=[RECORDING_ID],
                    query=[
                        text("from", "Where it begins, in seconds.") | {"required": True},
                        text("to", "Where it ends, in seconds.") | {"required": True},
                        REDIRECT,
                    ],
                )
            },
            "/search": {
                "get": operation(
                    "Find recordings by spoken words, best first",
                    as_json("SearchPage"),
                    query=[words(), OWNER, CURSOR, limit(20)],
                    errors=(),
                )
            },
            "/manifests/{kind}": {
                "get": operation(
                    "List a selection of recordings as Lhotse manifests",
                    a_manifest(),
                    path=[in_path("kind", "recordings or supervisions")],
                    query=[*selection(), CURSOR, limit(50)],
                )
            },
            "/datasets": {
                "get": operation(
                    "List an owner's data sets", as_json("Datasets"), query=[OWNER], errors=()
                ),
                "post": operation(
                    "Ask for a data set of a selection of recordings",
                    as_json("Dataset", status="202"),
                    body="NewDataset",
                    errors=(),
                ),
            },
            "/datasets/{name}": {
                "get": operation(
                    "Show a data set, and how far it is",
                    as_json("Dataset"),
                    path=[DATASET],
                    query=[OWNER],
                ),
                "delete": operation(
                    "Delete a data set with all its versions",
                    as_json("DeletedDataset"),
                    path=[DATASET],
                    query=[OWNER],
                ),
            },
            "/datasets/{name}/file": {
                "get": operation(
                    "Go to one of a data set's files",
                    an_address(),
                    path=[DATASET],
                    query=[
                        text("path", "As in the manifest, dataset.json, which is the default."),
                        OWNER,
                        REDIRECT,
                    ],
                )
            },
            "/openapi.json": {
                "get": operation("Show this document", as_json("Object"), errors=()),
            },
        },
    }

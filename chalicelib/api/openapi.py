"""The API's requests and answers, as an OpenAPI 3.1 document."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import chalicelib
from chalicelib.api.downloads import VERSIONS
from chalicelib.api.schemas import SCHEMAS
from chalicelib.core.recording import Status
from chalicelib.core.transcripts.exports import EXPORTS

JSON = "application/json"
Schema = Mapping[str, Any]
Responses = dict[str, dict[str, Any]]

DESCRIPTION = """\
Transcripts and speech features of recordings. The status of a recording says how far it is. An
owner can see and change their own recordings only; for another owner's recording the answer is
404, as if it did not exist. Requests are signed (AWS Signature Version 4, service execute-api),
or carry a token of the Cognito user pool that the stage was deployed with.
"""

ERRORS = {
    "400": "A value in the request cannot be used; the message says which and why.",
    "403": "The caller is not allowed to do this.",
    "404": "It does not exist, or not yet, or it is another owner's.",
    "415": "The request's Content-Type is not application/json.",
}

OWNER = {
    "name": "owner",
    "in": "query",
    "description": "Whose recordings. Only an administrator may name another owner.",
    "schema": {"type": "string", "maxLength": 500},
}
CURSOR = {
    "name": "cursor",
    "in": "query",
    "description": "The cursor from the end of the page before.",
    "schema": {"type": "string", "maxLength": 500},
}
REDIRECT = {
    "name": "redirect",
    "in": "query",
    "description": "With no, the answer contains the address instead of a redirect to it.",
    "schema": {"enum": ["yes", "no"]},
}
ATTACHMENT = {
    "name": "attachment",
    "in": "query",
    "description": "With yes, a browser saves it as a file and does not show it.",
    "schema": {"enum": ["yes", "no"]},
}
IF_MATCH = {
    "name": "If-Match",
    "in": "header",
    "required": True,
    "description": "The ETag that the corrections were shown with. If another person has changed "
    "them since, the answer is 412 with the present ones, and nothing is written.",
    "schema": {"type": "string"},
}
DATASET = {
    "name": "name",
    "in": "path",
    "required": True,
    "description": "The name of a data set.",
    "schema": {"type": "string"},
}
RECORDING_ID = {
    "name": "recording_id",
    "in": "path",
    "required": True,
    "schema": {"type": "string"},
}


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
            "/caller": {"get": _operation("Show the caller", _json("Caller"), errors=())},
            "/uploads": {
                "post": _operation(
                    "Get the form of an upload to the caller's folder",
                    _json("Offer", status="201"),
                    body="Upload",
                    errors=(),
                )
            },
            "/recordings": {
                "get": _operation(
                    "List recordings by page, newest first",
                    _json("RecordingPage"),
                    query=[*_selection(), CURSOR, _limit(100)],
                    errors=(),
                )
            },
            recording: {
                "get": _operation("Show a recording", _json("Recording"), path=[RECORDING_ID]),
                "delete": _operation(
                    "Remove a recording and all its outputs",
                    _json("Removed"),
                    path=[RECORDING_ID],
                ),
            },
            f"{recording}/reprocess": {
                "post": _operation(
                    "Make all outputs of a recording again",
                    _json("Recording", status="202"),
                    path=[RECORDING_ID],
                )
            },
            f"{recording}/transcript": {
                "get": _operation(
                    "Show a transcript, or download it in another program's format",
                    _transcript(),
                    path=[RECORDING_ID],
                    query=[
                        _choice("format", ("json", *EXPORTS)),
                        _choice("version", VERSIONS),
                        REDIRECT,
                    ],
                )
            },
            f"{recording}/corrections": {
                "get": _operation(
                    "Show the corrections of a transcript",
                    _with_etag(_json("Corrections")),
                    path=[RECORDING_ID],
                ),
                "put": _operation(
                    "Replace the corrections of a transcript; those left out are undone",
                    _with_etag(_json("Corrections") | _json("Changed", status="412")),
                    path=[RECORDING_ID],
                    query=[IF_MATCH],
                    body="NewCorrections",
                ),
            },
            f"{recording}/features/{{table}}": {
                "get": _operation(
                    "Go to one of a recording's tables",
                    _address(),
                    path=[RECORDING_ID, _path("table", "Such as mfcc, pitch, energy or words.")],
                    query=[REDIRECT],
                )
            },
            f"{recording}/media": {
                "get": _operation(
                    "Go to a recording's upload, or to one of its renditions",
                    _address(),
                    path=[RECORDING_ID],
                    query=[
                        _text("rendition", "Such as web, phone, audio or poster."),
                        ATTACHMENT,
                        REDIRECT,
                    ],
                )
            },
            f"{recording}/clip": {
                "get": _operation(
                    "Go to a part of a recording's sound, as WAV",
                    _address(),
                    path=[RECORDING_ID],
                    query=[
                        _text("from", "Where it begins, in seconds.") | {"required": True},
                        _text("to", "Where it ends, in seconds.") | {"required": True},
                        REDIRECT,
                    ],
                )
            },
            "/search": {
                "get": _operation(
                    "Find recordings by spoken words, best first",
                    _json("SearchPage"),
                    query=[_query(), OWNER, CURSOR, _limit(20)],
                    errors=(),
                )
            },
            "/manifests/{kind}": {
                "get": _operation(
                    "List a selection of recordings as Lhotse manifests",
                    _manifest(),
                    path=[_path("kind", "recordings or supervisions")],
                    query=[*_selection(), CURSOR, _limit(50)],
                )
            },
            "/datasets": {
                "get": _operation(
                    "List an owner's data sets", _json("Datasets"), query=[OWNER], errors=()
                ),
                "post": _operation(
                    "Ask for a data set of a selection of recordings",
                    _json("Dataset", status="202"),
                    body="NewDataset",
                    errors=(),
                ),
            },
            "/datasets/{name}": {
                "get": _operation(
                    "Show a data set, and how far it is",
                    _json("Dataset"),
                    path=[DATASET],
                    query=[OWNER],
                ),
                "delete": _operation(
                    "Delete a data set with all its versions",
                    _json("DeletedDataset"),
                    path=[DATASET],
                    query=[OWNER],
                ),
            },
            "/datasets/{name}/file": {
                "get": _operation(
                    "Go to one of a data set's files",
                    _address(),
                    path=[DATASET],
                    query=[
                        _text("path", "As in the manifest, dataset.json, which is the default."),
                        OWNER,
                        REDIRECT,
                    ],
                )
            },
            "/openapi.json": {
                "get": _operation("Show this document", _json("Object"), errors=()),
            },
        },
    }


def _operation(
    summary: str,
    answers: Responses,
    *,
    path: Sequence[Schema] = (),
    query: Sequence[Schema] = (),
    body: str | None = None,
    errors: Sequence[str] = ("404",),
) -> dict[str, Any]:
    refused = {
        status: {"description": ERRORS[status], "content": {JSON: {"schema": _ref("Error")}}}
        for status in sorted({*errors, "400", "403", "415"})
    }
    taken = {"required": True, "content": {JSON: {"schema": _ref(body)}}} if body else None
    return {
        "summary": summary,
        "parameters": [*path, *query],
        **({"requestBody": taken} if taken else {}),
        "responses": {**answers, **refused},
    }


def _ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


def _json(name: str, *, status: str = "200") -> Responses:
    return {status: {"description": name, "content": {JSON: {"schema": _ref(name)}}}}


def _with_etag(answers: Responses) -> Responses:
    etag = {"description": "To be sent as If-Match", "schema": {"type": "string"}}
    return {status: {**one, "headers": {"ETag": etag}} for status, one in answers.items()}


def _address() -> Responses:
    location = {"schema": {"type": "string"}, "required": True}
    return {
        "302": {
            "description": "The address, which is valid for an hour",
            "headers": {"Location": location},
        },
        **_json("Address"),
    }


def _transcript() -> Responses:
    described = _json("Transcript")
    texts = {export.content_type for export in EXPORTS.values()}
    described["200"]["content"] |= {name: {"schema": {"type": "string"}} for name in sorted(texts)}
    return described | {"302": _address()["302"]}


def _manifest() -> Responses:
    link = {"description": "The next page's address (RFC 8288)", "schema": {"type": "string"}}
    return {
        "200": {
            "description": "JSON lines that Lhotse reads; pages may be concatenated",
            "headers": {"Link": link},
            "content": {"application/jsonl": {"schema": {"type": "string"}}},
        }
    }


def _selection() -> list[Schema]:
    return [
        OWNER,
        _choice("status", [status.value for status in Status]),
        _text("from", "Created on this day or later: 2024-01-31, or 2024-01-31T12:00:00Z."),
        _text("to", "Created on this day or earlier."),
    ]


def _query() -> Schema:
    return _text("q", 'Words, and "phrases in quotes": all must be in the transcript.') | {
        "required": True
    }


def _text(name: str, description: str) -> dict[str, Any]:
    schema = {"type": "string", "maxLength": 500}
    return {"name": name, "in": "query", "description": description, "schema": schema}


def _path(name: str, description: str) -> dict[str, Any]:
    schema = {"type": "string"}
    return {
        "name": name,
        "in": "path",
        "required": True,
        "description": description,
        "schema": schema,
    }


def _choice(name: str, choices: Sequence[str]) -> dict[str, Any]:
    return {"name": name, "in": "query", "schema": {"enum": list(choices)}}


def _limit(largest: int) -> dict[str, Any]:
    schema = {"type": "integer", "minimum": 1, "maximum": largest, "default": largest}
    return {"name": "limit", "in": "query", "schema": schema}

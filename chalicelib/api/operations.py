"""The parts of the OpenAPI document: operations, parameters and answers."""

from collections.abc import Mapping, Sequence
from typing import Any

from chalicelib.core.recording import Status
from chalicelib.core.transcripts.exports import EXPORTS

JSON = "application/json"
Schema = Mapping[str, Any]
Responses = dict[str, dict[str, Any]]

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


def operation(
    summary: str,
    answers: Responses,
    *,
    path: Sequence[Schema] = (),
    query: Sequence[Schema] = (),
    body: str | None = None,
    errors: Sequence[str] = ("404",),
) -> dict[str, Any]:
    """Return an operation: its answers, parameters, body and errors."""
    refused = {
        status: {"description": ERRORS[status], "content": {JSON: {"schema": reference("Error")}}}
        for status in sorted({*errors, "400", "403", "415"})
    }
    taken = {"required": True, "content": {JSON: {"schema": reference(body)}}} if body else None
    return {
        "summary": summary,
        "parameters": [*path, *query],
        **({"requestBody": taken} if taken else {}),
        "responses": {**answers, **refused},
    }


def reference(name: str) -> dict[str, str]:
    """Return a reference to a schema."""
    return {"$ref": f"#/components/schemas/{name}"}


def as_json(name: str, *, status: str = "200") -> Responses:
    """Return an answer of JSON with a schema."""
    return {status: {"description": name, "content": {JSON: {"schema": reference(name)}}}}


def with_etag(answers: Responses) -> Responses:
    """Return answers with the header ETag."""
    etag = {"description": "To be sent as If-Match", "schema": {"type": "string"}}
    return {status: {**one, "headers": {"ETag": etag}} for status, one in answers.items()}


def an_address() -> Responses:
    """Return the answers of a route that leads to an object."""
    location = {"schema": {"type": "string"}, "required": True}
    return {
        "302": {
            "description": "The address, which is valid for an hour",
            "headers": {"Location": location},
        },
        **as_json("Address"),
    }


def a_transcript() -> Responses:
    """Return the answers with a transcript in each format."""
    described = as_json("Transcript")
    texts = {export.content_type for export in EXPORTS.values()}
    described["200"]["content"] |= {name: {"schema": {"type": "string"}} for name in sorted(texts)}
    return described | {"302": an_address()["302"]}


def a_manifest() -> Responses:
    """Return the answer with JSON lines for Lhotse."""
    link = {"description": "The next page's address (RFC 8288)", "schema": {"type": "string"}}
    return {
        "200": {
            "description": "JSON lines that Lhotse reads; pages may be concatenated",
            "headers": {"Link": link},
            "content": {"application/jsonl": {"schema": {"type": "string"}}},
        }
    }


def selection() -> list[Schema]:
    """Return the parameters that select recordings."""
    return [
        OWNER,
        choice("status", [status.value for status in Status]),
        text("from", "Created on this day or later: 2024-01-31, or 2024-01-31T12:00:00Z."),
        text("to", "Created on this day or earlier."),
    ]


def words() -> Schema:
    """Return the parameter of a search."""
    return text("q", 'Words, and "phrases in quotes": all must be in the transcript.') | {
        "required": True
    }


def text(name: str, description: str) -> dict[str, Any]:
    """Return a parameter of text."""
    schema = {"type": "string", "maxLength": 500}
    return {"name": name, "in": "query", "description": description, "schema": schema}


def in_path(name: str, description: str) -> dict[str, Any]:
    """Return a parameter in the path."""
    schema = {"type": "string"}
    return {
        "name": name,
        "in": "path",
        "required": True,
        "description": description,
        "schema": schema,
    }


def choice(name: str, choices: Sequence[str]) -> dict[str, Any]:
    """Return a parameter with a few values."""
    return {"name": name, "in": "query", "schema": {"enum": list(choices)}}


def limit(largest: int) -> dict[str, Any]:
    """Return the parameter of the length of a page."""
    schema = {"type": "integer", "minimum": 1, "maximum": largest, "default": largest}
    return {"name": "limit", "in": "query", "schema": schema}

"""The API's answers match its OpenAPI document, for any request."""

from zlib import crc32

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from support.media import wav
from support.running import SAMPLE

from chalicelib.api.openapi import document

pytestmark = pytest.mark.slow

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
"""Checks of Schemathesis. Two are left out: not every value that fits is accepted (no pattern
describes a cursor), and not every other value is refused (unknown parameters are ignored)."""


@pytest.fixture(scope="module")
def recordings(local_mode) -> list[str]:
    """Uploads of every kind: a recording with all outputs, a silent one, and no recording."""
    uploads = {
        "uploads/grace/sample.wav": SAMPLE.read_bytes(),
        "uploads/grace/tone.wav": wav(1.0),
        "uploads/grace/notes.txt": b"no recording",
    }
    for key, body in uploads.items():
        local_mode.put(key, body)
    return [local_mode.settled(key)["recording_id"] for key in uploads]


schema = schemathesis.openapi.from_dict(document())


@schema.parametrize()
@settings(max_examples=40, suppress_health_check=list(HealthCheck))
def test_every_answer_is_described(case, local_mode, recordings):
    if case.method == "GET" and "recording_id" in (case.path_parameters or {}):
        # A random id would never be a recording's. The choice follows from the case.
        ids = [*recordings, case.path_parameters["recording_id"]]
        case.path_parameters["recording_id"] = ids[crc32(repr(case.query).encode()) % len(ids)]

    case.call_and_validate(base_url=f"{local_mode.url}/api", checks=CHECKS, timeout=30)

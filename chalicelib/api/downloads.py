"""Downloads of a recording's transcripts, tables and media."""

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import orjson

from chalicelib.api.requests import Request
from chalicelib.core import keys
from chalicelib.core.media_types import media_type
from chalicelib.core.recording import Branch, Recording
from chalicelib.core.transcripts.columns import to_columns
from chalicelib.core.transcripts.exports import EXPORTS, find_export
from chalicelib.errors import MediaError, NotThereError, RequestError
from chalicelib.pipeline.clips import make_clip, make_rows
from chalicelib.pipeline.transcripts import read_transcript

if TYPE_CHECKING:
    from chalicelib.services import Services

SUMMARIES = ("features", "display", "spectrogram")
"""Names of the JSON files that the extractor writes beside its tables."""

ORIGINAL = "original"
VERSIONS = ("corrected", ORIGINAL)
"""Versions of a transcript: with its corrections, or as it was recognised."""

ANSWER_BYTES = 5_500_000
"""Most bytes of an answer as JSON, the form in which Lambda returns it; Lambda allows 6 MB."""


@dataclass(frozen=True, slots=True)
class Download:
    """A text to download: its media type, its file name, and the next page's address."""

    text: str
    media_type: str
    file_name: str | None = None
    next_page: str | None = None

    @property
    def headers(self) -> dict[str, str]:
        """The header fields of the answer."""
        fields = {"Content-Type": self.media_type}
        if self.file_name:
            fields["Content-Disposition"] = disposition(self.file_name)
        if self.next_page:
            fields["Link"] = f'<{self.next_page}>; rel="next"'  # RFC 8288
        return fields


def transcript_download(
    recording: Recording, request: Request, services: "Services"
) -> Download | dict[str, Any]:
    """Return a recording's transcript: as JSON, or in the format of another program.

    If Lambda cannot return it, it is written beside the recording's tables, and its presigned
    address is returned.

    It has its corrections, except with ``version=original``.
    """
    name = request.choice("format", ("json", *EXPORTS)) or "json"
    is_original = request.choice("version", VERSIONS) == ORIGINAL
    summary = recording.transcript
    reading = read_transcript(recording, services)
    if reading is None or summary is None:
        raise _missing("no transcript", recording, Branch.TRANSCRIPTION)
    found = reading.original if is_original else reading.transcript
    if name == "json":
        columns = to_columns(
            found,
            recording_id=recording.id,
            language_code=summary.language_code,
            corrections_etag=None if is_original else reading.etag,
            writers=() if is_original else reading.corrected.writers,
        )
        text, kind, suffix = orjson.dumps(columns).decode(), "application/json", ".json"
    else:
        export = find_export(name)
        text = export.write(found, recording.id, recording.duration_s or 0.0)
        kind, suffix = export.content_type, export.suffix
    file_name = f"{_stem(recording)}{suffix}"
    if len(json.dumps(text)) <= ANSWER_BYTES:
        return Download(text, kind, file_name)
    version = ".original" if is_original else ""
    key = keys.features(recording.id, f"transcript{version}{suffix}")
    with services.results.create(key) as written:
        written.write(text.encode())
    return services.results.presign(key, media_type=kind, disposition=disposition(file_name))


def table_address(
    recording: Recording, table: str, request: Request, services: "Services"
) -> dict[str, Any]:
    """Return a presigned address of one of a recording's tables, or of its rows in a part."""
    measurement = recording.measurement
    tables = {name: keys.features(recording.id, f"{name}.json") for name in SUMMARIES}
    tables |= {**(measurement.feature_keys if measurement else {}), **recording.word_table_keys}
    key = tables.get(table)
    stored = services.results.find(key) if key else None
    if stored is None or measurement is None:
        raise _missing(f"no table {table[:100]!r}", recording, Branch.FEATURES)
    key, part = stored.key, _part(request)
    file_name = f"{_stem(recording)}.{key.rpartition('/')[2]}"
    if part:
        if not key.endswith((".csv", ".csv.gz")):
            raise RequestError(f"{table} has no rows: ask for it without from and to.")
        key = make_rows(recording, measurement, stored, part, services)
        file_name = f"{_stem(recording)}.{part[0]:.2f}-{part[1]:.2f}.{table}.csv"
    return services.results.presign(
        key, media_type=media_type(key), disposition=disposition(file_name)
    )


def media_address(recording: Recording, request: Request, services: "Services") -> dict[str, Any]:
    """Return a presigned address of a recording's upload, or of one of its renditions."""
    is_attached = request.choice("attachment", ("yes", "no")) == "yes"
    rendition = request.text("rendition")
    if rendition is None:
        store, key = services.media, recording.source_key
        if services.media.find_source(recording) is None:
            raise NotThereError("The upload is no longer in the bucket.")
    else:
        files = recording.rendered.rendition_files.values()
        named = {keys.stem(file.key): file.key for file in files}
        store, key = services.results, named.get(rendition, "")
        if not key or services.results.find(key) is None:
            raise _missing(f"no rendition {rendition!r}", recording, Branch.RENDITIONS)
    file_name = f"{_stem(recording)}.{key.rpartition('.')[2]}"
    kind = "attachment" if is_attached else "inline"
    return store.presign(
        key, media_type=media_type(key), disposition=disposition(file_name, kind=kind)
    )


def clip_address(recording: Recording, request: Request, services: "Services") -> dict[str, Any]:
    """Return a presigned address of a part of a recording's sound, as WAV.

    It is an object, and not the answer itself, because Lambda returns at most 6 MB.
    """
    start_s, end_s = _edges(request)
    try:
        key = make_clip(recording, start_s, end_s, services)
    except MediaError as exc:
        raise RequestError(str(exc)) from exc
    file_name = f"{_stem(recording)}.{start_s:.2f}-{end_s:.2f}.wav"
    return services.results.presign(
        key, media_type=media_type(key), disposition=disposition(file_name)
    )


def _part(request: Request) -> tuple[float, float] | None:
    """Return the edges of the part that is asked for; None if it is the whole."""
    is_asked = request.text("from") is not None or request.text("to") is not None
    return _edges(request) if is_asked else None


def _edges(request: Request) -> tuple[float, float]:
    start_s, end_s = request.seconds("from"), request.seconds("to")
    if start_s >= end_s:
        raise RequestError(f"to must be after from, not {end_s:g} after {start_s:g}.")
    return start_s, end_s


def _stem(recording: Recording) -> str:
    return keys.stem(recording.source_key)


def _missing(what: str, recording: Recording, branch: Branch) -> NotThereError:
    status = recording.status_of(branch)
    return NotThereError(f"The recording has {what}: {branch} is {status}.")


def disposition(file_name: str, *, kind: str = "attachment") -> str:
    """Return a Content-Disposition for any file name, by RFC 6266.

    Old clients read the first name, in ASCII; all other clients the second one, in UTF-8.
    """
    safe = "".join(
        c if c.isascii() and c.isprintable() and c not in '"\\%' else "_" for c in file_name
    )
    return f"{kind}; filename=\"{safe}\"; filename*=UTF-8''{quote(file_name, safe='')}"

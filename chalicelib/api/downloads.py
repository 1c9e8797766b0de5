"""What a recording has come to, for whoever may see it: transcripts, tables and media."""

from typing import TYPE_CHECKING, Any

import orjson

from chalicelib.api.download import Download, disposition, media_type
from chalicelib.api.requests import Request
from chalicelib.core import keys
from chalicelib.core.recording import Branch, Recording
from chalicelib.core.transcripts.columns import to_columns
from chalicelib.core.transcripts.exports import EXPORTS, find_export
from chalicelib.core.transcripts.parsing import load_transcript
from chalicelib.errors import NotThereError

if TYPE_CHECKING:
    from chalicelib.services import Services

SUMMARIES = ("features", "display")
"""What the extractor writes as JSON beside its tables."""


def transcript(recording: Recording, request: Request, services: "Services") -> Download:
    """Return a recording's transcript: as JSON, or in the format of another program."""
    name = request.choice("format", ("json", *EXPORTS)) or "json"
    key = recording.attributes.get("transcript_key")
    document = services.results.read(key) if key else None
    if document is None:
        raise _missing("no transcript", recording, Branch.TRANSCRIPTION)
    found = load_transcript(document)
    if name == "json":
        language = recording.attributes.get("language_code")
        columns = to_columns(found, recording_id=recording.id, language_code=language)
        return Download(orjson.dumps(columns).decode(), "application/json")
    export = find_export(name)
    text = export.write(found, recording.id, recording.attributes.get("duration_s") or 0.0)
    return Download(text, export.content_type, f"{_stem(recording)}{export.suffix}")


def table_address(recording: Recording, table: str, services: "Services") -> dict[str, Any]:
    """Return where one of a recording's tables is for a while."""
    known = recording.attributes
    tables = {name: keys.features(recording.id, f"{name}.json") for name in SUMMARIES}
    tables |= {**known.get("feature_keys", {}), **known.get("word_table_keys", {})}
    key = tables.get(table)
    if key is None or services.results.find(key) is None:
        raise _missing(f"no table {table[:100]!r}", recording, Branch.FEATURES)
    file_name = f"{_stem(recording)}.{key.rpartition('/')[2]}"
    return services.results.presign(
        key, media_type=media_type(key), disposition=disposition(file_name)
    )


def media_address(recording: Recording, request: Request, services: "Services") -> dict[str, Any]:
    """Return where a recording, or one of its renditions, is for a while."""
    is_attached = request.choice("attachment", ("yes", "no")) == "yes"
    rendition = request.text("rendition")
    if rendition is None:
        store, key = services.media, recording.source_key
        if services.media.find_source(recording) is None:
            raise NotThereError("The upload is no longer in the bucket.")
    else:
        files = recording.attributes.get("rendition_files", {}).values()
        named = {keys.stem(file["key"]): file["key"] for file in files}
        store, key = services.results, named.get(rendition, "")
        if not key or services.results.find(key) is None:
            raise _missing(f"no rendition {rendition!r}", recording, Branch.RENDITIONS)
    file_name = f"{_stem(recording)}.{key.rpartition('.')[2]}"
    kind = "attachment" if is_attached else "inline"
    return store.presign(
        key, media_type=media_type(key), disposition=disposition(file_name, kind=kind)
    )


def _stem(recording: Recording) -> str:
    return keys.stem(recording.source_key)


def _missing(what: str, recording: Recording, branch: Branch) -> NotThereError:
    status = recording.status_of(branch)
    return NotThereError(f"The recording has {what}: {branch} is {status}.")

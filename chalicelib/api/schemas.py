"""The shapes of what the API takes and answers, as JSON Schema."""

from collections.abc import Mapping
from typing import Any

from chalicelib.core.recording import Branch, Status

TEXT = {"type": "string"}
NUMBER = {"type": "number"}
COUNT = {"type": "integer", "minimum": 0}
FLAG = {"type": "boolean"}
SECONDS = {"type": "number", "minimum": 0}
STATUS = {"enum": [status.value for status in Status]}
CURSOR = {"type": ["string", "null"]}


def _object(optional: Mapping[str, Any] | None = None, /, **required: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "required": list(required),
        "properties": {**required, **(optional or {})},
    }


def _list(of: Any) -> dict[str, Any]:
    return {"type": "array", "items": of}


def _or_null(kind: str) -> dict[str, Any]:
    return {"type": [kind, "null"]}


def _ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


_RECORDING = _object(
    {
        "duration_s": SECONDS,
        "language_code": TEXT,
        "word_count": COUNT,
        "mean_confidence": NUMBER,
        "speakers": _list(TEXT),
        "n_frames": COUNT,
        "feature_keys": {"type": "object", "additionalProperties": TEXT},
        "word_table_keys": {"type": "object", "additionalProperties": TEXT},
        "rendition_files": {"type": "object"},
        "transcript": {**TEXT, "description": "Shown of one recording, not in lists."},
        "transcript_truncated": FLAG,
        "excerpt": {**TEXT, "description": "The transcript's beginning, in lists."},
    },
    recording_id=TEXT,
    owner=TEXT,
    source_key=TEXT,
    etag=TEXT,
    size=COUNT,
    created_at={**TEXT, "format": "date-time"},
    updated_at={**TEXT, "format": "date-time"},
    status={**STATUS, "description": "Of the recording as a whole."},
    reason={**_or_null("string"), "description": "What there is to say about the outcome."},
    **{branch.value: STATUS for branch in Branch},
)

_MATCH = _object(
    start_s=SECONDS,
    end_s=SECONDS,
    snippet=TEXT,
    highlights={
        **_list({**_list(COUNT), "minItems": 2, "maxItems": 2}),
        "description": "Where what was found begins and ends, in Unicode code points.",
    },
)

SCHEMAS: Mapping[str, Any] = {
    "Object": {"type": "object"},
    "Error": _object(Code=TEXT, Message={**TEXT, "description": "A sentence for a person."}),
    "Caller": _object(owner=TEXT, is_administrator=FLAG),
    "Upload": _object(
        {
            "content_type": {**TEXT, "description": "Of audio or video; by the name, if left out."},
            "owner": {**TEXT, "description": "For administrators: whose folder to upload to."},
        },
        name={
            **TEXT,
            "description": "The file's name, or a path of folders and a name.",
            "examples": ["talk.wav"],
        },
    ),
    "Offer": _object(
        key=TEXT,
        url=TEXT,
        fields={"type": "object", "additionalProperties": TEXT},
        max_bytes=COUNT,
        expires_in_s=COUNT,
    ),
    "Address": _object(url=TEXT, expires_in_s=COUNT),
    "Recording": _RECORDING,
    "RecordingPage": _object(recordings=_list(_ref("Recording")), cursor=CURSOR),
    "Removed": _object(
        recording_id=TEXT,
        removed=_object(
            objects=_list(TEXT),
            search_entries=COUNT,
            transcription_job=FLAG,
            item=FLAG,
            upload=FLAG,
        ),
    ),
    "Transcript": _object(
        recording_id=TEXT,
        language_code=_or_null("string"),
        text=TEXT,
        words=_object(
            text=_list(TEXT),
            start_s=_list(SECONDS),
            end_s=_list(SECONDS),
            confidence=_list(_or_null("number")),
            speaker=_list(_or_null("string")),
            punctuation=_list(TEXT),
        ),
        segments=_list(
            _object(
                start_s=SECONDS,
                end_s=SECONDS,
                speaker=_or_null("string"),
                text=TEXT,
                first_word=COUNT,
                n_words=COUNT,
            )
        ),
    ),
    "SearchPage": _object(
        results=_list(
            _object(
                recording_id=TEXT,
                owner=TEXT,
                source_key=TEXT,
                created_at=TEXT,
                score=NUMBER,
                n_matches=COUNT,
                matches=_list(_ref("Match")),
            )
        ),
        cursor=CURSOR,
    ),
    "Match": _MATCH,
}

"""JSON Schemas of the API's requests and answers."""

import types
from collections.abc import Mapping
from dataclasses import is_dataclass
from typing import Any, Union, get_args, get_origin, get_type_hints

from chalicelib.core import recording_item
from chalicelib.core.recording import Status
from chalicelib.core.transcripts.corrections import MAX_CORRECTIONS, MAX_TEXT, MAX_WORDS, Kind

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


_SIMPLE: Mapping[Any, dict[str, Any]] = {
    str: TEXT,
    int: COUNT,
    float: NUMBER,
    bool: FLAG,
    Status: STATUS,
}


def _of_type(hint: Any, name: str = "") -> dict[str, Any]:
    """Return the schema of a value by its type; the unit follows from its name."""
    of = get_args(hint)
    if hint in (int, float) and name.endswith("_s"):
        return SECONDS
    if hint is str and name.endswith("_at"):
        return {**TEXT, "format": "date-time"}
    if hint in _SIMPLE:
        return _SIMPLE[hint]
    if is_dataclass(hint):
        return _object(**{one: _of_type(kind, one) for one, kind in get_type_hints(hint).items()})
    if get_origin(hint) is Mapping:
        return {"type": "object", "additionalProperties": _of_type(of[1])}
    if get_origin(hint) in (tuple, list):
        return _list(_of_type(of[0]))
    known = [_of_type(one, name) for one in of if one is not type(None)]
    return {"anyOf": [*known, {"type": "null"}]}


def _attribute(name: str, hint: Any) -> dict[str, Any]:
    """Return the schema of an attribute of the item, which is never null."""
    known = [one for one in get_args(hint) if one is not type(None)]
    is_optional = get_origin(hint) in (Union, types.UnionType) and len(known) == 1
    return _of_type(known[0] if is_optional else hint, name)


_ATTRIBUTES = {name: _attribute(name, hint) for name, hint in recording_item.attributes().items()}
_SHOWN: Mapping[str, Any] = {
    **_ATTRIBUTES,
    "transcript": {**TEXT, "description": "Only in the answer for one recording, not in lists."},
    "excerpt": {**TEXT, "description": "The transcript's beginning, in lists."},
    "status": {**STATUS, "description": "Of the recording as a whole."},
    "reason": {**_or_null("string"), "description": "A sentence about the outcome."},
}
_REQUIRED = {*recording_item.required(), "status", "reason"}
_RECORDING = _object(
    {name: schema for name, schema in _SHOWN.items() if name not in _REQUIRED},
    **{name: schema for name, schema in _SHOWN.items() if name in _REQUIRED},
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

_CONTENT: Mapping[str, Any] = {
    "kind": {
        "enum": [kind.value for kind in Kind],
        "description": "words: other words; speaker: a name for the speaker of the word; split: a "
        "segment begins at the word; join: the word continues the segment before.",
    },
    "words": {
        **_list({**TEXT, "maxLength": MAX_TEXT}),
        "minItems": 1,
        "maxItems": MAX_WORDS,
        "description": "The recognised words, as in the transcript with version=original.",
    },
    "start_s": {**SECONDS, "description": "When the first of them begins."},
}
_OPTIONAL: Mapping[str, Any] = {
    "channel": {**_or_null("string"), "description": "The words' channel, if there are several."},
    "text": {
        **TEXT,
        "maxLength": MAX_TEXT,
        "description": "The new words with punctuation, or the name; empty to remove the words.",
    },
}
_NEW_CORRECTION = _object(_OPTIONAL, **_CONTENT)
_CORRECTION = _object(
    **_CONTENT,
    **_OPTIONAL,
    by={**TEXT, "description": "The owner's name of the person."},
    at={**TEXT, "format": "date-time"},
    matches={**FLAG, "description": "Whether its words are in the transcript."},
)

_SELECTION = {
    "owner": {**TEXT, "description": "Whose recordings; an administrator may name any owner."},
    "from": {**TEXT, "description": "Created on this day or later."},
    "to": {**TEXT, "description": "Created on this day or earlier."},
    "q": {**TEXT, "description": "Words and phrases of a search: the recordings that it finds."},
}
_SPLIT = _object(n_recordings=COUNT, n_utterances=COUNT, hours=NUMBER)
_DATASET_PARAMETERS = {
    name: {**TEXT, "description": description}
    for name, description in {
        "format": "parquet, lhotse, shar, webdataset or kaldi.",
        "frames": "Columns of frames, by comma: mfcc, f0, voiced, rms; or none.",
        "dtype": "float32 or float16.",
        "splits": "Such as train=0.8,dev=0.1,test=0.1.",
        "split_by": "recording or speaker.",
        "longest_s": "Longest utterance in seconds.",
        "shard_mb": "Most megabytes of a file.",
    }.items()
}

SCHEMAS: Mapping[str, Any] = {
    "Object": {"type": "object"},
    "Error": _object(Code=TEXT, Message={**TEXT, "description": "A sentence for a person."}),
    "Caller": _object(owner=TEXT, is_administrator=FLAG),
    "Upload": _object(
        {
            "content_type": {
                **TEXT,
                "description": "A type of audio or video. By default, the name decides.",
            },
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
            still_running=FLAG,
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
            channel=_list(_or_null("string")),
            correction={
                **_list(_or_null("integer")),
                "description": "Index of the correction that wrote the word, or null.",
            },
        ),
        corrections_etag={
            **_or_null("string"),
            "description": "The ETag of the corrections in this transcript; null without any.",
        },
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
    "Corrections": _object(
        recording_id=TEXT,
        corrections=_list(_CORRECTION),
    ),
    "NewCorrections": _object(corrections={**_list(_NEW_CORRECTION), "maxItems": MAX_CORRECTIONS}),
    "Changed": _object(
        Code=TEXT,
        Message=TEXT,
        recording_id=TEXT,
        corrections=_list(_CORRECTION),
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
        complete=FLAG,
        back_to=_or_null("string"),
    ),
    "Match": _MATCH,
    "NewDataset": _object(
        {
            **_SELECTION,
            **_DATASET_PARAMETERS,
            "recording_ids": {**_list(TEXT), "minItems": 1, "maxItems": 10_000},
        },
        name={**TEXT, "pattern": "^[a-z0-9][a-z0-9-]{0,39}$"},
    ),
    "Dataset": _object(
        {
            "splits": {"type": "object", "additionalProperties": _SPLIT},
            "left_out": _object(n=COUNT, reasons={"type": "object", "additionalProperties": COUNT}),
            "versions": {"type": "object"},
            "n_files": COUNT,
            "n_bytes": COUNT,
        },
        name=TEXT,
        owner=TEXT,
        requested_at={**TEXT, "format": "date-time"},
        status=STATUS,
        reason=_or_null("string"),
        parameters={"type": "object", "additionalProperties": TEXT},
        selection={"type": "object"},
        version=_or_null("string"),
        n_batches=COUNT,
        n_batches_done=COUNT,
        location={**_or_null("string"), "description": "The files' address, s3://…"},
    ),
    "Datasets": _object(owner=TEXT, datasets=_list(TEXT)),
    "DeletedDataset": _object(name=TEXT, owner=TEXT),
}

"""Answers of Amazon Transcribe, written under the keys of its jobs."""

import json
from collections.abc import Sequence
from typing import Any

from chalicelib.services import Services

SAID = (
    ("spk_0", 0.0, "Helo"),
    ("spk_0", 0.5, "wold"),
    ("spk_1", 3.0, "Good"),
    ("spk_1", 3.5, "night"),
)
"""The speaker, the start in seconds and the text of each word of a conversation."""


def conversation(said: Sequence[tuple[str, float, str]] = SAID) -> dict[str, Any]:
    """Return Transcribe's document of words that were said."""
    return {
        "results": {
            "transcripts": [{"transcript": " ".join(word for _, _, word in said)}],
            "items": [
                {
                    "type": "pronunciation",
                    "start_time": f"{start}",
                    "end_time": f"{start + 0.4}",
                    "speaker_label": speaker,
                    "alternatives": [{"content": word, "confidence": "0.9"}],
                }
                for speaker, start, word in said
            ],
        }
    }


def job_name(services: Services, recording_id: str) -> str:
    """Return the name of the recording's latest transcription job."""
    name = services.recordings.get(recording_id).transcription.job_id
    assert name is not None
    return name


def answer_key(services: Services, recording_id: str) -> str:
    """Return the key that the latest job writes its transcript to."""
    return f"jobs/{job_name(services, recording_id)}/transcript.json"


def put_answer(services: Services, recording_id: str, document: Any) -> str:
    """Write a transcript, a document or bytes, as the latest job does; return its key."""
    key = answer_key(services, recording_id)
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    services.results.write(key, body)
    return key

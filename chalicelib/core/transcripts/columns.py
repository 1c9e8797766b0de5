"""A transcript as columns; one object for each word would exceed Lambda's 6 MB response."""

from collections.abc import Sequence
from typing import Any

from chalicelib.core.transcripts.models import Transcript


def to_columns(
    transcript: Transcript,
    *,
    recording_id: str,
    language_code: str | None,
    corrections_etag: str | None = None,
    writers: Sequence[int | None] = (),
) -> dict[str, Any]:
    """Return a transcript as the API shows it.

    Words are in the order of their segments, so the words of a segment follow one another. With
        several channels this is not exactly the order of time. ``punctuation`` is the closing
        punctuation of a word; opening punctuation is part of the word. Times are seconds.
    ``writers`` has, for each word, the index of the correction that wrote it, or None. It is an
    index into the corrections with the ETag ``corrections_etag``.
    """
    words = [word for segment in transcript.segments for word in segment.words]
    first = 0
    segments = []
    for segment in transcript.segments:
        segments.append(
            {
                "start_s": segment.start,
                "end_s": segment.end,
                "speaker": segment.speaker,
                "text": segment.text,
                "first_word": first,
                "n_words": len(segment.words),
            }
        )
        first += len(segment.words)
    return {
        "recording_id": recording_id,
        "language_code": transcript.language_code or language_code,
        "corrections_etag": corrections_etag,
        "text": transcript.text,
        "words": {
            "text": [f"{word.before}{word.content}" for word in words],
            "start_s": [word.start for word in words],
            "end_s": [word.end for word in words],
            "confidence": [word.confidence for word in words],
            "speaker": [word.speaker for word in words],
            "channel": [word.channel for word in words],
            "punctuation": [word.after for word in words],
            "correction": list(writers) or [None] * len(words),
        },
        "segments": segments,
    }

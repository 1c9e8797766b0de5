"""A selection of recordings as Lhotse manifests.

A manifest is JSON lines: the recordings, or a supervision for each segment of their transcripts.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from chalicelib.core.transcripts.models import Segment, Transcript, Word
from chalicelib.core.transcripts.segments import channel_index, clean_text


@dataclass(frozen=True, slots=True)
class ManifestEntry:
    """A recording in a Lhotse manifest; ``source`` is a path or a URL."""

    recording_id: str
    source: str
    sample_rate_hz: int
    n_samples: int
    transcript: Transcript
    n_channels: int = 1

    @property
    def duration(self) -> float:
        """Length in seconds."""
        return self.n_samples / self.sample_rate_hz


def write_recordings(entries: Iterable[ManifestEntry]) -> Iterator[str]:
    """Write the manifest of recordings, one JSON line for each."""
    for entry in entries:
        channels = list(range(entry.n_channels))
        yield json_line(
            {
                "id": entry.recording_id,
                "sources": [audio_source(entry.source, channels)],
                "sampling_rate": entry.sample_rate_hz,
                "num_samples": entry.n_samples,
                "duration": entry.duration,
                "channel_ids": channels,
            }
        )


def write_supervisions(entries: Iterable[ManifestEntry]) -> Iterator[str]:
    """Write the manifest of supervisions, one JSON line for each segment, with its aligned words.

    Lhotse refuses segments without length or outside their recording; these are left out or cut.
    """
    for entry in entries:
        for index, segment in enumerate(entry.transcript.segments):
            start, end = (min(s, entry.duration) for s in (segment.start, segment.end))
            if end <= start:
                continue
            supervision = {
                "id": f"{entry.recording_id}-{index:05d}",
                "recording_id": entry.recording_id,
                "start": start,
                "duration": round(end - start, 6),
                "channel": _lhotse_channel(segment, entry.n_channels),
                "text": clean_text(segment.text),
                "language": segment.language or entry.transcript.language_code,
                "speaker": segment.speaker,
                "alignment": alignment(w for w in segment.words if w.end <= entry.duration),
            }
            yield json_line({k: v for k, v in supervision.items() if v is not None})


def _lhotse_channel(segment: Segment, n_channels: int) -> int | list[int]:
    if segment.channel is None and n_channels > 1:
        return list(range(n_channels))
    return min(channel_index(segment.channel), n_channels - 1)


def audio_source(source: str, channels: Sequence[int]) -> dict[str, Any]:
    """Return where a recording's sound is: a path or a URL."""
    kind = "url" if re.match(r"[a-z][a-z0-9+.-]*://", source) else "file"
    return {"type": kind, "channels": list(channels), "source": source}


def alignment(words: Iterable[Word], *, start: float = 0.0) -> dict[str, Any]:
    """Return words with their times, in seconds from ``start``."""
    return {
        "word": [
            (clean_text(w.content), round(w.start - start, 6), round(w.duration, 6), w.confidence)
            for w in words
        ]
    }


def json_line(value: Mapping[str, Any]) -> str:
    """Return a line of a manifest."""
    return orjson.dumps(value, option=orjson.OPT_APPEND_NEWLINE).decode()

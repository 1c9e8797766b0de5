"""Amazon Transcribe's JSON to a Transcript.

The schema is the one that the Transcribe developer guide gives for batch transcription output:
numbers are strings, punctuation has no times, and speaker labels, channels, alternatives,
language identification, redaction and toxicity detection each add fields.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import orjson

from chalicelib.core.transcripts.document import Entry
from chalicelib.core.transcripts.models import Segment, Transcript, Word
from chalicelib.core.transcripts.segments import derive_segments, join_words
from chalicelib.errors import TranscriptFormatError

MAX_TIME_S = 359_999.0  # SRT writes hours in two digits; Transcribe takes at most four hours
OPENING_PUNCTUATION = frozenset("¿¡([{«“‘「『（")  # noqa: RUF001  # these characters on purpose


def load_transcript(data: bytes) -> Transcript:
    """Read the bytes of a transcript's object."""
    try:
        document = orjson.loads(data)
    except orjson.JSONDecodeError as exc:
        raise TranscriptFormatError("JSON") from exc
    return parse_transcript(document)


def parse_transcript(document: Mapping[str, Any]) -> Transcript:
    """Read a transcript document, in any variant that Transcribe writes.

    A failed job's document may have no results; its transcript is empty and has the status.
    Raises TranscriptFormatError, with the field's name, if the document cannot be used.
    """
    top = Entry.of(document, "document")
    status = top.optional_text("status") or "COMPLETED"
    results = top.entry("results")
    if not (results.has("transcripts") or results.has("items") or status == "FAILED"):
        raise TranscriptFormatError("document.results.transcripts")
    language_code = _language_code(results)
    said, index_of_item = _words(results, language_code)
    segments, given = _given_segments(results, said, index_of_item)
    in_order = sorted(range(len(said)), key=lambda index: (said[index].start, said[index].end))
    segments += derive_segments([said[index] for index in in_order if index not in given])
    words = tuple(said[index] for index in in_order)
    texts = [entry.optional_text("transcript") for entry in results.entries("transcripts")]
    return Transcript(
        text=" ".join(text for text in texts if text) or join_words(words),
        words=words,
        segments=tuple(sorted(segments, key=lambda s: (s.start, s.end))),
        language_code=language_code,
        status=status,
    )


def _language_code(results: Entry) -> str | None:
    """Return the language of the recording, or of its longest part."""
    spoken = [
        (entry.number("duration_in_seconds"), entry.text("language_code"))
        for entry in results.entries("language_codes")
    ]
    longest = max(spoken, key=lambda pair: pair[0])[1] if spoken else None
    return results.optional_text("language_code") or longest


def _words(results: Entry, language_code: str | None) -> tuple[list[Word], dict[int, int]]:
    """Return the words in the order of the items, and the index of each item's word by its id."""
    speakers = _speakers(results)
    words: list[Word] = []
    index_of_item: dict[int, int] = {}
    latest: dict[str | None, int] = {}
    opening: dict[str | None, str] = {}
    for item, channel in _items(results):
        content, confidence = _content(item)
        match item.text("type"):
            case "pronunciation" if content:
                start, end = _span(item)
                latest[channel] = len(words)
                words.append(
                    Word(
                        content=content,
                        start=start,
                        end=end,
                        confidence=confidence,
                        speaker=item.optional_text("speaker_label")
                        or speakers.get((channel, start, end)),
                        channel=channel,
                        language=item.optional_text("language_code") or language_code,
                        before=opening.pop(channel, ""),
                    )
                )
            case "pronunciation":
                continue  # a vocabulary filter leaves an empty item in place of a removed word
            case "punctuation" if content in OPENING_PUNCTUATION:
                opening[channel] = content
                continue
            case "punctuation" if channel not in latest:
                continue  # there is no word before it
            case "punctuation":
                # Punctuation has no times: it closes the word before it in the same channel,
                # because words of another channel may stand between.
                word = words[latest[channel]]
                words[latest[channel]] = replace(word, after=word.after + content)
            case _:
                raise item.error("type")
        item_id = item.optional_integer("id")
        if item_id is not None:
            index_of_item[item_id] = latest[channel]
    return words, index_of_item


def _items(results: Entry) -> list[tuple[Entry, str | None]]:
    """Return every item with its channel."""
    items = [(item, item.optional_text("channel_label")) for item in results.entries("items")]
    if any(channel for _, channel in items):
        return items
    # Older items have no channel label; each channel repeats its items, which shows the channel.
    by_channel: list[tuple[Entry, str | None]] = [
        (item, channel.text("channel_label"))
        for channel in results.entry("channel_labels").entries("channels")
        for item in channel.entries("items")
    ]
    return by_channel or items


def _speakers(results: Entry) -> dict[tuple[str | None, float, float], str]:
    """Return the speaker labels with their channels and times, which older items do not have.

    If an item has no channel, its speaker is found by the times alone.
    """
    several = isinstance(results.values.get("speaker_labels"), list)  # one for each channel
    channels = results.entries("speaker_labels") if several else [results.entry("speaker_labels")]
    speakers: dict[tuple[str | None, float, float], str] = {}
    for channel in channels:
        for segment in channel.entries("segments"):
            for item in segment.entries("items"):
                span, speaker = _span(item), item.text("speaker_label")
                speakers[channel.optional_text("channel_label"), *span] = speaker
                speakers.setdefault((None, *span), speaker)
    return speakers


def _given_segments(
    results: Entry, said: Sequence[Word], index_of_item: Mapping[int, int]
) -> tuple[tuple[Segment, ...], set[int]]:
    """Return the segments that newer transcripts have, and the indices of the words in them.

    Words are identified by index, because two words may have the same text and times.
    """
    segments = []
    given: set[int] = set()
    for entry in results.entries("audio_segments"):
        start, end = _span(entry)
        ids = entry.integers("items")
        # A word and its punctuation are several items.
        indices = dict.fromkeys(index_of_item[i] for i in ids if i in index_of_item)
        words = tuple(said[index] for index in indices)
        if not words:
            continue
        given.update(indices)
        segments.append(
            Segment(
                start=start,
                end=end,
                text=entry.optional_text("transcript") or join_words(words),
                speaker=entry.optional_text("speaker_label") or words[0].speaker,
                channel=entry.optional_text("channel_label") or words[0].channel,
                language=entry.optional_text("language_code") or words[0].language,
                words=words,
            )
        )
    return tuple(segments), given


def _content(item: Entry) -> tuple[str, float | None]:
    """Return the most likely alternative of an item, and its confidence if it has one."""
    alternatives = item.entries("alternatives")
    if not alternatives:
        raise item.error("alternatives")
    best = alternatives[0]
    content = " ".join(best.text("content").split())
    if not best.has("confidence"):
        return content, None  # redacted
    confidence = best.number("confidence")
    if not 0.0 <= confidence <= 1.0:
        raise best.error("confidence")
    return content, confidence


def _span(entry: Entry) -> tuple[float, float]:
    start, end = entry.number("start_time"), entry.number("end_time")
    if not 0.0 <= start <= MAX_TIME_S:
        raise entry.error("start_time")
    if not start <= end <= MAX_TIME_S:
        raise entry.error("end_time")
    return start, end

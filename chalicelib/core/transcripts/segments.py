"""Words in order to running text and segments."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache

from chalicelib.core.transcripts.models import Segment, Transcript, Word

SENTENCE_END = (".", "?", "!", "…", "。", "？", "！", "؟", "।", "۔")  # noqa: RUF001  # full-width on purpose
SENTENCE_PAUSE_S = 0.5  # after a full stop: Transcribe's own speaker segments break here
LONG_PAUSE_S = 2.0  # anywhere, because some languages and recognisers have no punctuation

# Scripts written without spaces between words: Thai, Lao, Myanmar, Khmer, kana and Han with
# their punctuation, full-width forms. Hangul is not in the list: Korean has spaces.
_UNSPACED_SCRIPTS = (
    ("\u0e00", "\u0eff"),
    ("\u1000", "\u109f"),
    ("\u1780", "\u17ff"),
    ("\u3000", "\u30ff"),
    ("\u3400", "\u9fff"),
    ("\uf900", "\ufaff"),
    ("\uff00", "\uff9f"),
)


# Control characters, and characters that some format reads as the end of a line.
_CONTROLS = dict.fromkeys((*range(0x20), *range(0x7F, 0xA0), 0x2028, 0x2029), " ")


def clean_text(text: str) -> str:
    """Return text on one line, without control characters, which no format can hold."""
    return " ".join(text.translate(_CONTROLS).split())


def channel_index(channel: str | None) -> int:
    """Return the number at the end of a channel's label: ``ch_1`` is 1."""
    match = re.search(r"[0-9]{1,3}$", channel or "")
    return int(match.group()) if match else 0


def speaker_names(transcript: Transcript) -> Callable[[str | None, str | None], str | None]:
    """Return a function that gives a speaker's name, from label and channel, for the exports.

    A label counts within its channel: ``spk_0`` in two channels is two people, so their names
        include the channel. Without a label, the channel is the speaker.
    """
    channels: defaultdict[str, set[str | None]] = defaultdict(set)
    labelled: Iterable[Segment | Word] = (*transcript.segments, *transcript.words)
    for part in labelled:
        if part.speaker:
            channels[part.speaker].add(part.channel)

    def name(speaker: str | None, channel: str | None) -> str | None:
        if speaker and channel and len(channels[speaker]) > 1:
            return f"{speaker} {channel}"
        return speaker or channel

    return name


def separator(left: str, right: str) -> str:
    """Return the separator of two pieces of text: a space, or nothing, as in Japanese."""
    if not left or not right or (_is_unspaced(left[-1]) and _is_unspaced(right[0])):
        return ""
    return " "


def join_words(words: Iterable[Word]) -> str:
    """Write words as running text."""
    parts: list[str] = []
    last = ""
    for word in words:
        parts += (separator(last, word.text), word.text)
        last = word.text
    return "".join(parts)


def derive_segments(words: Sequence[Word]) -> tuple[Segment, ...]:
    """Cut words into segments, if the transcript has no segments.

    A segment ends where the speaker changes, where a pause follows the end of a sentence,
    and at any long pause. Each channel is cut separately, because two people may speak at once.
    """
    channels: defaultdict[str | None, list[Word]] = defaultdict(list)
    for word in words:
        channels[word.channel].append(word)
    runs = (run for channel in channels.values() for run in _runs(channel))
    return tuple(sorted(map(_segment, runs), key=lambda s: (s.start, s.end)))


def _runs(words: Iterable[Word]) -> list[list[Word]]:
    runs: list[list[Word]] = []
    for word in words:
        if runs and not _is_break(runs[-1][-1], word):
            runs[-1].append(word)
        else:
            runs.append([word])
    return runs


def _is_break(word: Word, following: Word) -> bool:
    pause_s = following.start - word.end
    return (
        word.speaker != following.speaker
        or pause_s >= LONG_PAUSE_S
        or (word.text.endswith(SENTENCE_END) and pause_s >= SENTENCE_PAUSE_S)
    )


def _segment(words: Sequence[Word]) -> Segment:
    first = words[0]
    return Segment(
        start=first.start,
        end=max(word.end for word in words),
        text=join_words(words),
        speaker=first.speaker,
        channel=first.channel,
        language=first.language,
        words=tuple(words),
    )


@lru_cache(maxsize=4096)
def _is_unspaced(character: str) -> bool:
    return any(low <= character <= high for low, high in _UNSPACED_SCRIPTS)

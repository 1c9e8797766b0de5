"""Corrections applied to a transcript."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import accumulate

from chalicelib.core.transcripts.corrections import Correction, Kind
from chalicelib.core.transcripts.models import Segment, Speaker, Transcript, Word
from chalicelib.core.transcripts.parsing import OPENING_PUNCTUATION
from chalicelib.core.transcripts.segments import clean_text, join_words

NEAR_S = 0.5
"""Largest distance in seconds between a correction's time and that of its words."""

SHORTEST_WORD_S = 0.1
"""Seconds that each word of a correction gets, if the pauses around it allow it."""

CLOSING_PUNCTUATION = '.,!?;:…。、，？！؟،।۔)]}»”」』）"'  # noqa: RUF001  # these on purpose


@dataclass(frozen=True, slots=True)
class CorrectedTranscript:
    """A transcript with its corrections applied.

    Attributes
    ----------
    transcript : Transcript
        the result
    matches : tuple of bool
        for each correction, whether its words are in the transcript
    writers : tuple of int or None
        for each word, in the order of the segments, the index of the correction that wrote it
    """

    transcript: Transcript
    matches: tuple[bool, ...] = ()
    writers: tuple[int | None, ...] = ()


@dataclass(frozen=True, slots=True)
class _Heard:
    """A recognised word, and the segment that it is in."""

    word: Word
    segment: Segment
    is_first: bool

    @property
    def text(self) -> str:
        return f"{self.word.before}{self.word.content}"


@dataclass(slots=True)
class _Run:
    """The words of a segment of the result, each with the correction that wrote it."""

    source: Segment
    speaker: str | None
    words: list[Word] = field(default_factory=list)
    writers: list[int | None] = field(default_factory=list)


def correct(transcript: Transcript, corrections: Sequence[Correction]) -> CorrectedTranscript:
    """Apply corrections to a transcript.

    Of two corrections of the same words the later one counts, and the same holds for names and
    segments. A correction whose words are not in the transcript changes nothing.

    A corrected word has the time of the word that it replaces. If the number of words differs, the
    new words have the times that an aligner has found. Without these, they share the time of the
    replaced words, and take from the pauses around it if it is too short. A word that was written
    by a person has no confidence. Words that are joined to the segment of another speaker become
    that speaker's.
    """
    lines = _lines(transcript) if corrections else {}
    found = _found(corrections, lines)
    matches = tuple(place is not None for place in found)
    if not any(matches):
        n_words = sum(len(segment.words) for segment in transcript.segments)
        return CorrectedTranscript(transcript, matches, (None,) * n_words)
    runs = [
        run
        for channel, line in lines.items()
        for run in _runs(line, _placed(corrections, found, channel), corrections)
    ]
    names = _names(corrections, found, lines)
    segments = [(_named(_segment(run), names), run.writers) for run in runs]
    segments.sort(key=lambda pair: (pair[0].start, pair[0].end))
    words = sorted(
        (word for segment, _ in segments for word in segment.words), key=lambda w: (w.start, w.end)
    )
    writers = tuple(writer for _, written in segments for writer in written)
    is_rewritten = any(
        matched and one.kind == Kind.WORDS
        for one, matched in zip(corrections, matches, strict=True)
    )
    return CorrectedTranscript(
        replace(
            transcript,
            text=join_words(words) if is_rewritten else transcript.text,
            words=tuple(words),
            segments=tuple(segment for segment, _ in segments),
        ),
        matches,
        writers,
    )


def _lines(transcript: Transcript) -> dict[str | None, list[_Heard]]:
    """Return the words of each channel, in the order of their segments."""
    lines: defaultdict[str | None, list[_Heard]] = defaultdict(list)
    for segment in transcript.segments:
        for index, word in enumerate(segment.words):
            lines[word.channel].append(_Heard(word, segment, is_first=index == 0))
    return lines


def _found(
    corrections: Sequence[Correction], lines: Mapping[str | None, Sequence[_Heard]]
) -> list[int | None]:
    """Return the place of each correction's first word in its channel, or None."""
    in_time = {
        channel: sorted((heard.word.start, place) for place, heard in enumerate(line))
        for channel, line in lines.items()
    }
    return [
        _find(one, lines.get(one.channel, ()), in_time.get(one.channel, ())) for one in corrections
    ]


def _find(
    correction: Correction, line: Sequence[_Heard], in_time: Sequence[tuple[float, int]]
) -> int | None:
    """Return the place of a correction's words that is nearest in time, or None."""
    near = []
    for start, place in in_time[bisect_left(in_time, (correction.start_s - NEAR_S, 0)) :]:
        if start > correction.start_s + NEAR_S:
            break
        heard = line[place : place + len(correction.words)]
        if tuple(one.text for one in heard) == correction.words:
            near.append((abs(start - correction.start_s), place))
    return min(near)[1] if near else None


def _placed(
    corrections: Sequence[Correction], found: Sequence[int | None], channel: str | None
) -> dict[int, int]:
    """Return the indices of a channel's corrections, with their places."""
    return {
        index: place
        for index, (one, place) in enumerate(zip(corrections, found, strict=True))
        if place is not None and one.channel == channel
    }


def _runs(
    line: Sequence[_Heard], placed: Mapping[int, int], corrections: Sequence[Correction]
) -> list[_Run]:
    """Return the segments of one channel, with their corrected words."""
    writers = _writers(placed, corrections)
    begins = {
        place: corrections[index].kind == Kind.SPLIT
        for index, place in placed.items()
        if corrections[index].kind in (Kind.SPLIT, Kind.JOIN)
    }
    runs: list[_Run] = []
    is_new = False
    joined: str | None = None  # speaker of the segment before, if this one continues it
    is_joined = False
    for place, heard in enumerate(line):
        if heard.is_first:
            is_new, is_joined = True, False
        if place in begins:
            if is_new and not begins[place] and runs:
                is_joined, joined = True, runs[-1].speaker
            is_new = begins[place]
        writer = writers.get(place)
        if writer is None:
            words = [heard.word]
        elif placed[writer] == place:
            words = _written(corrections[writer], place, line)
        else:
            words = []
        if not words:
            continue
        if is_new or not runs:
            runs.append(_Run(heard.segment, joined if is_joined else heard.segment.speaker))
            is_new = False
        if is_joined:
            words = [replace(word, speaker=joined) for word in words]
        runs[-1].words += words
        runs[-1].writers += [writer] * len(words)
    return runs


def _writers(placed: Mapping[int, int], corrections: Sequence[Correction]) -> dict[int, int]:
    """Return the correction that writes each place; a later one takes all its places."""
    writers: dict[int, int] = {}
    for index in sorted(placed, reverse=True):
        if corrections[index].kind != Kind.WORDS:
            continue
        places = range(placed[index], placed[index] + len(corrections[index].words))
        if writers.keys().isdisjoint(places):
            writers.update(dict.fromkeys(places, index))
    return writers


def _written(correction: Correction, place: int, line: Sequence[_Heard]) -> list[Word]:
    """Return the words of a correction, with times."""
    texts = clean_text(correction.text).split()
    old = [heard.word for heard in line[place : place + len(correction.words)]]
    if not texts:
        return []
    start, end = old[0].start, max(old[0].start, old[-1].end)
    earliest, latest = _room(place, len(old), line)
    spans = list(correction.times)
    if len(texts) == len(old):
        spans = [(word.start, word.end) for word in old]
    elif len(texts) != len(spans) or spans[0][0] < earliest or spans[-1][1] > latest:
        needed_s = len(texts) * SHORTEST_WORD_S
        end = max(end, min(latest, start + needed_s))
        if end - start < needed_s - 1e-6:
            start = min(start, max(earliest, end - needed_s))
        spans = _shared(texts, start, end)
    return [
        _word(text, replace(old[0], start=start, end=end))
        for text, (start, end) in zip(texts, spans, strict=True)
    ]


def _room(place: int, n_words: int, line: Sequence[_Heard]) -> tuple[float, float]:
    """Return the time between the word before some words and the word after them."""
    start, end = line[place].word.start, line[place + n_words - 1].word.end
    end = max(start, end)
    earliest = min(line[place - 1].word.end, start) if place else 0.0
    following = place + n_words
    latest = max(line[following].word.start, end) if following < len(line) else end
    return earliest, latest


def rooms(
    transcript: Transcript, corrections: Sequence[Correction]
) -> tuple[tuple[float, float] | None, ...]:
    """Return the time in which the new words of each correction have room.

    It is None for a correction that writes no words, for one whose words are not in the transcript,
    and for one with as many new words as old ones, because these keep their times.
    """
    lines = _lines(transcript)
    return tuple(
        _room(place, len(one.words), lines[one.channel])
        if place is not None
        and one.kind == Kind.WORDS
        and len(clean_text(one.text).split()) not in (0, len(one.words))
        else None
        for one, place in zip(corrections, _found(corrections, lines), strict=True)
    )


def _shared(texts: Sequence[str], start: float, end: float) -> list[tuple[float, float]]:
    """Divide a time among words, by their numbers of characters."""
    total = sum(map(len, texts))
    ends = [start + (end - start) * share / total for share in accumulate(map(len, texts))]
    ends[-1] = end
    return list(zip([start, *ends[:-1]], ends, strict=True))


def _word(text: str, like: Word) -> Word:
    """Return a word with another text, its punctuation apart, and no confidence."""
    bare = text.lstrip("".join(OPENING_PUNCTUATION) + '"')
    content = bare.rstrip(CLOSING_PUNCTUATION)
    if not content:
        return replace(like, content=text, before="", after="", confidence=None)
    return replace(
        like,
        content=content,
        before=text[: len(text) - len(bare)],
        after=bare[len(content) :],
        confidence=None,
    )


def _segment(run: _Run) -> Segment:
    """Return the segment of a run: the recognised one, if nothing of it has changed."""
    words = tuple(run.words)
    if words == run.source.words and run.speaker == run.source.speaker:
        return run.source
    return Segment(
        start=words[0].start,
        end=max(word.end for word in words),
        text=join_words(words),
        speaker=run.speaker,
        channel=run.source.channel,
        language=run.source.language,
        words=words,
    )


def _names(
    corrections: Sequence[Correction],
    found: Sequence[int | None],
    lines: Mapping[str | None, Sequence[_Heard]],
) -> dict[Speaker, str]:
    """Return the names that speakers were given, by label and channel."""
    return {
        lines[one.channel][place].word.said_by: one.text
        for one, place in zip(corrections, found, strict=True)
        if place is not None and one.kind == Kind.SPEAKER
    }


def _named(segment: Segment, names: Mapping[Speaker, str]) -> Segment:
    def name(speaker: str | None, channel: str | None) -> str | None:
        return names.get((speaker, channel), speaker)

    if not names:
        return segment
    return replace(
        segment,
        speaker=name(segment.speaker, segment.channel),
        words=tuple(replace(w, speaker=name(w.speaker, w.channel)) for w in segment.words),
    )

"""A transcript to subtitles: cues laid out for reading, written as SRT and WebVTT.

SRT has no specification; this module writes the part that every player reads.
WebVTT is https://www.w3.org/TR/webvtt1/; each speaker is a voice span.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from chalicelib.core.transcripts.models import Transcript, Word
from chalicelib.core.transcripts.segments import SENTENCE_END, clean_text, separator, speaker_names

MAX_LINE = 42  # characters
MAX_LINES = 2
MAX_CHARACTERS_PER_S = 17
MAX_CUE_MS = 7_000
MIN_CUE_MS = 1_000  # if the next cue leaves time
SHORTEST_CUE_MS = 200  # if it does not, because two people speak at once
MAX_DELAY_MS = 500  # longest delay of a cue, to leave time for the cue before it
MAX_CROSSTALK_DELAY_MS = 1_000  # the same if two people speak at once
PAUSE_MS = 1_000
ORPHAN_TAKES = 2
"""Words that the cue before gives to a word that would be alone in its cue."""

NEVER_MS = 2**53
CLAUSE_END = (*SENTENCE_END, ",", ";", ":", "、", "，", "；", "：", "—")  # noqa: RUF001  # full-width on purpose

# SRT has no escapes: players read angle brackets as mark-up and braces as commands.
_SRT_LOOKALIKES = str.maketrans("<>{}", "‹›()")  # noqa: RUF001  # similar characters on purpose
_VTT_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})


@dataclass(frozen=True, slots=True)
class Cue:
    """One subtitle: at most two lines, in milliseconds from the recording's start."""

    start_ms: int
    end_ms: int
    lines: tuple[str, ...]
    speaker: str | None = None

    @property
    def n_characters(self) -> int:
        """Number of characters to read; a line break counts as a space."""
        return len(" ".join(self.lines))

    @property
    def reading_ms(self) -> int:
        """Milliseconds that the cue should be shown for."""
        return max(MIN_CUE_MS, -(-self.n_characters * 1000 // MAX_CHARACTERS_PER_S))


def write_srt(transcript: Transcript, *, duration_s: float = 0.0) -> str:
    """Write the transcript as SubRip subtitles: see `lay_out_cues` for ``duration_s``."""
    return "".join(
        f"{number}\n{_time(cue.start_ms, ',')} --> {_time(cue.end_ms, ',')}\n"
        + "\n".join(cue.lines).translate(_SRT_LOOKALIKES)
        + "\n\n"
        for number, cue in enumerate(lay_out_cues(transcript, duration_s=duration_s), start=1)
    )


def write_vtt(transcript: Transcript, *, duration_s: float = 0.0) -> str:
    """Write the transcript as WebVTT, each speaker a voice span: see `lay_out_cues`."""
    blocks = ["WEBVTT\n"]
    for cue in lay_out_cues(transcript, duration_s=duration_s):
        text = "\n".join(cue.lines).translate(_VTT_ESCAPES)
        if cue.speaker:
            text = f"<v {cue.speaker.translate(_VTT_ESCAPES)}>{text}</v>"
        blocks.append(f"{_time(cue.start_ms, '.')} --> {_time(cue.end_ms, '.')}\n{text}\n")
    return "\n".join(blocks)


def lay_out_cues(transcript: Transcript, *, duration_s: float = 0.0) -> tuple[Cue, ...]:
    """Cut a transcript into cues in order of time, none of which overlaps the next.

    A line has at most 42 characters, a cue at most two lines and 7 seconds, without a pause.
    After its last word a cue is shown until it can be read at 17 characters a second, if the next
    cue does not start before. To allow this, the next cue may start half a second late if it has
    time left, and a second late if two people speak at once.

    Parameters
    ----------
    transcript : Transcript
        the transcript
    duration_s : float
        length of the recording, at which every cue ends; 0 if it is not known
    """
    name = speaker_names(transcript)
    cues = [
        _cue(words, name(words[0].speaker or segment.speaker, segment.channel))
        for segment in transcript.segments
        for words in _cut(_pieces(segment.words))
    ]
    over_ms = _ms(duration_s) or NEVER_MS
    return tuple(_settle(sorted(cues, key=lambda cue: cue.start_ms), over_ms))


def _pieces(words: Iterable[Word]) -> list[Word]:
    """Return the words without control characters, and words longer than a line in parts."""
    pieces = []
    for word in words:
        text = clean_text(word.text)
        parts = [text[at : at + MAX_LINE] for at in range(0, len(text), MAX_LINE)]
        step_s = word.duration / max(len(parts), 1)
        pieces += [
            Word(
                content=part,
                start=word.start + index * step_s,
                end=word.start + (index + 1) * step_s,
                speaker=word.speaker,
            )
            for index, part in enumerate(parts)
        ]
    return pieces


def _cut(words: Sequence[Word]) -> Iterator[Sequence[Word]]:
    """Cut words into runs that fit one cue, at the end of a clause if there is one."""
    start = 0
    while start < len(words):
        end = start + 1
        while end < len(words) and _belongs(words[start : end + 1]):
            end += 1
        if end < len(words) and not _is_pause(words[end - 1], words[end]):
            if _is_alone(words, end) and end - start > ORPHAN_TAKES + 1:
                end -= ORPHAN_TAKES
            end = _clause_end(words, start, end)
        yield words[start:end]
        start = end


def _belongs(words: Sequence[Word]) -> bool:
    """Return whether the last of the words fits into one cue with the others."""
    before, word = words[-2:]
    return (
        not _is_pause(before, word)
        and before.speaker == word.speaker
        and _ms(word.end) - _ms(words[0].start) <= MAX_CUE_MS
        and len(_fill(words)) <= MAX_LINES
    )


def _is_pause(before: Word, word: Word) -> bool:
    return _ms(word.start) - _ms(before.end) >= PAUSE_MS


def _is_alone(words: Sequence[Word], index: int) -> bool:
    """Return whether a word would be a cue of its own, because what follows belongs elsewhere."""
    return index + 1 == len(words) or not _belongs(words[index : index + 2])


def _clause_end(words: Sequence[Word], start: int, end: int) -> int:
    """Return the best place to end a cue, in the second half of the words and not after ``end``."""
    middle = (start + end + 1) // 2
    for marks in (SENTENCE_END, CLAUSE_END):
        for cut in range(end, max(middle, start + 1) - 1, -1):
            if words[cut - 1].text.endswith(marks):
                return cut
    return end


def _fill(words: Iterable[Word]) -> list[str]:
    """Fill line after line, with as few lines as the words need."""
    lines = [""]
    for word in words:
        gap = separator(lines[-1], word.text)
        if len(lines[-1]) + len(gap) + len(word.text) <= MAX_LINE:
            lines[-1] += gap + word.text
        else:
            lines.append(word.text)
    return lines


def _balance(words: Sequence[Word]) -> tuple[str, ...]:
    """Set words in one line, or in two; the upper one ends a clause or is the shorter one."""
    whole = _fill(words)
    if len(whole) == 1:
        return tuple(whole)
    pairs = [(*_fill(words[:cut]), *_fill(words[cut:])) for cut in range(1, len(words))]
    return min(
        (pair for pair in pairs if len(pair) == MAX_LINES),
        key=lambda pair: (
            abs(len(pair[0]) - len(pair[1])) - MAX_LINE // 2 * pair[0].endswith(CLAUSE_END),
            len(pair[0]),
        ),
    )


def _cue(words: Sequence[Word], speaker: str | None) -> Cue:
    label = clean_text(speaker or "")
    end_ms = max(_ms(word.end) for word in words)
    return Cue(_ms(words[0].start), end_ms, _balance(words), label or None)


def _settle(cues: Sequence[Cue], over_ms: int) -> Iterator[Cue]:
    """Give each cue its reading time, within the recording, and remove overlaps."""
    due = [cue.start_ms for cue in cues] + [NEVER_MS] * 2
    free_ms = 0
    for index, cue in enumerate(cues):
        start_ms = max(cue.start_ms, free_ms)
        readable_ms = min(start_ms + cue.reading_ms, max(over_ms, cue.end_ms))
        end_ms = max(cue.end_ms, readable_ms)
        next_ms = due[index + 1]
        if next_ms < end_ms:
            # The next cue waits until this one is read, if it overlaps this one or has time left.
            spare_ms = due[index + 2] - next_ms - cues[index + 1].reading_ms
            wait_ms = (
                MAX_CROSSTALK_DELAY_MS
                if next_ms < cue.end_ms
                else min(max(spare_ms, 0), MAX_DELAY_MS)
            )
            end_ms = max(next_ms, min(readable_ms, next_ms + wait_ms))
        free_ms = max(end_ms, min(start_ms + SHORTEST_CUE_MS, max(over_ms, cue.end_ms)))
        yield replace(cue, start_ms=start_ms, end_ms=free_ms)


def _ms(seconds: float) -> int:
    return round(seconds * 1000)


def _time(ms: int, mark: str) -> str:
    seconds, ms = divmod(ms, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02d}:{minutes:02d}:{seconds:02d}{mark}{ms:03d}"

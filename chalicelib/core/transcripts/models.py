"""Values of a transcript: small, frozen, with times in seconds."""

from dataclasses import dataclass

Speaker = tuple[str | None, str | None]
"""A label, and the channel that it belongs to; without labels the channel is the speaker."""


@dataclass(frozen=True, slots=True)
class Word:
    """A recognised word: its text, times and confidence.

    Times are seconds from the recording's start.
    Punctuation has no times, so it is stored with the word it belongs to.
    """

    content: str
    start: float
    end: float
    confidence: float | None = None
    speaker: str | None = None
    channel: str | None = None
    language: str | None = None
    before: str = ""
    after: str = ""

    @property
    def text(self) -> str:
        """The word as it is written in running text, with its punctuation."""
        return f"{self.before}{self.content}{self.after}"

    @property
    def said_by(self) -> Speaker:
        """The speaker: a label, and a channel."""
        return self.speaker, self.channel

    @property
    def duration(self) -> float:
        """Length in seconds."""
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class Segment:
    """A run of words with one start and one end, in seconds from the recording's start."""

    start: float
    end: float
    text: str
    speaker: str | None = None
    channel: str | None = None
    language: str | None = None
    words: tuple[Word, ...] = ()

    @property
    def duration(self) -> float:
        """Length in seconds."""
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class Transcript:
    """Everything that was recognised in a recording: words and segments in order of time."""

    text: str = ""
    words: tuple[Word, ...] = ()
    segments: tuple[Segment, ...] = ()
    language_code: str | None = None
    status: str = "COMPLETED"

    @property
    def speakers(self) -> tuple[str, ...]:
        """Labels of the speakers, in the order of their first words."""
        heard = {w.speaker: None for w in self.words} | {s.speaker: None for s in self.segments}
        return tuple(speaker for speaker in heard if speaker is not None)

    @property
    def channels(self) -> tuple[str, ...]:
        """Labels of the channels, in the order of their first words."""
        heard = {w.channel: None for w in self.words} | {s.channel: None for s in self.segments}
        return tuple(channel for channel in heard if channel is not None)

    @property
    def word_count(self) -> int:
        """Number of recognised words, without punctuation."""
        return len(self.words)

    @property
    def mean_confidence(self) -> float | None:
        """Mean confidence, 0 to 1, of the words that have one; redacted words have none."""
        known = [w.confidence for w in self.words if w.confidence is not None]
        return sum(known) / len(known) if known else None

    @property
    def duration(self) -> float:
        """End of the last word or segment in seconds; the recording may be longer."""
        ends = (*(w.end for w in self.words), *(s.end for s in self.segments))
        return max(ends, default=0.0)

"""Speech of several speakers at once: how long, and who interrupts whom."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from itertools import permutations

from chalicelib.core.transcripts.models import Speaker, Transcript, Word
from chalicelib.core.transcripts.timing import Span, joined_spans

SEVERAL = 2


@dataclass(frozen=True, slots=True)
class Overlap:
    """A speaker's part in the speech of several at once.

    Attributes
    ----------
    overlap_s : float
        time of words during a word of another speaker
    interruptions : int
        number of times that the speaker, after a pause, began to talk during a word of another
        speaker, and was still talking when the other one paused
    interrupted : int
        number of times that another speaker interrupted this one
    """

    overlap_s: float = 0.0
    interruptions: int = 0
    interrupted: int = 0

    def columns(self) -> dict[str, float | None]:
        """Return the values by their columns' names."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Overlaps:
    """All overlaps of a recording: the time in which several talk, and each speaker's part."""

    overlap_s: float
    speakers: dict[Speaker, Overlap]

    @property
    def interruptions(self) -> int:
        """Number of all interruptions."""
        return sum(each.interruptions for each in self.speakers.values())


def measure_overlaps(transcript: Transcript) -> Overlaps:
    """Measure the speech of several speakers at once.

    If speakers are distinguished within one channel, words hardly overlap, because one word is
    recognised at a time. If each speaker has a channel, words overlap.

    Parameters
    ----------
    transcript : Transcript
        words with speakers' labels, channels or both
    """
    said: defaultdict[Speaker, list[Word]] = defaultdict(list)
    for word in sorted(transcript.words, key=lambda word: word.start):
        said[word.said_by].append(word)
    talk = {speaker: joined_spans(words, pause_s=0.0) for speaker, words in said.items()}
    runs = {speaker: joined_spans(words) for speaker, words in said.items()}
    together = _together(talk.values())
    made, suffered = dict.fromkeys(talk, 0), dict.fromkeys(talk, 0)
    for speaker, other in permutations(talk, 2):
        n = sum(_interrupts(run, talk[other], runs[other]) for run in runs[speaker])
        made[speaker] += n
        suffered[other] += n
    return Overlaps(
        _length(together),
        {
            speaker: Overlap(_length(_common(spans, together)), made[speaker], suffered[speaker])
            for speaker, spans in talk.items()
        },
    )


def _together(talks: Iterable[Sequence[Span]]) -> list[Span]:
    """Return the spans in which two or more talk."""
    edges = sorted(
        edge for talk in talks for start, end in talk for edge in ((start, 1), (end, -1))
    )
    found: list[Span] = []
    depth, since = 0, 0.0
    for at_s, step in edges:
        if depth >= SEVERAL and at_s > since:
            found.append((since, at_s))
        depth, since = depth + step, at_s
    return found


def _common(spans: Sequence[Span], others: Sequence[Span]) -> list[Span]:
    """Return the spans that are in both of two lists, each in order and without overlaps."""
    found: list[Span] = []
    i = j = 0
    while i < len(spans) and j < len(others):
        start, end = max(spans[i][0], others[j][0]), min(spans[i][1], others[j][1])
        if start < end:
            found.append((start, end))
        if spans[i][1] < others[j][1]:
            i += 1
        else:
            j += 1
    return found


def _interrupts(run: Span, talk: Sequence[Span], runs: Sequence[Span]) -> bool:
    """Return whether a run begins while another speaker talks, and ends after that one's run."""
    begun = _last_begun(talk, run[0])
    if begun is None or not begun[0] < run[0] < begun[1]:
        return False
    of_other = _last_begun(runs, run[0])
    return of_other is not None and run[1] > of_other[1]


def _last_begun(spans: Sequence[Span], at_s: float) -> Span | None:
    n_begun = bisect_right(spans, at_s, key=lambda span: span[0])
    return spans[n_begun - 1] if n_begun else None


def _length(spans: Iterable[Span]) -> float:
    return sum(end - start for start, end in spans)

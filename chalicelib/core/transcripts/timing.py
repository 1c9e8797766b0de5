"""Timing of speech: talk time, pauses and rates, from the times of words."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from statistics import median

from chalicelib.core.transcripts.models import Speaker, Transcript, Word

PAUSE_S = 0.25
"""Shortest pause in seconds: shorter silences are mostly those of articulation.

Source: Goldman-Eisler (1968), Psycholinguistics; De Jong and Bosker (2013), Choosing a threshold
for silent pauses.
"""

Span = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Timing:
    """Timing of some words; without words, or without pauses, the values that need them are None.

    Attributes
    ----------
    talk_time_s : float
        time of the words, with the silences between them that are shorter than a pause
    speaking_rate_wpm : float or None
        words a minute of talk time and pauses
    articulation_rate_wpm : float or None
        words a minute of talk time alone
    pause_count : int
        number of pauses: silences of 0.25 s or more between two words
    pause_median_s : float or None
        their median length in seconds
    pause_share : float or None
        their share of talk time and pauses together
    """

    talk_time_s: float = 0.0
    speaking_rate_wpm: float | None = None
    articulation_rate_wpm: float | None = None
    pause_count: int = 0
    pause_median_s: float | None = None
    pause_share: float | None = None

    def columns(self) -> dict[str, float | None]:
        """Return the values by their columns' names."""
        return asdict(self)


def measure_timing(runs: Iterable[Sequence[Word]]) -> Timing:
    """Return the timing of runs of words; the silence between two runs is no pause.

    Parameters
    ----------
    runs : iterable of sequences of Word
        each in order of time: one segment, the turns of a speaker, or all of a recording
    """
    n_words, talk_s = 0, 0.0
    pauses: list[float] = []
    for run in runs:
        n_words += len(run)
        spans = joined_spans(run)
        talk_s += sum(end - start for start, end in spans)
        pauses += [after[0] - before[1] for before, after in pairwise(spans)]
    paused_s = sum(pauses)
    total_s = talk_s + paused_s
    return Timing(
        talk_time_s=talk_s,
        speaking_rate_wpm=60 * n_words / total_s if total_s else None,
        articulation_rate_wpm=60 * n_words / talk_s if talk_s else None,
        pause_count=len(pauses),
        pause_median_s=median(pauses) if pauses else None,
        pause_share=paused_s / total_s if total_s else None,
    )


def joined_spans(words: Iterable[Word], pause_s: float = PAUSE_S) -> list[Span]:
    """Return the spans of words between which there is no pause, in order and without overlaps."""
    spans: list[Span] = []
    for word in words:
        # A pause that is written as 0.25 s may be a little less in binary.
        if spans and word.start - spans[-1][1] < max(pause_s - 1e-9, 1e-12):
            spans[-1] = (spans[-1][0], max(spans[-1][1], word.end))
        else:
            spans.append((word.start, word.end))
    return spans


def turns(transcript: Transcript) -> dict[Speaker, list[list[Word]]]:
    """Return the turns of each speaker: words with no word of another beginning between them."""
    found: dict[Speaker, list[list[Word]]] = {}
    before: Speaker | None = None
    for word in sorted(transcript.words, key=lambda word: word.start):
        speaker = word.said_by
        taken = found.setdefault(speaker, [])
        if speaker == before:
            taken[-1].append(word)
        else:
            taken.append([word])
        before = speaker
    return found

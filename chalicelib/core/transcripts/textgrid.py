"""A transcript as a Praat TextGrid, by the Praat manual's page "TextGrid file formats"."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from chalicelib.core.transcripts.models import Segment, Transcript
from chalicelib.core.transcripts.segments import clean_text

_Interval = tuple[float, float, str]


def write_textgrid(transcript: Transcript, *, duration_s: float = 0.0) -> str:
    """Write tiers of words, segments and speakers, separate tiers for each channel.

    ``duration_s`` is the length of the recording, used if it is longer than the transcript.
        A tier has no gaps: empty intervals fill the pauses. Praat allows no overlap and no interval
        without length, so an interval may begin later, or its text is added to the one before.
    """
    end = round(max(duration_s, transcript.duration, 0.001), 6)
    tiers = _tiers(transcript)
    lines = [
        'File type = "ooTextFile"',
        'Object class = "TextGrid"',
        "",
        "xmin = 0",
        f"xmax = {end:.6f}",
        "tiers? <exists>",
        f"size = {len(tiers)}",
        "item []:",
    ]
    for number, (name, intervals) in enumerate(tiers.items(), start=1):
        whole = _fill_tier(intervals, end)
        lines += [
            f"    item [{number}]:",
            '        class = "IntervalTier"',
            f"        name = {_quote(name)}",
            "        xmin = 0",
            f"        xmax = {end:.6f}",
            f"        intervals: size = {len(whole)}",
        ]
        for index, (xmin, xmax, text) in enumerate(whole, start=1):
            lines += [
                f"        intervals [{index}]:",
                f"            xmin = {xmin:.6f}",
                f"            xmax = {xmax:.6f}",
                f"            text = {_quote(text)}",
            ]
    return "\n".join([*lines, ""])


def _tiers(transcript: Transcript) -> dict[str, Sequence[_Interval]]:
    words: defaultdict[str | None, list[_Interval]] = defaultdict(list)
    for word in transcript.words:
        words[word.channel].append((word.start, word.end, word.text))
    segments: defaultdict[str | None, list[Segment]] = defaultdict(list)
    for segment in transcript.segments:
        segments[segment.channel].append(segment)
    tiers: dict[str, Sequence[_Interval]] = {}
    for channel in dict.fromkeys((*words, *segments)) or (None,):
        suffix = f" {clean_text(channel)}" if channel else ""
        tiers[f"words{suffix}"] = words[channel]
        tiers[f"segments{suffix}"] = [(s.start, s.end, s.text) for s in segments[channel]]
        tiers[f"speakers{suffix}"] = list(_turns(segments[channel]))
    return tiers


def _turns(segments: Iterable[Segment]) -> Iterator[_Interval]:
    """Return each speaker's intervals; segments in a row by one speaker are one interval."""
    for speaker, run in groupby(segments, key=lambda s: s.speaker):
        turn = list(run)
        if speaker:
            yield turn[0].start, max(segment.end for segment in turn), speaker


def _fill_tier(intervals: Iterable[_Interval], end: float) -> list[_Interval]:
    """Return intervals from 0 to ``end`` without a gap or an overlap, to the microsecond."""
    spans: list[tuple[float, float]] = []
    labels: list[list[str]] = []
    homeless: list[str] = []  # there is no interval before these
    at = 0.0
    for start, stop, text in intervals:
        begin, until = max(round(start, 6), at), min(round(stop, 6), end)
        if until > begin:
            if begin > at:
                spans.append((at, begin))
                labels.append([])
            spans.append((begin, until))
            labels.append([*homeless, text])
            homeless = []
            at = until
        else:
            (labels[-1] if labels else homeless).append(text)
    if at < end:
        spans.append((at, end))
        labels.append(homeless)
    return [(*span, clean_text(" ".join(texts))) for span, texts in zip(spans, labels, strict=True)]


def _quote(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'

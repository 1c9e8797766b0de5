"""A transcript in the formats of other programs.

CTM is NIST's, from the SCTK scoring toolkit; channels count from 1.
Labels are Audacity's label track, and the tab-separated table is what ELAN imports.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from chalicelib.core.transcripts.models import Transcript, Word
from chalicelib.core.transcripts.segments import channel_index, clean_text, speaker_names
from chalicelib.core.transcripts.subtitles import write_srt, write_vtt
from chalicelib.core.transcripts.textgrid import write_textgrid
from chalicelib.errors import ParameterError

# A text that a spreadsheet may run as a formula begins with one of these characters (OWASP, CSV
# injection; some programs also accept the full-width forms). Apostrophes before them are matched
# too, so that the apostrophe that is added can be removed again.
_FORMULA = re.compile(r"'*[=+\-@＝＋－＠]")  # noqa: RUF001  # full-width on purpose


@dataclass(frozen=True, slots=True)
class Export:
    """One format: the file extension, the media type, and the function that writes it.

    ``write`` takes the transcript, the recording's id, and its length in seconds, or 0 if unknown.
    """

    suffix: str
    content_type: str
    write: Callable[[Transcript, str, float], str]


def find_export(name: str) -> Export:
    """Return a format by its name."""
    if name not in EXPORTS:
        raise ParameterError("format", f"{name!r} is none of {', '.join(EXPORTS)}")
    return EXPORTS[name]


def guard_cell(text: str) -> str:
    """Return free text for a table's cell, on one line, that no spreadsheet runs as a formula.

    If the text could be a formula, an apostrophe is put before it. To get the text back, remove
        one apostrophe from each cell that begins with apostrophes and one of = + - @.
    """
    text = clean_text(text)
    return f"'{text}" if _FORMULA.match(text) else text


def write_text(transcript: Transcript) -> str:
    """Write a paragraph for each segment, with a label if the speaker changes."""
    paragraphs = []
    label = None
    name = speaker_names(transcript)
    for segment in transcript.segments:
        speaker = name(segment.speaker, segment.channel)
        prefix = f"{speaker}: " if speaker and speaker != label else ""
        paragraphs.append(f"{prefix}{clean_text(segment.text)}\n")
        label = speaker
    return "\n".join(paragraphs)


def write_ctm(transcript: Transcript, *, recording_id: str) -> str:
    """Write a line for each word: recording, channel, start, duration, word, confidence."""
    lines = []
    for word in sorted(transcript.words, key=lambda w: (_ctm_channel(w), w.start)):
        token = clean_text(word.content).replace(" ", "_")
        if not token:
            continue
        score = "" if word.confidence is None else f" {word.confidence:.4f}"
        lines.append(
            f"{recording_id} {_ctm_channel(word)} {word.start:.3f} {word.duration:.3f}"
            f" {token}{score}\n"
        )
    return "".join(lines)


def write_labels(transcript: Transcript) -> str:
    """Write a label for each segment, with its speaker, as Audacity imports them."""
    name = speaker_names(transcript)
    lines = []
    for segment in transcript.segments:
        speaker = name(segment.speaker, segment.channel)
        text = f"{speaker}: {segment.text}" if speaker else segment.text
        lines.append(f"{segment.start:.6f}\t{segment.end:.6f}\t{guard_cell(text)}\n")
    return "".join(lines)


def write_word_labels(transcript: Transcript) -> str:
    """Write a label for each word, as Audacity imports them."""
    return "".join(
        f"{word.start:.6f}\t{word.end:.6f}\t{guard_cell(word.text)}\n" for word in transcript.words
    )


def write_elan_table(transcript: Transcript) -> str:
    """Write annotations as ELAN imports them: tier, begin and end in seconds, text.

    Each speaker has a tier of segments and a tier of words. The annotations of a tier cannot
        overlap, so a label that occurs in two channels gives two speakers here too.
    ELAN cannot quote, so a straight quotation mark becomes a curly one.
    """
    rows = ["Tier\tBegin Time\tEnd Time\tAnnotation\n"]
    name = speaker_names(transcript)
    for segment in transcript.segments:
        tier = guard_cell(name(segment.speaker, segment.channel) or "speech")
        rows.append(_elan_row(tier, segment.start, segment.end, segment.text))
        rows += [_elan_row(f"{tier} words", w.start, w.end, w.text) for w in segment.words]
    return "".join(rows)


def _ctm_channel(word: Word) -> int:
    return 1 + channel_index(word.channel)


def _elan_row(tier: str, start: float, end: float, text: str) -> str:
    cells = (tier, f"{start:.3f}", f"{end:.3f}", guard_cell(text))
    return "\t".join(cells).replace('"', "”") + "\n"


_PLAIN = "text/plain; charset=utf-8"

EXPORTS: Mapping[str, Export] = {
    "text": Export(".txt", _PLAIN, lambda t, _id, _s: write_text(t)),
    "srt": Export(
        ".srt", "application/x-subrip; charset=utf-8", lambda t, _id, s: write_srt(t, duration_s=s)
    ),
    "vtt": Export(".vtt", "text/vtt; charset=utf-8", lambda t, _id, s: write_vtt(t, duration_s=s)),
    "textgrid": Export(".TextGrid", _PLAIN, lambda t, _id, s: write_textgrid(t, duration_s=s)),
    "ctm": Export(".ctm", _PLAIN, lambda t, i, _s: write_ctm(t, recording_id=i)),
    "audacity": Export(".labels.txt", _PLAIN, lambda t, _id, _s: write_labels(t)),
    "audacity-words": Export(".words.txt", _PLAIN, lambda t, _id, _s: write_word_labels(t)),
    "elan": Export(
        ".tsv", "text/tab-separated-values; charset=utf-8", lambda t, _id, _s: write_elan_table(t)
    ),
}

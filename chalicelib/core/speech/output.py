"""Recognised words in the form of Amazon Transcribe's output: JSON and subtitles.

The format is described in the Amazon Transcribe Developer Guide, "Data input and output".
"""

import re
from collections.abc import Sequence
from typing import Any

from chalicelib.core.speech.recogniser import RecognisedWord, Recognition
from chalicelib.core.speech.spoken import is_abbreviation

SEGMENT_PAUSE_S = 0.8
SEGMENT_MAX_S = 30.0
SPEAKER = "spk_0"

_CUE_MAX_S = 6.0
_CUE_MAX_CHARACTERS = 84  # two lines of 42, the usual limit for subtitles
_CUE_PAUSE_S = 0.5
_TRAILING_PUNCTUATION = re.compile(r"[.,!?;:…。、]+$")

_Json = dict[str, Any]


def document(
    recognition: Recognition,
    *,
    job_name: str,
    account_id: str,
    identified: _Json | None = None,
    speaker_labels: bool = False,
) -> _Json:
    """Return the transcript document. Every number except ids is a string, as in the service.

    ``identified`` holds the fields that language identification adds to the results.
    With ``speaker_labels`` all words have one speaker, because the local recognisers cannot
    distinguish voices, and a guess would be worse.
    """
    items, item_ids = _items(recognition.words)
    segments = [
        _audio_segment(number, [item for i in run for item in item_ids[i]], items)
        for number, run in enumerate(_runs(recognition.words, SEGMENT_PAUSE_S, SEGMENT_MAX_S))
    ]
    results: _Json = dict(identified or {})
    # Segments of one channel follow one another. With two channels, each keeps whole sentences.
    results["transcripts"] = [{"transcript": " ".join(part["transcript"] for part in segments)}]
    labels = sorted({item["channel_label"] for item in items if "channel_label" in item})
    if labels:
        channels = [
            {"channel_label": label, "items": [i for i in items if i["channel_label"] == label]}
            for label in labels
        ]
        results["channel_labels"] = {"channels": channels, "number_of_channels": len(labels)}
    if speaker_labels:
        for part in (*items, *segments):
            part["speaker_label"] = SPEAKER
        results["speaker_labels"] = _speaker_labels(segments, items)
    results["items"] = items
    results["audio_segments"] = segments
    return {
        "jobName": job_name,
        "accountId": account_id,
        "status": "COMPLETED",
        "results": results,
    }


def subtitles(words: Sequence[RecognisedWord], *, form: str, start_index: int = 0) -> str:
    """Return subtitles as ``srt`` or ``vtt``, the first one numbered ``start_index``."""
    mark = "," if form == "srt" else "."
    cues = []
    runs = _runs(words, _CUE_PAUSE_S, _CUE_MAX_S, _CUE_MAX_CHARACTERS)
    for number, run in enumerate(runs, start_index):
        start, end = words[run[0]].start_s, words[run[-1]].end_s
        text = " ".join(words[i].content for i in run)
        cues.append(f"{number}\n{_clock(start, mark)} --> {_clock(end, mark)}\n{text}\n")
    head = "WEBVTT\n\n" if form == "vtt" else ""
    return head + "\n".join(cues)


def _items(words: Sequence[RecognisedWord]) -> tuple[list[_Json], list[list[int]]]:
    """Return the items, and for each word the ids of its items."""
    items: list[_Json] = []
    ids: list[list[int]] = []
    for word in words:
        content, mark = _without_punctuation(word.content)
        of_word: list[_Json] = []
        if content:
            of_word.append(
                {
                    "type": "pronunciation",
                    "alternatives": [{"confidence": _number(word.confidence), "content": content}],
                    "start_time": _number(word.start_s),
                    "end_time": _number(word.end_s),
                }
            )
        if mark:
            of_word.append(
                {
                    "type": "punctuation",
                    "alternatives": [{"confidence": "0.0", "content": mark}],
                }
            )
        label = {} if word.channel is None else {"channel_label": f"ch_{word.channel}"}
        ids.append(list(range(len(items), len(items) + len(of_word))))
        items += [{"id": i, **item, **label} for i, item in zip(ids[-1], of_word, strict=True)]
    return items, ids


def _without_punctuation(word: str) -> tuple[str, str]:
    """Return a word and what follows it: "U.S.," is "U.S." and a comma."""
    content = _TRAILING_PUNCTUATION.sub("", word)
    mark = word[len(content) :]
    if mark.startswith(".") and is_abbreviation(f"{content}."):
        return f"{content}.", mark[1:]
    return content, mark


def _runs(
    words: Sequence[RecognisedWord], pause_s: float, max_s: float, max_characters: int | None = None
) -> list[list[int]]:
    """Return runs of one channel's words (as indices), in order of time.

    A run has no pause, and is not too long.
    """
    runs: dict[int | None, list[list[int]]] = {}
    n_characters: dict[int | None, int] = {}
    for i, word in enumerate(words):
        of_channel = runs.setdefault(word.channel, [])
        run = of_channel[-1] if of_channel else []
        n = n_characters.get(word.channel, 0) + len(word.content) + 1
        if (
            not run
            or word.start_s - words[run[-1]].end_s >= pause_s
            or word.end_s - words[run[0]].start_s > max_s
            or (max_characters is not None and n - 1 > max_characters)
        ):
            run, n = [], len(word.content) + 1
            of_channel.append(run)
        run.append(i)
        n_characters[word.channel] = n
    return sorted((run for of_channel in runs.values() for run in of_channel), key=min)


def _audio_segment(number: int, ids: list[int], items: list[_Json]) -> _Json:
    spoken = [items[i] for i in ids if "start_time" in items[i]] or [{}]
    labels = {
        name: value for i in ids[:1] for name, value in items[i].items() if name == "channel_label"
    }
    return labels | {
        "id": number,
        "transcript": _text([items[i] for i in ids]),
        "start_time": spoken[0].get("start_time", "0.0"),
        "end_time": spoken[-1].get("end_time", "0.0"),
        "items": ids,
    }


def _speaker_labels(segments: list[_Json], items: list[_Json]) -> _Json:
    times = ("start_time", "end_time", "speaker_label")
    return {
        "channel_label": "ch_0",
        "speakers": 1,
        "segments": [
            {name: segment[name] for name in times}
            | {
                "items": [
                    {name: items[i][name] for name in times}
                    for i in segment["items"]
                    if "start_time" in items[i]
                ]
            }
            for segment in segments
        ],
    }


def _text(items: Sequence[_Json]) -> str:
    """Return the items as text: a space before a word, none before punctuation."""
    parts = [
        (" " if item["type"] == "pronunciation" else "") + item["alternatives"][0]["content"]
        for item in items
    ]
    return "".join(parts).strip()


def _number(value: float) -> str:
    """Return a number in the service's form: ``"0.49"``, ``"1.0"``."""
    return str(round(float(value), 4))


def _clock(seconds: float, mark: str) -> str:
    milliseconds = round(seconds * 1000)
    minutes, rest = divmod(milliseconds, 60_000)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{rest // 1000:02}{mark}{rest % 1000:03}"

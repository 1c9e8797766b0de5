"""``summary.json``: a recording as a whole and each of its speakers, in numbers."""

from collections.abc import Mapping
from typing import Any

import orjson

from chalicelib.core.features.words import DECIMALS, VoiceRow, VoiceTables


def write_summary(
    tables: VoiceTables,
    *,
    recording_id: str,
    facts: Mapping[str, str | None],
    duration_s: float,
    values: Mapping[str, float | None] | None = None,
) -> bytes:
    """Write a recording's summary as one JSON object.

    Its values are numbers and texts, except for ``speakers``, a list of objects with the columns of
    ``speakers.csv``: so the summaries of many recordings are the rows of one table.

    Parameters
    ----------
    tables : VoiceTables
        the rows of the recording's words, segments and speakers
    recording_id : str
        the recording's id
    facts : mapping of str to str or None
        what else is known of it, such as its upload key
    duration_s : float
        its length in seconds
    values : mapping of str to (float or None), or None
        the values of the recording as a whole, from further tables
    """
    whole = tables.recording
    talk_s = whole.timing.talk_time_s if whole.timing else 0.0
    summary = {
        "recording_id": recording_id,
        **facts,
        "duration_s": duration_s,
        "n_words": len(tables.words),
        "n_segments": len(tables.segments),
        "n_speakers": len(tables.speakers),
        "confidence": whole.confidence,
        "talk_share": talk_s / duration_s if duration_s else None,
        "overlap_s": tables.overlaps.overlap_s,
        "overlap_share": tables.overlaps.overlap_s / talk_s if talk_s else None,
        "interruptions": tables.overlaps.interruptions,
        **whole.columns(),
        **(values or {}),
        "speakers": [_speaker(row, talk_s) for row in tables.speakers],
    }
    return orjson.dumps(_rounded(summary), option=orjson.OPT_INDENT_2)


def _speaker(row: VoiceRow, talk_s: float) -> dict[str, Any]:
    own_s = row.timing.talk_time_s if row.timing else 0.0
    return {
        "speaker": row.speaker,
        "channel": row.channel,
        "n_words": int(row.label),
        "start_s": row.start,
        "end_s": row.end,
        "confidence": row.confidence,
        "talk_share": own_s / talk_s if talk_s else None,
        **row.columns(),
    }


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _rounded(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_rounded(each) for each in value]
    return round(value, DECIMALS) if isinstance(value, float) else value

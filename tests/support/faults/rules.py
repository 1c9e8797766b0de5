"""Rules of the world and of the checks. Each rule can be on or off in a history.

A rule is off by default while the application cannot keep it, and ``docs/faults.md`` names the
violation that it shows. When the application keeps a rule, its default here becomes on.
"""

from dataclasses import dataclass, fields, replace


@dataclass(frozen=True)
class Rules:
    """The rules of a history. The suite and ``make soak`` use ``Rules()``."""

    long: bool = True
    """People act up to twelve times instead of five. Showed V1 and V4."""

    sound_alone: bool = True
    """People upload mov and mkv, from which Transcribe gets only the sound. Showed V3."""

    by_api: bool = True
    """People remove and reprocess by the API as well. Showed V2 and V6."""

    old_parts: bool = True
    """An upload in parts has the time at which it began. Showed V9."""

    running_jobs_stay: bool = True
    """A transcription job that has not ended cannot be deleted."""

    in_between: bool = True
    """No recording is COMPLETED with results of other bytes, even for a moment. Showed V1."""

    one_run: bool = True
    """One run of reconcile after the last event is enough. Showed V5."""

    whole_api: bool = True
    """People correct transcripts and make data sets, and some stages have quotas of hours."""

    own_recogniser: bool = True
    """In some stages Earshot's own recogniser transcribes."""

    ladders_fail: bool = True
    """In some worlds every job with pictures fails, so mov and mkv get only the audio track."""

    item_by_item: bool = True
    """Indexes follow their tables item by item, and not all items at once."""

    in_parts: bool = True
    """In some stages the tables are large, and are written to S3 in parts."""

    def without(self, *names: str) -> "Rules":
        """Return the same rules with some of them off."""
        return replace(self, **dict.fromkeys(names, False))


NAMES = tuple(rule.name for rule in fields(Rules))
ALL = Rules(**dict.fromkeys(NAMES, True))
"""Every rule: the behaviour of AWS, and all that the documentation promises."""

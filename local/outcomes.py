"""The outcome of each file, kept beside its outputs, so that a second run need not repeat it."""

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

import chalicelib
from chalicelib.core import keys, recording_item
from chalicelib.core.recording import Recording, Status
from chalicelib.core.upload import Upload

NAME = "outcome.json"

HASHED_AT_ONCE = 1 << 20
_VARIABLES = ("FEATURE_", "TRANSCRIBE_", "EARSHOT_")


@dataclass(slots=True)
class Outcome:
    """The outcome of one file."""

    file: str
    recording: Recording | None = None
    reason: str | None = None
    outputs: dict[str, str] = field(default_factory=dict)

    @property
    def is_complete(self) -> bool:
        """True if no branch of the recording has failed."""
        return self.recording is not None and self.recording.status == Status.COMPLETED

    def to_dict(self) -> dict[str, Any]:
        """Return the outcome as the object that ``--json`` prints."""
        found = recording_item.flat(self.recording) if self.recording else {}
        return {
            "file": self.file,
            "recording_id": found.get("recording_id"),
            "statuses": self.recording.statuses if self.recording else {},
            "reason": self.reason or (self.recording.reason if self.recording else None),
            "transcript": found.get("transcript"),
            "heard_by": found.get("heard_by"),
            "language_code": found.get("language_code"),
            "duration_s": found.get("duration_s"),
            "mean_confidence": found.get("mean_confidence"),
            "n_frames": found.get("n_frames"),
            "outputs": self.outputs,
        }


@dataclass(frozen=True, slots=True)
class Outcomes:
    """The outcomes in a folder of results.

    ``made_with`` is everything that the outputs of a file depend on, apart from its bytes.
    """

    folder: Path
    made_with: Mapping[str, str]

    def keep(self, outcome: Outcome) -> None:
        """Write an outcome. Its outputs must be written first."""
        if outcome.recording is None:
            raise TypeError(outcome)
        path = self._path(outcome.recording.id)
        path.parent.mkdir(parents=True, exist_ok=True)
        kept = {
            "file": outcome.file,
            "made_with": dict(self.made_with),
            "reason": outcome.reason,
            "outputs": outcome.outputs,
            "recording": recording_item.flat(outcome.recording),
        }
        # Renamed when it is complete, so that an interrupted run leaves no partial file.
        partial = path.with_suffix(".partial")
        partial.write_bytes(orjson.dumps(kept))
        partial.replace(path)

    def read(self, recording_id: str) -> Outcome | None:
        """Return the outcome of a recording, or None if there is none of this version."""
        try:
            kept = orjson.loads(self._path(recording_id).read_bytes())
            if kept["made_with"] != self.made_with:
                return None
            return Outcome(
                kept["file"],
                recording_item.restore(kept["recording"]),
                kept["reason"],
                kept["outputs"],
            )
        except (FileNotFoundError, orjson.JSONDecodeError, KeyError):
            return None

    def is_done(self, recording_id: str) -> bool:
        """Return whether a recording was processed completely, and its outputs are still there."""
        outcome = self.read(recording_id)
        return (
            outcome is not None
            and outcome.is_complete
            and all(Path(path).is_file() for path in outcome.outputs.values())
        )

    def _path(self, recording_id: str) -> Path:
        return self.folder / recording_id / NAME


def made_with(recogniser: str) -> dict[str, str]:
    """Return the versions and variables that the outputs of a file depend on."""
    variables = {name: os.environ[name] for name in os.environ if name.startswith(_VARIABLES)}
    return {"earshot": chalicelib.__version__, "recogniser": recogniser, **variables}


def upload_of(path: Path, *, key: str, bucket: str) -> Upload:
    """Return the upload that a file would be, without uploading it.

    Its ETag is the MD5 of its bytes. Raise OSError if the file cannot be read.
    """
    digest = hashlib.md5(usedforsecurity=False)
    with path.open("rb") as stream:
        while piece := stream.read(HASHED_AT_ONCE):
            digest.update(piece)
    return Upload(bucket, key, digest.hexdigest(), path.stat().st_size)


def key_of(path: Path, common: Path, owner: str) -> str:
    """Return the upload key of a file, which differs for files of one name in two folders."""
    return keys.upload(owner, path.relative_to(common).as_posix())


def describe(outcome: Outcome) -> str:
    """Return an outcome as text for a person."""
    shown = outcome.to_dict()
    facts = {
        "recording": shown["recording_id"],
        **shown["statuses"],
        "reason": shown["reason"],
        "transcript": shown["transcript"],
        "heard by": shown["heard_by"],
        "language": shown["language_code"],
        "duration": _with_unit(shown["duration_s"], ".2f", "s"),
        "confidence": _with_unit(shown["mean_confidence"], ".2f", "on average"),
        "frames": shown["n_frames"],
    }
    lines = [outcome.file]
    lines += [f"  {name:<14} {value}" for name, value in facts.items() if value is not None]
    lines += [
        f"  {'' if number else 'written':<14} {path}"
        for number, path in enumerate(outcome.outputs.values())
    ]
    return "\n".join(lines) + "\n"


def _with_unit(value: float | None, form: str, unit: str) -> str | None:
    return None if value is None else f"{value:{form}} {unit}"

"""The whole pipeline on given files; it ends when all are settled."""

import json
import os
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
from boto3.s3.transfer import TransferConfig
from rich.console import Console

from chalicelib.core import keys, recording_item
from chalicelib.core.probe.formats import sentence
from chalicelib.core.recording import Recording, Status, Upload
from local.inputs import recordings_of
from local.progress import Progress
from local.results import check, export, fetch, write_words
from local.runtime import Runtime, run

OWNER = "me"

# One part for any size, so that the ETag is the bytes' MD5, as for a small upload.
_TRANSFER = TransferConfig(multipart_threshold=5 * 2**30)


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
            "language_code": found.get("language_code"),
            "duration_s": found.get("duration_s"),
            "mean_confidence": found.get("mean_confidence"),
            "n_frames": found.get("n_frames"),
            "outputs": self.outputs,
        }


class Settled:
    """A waiter for the end of recordings."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._changed = threading.Condition()
        self._settled: set[str] = set()
        self._failed_function: str | None = None
        runtime.observe(self._see)
        runtime.observe_failures(self._give_up)

    def _see(self, recording_id: str, recording: Recording | None) -> None:
        if recording is None or recording.is_settled:
            with self._changed:
                self._settled.add(recording_id)
                self._changed.notify_all()

    def _give_up(self, function: str) -> None:
        with self._changed:
            self._failed_function = function
            self._changed.notify_all()

    def wait(self, recording_id: str) -> tuple[Recording | None, str | None]:
        """Wait until a recording is settled; return it, and an error that happened meanwhile."""
        with self._changed:
            self._changed.wait_for(lambda: recording_id in self._settled or self._failed_function)
        recording = self._runtime.services.recordings.find(recording_id)
        if recording_id in self._settled:
            return recording, None
        return recording, f"{self._failed_function} failed: see its error above."


def process(
    files: Sequence[str],
    *,
    out: Path,
    as_json: bool,
    formats: Sequence[str] = (),
    table: Path | None = None,
) -> bool:
    """Process files, print the outcome of each, and return whether all completed.

    Parameters
    ----------
    files : sequence of str
        files, folders and patterns; a recording that is named twice is processed once
    out : Path
        the folder for the outputs, with one folder for each recording
    as_json : bool
        print one JSON object a line instead of text
    formats : sequence of str
        formats in which each transcript is written too, by the API's names
    table : Path or None
        a .csv or .parquet that receives all words of all recordings

    Raises
    ------
    ParameterError
        if a format is unknown or the table cannot be written
    """
    check(formats, table)
    progress_console = Console(stderr=True)
    outcomes = [Outcome(file) for file in recordings_of(files)]
    with run() as runtime:
        progress_console.print(str(runtime.engine), markup=False, highlight=False, soft_wrap=True)
        settled = Settled(runtime)
        with Progress(runtime, progress_console):
            uploads = _upload(outcomes, runtime)
            for outcome in outcomes:
                if upload := uploads.get(outcome.file):
                    outcome.recording, outcome.reason = settled.wait(upload.recording_id)
                    bucket = runtime.services.results.bucket
                    outcome.outputs = fetch(upload.recording_id, bucket, out)
                    if outcome.recording:
                        outcome.outputs |= export(outcome.recording, outcome.outputs, formats)
    for outcome in outcomes:
        print(json.dumps(outcome.to_dict()) if as_json else _describe(outcome))
    if table:
        found = {
            outcome.recording.id: (outcome.file, outcome.recording.id, Path(words))
            for outcome in outcomes
            if outcome.recording and (words := outcome.outputs.get("words"))
        }
        n = write_words(list(found.values()), table)
        progress_console.print(f"{table}: {n} words", markup=False, highlight=False)
    return all(outcome.is_complete for outcome in outcomes)


def _upload(outcomes: Sequence[Outcome], runtime: Runtime) -> dict[str, Upload]:
    s3 = boto3.client("s3")
    bucket = runtime.services.media.bucket
    paths = {outcome.file: Path(outcome.file).resolve() for outcome in outcomes}
    # Files with the same name in different folders are different recordings.
    common = Path(os.path.commonpath([path.parent for path in paths.values()]))
    uploads = {}
    for outcome in outcomes:
        path = paths[outcome.file]
        key = f"{keys.UPLOADS}{OWNER}/{path.relative_to(common).as_posix()}"
        if path.is_dir():
            outcome.reason = f"The folder has no recordings in it: {sentence()}."
            continue
        try:
            s3.upload_file(str(path), bucket, key, Config=_TRANSFER)
        except (OSError, ValueError) as exc:
            outcome.reason = f"The file cannot be read: {getattr(exc, 'strerror', None) or exc}."
            continue
        upload = runtime.services.media.find(key)
        if upload:
            uploads[outcome.file] = upload
    return uploads


def _describe(outcome: Outcome) -> str:
    shown = outcome.to_dict()
    facts = {
        "recording": shown["recording_id"],
        **shown["statuses"],
        "reason": shown["reason"],
        "transcript": shown["transcript"],
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

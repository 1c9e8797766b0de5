"""Run the whole pipeline on given files until all are settled. A later run continues the work."""

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import boto3
from boto3.s3.transfer import TransferConfig
from rich.console import Console

from chalicelib.core.datasets.parameters import DatasetParameters
from chalicelib.core.probe.formats import sentence
from local import stack
from local.datasets import check_format, make_dataset
from local.datasets import describe as describe_dataset
from local.inputs import recordings_of
from local.outcomes import Outcome, Outcomes, describe, key_of, made_with, upload_of
from local.pace import Pace
from local.progress import Progress
from local.results import check, export, fetch, write_words
from local.runtime import Runtime, run
from local.settled import Settled
from local.transcribe.engines import EngineChoice

OWNER = "me"

IN_WORK = 2 + 2 * (os.cpu_count() or 1)
"""Largest number of recordings in work: enough for every processor, few enough for memory."""

# One part for any size, so that the ETag is the bytes' MD5, as for a small upload.
_TRANSFER = TransferConfig(multipart_threshold=5 * 2**30)


@dataclass(frozen=True, slots=True)
class Input:
    """A file to process: its path, its upload key and its bytes."""

    file: str
    path: Path
    key: str
    n_bytes: int


class Run:
    """One run over many files.

    The results of a recording are copied as soon as it is settled, and the recording is removed
    from local mode. So only a few recordings are in memory at a time, for any number of files.
    """

    def __init__(self, files: Sequence[str], outcomes: Outcomes, formats: Sequence[str]) -> None:
        self.outcomes = outcomes
        self._formats = formats
        self.ids: dict[str, str] = {}
        self.reasons: dict[str, str] = {}
        self._inputs = list(self._look(files))
        self.pace = Pace(len(self._inputs), sum(one.n_bytes for one in self._inputs))

    def work(self, console: Console) -> None:
        """Process every file that was not processed before."""
        todo = self._todo()
        first = next(todo, None)
        if first is None:
            return
        with run() as runtime:
            console.print(str(runtime.engine), markup=False, highlight=False, soft_wrap=True)
            settled = Settled(runtime)
            with Progress(runtime, console, overall=lambda: str(self.pace)):
                self._work(chain([first], todo), runtime, settled)

    def outcome(self, file: str) -> Outcome:
        """Return the outcome of a file, from the folder of results."""
        found = self.outcomes.read(self.ids[file]) if file in self.ids else None
        if found is None:
            return Outcome(file, reason=self.reasons.get(file))
        found.file = file
        found.reason = self.reasons.get(file, found.reason)
        return found

    def _look(self, files: Sequence[str]) -> Iterator[Input]:
        paths = {file: Path(file).resolve() for file in files}
        common = Path(os.path.commonpath([path.parent for path in paths.values()]))
        for file, path in paths.items():
            if path.is_dir():
                self.reasons[file] = f"The folder has no recording in it. Use {sentence()}."
                continue
            try:
                yield Input(file, path, key_of(path, common, OWNER), path.stat().st_size)
            except (OSError, ValueError) as exc:
                self.reasons[file] = _unreadable(exc)

    def _todo(self) -> Iterator[Input]:
        for one in self._inputs:
            try:
                upload = upload_of(one.path, key=one.key, bucket=stack.BUCKET)
            except (OSError, ValueError) as exc:
                self.reasons[one.file] = _unreadable(exc)
                self.pace.skip(one.n_bytes)
                continue
            self.ids[one.file] = upload.recording_id
            if self.outcomes.is_done(upload.recording_id):
                self._export(upload.recording_id)
                self.pace.skip(one.n_bytes)
            else:
                yield one

    def _work(self, todo: Iterator[Input], runtime: Runtime, settled: Settled) -> None:
        in_work: dict[str, Input] = {}
        while True:
            while len(in_work) < IN_WORK and (one := next(todo, None)):
                if recording_id := self._start(one, runtime):
                    in_work[recording_id] = one
            if not in_work:
                return
            found = settled.wait(set(in_work))
            for recording_id in found:
                self._finish(recording_id, in_work.pop(recording_id), runtime)
            if not found:
                # Recordings in work may never settle, and the following ones may fail as well.
                reason = f"{settled.failed_function} failed: see its error above."
                for one in (*in_work.values(), *todo):
                    self.reasons[one.file] = reason
                return

    def _start(self, one: Input, runtime: Runtime) -> str | None:
        media = runtime.services.media
        try:
            boto3.client("s3").upload_file(str(one.path), media.bucket, one.key, Config=_TRANSFER)
        except (OSError, ValueError) as exc:
            self.reasons[one.file] = _unreadable(exc)
            self.pace.skip(one.n_bytes)
            return None
        upload = media.find(one.key)
        if upload is None:
            raise FileNotFoundError(one.key)
        self.ids[one.file] = upload.recording_id
        return upload.recording_id

    def _finish(self, recording_id: str, one: Input, runtime: Runtime) -> None:
        """Keep the results of a recording, and remove it from local mode."""
        services = runtime.services
        recording = services.recordings.find(recording_id)
        if recording:
            outputs = fetch(recording_id, services.results.bucket, self.outcomes.folder)
            self.outcomes.keep(Outcome(one.file, recording, outputs=outputs))
            self._export(recording_id)
            # The removal sends an event, and this event removes outputs, jobs and item.
            if upload := services.media.find_source(recording):
                services.media.remove_upload(upload)
        self.pace.done(one.n_bytes)

    def _export(self, recording_id: str) -> None:
        outcome = self.outcomes.read(recording_id) if self._formats else None
        if outcome and outcome.recording:
            outcome.outputs |= export(outcome.recording, outcome.outputs, self._formats)
            self.outcomes.keep(outcome)


def process(
    files: Sequence[str],
    *,
    out: Path,
    as_json: bool,
    formats: Sequence[str] = (),
    table: Path | None = None,
    datasets: Sequence[DatasetParameters] = (),
) -> bool:
    """Process files, print the outcome of each, and return whether all completed.

    A file whose results are in the folder is not processed again, unless it or the parameters have
    changed.

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
    datasets : sequence of DatasetParameters
        data sets to write of all recordings, each below ``datasets/`` in the folder

    Raises
    ------
    ParameterError
        if a format is unknown or the table cannot be written
    """
    check(formats, table)
    for one in datasets:
        check_format(one.format)
    console = Console(stderr=True)
    names = recordings_of(files)
    engine = EngineChoice.from_environ(os.environ)
    if engine.about_settings:
        console.print(engine.about_settings, markup=False, highlight=False)
    this = Run(names, Outcomes(out, made_with(str(engine))), formats)
    try:
        this.work(console)
    except KeyboardInterrupt:
        console.print(f"\n{this.pace.count}. The same command goes on from there.")
        raise
    are_complete = True
    for outcome in map(this.outcome, names):
        print(json.dumps(outcome.to_dict()) if as_json else describe(outcome))
        are_complete = are_complete and outcome.is_complete
    if table:
        n = write_words(list(_word_tables(this, names)), table)
        console.print(f"{table}: {n} words", markup=False, highlight=False)
    for parameters in datasets:
        folder, manifest = make_dataset(
            this.ids.values(), this.outcomes, parameters, n_processes=os.cpu_count() or 1
        )
        console.print(describe_dataset(folder, manifest), markup=False, highlight=False)
    return are_complete


def _word_tables(this: Run, names: Sequence[str]) -> Iterator[tuple[str, str, Path]]:
    seen: set[str] = set()
    for outcome in map(this.outcome, names):
        words = outcome.outputs.get("words")
        if outcome.recording and words and outcome.recording.id not in seen:
            seen.add(outcome.recording.id)
            yield outcome.file, outcome.recording.id, Path(words)


def _unreadable(exc: OSError | ValueError) -> str:
    return f"The file cannot be read: {getattr(exc, 'strerror', None) or exc}."

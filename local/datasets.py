"""Data sets of the recordings in a folder of results."""

import multiprocessing
import signal
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from chalicelib.core.datasets.assembly import assemble, versions_of
from chalicelib.core.datasets.batches import BatchReport, make_batch
from chalicelib.core.datasets.formats import writer_of
from chalicelib.core.datasets.models import MANIFEST, LeftOut, Recipe, Source
from chalicelib.core.datasets.parameters import DatasetParameters
from chalicelib.core.datasets.planning import Plan, candidates_of, make_plan
from chalicelib.errors import ParameterError
from local.dataset_reader import DeskReader
from local.outcomes import Outcomes

FOLDER = "datasets"
PARTS = "parts"
VERSION = f"{PARTS}/version"


def check_format(form: str) -> None:
    """Raise ParameterError if a format cannot be written here."""
    try:
        writer_of(form)
    except ModuleNotFoundError as exc:
        raise ParameterError(
            "dataset",
            f"{form!r} needs {exc.name}, which is not installed: .venv/bin/pip install {exc.name}",
        ) from exc


def make_dataset(
    recording_ids: Iterable[str],
    outcomes: Outcomes,
    parameters: DatasetParameters,
    *,
    n_processes: int = 1,
) -> tuple[Path, Mapping[str, Any]]:
    """Write a data set; return its folder and its manifest.

    Batches that an interrupted run has made are not made again, and nothing is done if the data set
    is there already. Another version in the same folder is replaced.

    Parameters
    ----------
    recording_ids : iterable of str
        the requested recordings
    outcomes : Outcomes
        the folder of results
    parameters : DatasetParameters
        of the data set
    n_processes : int
        number of batches that are made at the same time
    """
    folder = outcomes.folder / FOLDER / parameters.format
    reader = DeskReader(outcomes)
    plan = _plan(recording_ids, reader, parameters)
    manifest = _manifest(folder)
    if manifest and manifest["version"] == plan.version and _is_whole(folder, manifest):
        return folder, manifest
    _prepare(folder, plan, manifest)
    work = partial(_make, folder, reader, parameters, plan.recipe)
    todo = [
        (number, batch)
        for number, batch in enumerate(plan.batches)
        if not _report_path(folder, number).exists()
    ]
    if n_processes > 1 and len(todo) > 1:
        # Spawned, because a fork of a process with threads may hang.
        context = multiprocessing.get_context("spawn")
        with context.Pool(min(n_processes, len(todo)), initializer=_leave_ctrl_c) as pool:
            for _ in pool.imap_unordered(work, todo):
                pass
    else:
        for one in todo:
            work(one)
    manifest = assemble(
        outcomes.folder.resolve().name,
        plan,
        parameters,
        lambda: (_read_report(folder, number) for number in range(len(plan.batches))),
        lambda path: (folder / path).open("rb"),
        partial(_create, folder),
        selection={"folder": outcomes.folder.resolve().name},
    )
    _remove_parts(folder)
    return folder, manifest


def _plan(recording_ids: Iterable[str], reader: DeskReader, parameters: DatasetParameters) -> Plan:
    def sources() -> Iterator[tuple[Source | LeftOut, str]]:
        for recording_id in sorted(set(recording_ids)):
            source = reader.source(recording_id)
            yield source, "" if isinstance(source, LeftOut) else reader.stamp(recording_id)

    found, left_out = candidates_of(sources(), parameters)
    provenance = orjson.dumps(versions_of(parameters.format)).decode()
    return make_plan(found, parameters, left_out=left_out, provenance=provenance)


def _make(
    folder: Path,
    reader: DeskReader,
    parameters: DatasetParameters,
    recipe: Recipe | None,
    batch: tuple[int, Sequence[str]],
) -> None:
    number, recording_ids = batch
    if recipe is None:
        raise TypeError(batch)
    report = make_batch(
        number,
        recording_ids,
        reader,
        parameters,
        recipe,
        writer_of(parameters.format),
        partial(_create, folder),
    )
    # Written last, so that a batch with a report is complete.
    with _create(folder, str(_report_path(Path(), number))) as stream:
        stream.write(orjson.dumps(report.to_dict()))


@contextmanager
def _create(folder: Path, path: str) -> Iterator[BinaryIO]:
    target = folder / path
    target.parent.mkdir(parents=True, exist_ok=True)
    partial_path = target.with_name(f"{target.name}.partial")
    try:
        with partial_path.open("wb") as stream:
            yield stream
    except BaseException:
        partial_path.unlink(missing_ok=True)
        raise
    partial_path.replace(target)


def _report_path(folder: Path, number: int) -> Path:
    return folder / PARTS / f"{number:05d}" / "report.json"


def _read_report(folder: Path, number: int) -> BatchReport:
    return BatchReport.of(orjson.loads(_report_path(folder, number).read_bytes()))


def _manifest(folder: Path) -> Any:
    try:
        return orjson.loads((folder / MANIFEST).read_bytes())
    except (FileNotFoundError, orjson.JSONDecodeError):
        return None


def _is_whole(folder: Path, manifest: Mapping[str, Any]) -> bool:
    return all(
        (folder / file["path"]).is_file()
        and (folder / file["path"]).stat().st_size == file["n_bytes"]
        for file in manifest["files"]
    )


def _prepare(folder: Path, plan: Plan, manifest: Mapping[str, Any] | None) -> None:
    """Remove the files of another version, finished or not. Other files stay."""
    if manifest:
        for file in manifest["files"]:
            (folder / file["path"]).unlink(missing_ok=True)
        (folder / MANIFEST).unlink(missing_ok=True)
    version = folder / VERSION
    if version.exists() and version.read_text() != plan.version:
        for path in sorted(folder.glob(f"{PARTS}/*/report.json")):
            for made in _read_report(folder, int(path.parent.name)).files:
                (folder / made.path).unlink(missing_ok=True)
        _remove_parts(folder)
    version.parent.mkdir(parents=True, exist_ok=True)
    version.write_text(plan.version)


def _remove_parts(folder: Path) -> None:
    for path in sorted((folder / PARTS).rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    (folder / PARTS).rmdir()


def _leave_ctrl_c() -> None:
    """Ignore Ctrl-C in this process: it ends the first process, which then ends the others."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def describe(folder: Path, manifest: Mapping[str, Any]) -> str:
    """Return a line about a data set."""
    splits = ", ".join(
        f"{name} {one['n_utterances']:,} ({one['hours']:.2f} h)"
        for name, one in manifest["splits"].items()
    )
    left_out = manifest["left_out"]["n"]
    more = f"; {left_out:,} left out, see left-out.jsonl" if left_out else ""
    return f"{folder}: {splits or 'no utterances'}{more}"

"""The end of a data set: parts joined, and a manifest of everything."""

import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from typing import Any, BinaryIO

import orjson

import chalicelib
from chalicelib.core.datasets.batches import BatchReport, Tally
from chalicelib.core.datasets.card import write_card
from chalicelib.core.datasets.models import MANIFEST, LeftOut
from chalicelib.core.datasets.outputs import FileReport, HashedFile, OpenFile
from chalicelib.core.datasets.parameters import DatasetParameters
from chalicelib.core.datasets.planning import Plan

LEFT_OUT = "left-out.jsonl"
CARD = "README.md"

COPIED_AT_ONCE = 1 << 20
MOST_REASONS = 50
"""Most reasons in the manifest; all are in the list."""

_PACKAGES = {
    "parquet": ("numpy", "pyarrow"),
    "kaldi": ("numpy",),
    "lhotse": ("numpy",),
    "shar": ("numpy", "soundfile", "soxr", "av"),
    "webdataset": ("numpy", "soundfile", "soxr", "av"),
}


def versions_of(form: str) -> dict[str, str | None]:
    """Return the versions of the programs that decide on the bytes of a format's files."""
    found: dict[str, str | None] = {"earshot": chalicelib.__version__}
    if form in ("lhotse", "shar"):
        found["zlib"] = zlib.ZLIB_RUNTIME_VERSION
    for package in _PACKAGES[form]:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = None
    return found


def assemble(
    name: str,
    plan: Plan,
    parameters: DatasetParameters,
    reports: Callable[[], Iterable[BatchReport]],
    open_part: Callable[[str], AbstractContextManager[BinaryIO]],
    open_file: OpenFile,
    *,
    selection: Mapping[str, Any],
) -> dict[str, Any]:
    """Join the parts of all batches, write the card, the list and the manifest, and return it.

    Memory is a line for each file, not for each recording. Safe to repeat.

    Parameters
    ----------
    name : str
        of the data set
    plan : Plan
        whose batches are all made
    parameters : DatasetParameters
        of the data set
    reports : callable
        returns the reports of the batches, in order, each time it is called
    open_part : callable
        opens a batch's part for reading
    open_file : callable
        opens a file of the data set for writing
    selection : mapping
        what was asked for, for the manifest
    """
    files: list[FileReport] = []
    parts: dict[str, list[str]] = {}
    tallies: dict[str, Tally] = {}
    for report in reports():
        files += report.files
        for path in report.parts:
            parts.setdefault(path.split("/", 2)[2], []).append(path)
        for split, tally in report.splits.items():
            total = tallies.setdefault(split, Tally())
            total.n_recordings += tally.n_recordings
            total.n_utterances += tally.n_utterances
            total.seconds += tally.seconds
    splits = {split: tallies[split] for split in parameters.splits if split in tallies}
    for path, of in sorted(parts.items()):
        files.append(_write(path, open_file, _pieces(of, open_part)))
    reasons: Counter[str] = Counter()
    files.append(_write(LEFT_OUT, open_file, _lines(plan, reports(), reasons)))
    if plan.recipe:
        card = write_card(name, parameters, plan.recipe, splits)
        files.append(_write(CARD, open_file, [card.encode()]))
    manifest = {
        "name": name,
        "version": plan.version,
        "selection": dict(selection),
        "parameters": parameters.to_dict(),
        "tables": asdict(plan.recipe) if plan.recipe else None,
        "versions": versions_of(parameters.format),
        "splits": {
            split: {
                "n_recordings": tally.n_recordings,
                "n_utterances": tally.n_utterances,
                "hours": round(tally.seconds / 3600, 6),
            }
            for split, tally in splits.items()
        },
        "left_out": {"n": reasons.total(), "reasons": dict(reasons.most_common(MOST_REASONS))},
        "files": [asdict(file) for file in sorted(files, key=lambda file: file.path)],
    }
    _write(MANIFEST, open_file, [orjson.dumps(manifest, option=orjson.OPT_INDENT_2)])
    return manifest


def _write(path: str, open_file: OpenFile, pieces: Iterable[bytes]) -> FileReport:
    file = HashedFile(path, open_file(path))
    try:
        for piece in pieces:
            file.write(piece)
    except BaseException as exc:
        file.discard(exc)
        raise
    return file.finish()


def _pieces(
    paths: Iterable[str], open_part: Callable[[str], AbstractContextManager[BinaryIO]]
) -> Iterator[bytes]:
    for path in paths:
        with open_part(path) as part:
            while piece := part.read(COPIED_AT_ONCE):
                yield piece


def _lines(plan: Plan, reports: Iterable[BatchReport], reasons: Counter[str]) -> Iterator[bytes]:
    for one in plan.left_out:
        yield _line(one, reasons)
    for report in reports:
        for one in report.left_out:
            yield _line(one, reasons)


def _line(one: LeftOut, reasons: Counter[str]) -> bytes:
    reasons[one.reason] += 1
    shown = {name: value for name, value in asdict(one).items() if value is not None}
    return orjson.dumps(shown, option=orjson.OPT_APPEND_NEWLINE)

"""One batch of a data set: its recordings' utterances, given to a writer for each split."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol

import numpy as np

from chalicelib.core.datasets.cutting import cut_audio, cut_frames
from chalicelib.core.datasets.models import LeftOut, Recipe, Source, Utterance
from chalicelib.core.datasets.outputs import FileReport, OpenFile, Outputs
from chalicelib.core.datasets.parameters import DatasetParameters
from chalicelib.core.datasets.sources import Reader, read_utterances
from chalicelib.core.datasets.splits import key_of, split_of
from chalicelib.errors import EarshotError

OTHER_TABLES = "It was processed again meanwhile, with other parameters."


@dataclass(frozen=True, slots=True)
class Example:
    """An utterance as a writer gets it, with its frames and its samples.

    ``frames`` have shape (n_frames, n_columns) and ``y`` has shape (n,), at ``source.recipe.sr``;
    each is None if the data set has none.
    """

    source: Source
    utterance: Utterance
    frames: np.ndarray | None = None
    y: np.ndarray | None = None


class Writer(Protocol):
    """A writer of one format, for one split of one batch."""

    def add(self, example: Example) -> None:
        """Write one utterance; those of a recording follow one another, in order of time."""

    def close(self) -> None:
        """Write what is left."""


MakeWriter = Callable[[Outputs, DatasetParameters, Recipe], Writer]


@dataclass(slots=True)
class Tally:
    """The size of a split."""

    n_recordings: int = 0
    n_utterances: int = 0
    seconds: float = 0.0


@dataclass(slots=True)
class BatchReport:
    """The files that a batch has written, and all that it left out.

    ``parts`` are the paths of files that are joined with those of the other batches.
    """

    batch: int
    files: list[FileReport] = field(default_factory=list)
    parts: list[str] = field(default_factory=list)
    splits: dict[str, Tally] = field(default_factory=dict)
    left_out: list[LeftOut] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """Return the report as JSON has it."""
        return asdict(self)

    @classmethod
    def of(cls, given: dict[str, Any]) -> "BatchReport":
        """Return a report from its JSON."""
        return cls(
            batch=given["batch"],
            files=[FileReport(**one) for one in given["files"]],
            parts=given["parts"],
            splits={name: Tally(**one) for name, one in given["splits"].items()},
            left_out=[LeftOut(**one) for one in given["left_out"]],
        )


def make_batch(
    batch: int,
    recording_ids: Sequence[str],
    reader: Reader,
    parameters: DatasetParameters,
    recipe: Recipe,
    make_writer: MakeWriter,
    open_file: OpenFile,
) -> BatchReport:
    """Write the files of one batch. Safe to repeat: the same files are written.

    Memory is that of one recording's transcript, of the utterances of it that overlap, and of a
    writer's row group or open file for each split; it does not grow with the batch.

    Parameters
    ----------
    batch : int
        number of the batch, which is in the names of its files
    recording_ids : sequence of str
        in the order of the data set
    reader : Reader
        where the recordings are read from
    parameters, recipe : DatasetParameters, Recipe
        of the data set
    make_writer : callable
        makes the writer of a split
    open_file : callable
        opens a file of the data set by its path
    """
    report = BatchReport(batch)
    splits: dict[str, tuple[Outputs, Writer]] = {}
    with ExitStack() as failed:
        failed.push(lambda _kind, exc, _trace: _discard(splits, exc))
        for recording_id in recording_ids:
            counted: Counter[str] = Counter()
            for example in _examples(recording_id, reader, parameters, recipe, report):
                one = example.utterance
                key = key_of(example.source, one, parameters.split_by)
                split = split_of(key, parameters.splits)
                if split not in splits:
                    outputs = Outputs(open_file, batch=batch, split=split)
                    splits[split] = outputs, make_writer(outputs, parameters, recipe)
                splits[split][1].add(example)
                tally = report.splits.setdefault(split, Tally())
                tally.n_utterances += 1
                tally.seconds += one.duration
                counted[split] += 1
            for split in counted:
                report.splits[split].n_recordings += 1
        for _, (outputs, writer) in sorted(splits.items()):
            writer.close()
            outputs.close()
            report.files += outputs.reports
            report.parts += [part.path for part in outputs.part_reports]
    return report


def _discard(splits: dict[str, tuple[Outputs, Writer]], exc: BaseException | None) -> None:
    if exc is not None:
        for outputs, _ in splits.values():
            outputs.discard(exc)


def _examples(
    recording_id: str,
    reader: Reader,
    parameters: DatasetParameters,
    recipe: Recipe,
    report: BatchReport,
) -> Iterator[Example]:
    try:
        source = reader.source(recording_id)
        if isinstance(source, LeftOut):
            report.left_out.append(source)
            return
        if source.recipe != recipe:
            report.left_out.append(LeftOut(recording_id, OTHER_TABLES))
            return
        utterances, left_out = read_utterances(
            source,
            reader.transcript(source),
            reader.segments(source),
            longest_s=parameters.longest_s,
        )
        report.left_out += left_out
        if utterances:
            yield from _cut(source, utterances, reader, parameters)
    except EarshotError as exc:
        # Some messages end with a full stop, others do not.
        report.left_out.append(LeftOut(recording_id, f"{exc}".rstrip(".") + "."))


def _cut(
    source: Source, utterances: list[Utterance], reader: Reader, parameters: DatasetParameters
) -> Iterator[Example]:
    nothing: list[None] = [None] * len(utterances)
    with ExitStack() as stack:
        frames: Iterator[np.ndarray | None] = iter(nothing)
        y: Iterator[np.ndarray | None] = iter(nothing)
        if parameters.frames:
            blocks = stack.enter_context(reader.frames(source))
            frames = cut_frames(utterances, blocks, columns=parameters.frames)
        if parameters.has_audio:
            y = cut_audio(source, utterances, stack.enter_context(reader.audio(source)))
        for utterance, matrix, samples in zip(utterances, frames, y, strict=True):
            yield Example(source, utterance, matrix, samples)

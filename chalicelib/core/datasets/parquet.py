"""Parquet: a row for each utterance, in files divided by split as Hive and Athena expect them."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from chalicelib.core.datasets.batches import Example
from chalicelib.core.datasets.columns import N_FRAMES, columns_of
from chalicelib.core.datasets.models import Recipe
from chalicelib.core.datasets.outputs import HashedFile, Outputs
from chalicelib.core.datasets.parameters import DatasetParameters

ROWS = 5_000
"""Most rows of a row group."""

ROW_GROUP_BYTES = 16_000_000
"""Most bytes of a row group, which is in memory until it is written."""

BYTES_OF_A_ROW = 4_000  # as Python's numbers and names, without frames and text

_TYPES: Mapping[str, pa.DataType] = {
    "string": pa.string(),
    "int32": pa.int32(),
    "float64": pa.float64(),
    "float32": pa.float32(),
    "float16": pa.float16(),
    "bool": pa.bool_(),
}


def schema_of(parameters: DatasetParameters, recipe: Recipe) -> pa.Schema:
    """Return the columns of a data set as Arrow has them."""
    fields = []
    for name, (kind, depth) in columns_of(parameters, recipe).items():
        of = _TYPES[kind]
        for _ in range(depth):
            of = pa.list_(of)
        fields.append((name, of))
    return pa.schema(fields)


class ParquetWriter:
    """Writes ``data/split={split}/{batch}-{number}.parquet``.

    Memory holds one row group: at most 16 MB, or 5,000 rows.
    """

    def __init__(self, outputs: Outputs, parameters: DatasetParameters, recipe: Recipe) -> None:
        self._outputs = outputs
        self._parameters = parameters
        self._recipe = recipe
        self._schema = schema_of(parameters, recipe)
        self._rows: list[dict[str, Any]] = []
        self._frames: list[np.ndarray] = []
        self._n_waiting = 0
        self._opened: tuple[HashedFile, pq.ParquetWriter] | None = None
        self._n_files = self._n_rows = 0

    def add(self, example: Example) -> None:
        """Add a row."""
        frames = example.frames
        n_bytes = BYTES_OF_A_ROW + len(example.utterance.text.encode())
        n_bytes += 0 if frames is None else frames.nbytes
        if len(self._rows) == ROWS or self._n_waiting + n_bytes > self._most_waiting():
            self._write_rows()
        self._rows.append(_row(example))
        if frames is not None:
            self._frames.append(frames)
        self._n_waiting += n_bytes

    def close(self) -> None:
        """Write the last rows and finish the file."""
        self._write_rows()
        self._finish_file()

    def _most_waiting(self) -> int:
        return min(ROW_GROUP_BYTES, self._parameters.shard_bytes)

    def _write_rows(self) -> None:
        if not self._rows:
            return
        # The rows become smaller by compression, but by how much is known only after writing.
        if self._opened and self._opened[0].tell() + self._n_waiting > self._parameters.shard_bytes:
            self._finish_file()
        if self._opened is None:
            name = f"{self._outputs.batch:05d}-{self._n_files:03d}.parquet"
            file = self._outputs.create(f"data/split={self._outputs.split}/{name}")
            # Zstandard is what DuckDB, pandas, Spark and Athena read, and half of Snappy's size.
            self._opened = file, pq.ParquetWriter(file, self._schema, compression="zstd")
            self._n_files += 1
        self._opened[1].write_table(self._table(), row_group_size=ROWS)
        self._n_rows += len(self._rows)
        self._rows, self._frames, self._n_waiting = [], [], 0

    def _finish_file(self) -> None:
        if self._opened:
            file, writer = self._opened
            writer.close()
            self._outputs.keep(file, n_utterances=self._n_rows)
            self._opened, self._n_rows = None, 0

    def _table(self) -> pa.Table:
        arrays = {
            field.name: pa.array([row.get(field.name) for row in self._rows], field.type)
            for field in self._schema
            if field.name not in self._parameters.frames
        }
        if self._frames:
            arrays |= dict(self._frame_columns())
        return pa.table(arrays, schema=self._schema)

    def _frame_columns(self) -> Iterator[tuple[str, pa.Array]]:
        """Yield the columns of frames, made of whole arrays: a list of numbers would be slow."""
        lengths = [len(matrix) for matrix in self._frames]
        ends = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
        matrix = np.concatenate(self._frames)
        first = 0
        for name in self._parameters.frames:
            width = self._recipe.n_mfcc if name == "mfcc" else 1
            columns = matrix[:, first : first + width]
            first += width
            kind = self._schema.field(name).type
            values = _MAKE[name](columns, self._parameters.dtype)
            if name == "mfcc":
                each = np.arange(0, len(matrix) * width + 1, width, dtype=np.int32)
                values = pa.ListArray.from_arrays(pa.array(each), values)
            yield name, pa.ListArray.from_arrays(pa.array(ends), values).cast(kind)


def _numbers(columns: np.ndarray, dtype: str) -> pa.Array:
    return pa.array(np.ascontiguousarray(columns).reshape(-1).astype(dtype))


def _f0(columns: np.ndarray, dtype: str) -> pa.Array:
    # In a table an unvoiced frame has no frequency; a matrix has 0.
    values = columns.reshape(-1)
    return pa.array(values.astype(dtype), mask=values == 0)


def _flags(columns: np.ndarray, _dtype: str) -> pa.Array:
    return pa.array(columns.reshape(-1) > 0)


_MAKE: Mapping[str, Callable[[np.ndarray, str], pa.Array]] = {
    "mfcc": _numbers,
    "f0": _f0,
    "voiced": _flags,
    "rms": _numbers,
}


def _row(example: Example) -> dict[str, Any]:
    source, utterance = example.source, example.utterance
    row: dict[str, Any] = {
        "utterance_id": utterance.id,
        "recording_id": source.recording_id,
        "owner": source.owner,
        "audio": source.audio,
        "channel": utterance.channel,
        "start_s": utterance.start,
        "end_s": utterance.end,
        "text": utterance.text,
        "speaker": utterance.speaker,
        "language": utterance.language,
        "confidence": utterance.confidence,
        **utterance.functionals,
    }
    # The frames in the row, or those from which its functionals were computed.
    n_frames = (
        utterance.functionals.get(N_FRAMES) if example.frames is None else len(example.frames)
    )
    row[N_FRAMES] = int(n_frames or 0)
    return row

"""Outputs as files: copied from the bucket, in other formats, and as one table of all words."""

import csv
import gzip
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3

from chalicelib.core import keys
from chalicelib.core.transcripts.correcting import correct
from chalicelib.core.transcripts.corrections import load_corrections
from chalicelib.core.transcripts.exports import find_export
from chalicelib.core.transcripts.parsing import load_transcript
from chalicelib.errors import ParameterError

if TYPE_CHECKING:
    from chalicelib.core.recording import Recording

TABLE_KINDS = (".csv", ".parquet")

_FIRST = ("file", "recording_id")
"""First columns of the table of all recordings: the recording of each word."""


def check(formats: Sequence[str], table: Path | None) -> None:
    """Raise ParameterError for a file that cannot be written, before processing starts."""
    for name in formats:
        find_export(name)
    if table is None:
        return
    if table.suffix not in TABLE_KINDS:
        kinds = " or ".join(TABLE_KINDS)
        raise ParameterError("table", f"{str(table)!r} does not end with {kinds}")
    if table.suffix == ".parquet":
        try:
            import pyarrow as _  # noqa: F401, ICN001, PLC0415  # optional: 50 MB that nothing else needs
        except ModuleNotFoundError as exc:
            raise ParameterError(
                "table",
                f"{str(table)!r} needs pyarrow, which is not installed: "
                ".venv/bin/pip install pyarrow, or name a .csv",
            ) from exc


def fetch(recording_id: str, bucket: str, out: Path) -> dict[str, str]:
    """Copy the outputs of a recording into a separate folder; return paths by name."""
    s3 = boto3.client("s3")
    fetched = {}
    for prefix in keys.derived_prefixes(recording_id):
        found = s3.list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", [])
        for key in (entry["Key"] for entry in found):
            name = (
                "transcript" + key[len(prefix) - 1 :]
                if prefix.endswith(".")
                else key[len(prefix) :]
            )
            if prefix.startswith(keys.RENDITIONS):
                name = name.partition("/")[2]  # leave out the attempt's folder
            path = out / recording_id / name
            path.parent.mkdir(parents=True, exist_ok=True)
            s3.download_file(bucket, key, str(path))
            fetched[_output_name(name)] = str(path)
    return fetched


def export(
    recording: "Recording", outputs: dict[str, str], formats: Iterable[str]
) -> dict[str, str]:
    """Write a recording's transcript in each format, beside it; return paths by format.

    It is written with its corrections, if there are any. Only a local mode that keeps its data
    has corrections.
    """
    if "transcript" not in outputs:
        return {}
    path = Path(outputs["transcript"])
    made = outputs.get("transcript.corrections")
    corrections = load_corrections(Path(made).read_bytes() if made else None)
    transcript = correct(load_transcript(path.read_bytes()), corrections).transcript
    written = {}
    for name in formats:
        found = find_export(name)
        target = path.with_name(f"transcript{found.suffix}")
        text = found.write(transcript, recording.id, recording.duration_s or 0.0)
        target.write_text(text, encoding="utf-8", newline="")
        written[name] = str(target)
    return written


def write_words(tables: Sequence[tuple[str, str, Path]], target: Path) -> int:
    """Write one table of all words of all recordings; return the number of words.

    Parameters
    ----------
    tables : sequence of (str, str, Path)
        for each recording its file, its id and its ``words.csv``
    target : Path
        a ``.csv`` with the tables' cells, or a ``.parquet`` with numbers
    """
    rows = [row for table in tables for row in _words(*table)]
    columns = list(dict.fromkeys([*_FIRST, *(name for row in rows for name in row)]))
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.suffix == ".csv":
        with target.open("w", newline="", encoding="utf-8") as stream:
            writer = csv.DictWriter(stream, columns, restval="", lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
    else:
        import pyarrow as pa  # noqa: PLC0415  # optional, see check
        import pyarrow.parquet as pq  # noqa: PLC0415  # optional, see check

        arrays = {name: _typed([row.get(name, "") for row in rows]) for name in columns}
        pq.write_table(pa.table(arrays), target)
    return len(rows)


def _words(file: str, recording_id: str, path: Path) -> Iterator[dict[str, str]]:
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rt", newline="", encoding="utf-8") as stream:
        for row in csv.DictReader(stream):
            yield {"file": file, "recording_id": recording_id, **row}


def _typed(cells: list[str]) -> list[Any]:
    """Return a column as numbers if all cells are numbers; an empty cell is None."""
    for kind in (int, float):
        try:
            return [kind(cell) if cell else None for cell in cells]
        except ValueError:
            continue
    return cells


def _output_name(name: str) -> str:
    extension = name.rpartition(".")[2]
    return f"subtitles_{extension}" if extension in ("srt", "vtt") else keys.table_name(name)

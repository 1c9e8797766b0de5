"""The rows of a table that lie in a part of its recording."""

import csv
import io
from collections.abc import Iterable, Iterator

from chalicelib.errors import RequestError

TIME = "time_s"
SPAN = ("start_s", "end_s")
TIME_DECIMALS = 6


def rows_between(
    lines: Iterable[bytes], start_s: float, end_s: float, *, frame_s: float
) -> Iterator[bytes]:
    """Yield the header of a CSV table, and the rows that lie in a part of the recording.

    In a table of frames these are the frames whose centre is in the part, each with its time, even
    if the table has no column for it. In a table of words or segments these are the rows that
    overlap with the part.

    Parameters
    ----------
    lines : iterable of bytes
        the table's lines
    start_s, end_s : float
        the part, in seconds
    frame_s : float > 0
        seconds from one frame to the next, for a table of MFCC without times

    Raises
    ------
    RequestError
        if the rows of the table have no times
    """
    rest = iter(lines)
    header = next(rest, b"")
    columns = header.decode().strip().split(",")
    if columns[0] == TIME:
        yield header
        yield from _frames(rest, start_s, end_s)
    elif columns[0].startswith("mfcc_"):
        yield f"{TIME},".encode() + header
        yield from _frames(_timed(rest, frame_s), start_s, end_s)
    elif set(SPAN) <= set(columns):
        yield header
        yield from _spans(rest, columns, start_s, end_s)
    else:
        raise RequestError("The rows of this table have no times: ask for it without from and to.")


def _timed(lines: Iterable[bytes], frame_s: float) -> Iterator[bytes]:
    for index, line in enumerate(lines):
        yield f"{round(index * frame_s, TIME_DECIMALS)},".encode() + line


def _frames(lines: Iterable[bytes], start_s: float, end_s: float) -> Iterator[bytes]:
    for line in lines:
        time = float(line[: line.index(b",")])
        if time > end_s:
            return
        if time >= start_s:
            yield line


def _spans(
    lines: Iterable[bytes], columns: list[str], start_s: float, end_s: float
) -> Iterator[bytes]:
    # A text may have commas and line breaks in it.
    table = csv.reader(line.decode() for line in lines)
    first, last = map(columns.index, SPAN)
    for row in table:
        if float(row[first]) < end_s and float(row[last]) > start_s:
            text = io.StringIO(newline="")
            csv.writer(text, lineterminator="\n").writerow(row)
            yield text.getvalue().encode()

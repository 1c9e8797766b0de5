"""Earshot's complete recipe: python benchmarks/earshot_mfcc.py IN OUT.

A third argument names other tables, such as ``mfcc,energy,pitch``. They are written beside OUT,
each with OUT's name and the table's name.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from os.path import abspath, dirname
from typing import BinaryIO

sys.path.insert(0, dirname(dirname(abspath(__file__))))

from chalicelib.core.features.extract import FeatureParameters, extract


def main(media: str, table: str, tables: str = "mfcc") -> None:
    @contextmanager
    def open_table(name: str) -> Iterator[BinaryIO]:
        with open(table if name == "mfcc.csv" else f"{table}.{name}", "wb") as stream:
            yield stream

    with open(media, "rb") as source:
        extract(source, FeatureParameters.parse({"tables": tables}), open_table)


if __name__ == "__main__":
    main(*sys.argv[1:4])

"""Earshot's own recipe, whole: python benchmarks/earshot_mfcc.py IN OUT."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from chalicelib.core.features import FeatureParameters, extract


def main(media: str, table: str) -> None:
    @contextmanager
    def open_table(name: str) -> Iterator[BinaryIO]:
        path = Path(table)
        with (path if name == "mfcc.csv" else path.with_name(name)).open("wb") as stream:
            yield stream

    with Path(media).open("rb") as source:
        extract(source, FeatureParameters(tables=("mfcc",)), open_table)


if __name__ == "__main__":
    main(*sys.argv[1:3])

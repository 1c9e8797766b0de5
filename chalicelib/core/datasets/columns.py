"""The columns of a row for each utterance, and their types in Parquet, SQL and cards."""

from dataclasses import replace
from functools import cache

from chalicelib.core.datasets.models import Recipe
from chalicelib.core.datasets.parameters import DatasetParameters
from chalicelib.core.features.voices import UNHEARD
from chalicelib.core.features.words import BLANK

Kind = tuple[str, int]
"""A type of numbers or text, and how many lists it is in."""

TEXT, WHOLE, NUMBER = ("string", 0), ("int32", 0), ("float64", 0)

N_FRAMES = "n_frames"
_SQL = {
    "string": "string",
    "int32": "int",
    "float64": "double",
    "float32": "float",
    "bool": "boolean",
}


def columns_of(parameters: DatasetParameters, recipe: Recipe) -> dict[str, Kind]:
    """Return the type of each column."""
    columns: dict[str, Kind] = dict.fromkeys(("utterance_id", "recording_id", "owner"), TEXT)
    columns |= {"audio": TEXT, "channel": WHOLE, "start_s": NUMBER, "end_s": NUMBER}
    columns |= dict.fromkeys(("text", "speaker", "language"), TEXT)
    columns |= dict.fromkeys(("confidence", *functional_names(recipe)), NUMBER)
    columns[N_FRAMES] = WHOLE
    depths = {"mfcc": 2}
    for name in parameters.frames:
        kind = "bool" if name == "voiced" else parameters.dtype
        columns[name] = (kind, depths.get(name, 1))
    return columns


@cache
def functional_names(recipe: Recipe) -> tuple[str, ...]:
    """Return the columns of numbers in ``segments.csv``, for a number of coefficients."""
    nothing = (0.0,) * recipe.n_mfcc
    voice = replace(UNHEARD, mfcc_mean=nothing, mfcc_std=nothing)
    return tuple(replace(BLANK["segment"], voice=voice).columns())


def create_table(parameters: DatasetParameters, recipe: Recipe, *, location: str) -> str:
    """Return the statement that makes the files a table in Athena.

    Athena cannot read half precision, so such columns are left out.
    """
    columns = ",\n".join(
        f"  `{name}` {'array<' * depth}{_SQL[kind]}{'>' * depth}"
        for name, (kind, depth) in columns_of(parameters, recipe).items()
        if kind in _SQL
    )
    return (
        f"CREATE EXTERNAL TABLE utterances (\n{columns}\n)\n"
        f"PARTITIONED BY (`split` string)\nSTORED AS PARQUET\nLOCATION '{location}';\n"
        "MSCK REPAIR TABLE utterances;\n"
    )

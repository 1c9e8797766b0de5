"""The plan of a data set: its recordings in batches, each made alone, and always the same."""

import hashlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import orjson

from chalicelib.core.datasets.models import LeftOut, Recipe, Source
from chalicelib.core.datasets.parameters import DatasetParameters

MOST_RECORDINGS = 500
"""Most recordings of a batch. To read that many transcripts takes some minutes."""

BYTES_OF_TEXT = 600
"""Bytes of text and numbers for each second of speech, much more than most have."""

SAMPLE_BYTES = 2


@dataclass(frozen=True, slots=True)
class Candidate:
    """A recording that could be in a data set.

    ``stamp`` changes with its transcript and tables; ``n_bytes`` is what it may need in a file.
    """

    recording_id: str
    recipe: Recipe
    stamp: str
    n_bytes: int


@dataclass(frozen=True, slots=True)
class Plan:
    """The recordings of a data set, and its version.

    The version is a hash of all that decides on the bytes of the files: the parameters, and each
    recording with its stamp. Made again from the same recordings it is the same version.
    """

    version: str
    recipe: Recipe | None
    batches: tuple[tuple[str, ...], ...]
    left_out: tuple[LeftOut, ...]


def bytes_of(source: Source, parameters: DatasetParameters) -> int:
    """Return about how many bytes a recording may need in a file."""
    n_bytes = BYTES_OF_TEXT * source.duration_s
    if parameters.has_audio:
        n_bytes += SAMPLE_BYTES * source.duration_s * source.recipe.sr
    n_bytes += 4 * source.n_frames * parameters.n_columns(source.recipe.n_mfcc)
    return int(n_bytes)


def candidates_of(
    found: Iterable[tuple[Source | LeftOut, str]], parameters: DatasetParameters
) -> tuple[list[Candidate], list[LeftOut]]:
    """Return the recordings that could be in a data set, and those that cannot.

    Parameters
    ----------
    found : iterable of (Source or LeftOut, str)
        each recording, and a text that changes with its transcript and tables
    parameters : DatasetParameters
        of the data set
    """
    candidates: list[Candidate] = []
    left_out: list[LeftOut] = []
    for source, stamp in found:
        if isinstance(source, LeftOut):
            left_out.append(source)
            continue
        n_bytes = bytes_of(source, parameters)
        stamp_and_place = f"{stamp} {source.audio}"
        candidates.append(Candidate(source.recording_id, source.recipe, stamp_and_place, n_bytes))
    return candidates, left_out


def make_plan(
    candidates: Iterable[Candidate],
    parameters: DatasetParameters,
    *,
    left_out: Iterable[LeftOut] = (),
    provenance: str = "",
) -> Plan:
    """Divide recordings into batches, in the order of their ids.

    The tables of a data set have the same parameters. A recording whose tables differ from those of
    most recordings is left out.

    Memory is about 400 bytes for each recording.

    Parameters
    ----------
    candidates : iterable of Candidate
        in any order
    parameters : DatasetParameters
        of the data set
    left_out : iterable of LeftOut
        what was found unsuitable before
    provenance : str
        the versions of the programs that write the files, which decide on their bytes too
    """
    found = sorted(candidates, key=lambda one: one.recording_id)
    recipes = Counter(one.recipe for one in found)
    recipe = min(recipes, key=lambda one: (-recipes[one], str(one)), default=None)
    passed_over = sorted(left_out, key=lambda one: one.recording_id)
    digest = hashlib.sha256(orjson.dumps([parameters.to_dict(), provenance]))
    batches: list[list[str]] = []
    n_bytes = 0
    for one in found:
        if one.recipe != recipe:
            passed_over.append(LeftOut(one.recording_id, _other_recipe(one.recipe)))
            continue
        is_full = n_bytes + one.n_bytes > parameters.shard_bytes
        if not batches or is_full or len(batches[-1]) == MOST_RECORDINGS:
            batches.append([])
            n_bytes = 0
        batches[-1].append(one.recording_id)
        n_bytes += one.n_bytes
        digest.update(orjson.dumps([one.recording_id, one.stamp]))
    return Plan(digest.hexdigest()[:16], recipe, tuple(map(tuple, batches)), tuple(passed_over))


def _other_recipe(recipe: Recipe) -> str:
    return (
        f"Its tables have sr={recipe.sr}, hop_length={recipe.hop_length} and "
        f"n_mfcc={recipe.n_mfcc}, and most others of the data set do not."
    )

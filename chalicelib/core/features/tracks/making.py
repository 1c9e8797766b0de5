"""The tracks of a recording, made for the tables that are asked for."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import numpy as np

from chalicelib.core.audio.decoding import Block
from chalicelib.core.dsp.parameters import FeatureParameters
from chalicelib.core.features.tracks.track import Source, Track
from chalicelib.core.registry import track_class
from chalicelib.errors import ParameterError


@dataclass(frozen=True, slots=True)
class Tracks:
    """The tracks of one signal, by the names of their tables.

    ``channel`` is the index of the channel that is measured, None for the mix; ``remark`` is a
    sentence about each table that is not made, and the reason.
    """

    by_table: dict[str, Track]
    channel: int | None
    remark: str | None

    @property
    def suffix(self) -> str:
        """The part of the files' names that says which channel they are of."""
        return "" if self.channel is None else f".ch{self.channel + 1}"

    def push(self, block: Block) -> None:
        """Give each track the next samples of its kind."""
        index = self.channel or 0
        apart = block.channels if self.channel is None else block.channels[index : index + 1]
        for track in self:
            track.push(np.stack(apart) if track.apart else block.at[track.sr][index])

    def __iter__(self) -> Iterator[Track]:
        """Iterate over the tracks, in the order of ``tables``."""
        return iter(self.by_table.values())


def make_tracks(
    parameters: FeatureParameters,
    source: Source,
    stack: ExitStack,
    *,
    channel: int | None = None,
) -> Tracks:
    """Make the tracks of one signal; if one table cannot be made, the others still are.

    Parameters
    ----------
    parameters : FeatureParameters
        the recipe
    source : Source
        the signal's sampling rates and channels
    stack : ExitStack
        closes the tracks' temporary files
    channel : int or None
        index of the channel to measure; None measures the mix

    Raises
    ------
    ParameterError
        if no table can be made
    """
    made: dict[str, Track] = {}
    refused: list[ParameterError] = []
    remarks = []
    for name in parameters.tables:
        try:
            made[name] = track_class(name)(parameters, source, stack)
        except ParameterError as exc:
            refused.append(exc)
            remarks.append(f"There is no {name} table. {exc}.")
    if not made:
        raise refused[0]
    return Tracks(made, channel, " ".join(remarks) or None)

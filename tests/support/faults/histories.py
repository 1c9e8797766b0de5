"""Histories by their seeds: the uploads in them, and running and repeating a history."""

import contextlib
import importlib
import io
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import smart_open.s3

from chalicelib.aws import s3
from chalicelib.config import Settings
from chalicelib.core.audio.source import BufferedSource
from chalicelib.core.features import extract
from support.faults import recogniser_double, telling
from support.faults.connecting import ENVIRONMENT
from support.faults.moves import Move
from support.faults.plan import Plan
from support.faults.rules import Rules
from support.faults.world import World
from support.media import encode

CLIPS = Path(__file__).parents[2] / "data/video"

REAL_EVERY = 50
"""Measure for real in one of this many histories; the others use stored results."""

RANGE_BYTES = 6_000
"""Bytes of one request: so few that a recording needs several, and may change between them."""

_extract = extract.extract


def _clip(extension: str) -> bytes:
    """Return a second of video. An encoder gives other bytes each time, so it is kept in a file."""
    return (CLIPS / f"clip.{extension}").read_bytes()


@cache
def bodies(*, sound_alone: bool = False) -> dict[str, list[bytes]]:
    """Return the uploads, and their replacements."""
    sr = 8_000
    times = np.arange(sr) / sr
    tones = [encode(0.3 * np.sin(2 * np.pi * f0 * times), "WAV", sr) for f0 in (150, 220)]
    moving = [_clip("mp4")]
    # A free box at the end changes only the bytes.
    moving.append(moving[0] + b"\x00\x00\x00\x08free")
    found = {
        "uploads/alice/my talk.wav": tones,
        "uploads/bob/talk.wav": tones[:1],
        "uploads/bob/clip.mp4": moving,
        "uploads/notes.txt": [b"no recording"],
    }
    if sound_alone:
        mov = _clip("mov")
        found["uploads/alice/clip.mov"] = [mov, mov + b"\x00\x00\x00\x08free"]
        found["uploads/bob/clip.mkv"] = [_clip("mkv")]
    return found


@cache
def measured(body: bytes, parameters: extract.FeatureParameters) -> tuple[Any, dict[str, bytes]]:
    """Return a recording's summary, and its tables by name."""
    tables: dict[str, bytes] = {}

    @contextlib.contextmanager
    def open_table(name: str) -> Iterator[io.BytesIO]:
        stream = io.BytesIO()
        yield stream
        tables[name] = stream.getvalue()

    return _extract(io.BytesIO(body), parameters, open_table), tables


def remembered(source: Any, parameters: Any, open_table: Any, **_: Any) -> Any:
    """Measure a recording as ``features.extract`` does, but only once for all histories."""
    buffered = BufferedSource(source)
    body = buffered.read()
    buffered.raise_failure()
    summary, tables = measured(body, parameters)
    for name, table in tables.items():
        with open_table(name) as stream:
            stream.write(table)
    return summary


def application() -> Any:
    """Return the application, which reads its settings when it is imported."""
    os.environ |= ENVIRONMENT
    return sys.modules.get("app") or importlib.import_module("app")


def world_of(seed: int, rules: Rules, *, keys: Sequence[str] = (), is_plain: bool = False) -> World:
    """Return the world of a seed in its first state.

    ``keys`` are the uploads in it; by default, those of the seed. A plain world has no chance.
    """
    plan = Plan(seed, rules)
    if is_plain:
        plan.make_plain()
    found = bodies(sound_alone=rules.sound_alone)
    is_real = seed % REAL_EVERY == 0 and not is_plain
    extract.extract = _extract if is_real else remembered
    s3.RANGE_BYTES = RANGE_BYTES
    recogniser_double.install()
    smart_open.s3.RETRY.sleep_seconds = 0  # the world's clock stops during this
    names = plan.rng.sample(sorted(found), plan.rng.choice((1, 1, 2, 3)))
    if is_real:
        names = [name for name in names if name.endswith(".wav")] or ["uploads/bob/talk.wav"]
    uploads = {name: found[name] for name in keys or names}
    return World(plan, Settings.from_env(ENVIRONMENT), application(), uploads)


def tell(seed: int, rules: Rules | None = None) -> World:
    """Run the history of a seed to its end."""
    return _told(world_of(seed, rules or Rules()), telling.tell)


def replay(seed: int, moves: list[Move], rules: Rules | None = None) -> World:
    """Perform given moves in the world of a seed, and then let all work finish."""
    return _told(world_of(seed, rules or Rules()), lambda world: telling.replay(world, list(moves)))


def _told(world: World, telling_of: Callable[[World], None]) -> World:
    with contextlib.redirect_stdout(io.StringIO()):  # the journal's output
        telling_of(world)
    return world

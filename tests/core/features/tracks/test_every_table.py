"""Every table: any cut of the stream gives it, hostile audio does not break it, docs name it."""

import io
import json
import re
import subprocess
import sys
from contextlib import ExitStack
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.measuring import encode, measure, noise
from support.signals import vowel

from chalicelib.core.dsp.parameters import FeatureParameters
from chalicelib.core.features.tracks.track import Source
from chalicelib.core.registry import DEFAULT_TABLES, TABLES, track_class
from chalicelib.errors import EarshotError, MediaError

ROOT = Path(__file__).parents[4]
NUMBERS = (ROOT / "docs/numbers.md").read_text()
SETTINGS = (ROOT / "docs/settings.md").read_text()
NEW = sorted(set(TABLES) - set(DEFAULT_TABLES))
VOICE = vowel(0.9, 16_000).astype(np.float32)


def rows(table, pieces):
    """Return the lines of a table of a signal that comes in pieces."""
    parameters = FeatureParameters(sr=16_000, tables=(table,))
    with ExitStack() as stack:
        track = track_class(table)(parameters, Source(sr=16_000, native_sr=16_000), stack)
        for piece in pieces:
            track.push(piece[np.newaxis] if track.apart else piece)
        track.finish()
        made = track.table()
        return made.columns, b"".join(made.lines), dict(track.values())


WHOLE = {}


@pytest.mark.parametrize("table", NEW)
@settings(max_examples=12)
@given(cuts=st.lists(st.integers(0, len(VOICE)), max_size=6))
def test_any_cut_of_the_stream_gives_the_same_table(table, cuts):
    if table not in WHOLE:
        WHOLE[table] = rows(table, [VOICE])
    columns, lines, values = rows(table, np.split(VOICE, sorted(cuts)))

    assert columns == WHOLE[table][0]
    ours, whole = (
        np.genfromtxt(io.BytesIO(found), delimiter=",", ndmin=2)
        for found in (lines, WHOLE[table][1])
    )
    np.testing.assert_allclose(ours, whole, rtol=1e-5, atol=1e-6)
    for name, whole in WHOLE[table][2].items():
        assert values[name] == (whole if whole is None else pytest.approx(whole, rel=1e-6))


HOSTILE = {
    "one sample": np.full(1, 0.5),
    "two samples": np.array([0.5, -0.5]),
    "silence": np.zeros(9000),
    "a constant": np.full(9000, 0.7),
    "a click": np.eye(1, 9000, 4000)[0],
    "full scale": np.sign(np.sin(np.arange(9000) / 7)),
    "noise": noise(9000)[:, 0],
    "the smallest numbers": np.full(9000, 1e-40),
    "alternating": np.tile([1.0, -1.0], 4500),
}


@pytest.mark.parametrize("table", NEW)
@pytest.mark.parametrize("kind", HOSTILE)
@pytest.mark.parametrize("sr", [8000, 22_050])
def test_hostile_audio_gives_finite_numbers_or_empty_cells(table, kind, sr):
    media = encode(HOSTILE[kind], sr, subtype="FLOAT")

    summary, tables = measure(media, tables=table, npz=True)

    text = tables[f"{table}.csv"].decode().lower()
    assert summary.tables == (f"{table}.csv", "features.npz")
    assert "nan" not in text
    assert "inf" not in text
    json.loads(tables["features.json"])


@pytest.mark.parametrize("table", NEW)
@pytest.mark.parametrize("level", [1e5, 1e30])
def test_samples_beyond_full_scale_are_measured_or_refused(table, level):
    media = encode(noise(9000) * level, 22_050, subtype="FLOAT")

    try:
        _, tables = measure(media, tables=table)
    except MediaError as exc:
        text = str(exc)
    else:
        text = tables[f"{table}.csv"].decode().lower()

    assert "beyond full scale" in text or re.search(r"nan|inf", text) is None


@pytest.mark.parametrize("table", NEW)
def test_archive_and_csv_hold_the_same_for_each_channel(table):
    y = np.stack([VOICE, np.roll(VOICE, 4000)], axis=1)

    summary, tables = measure(encode(y, 16_000), tables=table, channels="each", npz=True)

    assert f"{table}.ch1.csv" in summary.tables
    assert f"{table}.ch2.csv" in summary.tables
    assert tables[f"{table}.ch1.csv"] != tables[f"{table}.ch2.csv"]
    archive = np.load(io.BytesIO(tables["features.ch2.npz"]))
    arrays = [
        np.atleast_2d(archive[name]).ravel() for name in archive.files if not name.endswith("times")
    ]
    csv = tables.rows(f"{table}.ch2.csv").ravel()
    found = np.concatenate(arrays).astype(np.float32)
    assert np.isin(found[~np.isnan(found)], csv).all()


@pytest.mark.parametrize("table", NEW)
def test_every_column_is_described(table):
    _, tables = measure(encode(VOICE, 16_000), tables=table)

    section = re.search(rf"^### [^\n]*\b{table}\b.*?(?=^##)", NUMBERS, re.MULTILINE | re.DOTALL)[0]
    for column in tables.header(f"{table}.csv").split(","):
        assert f"`{re.sub(r'_[0-9]+$', '_1', column)}`" in section


@pytest.mark.parametrize("table", TABLES)
def test_every_table_and_option_is_described(table):
    options = track_class(table).options

    assert f"`{table}`" in SETTINGS
    for option in fields(options) if options else ():
        name = f"{options.table}_{option.name}"
        # In a row of its own the default is in the last cell, in a list of options after its name.
        (line,) = [line for line in SETTINGS.splitlines() if f"`{name}`" in line]
        (cell,) = [cell for cell in line.split("|") if f"`{name}`" in cell]
        told = (
            cell.partition(f"`{name}`")[2].strip() or line.rstrip(" |").rpartition("|")[2].strip()
        )
        assert re.match(rf"{re.escape(shown(option))}(?!\.?\d)", told), name


def shown(option):
    """Return the first characters of an option's default as the page has them."""
    if option.name == "use_energy":
        return "false for `fbank`, true for `mfcc_kaldi`"
    if isinstance(option.default, bool):
        return str(option.default).lower()
    if isinstance(option.default, str):
        return f"`{option.default}`"
    return f"{option.default:g}"


@pytest.mark.parametrize("table", NEW)
def test_the_columns_of_words_are_columns_of_the_table(table):
    _, tables = measure(encode(VOICE, 16_000), tables=table)

    header = tables.header(f"{table}.csv").split(",")
    assert set(track_class(table).word_columns) <= set(header)


def test_tables_that_are_not_asked_for_are_not_imported():
    code = (
        "import sys; from chalicelib.core.dsp.parameters import FeatureParameters as P; "
        "from chalicelib.core.features import extract; P.parse({'tables': 'mfcc,energy'}); "
        "print(*sys.modules)"
    )

    loaded = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()

    ours = {name for name in loaded if name.startswith("chalicelib.core.features.tracks.")}
    assert ours <= {
        f"chalicelib.core.features.tracks.{name}" for name in ("making", "track", "mfcc", "energy")
    }


def test_all_tables_together_have_names_of_their_own():
    _, tables = measure(encode(VOICE, 16_000), tables=",".join(TABLES), npz=True)

    names = np.load(io.BytesIO(tables["features.npz"])).files
    assert len(set(names)) == len(names)


SEEDS = [
    encode(VOICE[:4000], 16_000),
    encode(np.stack([VOICE[:4000]] * 2, axis=1), 16_000, form="FLAC"),
    encode(VOICE[:4000], 16_000, form="OGG", subtype="VORBIS"),
]


@settings(max_examples=25)
@given(
    seed=st.sampled_from(SEEDS),
    flips=st.lists(
        st.tuples(st.integers(0, 1 << 16) | st.integers(0, 120), st.integers(1, 255)), max_size=8
    ),
    length=st.integers(0, 1 << 14),
    table=st.sampled_from(NEW),
)
def test_damaged_files_are_measured_or_refused(seed, flips, length, table):
    media = bytearray(seed[: max(60, length)])
    for position, bits in flips:
        media[position % len(media)] ^= bits

    try:
        summary, _ = measure(bytes(media), tables=table)
    except EarshotError as exc:
        told = str(exc)
    else:
        told = summary.tables[0]

    assert told

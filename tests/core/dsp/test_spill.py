"""Rows are read back unchanged, from memory and from disk, and a full disk gives a reason."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from chalicelib.core.dsp.spill import MEMORY_BYTES, SpilledRows
from chalicelib.core.pitch.survivors import Survivors
from chalicelib.errors import MediaError

ROOT = Path(__file__).parents[3]
FULL = Path("/dev/full")
ON_A_TINY_DISK = """
set -e
mount -t tmpfs -o size=64k none "$1"
TMPDIR="$1" exec "$2" -W error -c "$3"
"""
WRITES_TOO_MUCH = {
    "rows": """
from chalicelib.core.dsp.spill import SpilledRows
with SpilledRows(1 << 10) as kept:
    for _ in range(2000):
        kept.append(np.zeros((1, 1 << 10)))
""",
    "paths of pitch": """
from chalicelib.core.pitch.survivors import Survivors
survivors = Survivors(memory_bytes=0)
for _ in range(200):
    pitches = np.array([np.arange(256), np.arange(1, 257)], np.int16).T
    survivors.append(pitches, np.zeros(256), np.array([0, 1]))
    survivors.take()
""",
}
REPORT = """
import numpy as np
from chalicelib.errors import MediaError
try:
    {work}
except MediaError as exc:
    print(exc)
"""


@pytest.mark.parametrize("n", [0, 1, 300, MEMORY_BYTES // 24 * 2])
@pytest.mark.parametrize("at_once", [1000, 100_000])
def test_rows_can_be_read_back_unchanged_several_times(n, at_once):
    rows = np.arange(3 * n, dtype=np.float64).reshape(-1, 3)

    with SpilledRows(3, dtype=np.float64) as kept:
        for start in range(0, n, at_once):
            kept.append(rows[start : start + at_once])
        back = [list(kept.rows()) for _ in range(2)]

    assert kept.n_rows == n
    for blocks in back:
        assert all(len(block) <= 256 for block in blocks)
        np.testing.assert_array_equal(np.concatenate([np.empty((0, 3)), *blocks]), rows)


@pytest.mark.skipif(not FULL.exists(), reason="this system has no full disk to offer")
def test_a_full_disk_gives_a_reason_that_the_owner_understands():
    with FULL.open("r+b", buffering=0) as full, SpilledRows(2) as kept:
        kept.append(np.zeros((3, 2)))
        kept._spill._file = full

        with pytest.raises(MediaError, match="temporary disk, which is full after 3 frames"):
            kept.append(np.zeros((1, 2)))


@pytest.mark.skipif(not FULL.exists(), reason="this system has no full disk to offer")
def test_pitch_paths_that_fill_the_disk_give_the_same_reason():
    survivors = Survivors(memory_bytes=0)
    pitches, probs, entry = np.array([[1, 2]] * 5, np.int16), np.zeros(5), np.array([0, 1])
    survivors.append(pitches, probs, entry)
    survivors.append(pitches, probs, entry)
    with FULL.open("r+b", buffering=0) as full:
        survivors._spill._file = full

        with pytest.raises(MediaError, match="temporary disk, which is full after 5 frames"):
            survivors.append(pitches, probs, entry)


@pytest.mark.parametrize("what", WRITES_TOO_MUCH)
def test_a_disk_that_fills_up_ends_with_that_reason_and_leaves_no_file_open(tmp_path, what):
    work = REPORT.format(work=WRITES_TOO_MUCH[what].strip().replace("\n", "\n    "))
    as_root = ["unshare", "--mount", "--map-root-user"]
    try:
        subprocess.run([*as_root, "mount", "-t", "tmpfs", "none", tmp_path], check=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("this system lets nobody mount a disk of their own")

    ended = subprocess.run(
        [*as_root, "sh", "-c", ON_A_TINY_DISK, "sh", tmp_path, sys.executable, work],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert ended.stderr == ""
    assert "too long for the temporary disk, which is full after" in ended.stdout

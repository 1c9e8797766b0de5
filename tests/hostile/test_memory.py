"""Any upload is measured within the memory of ``extract_features``."""

import json
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from support.media import encode

ROOT = Path(__file__).parents[2]
CONFIG = json.loads((ROOT / ".chalice/config.json").read_text())
FUNCTION_MB = CONFIG["lambda_functions"]["extract_features"]["lambda_memory_size"]

MEASURE = """
import io, os, resource, sys
limit = int(sys.argv[1]) << 20
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
from contextlib import contextmanager
from chalicelib.core.features.extract import FeatureParameters, extract
from chalicelib.errors import MediaError

@contextmanager
def discarding(name):
    with open(os.devnull, "wb") as stream:
        yield stream

parameters = FeatureParameters.parse(dict(pair.split("=") for pair in sys.argv[2:]))
try:
    extract(sys.stdin.buffer, parameters, discarding)
except MediaError as exc:
    print(exc)
# Not ru_maxrss, which a process inherits from the one that has started it.
with open("/proc/self/status") as status:
    print(next(int(line.split()[1]) // 1024 for line in status if line.startswith("VmHWM")))
"""


def at_rate(sr, channels, n):
    """A wav file whose header gives any sampling rate."""
    media = bytearray(encode(np.zeros((n, channels)), "WAV"))
    media[24:32] = struct.pack("<II", sr, 2 * channels * sr)
    return bytes(media)


EVERY_TABLE = ("tables=mfcc,energy,pitch", "channels=each", "sr=384000")
UPLOADS = {
    "1 Hz": (at_rate(1, 8, 60), EVERY_TABLE),
    "1 Hz, as it is": (at_rate(1, 1, 10_000), ()),
    "100 Hz in 16 channels": (at_rate(100, 16, 60), (*EVERY_TABLE, "hop_length=512")),
    "100 Hz": (at_rate(100, 1, 10_000), ()),
    "16 MHz": (at_rate(1 << 24, 16, 20_000), ("channels=each", "sr=native", "tables=mfcc,energy")),
    "1,000 channels": (at_rate(8_000, 1_000, 2_000), ()),
    "the longest frames": (
        at_rate(8_000, 16, 2_000),
        ("channels=each", "n_fft=32768", "n_mels=512", "n_mfcc=512", "deltas=2", "hop_length=100"),
    ),
    "the lowest pitch": (
        at_rate(8_000, 16, 2_000),
        (*EVERY_TABLE, "hop_length=4096", "f0_min=50", "f0_max=10000"),
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", UPLOADS)
def test_measuring_stays_within_the_memory_of_the_function(tmp_path, name):
    media, asked = UPLOADS[name]
    path = tmp_path / "upload.wav"
    path.write_bytes(media)

    with path.open("rb") as upload:
        ended = subprocess.run(
            [sys.executable, "-c", MEASURE, str(FUNCTION_MB), *asked],
            stdin=upload,
            cwd=ROOT,
            env={"OPENBLAS_NUM_THREADS": "1"},
            capture_output=True,
            text=True,
            check=False,
        )

    assert ended.returncode == 0, ended.stderr
    assert int(ended.stdout.splitlines()[-1]) < FUNCTION_MB

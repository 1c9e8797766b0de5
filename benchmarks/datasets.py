"""Memory and time of data sets of 100 to 20,000 recordings, each in a separate process.

The recordings are invented (``tests/support/dataset``): two seconds of 8 kHz, each with one
utterance. So reading them costs little, and the measured memory is that of the data set. The data
sets are planned, made and joined as usual, and written to disk.

Usage: benchmarks/datasets.py [N …]
"""

import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
FORMATS = ("parquet", "kaldi", "lhotse", "webdataset", "shar")
NUMBERS = (100, 20_000)


def measure(form: str, n: int) -> None:
    """Make a data set, and print the peak of memory, the time and the bytes."""
    sys.path[:0] = [str(ROOT), str(ROOT / "tests")]
    from support.dataset import Recordings, make

    with tempfile.TemporaryDirectory() as folder:
        began = time.process_time()
        recordings = Recordings(n, seconds=2.0)
        manifest = make(Path(folder), recordings, format=form, frames="mfcc", shard_mb="20")
        took = time.process_time() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    n_bytes = sum(file["n_bytes"] for file in manifest["files"])
    utterances = sum(split["n_utterances"] for split in manifest["splits"].values())
    print(
        f"| {form} | {n:,} | {utterances:,} | {n_bytes / 1e6:,.0f} | {len(manifest['files'])} |"
        f" {peak:.0f} | {took:.1f} |",
        flush=True,
    )


def main() -> None:
    """Measure every format at every number."""
    if sys.argv[1:2] == ["measure"]:
        measure(sys.argv[2], int(sys.argv[3]))
        return
    numbers = [int(text) for text in sys.argv[1:]] or NUMBERS
    print(f"load {os.getloadavg()[0]:.1f}\n")
    print("| Format | Recordings | Utterances | MB | Files | Peak MB | CPU s |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: |", flush=True)
    for n in numbers:
        for form in FORMATS:
            command = [sys.executable, __file__, "measure", form, str(n)]
            subprocess.run(command, check=True)  # noqa: S603  # our own


if __name__ == "__main__":
    main()

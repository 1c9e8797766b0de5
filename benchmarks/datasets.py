"""Memory and time of data sets from 100 to 20,000 recordings, a process for each.

The recordings are the sample under other ids: each has an outcome of its own, and they share the
tables. So everything is read, cut and written as often as if they were different.

Usage: benchmarks/datasets.py [N …]
"""

import os
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

ROOT = Path(__file__).parents[1]
SAMPLE = ROOT / "samples" / "sample.wav"
FORMATS = ("parquet", "kaldi", "lhotse", "webdataset", "shar")
NUMBERS = (100, 1_000, 20_000)


def prepare(folder: Path, most: int) -> None:
    """Process the sample, and keep its outcome under many ids."""
    sys.path.insert(0, str(ROOT))
    import orjson

    from local.outcomes import NAME, Outcome, Outcomes

    out = folder / "out"
    command = [sys.executable, "-m", "local", "process", "--out", str(out), str(SAMPLE)]
    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)  # noqa: S603  # our own
    (kept,) = out.glob(f"*/{NAME}")
    outcomes = Outcomes(folder / "many", orjson.loads(kept.read_bytes())["made_with"])
    one = Outcomes(out, outcomes.made_with).read(kept.parent.name)
    if one is None or one.recording is None:
        raise LookupError(kept)
    for number in range(most):
        recording = replace(one.recording, id=f"talk-{number:012x}")
        outcomes.keep(Outcome(one.file, recording, outputs=one.outputs))


def measure(folder: Path, form: str, n: int) -> None:
    """Make a data set, and print the peak of memory, the time and the bytes."""
    sys.path.insert(0, str(ROOT))
    import orjson

    from chalicelib.core.datasets.parameters import DatasetParameters
    from local.datasets import make_dataset
    from local.outcomes import NAME, Outcomes

    ids = [f"talk-{number:012x}" for number in range(n)]
    first = folder / "many" / ids[0] / NAME
    outcomes = Outcomes(folder / "many", orjson.loads(first.read_bytes())["made_with"])
    began = time.process_time()
    _, manifest = make_dataset(
        ids, outcomes, DatasetParameters.parse({"format": form, "frames": "mfcc"})
    )
    took = time.process_time() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    n_bytes = sum(file["n_bytes"] for file in manifest["files"])
    utterances = sum(split["n_utterances"] for split in manifest["splits"].values())
    print(
        f"| {form} | {n:,} | {utterances:,} | {n_bytes / 1e6:,.0f} | {len(manifest['files'])} |"
        f" {peak:.0f} | {1000 * took / n:.1f} |",
        flush=True,
    )


def main() -> None:
    """Measure every format at every number."""
    if sys.argv[1:2] == ["measure"]:
        measure(Path(sys.argv[2]), sys.argv[3], int(sys.argv[4]))
        return
    numbers = [int(text) for text in sys.argv[1:]] or NUMBERS
    print(f"load {os.getloadavg()[0]:.1f}\n")
    print("| Format | Recordings | Utterances | MB | Files | Peak MB | CPU ms a recording |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: |", flush=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        prepare(folder, max(numbers))
        for n in numbers:
            for form in FORMATS:
                command = [sys.executable, __file__, "measure", name, form, str(n)]
                subprocess.run(command, check=True)  # noqa: S603  # our own


if __name__ == "__main__":
    main()

"""Fuzzes every target with hostile input, each in a separate process.

    python tests/support/fuzz/fuzz.py SECONDS [TARGET ...]

Atheris (libFuzzer) records the lines of Earshot that an input reaches, and varies the inputs that
reach new lines. It cannot see into the decoders in C. An input that makes a target fail, take more
than a minute or use more than 2 GB is kept in ``build/fuzz``.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]
KEPT = ROOT / "build" / "fuzz"
SLOW_S, LARGE_MB, LONGEST_BYTES = 60, 2048, 50_000


def fuzz(name: str, seconds: int) -> None:
    """Fuzz one target until the time is up; this ends the process."""
    import atheris  # noqa: PLC0415  # Atheris must be imported before the modules that it follows

    with atheris.instrument_imports(include=["chalicelib"]):
        from support.fuzz.targets import TARGETS  # noqa: PLC0415  # as above

    target = TARGETS[name]
    with tempfile.TemporaryDirectory() as folder:
        for number, seed in enumerate(target.seeds()):
            Path(folder, str(number)).write_bytes(seed)
        options = [
            f"-max_total_time={seconds}",
            f"-timeout={SLOW_S}",
            f"-rss_limit_mb={LARGE_MB}",
            f"-max_len={LONGEST_BYTES}",
            f"-artifact_prefix={KEPT}/{name}-",
            "-print_final_stats=1",
        ]
        atheris.Setup([sys.argv[0], *options, folder], target.feed)
        atheris.Fuzz()


def main(seconds: int, names: list[str]) -> int:
    """Divide the time among the targets; return the number of targets with a failure."""
    from support.fuzz.targets import TARGETS  # noqa: PLC0415  # as above, in each target's process

    names = names or list(TARGETS)
    KEPT.mkdir(parents=True, exist_ok=True)
    n_found = 0
    for name in names:
        print(f"{name}:", flush=True)
        share = max(1, seconds // len(names))
        log = KEPT / f"{name}.log"
        with log.open("wb") as output:
            ended = subprocess.run(
                [sys.executable, __file__, "--one", str(share), name],
                stdout=output,
                stderr=subprocess.STDOUT,
                check=False,
            )
        told = log.read_text(errors="replace").splitlines()
        counts = [line.split()[-1] for line in told if line.startswith("stat::number_of_executed")]
        print(f"  {counts[0] if counts else 'no'} inputs")
        if ended.returncode:
            n_found += 1
            print(f"  found something: {log}")
    return n_found


if __name__ == "__main__":
    if sys.argv[1] == "--one":
        fuzz(sys.argv[3], int(sys.argv[2]))
    sys.exit(main(int(sys.argv[1]), sys.argv[2:]) and 1)

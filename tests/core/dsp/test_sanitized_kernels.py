"""The kernels as plain C, under AddressSanitizer and UndefinedBehaviorSanitizer."""

import shutil
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).parent
KERNELS = HERE.parents[2] / "kernels"
SANITIZERS = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-g", "-O1"]
COMPILER = next(filter(None, map(shutil.which, ("gcc", "clang"))), None)


def build(source: Path, program: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [
            *(COMPILER, "-std=gnu11", "-Wno-psabi", *SANITIZERS, f"-I{KERNELS}"),
            *(source, "-o", program, "-lm"),
        ],
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def sanitized(tmp_path_factory):
    """Build a C program with the sanitizers, where there is a compiler that has them."""
    folder = tmp_path_factory.mktemp("sanitized")
    if COMPILER is None:
        pytest.skip("no C compiler (gcc or clang) is installed")
    trial = folder / "trial.c"
    trial.write_text("int main(void) { return 0; }\n")
    if build(trial, folder / "trial").returncode:
        pytest.skip(f"{COMPILER} has no sanitizers here")

    def run(source: Path) -> subprocess.CompletedProcess[str]:
        program = folder / source.stem
        built = build(source, program)
        assert built.returncode == 0, built.stderr
        return subprocess.run([program], capture_output=True, text=True, check=False)

    return run


@pytest.mark.slow
def test_no_kernel_reads_or_writes_beyond_its_memory_or_leaves_defined_behaviour(sanitized):
    ended = sanitized(HERE / "exercise_kernels.c")

    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "all kernels\n", "")


@pytest.mark.slow
def test_a_row_that_is_one_value_too_short_is_noticed(sanitized, tmp_path):
    source = tmp_path / "short.c"
    exercise = (HERE / "exercise_kernels.c").read_text()
    source.write_text(
        exercise.replace(".leader = malloc(n_rows *", ".leader = malloc((n_rows - 1) *")
    )

    ended = sanitized(source)

    assert "AddressSanitizer: heap-buffer-overflow" in ended.stderr

"""Build hook: compiles the C files into the wheel, for the machine in ``EARSHOT_MACHINE``.

Zig's C compiler is a wheel and compiles for every machine. No system compiler is needed, and the
same source gives the same bytes on every machine.
"""

import os
import platform
import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

GLIBC = "2.17"
# Instructions that only some processors of a machine have; `kernels_run_here` checks for them.
PROCESSORS = {"x86_64": "x86_64+avx2+fma"}


def compile_library(source: Path, library: Path, machine: str) -> None:
    """Compile the C files of a folder into a shared library."""
    library.parent.mkdir(parents=True, exist_ok=True)
    processor = PROCESSORS.get(machine, "baseline")
    subprocess.run(
        [
            *(sys.executable, "-m", "ziglang", "cc", "-std=c11", "-Wall", "-Wextra", "-Werror"),
            *("-target", f"{machine}-linux-gnu.{GLIBC}", f"-mcpu={processor}"),
            *(
                "-O3",
                "-ffp-contract=fast-honor-pragmas",
                "-shared",
                "-fPIC",
                "-s",
                "-o",
                str(library),
            ),
            *map(str, sorted(source.glob("*.c"))),
        ],
        check=True,
    )


def tag(machine: str) -> str:
    """Return the tag of a wheel with the library: every Python on this machine's Linux."""
    return f"py3-none-manylinux_{GLIBC.replace('.', '_')}_{machine}"


class CompiledHook(BuildHookInterface[Any]):
    """A build hook that adds the shared library, and the wheel's tag for its machine."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002  # hatchling's signature
        """Compile the library, and name it in ``build_data``, so that hatchling packs it."""
        machine = os.environ.get("EARSHOT_MACHINE") or platform.machine()
        library = Path(self.directory) / f"kernels-{machine}.so"
        compile_library(Path(self.root), library, machine)
        build_data["force_include"][str(library)] = "earshot_kernels/kernels.so"
        build_data["pure_python"] = False
        build_data["tag"] = tag(machine)

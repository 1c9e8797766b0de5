"""Compiles ``kernels.c`` into the wheel, for the machine that ``EARSHOT_MACHINE`` names.

Zig's C compiler comes as a wheel and knows every machine: no system compiler is needed, and the
same source is the same bytes wherever it is built.
"""

import os
import platform
import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

GLIBC = "2.17"
# What the compiler may use beyond every processor of a machine, `kernels_run_here` asks for.
PROCESSORS = {"x86_64": "x86_64+avx2+fma"}


class CompiledHook(BuildHookInterface[Any]):
    """Adds the shared library, and says which machine it is for."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002
        """Compile; hatchling packs what ``build_data`` then names."""
        machine = os.environ.get("EARSHOT_MACHINE") or platform.machine()
        processor = PROCESSORS.get(machine, "baseline")
        library = Path(self.directory) / f"kernels-{machine}.so"
        library.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run(
            [
                *(sys.executable, "-m", "ziglang", "cc", "-std=c11", "-Wall", "-Wextra", "-Werror"),
                *("-target", f"{machine}-linux-gnu.{GLIBC}", f"-mcpu={processor}"),
                *("-O3", "-ffp-contract=fast", "-shared", "-fPIC", "-s", "-o", str(library)),
                str(Path(self.root) / "kernels.c"),
            ],
            check=True,
        )
        build_data["force_include"][str(library)] = "earshot_kernels/kernels.so"
        build_data["pure_python"] = False
        build_data["tag"] = f"py3-none-manylinux_{GLIBC.replace('.', '_')}_{machine}"

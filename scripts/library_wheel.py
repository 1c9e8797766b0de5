"""Build hook of the library's wheel: all of Earshot's code as one package, with the kernels.

The deployed application imports ``chalicelib``, as every Chalice application does. Local mode
imports ``local`` and ``app``. Next to other people's packages, such names could clash with those of
another project. So the wheel has them inside ``earshot``, and changes each line that imports one:
``from chalicelib.core import keys`` becomes ``from earshot.chalicelib.core import keys``. pip
changes the packages that it contains in the same way.

On Linux the wheel holds the compiled kernels too. ``EARSHOT_KERNELS=no`` leaves them out.
"""

import ast
import importlib.util
import os
import platform
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

PACKAGE = "earshot"
MOVED = ("chalicelib", "local", "app", "scripts", "earshot_kernels")
PLACES = {  # place in the project: place in the package
    "earshot": ".",
    "chalicelib": "chalicelib",
    "local": "local",
    "app.py": "app.py",
    "cloudformation/resources.yml": "cloudformation/resources.yml",
    "samples/sample.wav": "samples/sample.wav",
}
KERNELS = "kernels/earshot_kernels"
MACHINES = ("x86_64", "aarch64")
FROM = re.compile(rf"^(\s*)from ({'|'.join(MOVED)})(?=[. ])", re.MULTILINE)
IMPORT = re.compile(rf"^(\s*)import ({'|'.join(MOVED)})(?=$|\s+as\b|\s+#)", re.MULTILINE)


class LibraryHook(BuildHookInterface[Any]):
    """A build hook that names every file of the wheel, and the wheel's tag."""

    def dependencies(self) -> list[str]:
        """Return the further needs of the build: a C compiler, which is a wheel too."""
        return ["ziglang"] if _has_kernels() else []

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Write the files into a new folder, and name them in ``build_data``."""
        if version == "editable":
            return  # the project's folder itself is put on the path
        root, made = Path(self.root), self._folder
        shutil.rmtree(made, ignore_errors=True)
        write_package(root, made)
        if _has_kernels():
            _copy(root / KERNELS, made / "earshot_kernels")
            compiler = _load(root / "kernels/hatch_build.py")
            machine = platform.machine()
            compiler.compile_library(root / "kernels", made / "earshot_kernels/kernels.so", machine)
            build_data["pure_python"] = False
            build_data["tag"] = compiler.tag(machine)
        build_data["force_include"] |= {
            str(path): f"{PACKAGE}/{path.relative_to(made)}"
            for path in sorted(made.rglob("*"))
            if path.is_file()
        }

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Remove the folder."""
        del version, build_data, artifact_path
        shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def _folder(self) -> Path:
        return Path(self.directory) / "library"


def write_package(root: Path, made: Path) -> None:
    """Write the package, without kernels, into a folder.

    Raises
    ------
    ValueError
        if a module imports a name that cannot be changed, or a module that is not in the package
    """
    for source, place in PLACES.items():
        _copy(root / source, made / place)
    for path in made.rglob("*.py"):
        for name in _imports(ast.parse(path.read_text(encoding="utf-8"))):
            top, *parts = name.split(".")
            if top == PACKAGE and parts[:1] != ["earshot_kernels"]:
                module = made.joinpath(*parts)
                if not (module.is_dir() or module.with_suffix(".py").is_file()):
                    raise ValueError(f"{path.relative_to(made)} imports {name}, not in PLACES")


def inside_the_package(source: str) -> str:
    """Return a module's source with its imports as they are inside ``earshot``.

    Raises
    ------
    ValueError
        if an import has a form that cannot be changed line by line
    """
    changed = FROM.sub(rf"\1from {PACKAGE}.\2", source)
    changed = IMPORT.sub(rf"\1from {PACKAGE} import \2", changed)
    tree = ast.parse(changed)
    left = sorted(name for name in _imports(tree) if name.partition(".")[0] in MOVED)
    if left:
        raise ValueError(f"write the import of {', '.join(left)} as `from … import …` on one line")
    named = sorted(text for text in _texts(tree) if text.startswith("chalicelib."))
    if named:
        raise ValueError(
            f"make {named[0]!r} from __name__: in the wheel the module has another name"
        )
    return changed


def _texts(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def _imports(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def _copy(source: Path, target: Path) -> None:
    paths = [path for path in source.rglob("*") if path.is_file()] if source.is_dir() else [source]
    for path in paths:
        if "__pycache__" in path.parts:
            continue
        place = target / path.relative_to(source) if source.is_dir() else target
        place.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".py":
            place.write_text(inside_the_package(path.read_text(encoding="utf-8")), encoding="utf-8")
        else:
            shutil.copyfile(path, place)


def _has_kernels() -> bool:
    is_wanted = os.environ.get("EARSHOT_KERNELS") != "no"
    return is_wanted and platform.system() == "Linux" and platform.machine() in MACHINES


def _load(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("hatch_build", path)
    if spec is None or spec.loader is None:
        raise ImportError(path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module

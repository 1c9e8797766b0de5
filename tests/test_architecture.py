"""An allowlist of imports for every folder that is deployed."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.faults.connecting import ENVIRONMENT

from scripts.library_wheel import write_package

ROOT = Path(__file__).parents[1]
# Standard modules whose results depend on the machine or the time.
IMPURE = {
    *("asyncio", "datetime", "getpass", "locale", "multiprocessing", "os", "pathlib", "platform"),
    *("random", "secrets", "select", "shutil", "signal", "socket", "subprocess", "tempfile"),
    *("threading", "time", "urllib.request", "uuid"),
}
PURE = {name for name in sys.stdlib_module_names if name not in IMPURE}
CORE = PURE | {"chalicelib", "chalicelib.errors", "chalicelib.core.keys", "orjson"}
RECORDING = {f"chalicelib.core.{name}" for name in ("recording", "results", "upload")}
TABLES = {"chalicelib.core.options", "chalicelib.core.registry"}
NUMBERS = CORE | {"numpy", "tempfile"}  # data larger than memory is spilled to disk
# Deployed folders and modules, with all their allowed imports. A name stands for itself and, if it
# is a folder, for its modules.
MAY_IMPORT = {
    "app.py": PURE
    | {"chalice", "chalicelib.api", "chalicelib.config", "chalicelib.core.keys"}
    | {"chalicelib.errors", "chalicelib.journal", "chalicelib.pipeline", "chalicelib.services"},
    "chalicelib/api": CORE
    | {"datetime", "pathlib", "chalicelib.api", "chalicelib.services", "chalicelib.core.probe"}
    | {"chalicelib.core.media_types", "chalicelib.core.recording_item", "chalicelib.core.search"}
    | RECORDING
    | {"chalicelib.core.datasets", "chalicelib.core.transcripts", "chalicelib.pipeline"},
    "chalicelib/aws": PURE
    | {"boto3", "botocore", "datetime", "orjson", "smart_open", "chalicelib.errors"}
    | {
        "chalicelib.aws",
        "chalicelib.core.keys",
        "chalicelib.core.media_types",
        "chalicelib.core.notices",
    }
    | RECORDING
    | {"chalicelib.core.recording_item", "chalicelib.core.search"},
    "chalicelib/config.py": PURE
    | {"os", "pathlib", "chalicelib.core", "chalicelib.errors", "chalicelib.variables"},
    "chalicelib/core/*.py": CORE | RECORDING,
    "chalicelib/core/audio": NUMBERS | {"av", "soundfile", "soxr", "chalicelib.core.audio"},
    "chalicelib/core/datasets": NUMBERS
    | {"pyarrow", "soundfile", "chalicelib.core.audio", "chalicelib.core.datasets"}
    | RECORDING
    | {"chalicelib.core.features", "chalicelib.core.transcripts"},
    "chalicelib/core/dsp": NUMBERS | TABLES | {"earshot_kernels", "chalicelib.core.dsp"},
    "chalicelib/core/features": NUMBERS
    | TABLES
    | {"soxr", "chalicelib.core.audio", "chalicelib.core.dsp", "chalicelib.core.features"}
    | {"chalicelib.core.pitch", "chalicelib.core.probe", "chalicelib.core.transcripts"}
    | {"chalicelib.core.voice"},
    "chalicelib/core/jobs": CORE | {"chalicelib.core.jobs", "chalicelib.core.probe"},
    "chalicelib/core/pitch": NUMBERS | {"chalicelib.core.dsp", "chalicelib.core.pitch"},
    "chalicelib/core/probe": CORE | {"chalicelib.core.audio", "chalicelib.core.probe"},
    "chalicelib/core/search": CORE | {"chalicelib.core.search", "chalicelib.core.transcripts"},
    # Moonshine reads a setting of its own from the environment, and its model from a folder.
    "chalicelib/core/speech": NUMBERS | {"os", "pathlib", "chalicelib.core.speech"},
    "chalicelib/core/transcripts": CORE | {"chalicelib.core.transcripts"},
    "chalicelib/core/voice": NUMBERS | {"chalicelib.core.dsp", "chalicelib.core.voice"},
    "chalicelib/errors.py": PURE,
    "chalicelib/journal.py": PURE | {"datetime", "chalicelib.services"},
    "chalicelib/pipeline": CORE
    | {"datetime", "chalicelib.core", "chalicelib.journal", "chalicelib.pipeline"}
    | {"chalicelib.services", "threading"},  # local mode's functions are threads of one process
    "chalicelib/variables.py": PURE,
    "chalicelib/services.py": PURE
    | {"boto3", "botocore", "datetime", "pathlib", "chalicelib.aws", "chalicelib.config"},
}
MAY_IMPORT["earshot"] = (  # the library: not deployed
    PURE
    | {"numpy", "pathlib", "os", "tempfile", "chalicelib", "chalicelib.errors", "earshot"}
    | {"chalicelib.core.dsp", "chalicelib.core.features", "chalicelib.core.registry"}
    | {"local.__main__"}
)
HEAVY = {"numpy", "pyarrow", "soundfile", "soxr", "av"}


def modules(layer: str) -> list[Path]:
    path = ROOT / layer
    return sorted(path.rglob("*.py") if path.is_dir() else ROOT.glob(layer))


def imports(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            yield from (name if _is_module(name) else node.module for name in names)


def _is_module(name: str) -> bool:
    path = ROOT / name.replace(".", "/")
    return path.is_dir() or path.with_suffix(".py").is_file() or name == "urllib.request"


@pytest.mark.parametrize("layer", MAY_IMPORT)
def test_a_layer_imports_only_what_it_may(layer):
    found = {
        f"{path.relative_to(ROOT)} imports {name}"
        for path in modules(layer)
        for name in imports(_without_types(ast.parse(path.read_text())))
        if not _is_allowed(name, MAY_IMPORT[layer])
    }

    assert found == set()


def test_every_module_that_is_deployed_is_in_a_layer():
    held = {path for layer in MAY_IMPORT for path in modules(layer)}

    assert set(modules("chalicelib")) - held == {ROOT / "chalicelib/__init__.py"}


def _is_allowed(name: str, allowed: set[str]) -> bool:
    return _is_among(name, allowed) and not _is_among(name, IMPURE - allowed)


def _is_among(name: str, names: set[str]) -> bool:
    # "chalicelib" stands for its __init__.py only; otherwise it would allow everything.
    return any(name == one or (one != "chalicelib" and name.startswith(f"{one}.")) for one in names)


def _without_types(tree: ast.Module) -> ast.Module:
    """Leave out imports for type checkers only."""
    body = [
        node
        for node in tree.body
        if not (isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test))
    ]
    return ast.Module(body=body, type_ignores=[])


def test_an_http_request_does_not_pay_for_the_signal_libraries():
    import subprocess  # noqa: PLC0415  # what is imported is only known in a fresh process

    code = "import app, sys; print(*sys.modules)"
    environment = ENVIRONMENT | {"AWS_DEFAULT_REGION": "us-east-1"}
    loaded = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()

    assert HEAVY.isdisjoint(loaded)


def test_the_library_has_every_module_that_it_imports(tmp_path):
    write_package(ROOT, tmp_path / "earshot")

    assert (tmp_path / "earshot/chalicelib/core/registry.py").is_file()


def test_one_module_alone_knows_of_the_compiled_kernels():
    knows = {
        str(path.relative_to(ROOT))
        for path in modules("chalicelib")
        if "earshot_kernels" in imports(ast.parse(path.read_text()))
    }

    assert knows == {"chalicelib/core/dsp/kernels.py"}


@pytest.mark.parametrize("path", modules("tests"), ids=lambda path: str(path.relative_to(ROOT)))
def test_nothing_is_patched_behind_a_modules_back(path):
    assert not {
        name for name in imports(ast.parse(path.read_text())) if name.endswith("mock.patch")
    }

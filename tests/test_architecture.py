"""Who may import whom: a rule worth keeping is a rule that is tested."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
AWS = {"boto3", "botocore", "chalice"}
FORBIDDEN = {
    "chalicelib/core": AWS
    | {"os", "time", "datetime", "random", "uuid", "librosa", "local"}
    | {"chalicelib.aws", "chalicelib.pipeline", "chalicelib.services", "chalicelib.config"},
    "chalicelib/aws": {"chalice", "numpy", "librosa", "local", "chalicelib.pipeline"}
    | {"chalicelib.services", "chalicelib.config"},
    "chalicelib/pipeline": AWS | {"chalicelib.aws", "local"},
    "chalicelib/api": AWS | {"chalicelib.aws", "local"},
    "chalicelib/services.py": {"chalice", "chalicelib.pipeline", "local"},
    "app.py": {"boto3", "botocore", "librosa", "local"},
}
HEAVY = {"numpy", "soundfile", "soxr", "av"}


def modules(folder: str) -> list[Path]:
    path = ROOT / folder
    return [path] if path.is_file() else sorted(path.rglob("*.py"))


def imports(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("folder", FORBIDDEN)
def test_a_layer_imports_only_what_it_may(folder):
    found = {
        f"{path.relative_to(ROOT)} imports {name}"
        for path in modules(folder)
        for name in imports(_without_types(ast.parse(path.read_text())))
        for forbidden in FORBIDDEN[folder]
        if name == forbidden or name.startswith(f"{forbidden}.")
    }

    assert found == set()


def _without_types(tree: ast.Module) -> ast.Module:
    """Leave out what only a type checker imports."""
    body = [
        node
        for node in tree.body
        if not (isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test))
    ]
    return ast.Module(body=body, type_ignores=[])


def test_an_http_request_does_not_pay_for_the_signal_libraries():
    import subprocess  # noqa: PLC0415  # what is imported is only known in a fresh process
    import sys  # noqa: PLC0415

    code = "import app, sys; print(*sys.modules)"
    environment = {
        "MEDIA_BUCKET_NAME": "media",
        "METADATA_TABLE_NAME": "metadata",
        "SEARCH_TABLE_NAME": "search",
        "FEATURES_QUEUE_URL": "https://queues.example/1/features",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    loaded = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()

    assert HEAVY.isdisjoint(loaded)


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

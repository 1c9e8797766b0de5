"""The wheel of ``pip install .`` holds all of Earshot under one name, and gives its numbers."""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from support.running import ROOT, SAMPLE

import earshot
from scripts.library_wheel import inside_the_package

PROGRAM = """
import importlib.util, json, sys
import numpy as np
import earshot

found = earshot.extract(sys.argv[1], "mfcc,energy,pitch")
np.savez(sys.argv[2], times=found.times, **found)
print(json.dumps({
    "kernels": found.summary.versions["kernels"],
    "from": earshot.__file__,
    "packages": [name for name in ("boto3", "chalice", "librosa", "scipy", "chalicelib", "local")
                 if importlib.util.find_spec(name)],
}))
"""


@pytest.mark.parametrize(
    ("line", "changed"),
    [
        ("from chalicelib.core import keys\n", "from earshot.chalicelib.core import keys\n"),
        ("if 1:\n    from local import stack\n", "if 1:\n    from earshot.local import stack\n"),
        ("import chalicelib\n", "from earshot import chalicelib\n"),
        ("import earshot_kernels  # one\n", "from earshot import earshot_kernels  # one\n"),
        ("from chalice import Chalice\n", "from chalice import Chalice\n"),
        ("from earshot.features import extract\n", "from earshot.features import extract\n"),
        ("import application\n", "import application\n"),
    ],
)
def test_an_import_is_changed_to_where_the_package_has_it(line, changed):
    assert inside_the_package(line) == changed


@pytest.mark.parametrize("line", ["import chalicelib.core.keys\n", "import os, local\n"])
def test_an_import_that_cannot_be_changed_is_refused(line):
    with pytest.raises(ValueError, match=r"write the import of (chalicelib.core.keys|local) as"):
        inside_the_package(line)


def test_a_module_that_is_named_in_a_text_is_refused():
    with pytest.raises(ValueError, match=r"make 'chalicelib.core.' from __name__"):
        inside_the_package('name = f"chalicelib.core.{name}"\n')


@pytest.fixture(scope="module")
def wheels(tmp_path_factory) -> dict[str, Path]:
    """The wheel with compiled kernels, and the wheel without."""
    made = {}
    for name, variables in {"kernels": {}, "numpy": {"EARSHOT_KERNELS": "no"}}.items():
        folder = tmp_path_factory.mktemp(name)
        subprocess.run(
            [
                *(sys.executable, "-m", "pip", "wheel", "--quiet", "--disable-pip-version-check"),
                *("--no-build-isolation", "--no-deps", "--wheel-dir", folder, ROOT),
            ],
            check=True,
            env=os.environ | variables,
        )
        (made[name],) = folder.glob("*.whl")
    return made


@pytest.mark.slow
def test_the_wheel_puts_one_name_among_the_installed_packages(wheels):
    for wheel in wheels.values():
        names = zipfile.ZipFile(wheel).namelist()
        assert {name.partition("/")[0] for name in names} == {
            "earshot",
            f"earshot-{earshot.__version__}.dist-info",
        }
        assert "earshot/py.typed" in names
    assert wheels["numpy"].name.endswith("-py3-none-any.whl")


@pytest.mark.slow
def test_a_fresh_environment_measures_with_no_aws_package(wheels, tmp_path):
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "venv"], check=True)
    python = tmp_path / "venv/bin/python"
    install = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    pipeline = earshot.extract(SAMPLE)
    for name, wheel in wheels.items():
        subprocess.run([*install, "--force-reinstall", "--no-deps", wheel], check=True)
        subprocess.run([*install, wheel], check=True)

        said = subprocess.check_output(
            [python, "-c", PROGRAM, SAMPLE, tmp_path / "found.npz"], cwd=tmp_path, text=True
        )

        told = json.loads(said)
        assert told["packages"] == []
        assert told["from"].startswith(str(tmp_path / "venv"))
        # A machine without AVX2 computes with numpy in both.
        assert told["kernels"] == (
            pipeline.summary.versions["kernels"] if name == "kernels" else None
        )
        with np.load(tmp_path / "found.npz") as found:
            assert found.keys() == pipeline.keys() | {"times"}
            for array, values in pipeline.items():
                np.testing.assert_allclose(found[array], values, rtol=0, atol=1e-4)
    command = tmp_path / "venv/bin/earshot"
    subprocess.run([command, "features", SAMPLE, "--out", tmp_path / "out"], check=True)
    assert (tmp_path / "out/sample/pitch.csv").read_text().count("\n") == 257
    refused = subprocess.run(
        [command, "process", SAMPLE], capture_output=True, text=True, check=False
    )
    assert refused.returncode == 2
    assert "pip install '.[local]'" in refused.stderr


@pytest.mark.slow
def test_the_wheel_runs_local_mode_from_its_own_files(wheels, tmp_path):
    unpacked = tmp_path / "unpacked"
    zipfile.ZipFile(wheels["kernels"]).extractall(unpacked)
    environment = os.environ | {"PYTHONPATH": str(unpacked)}

    done = subprocess.run(
        [sys.executable, "-m", "earshot", "process", "--json", "--out", tmp_path / "out", SAMPLE],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    outcome = json.loads(done.stdout)
    assert outcome["statuses"]["transcription"] == "COMPLETED"
    assert Path(outcome["outputs"]["words"]).is_file()

"""A package that is incomplete or too large stops the build."""

import shutil
import zipfile
from pathlib import Path

import pytest
from support.deploy.wheel_files import write_wheel

from scripts import archive, package, wheels
from scripts.console import DeploymentError

MIB = 2**20
KERNELS = Path(__file__).parents[2] / "kernels"


def layer(folder: Path, *packages: tuple[str, str, str]) -> Path:
    path = folder / "layer.zip"
    with zipfile.ZipFile(path, "w") as zipped:
        for name, version, tag in packages:
            zipped.writestr(f"python/{name}-{version}.dist-info/WHEEL", f"Tag: cp312-cp312-{tag}\n")
    return path


def test_a_package_that_was_left_out_stops_the_build(tmp_path):
    (tmp_path / "requirements.txt").write_text("numpy==2.0  # arrays\nsmart-open==7.0\n")
    path = layer(tmp_path, ("smart_open", "7.0", "any"))

    with pytest.raises(DeploymentError, match=r"numpy 2\.0 is not in the package"):
        archive.check_packages(path, tmp_path / "requirements.txt", "x86_64")


def test_a_wheel_for_another_machine_stops_the_build(tmp_path):
    (tmp_path / "requirements.txt").write_text("numpy==2.0\n")
    path = layer(tmp_path, ("numpy", "2.0", "manylinux_2_17_aarch64"))

    with pytest.raises(DeploymentError, match="not x86_64"):
        archive.check_packages(path, tmp_path / "requirements.txt", "x86_64")
    archive.check_packages(path, tmp_path / "requirements.txt", "arm64")


def test_a_package_that_lambda_would_refuse_stops_the_build(tmp_path):
    function, media = tmp_path / "function.zip", tmp_path / "media.zip"
    for path, n_mib in ((function, 1), (media, 280)):
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as zipped:
            zipped.writestr("data", bytes(n_mib * MIB))
    built = package.Package(function, None)

    layers = {"media": media, "speech": function, "model": function}
    with pytest.raises(DeploymentError, match="api_handler and its layers would unpack to 281"):
        package.check(built, layers, tmp_path, "x86_64")
    with media.open("ab") as padded:
        padded.truncate(51 * MIB)
    with pytest.raises(DeploymentError, match="layer media has 51"):
        package.check(built, layers, tmp_path, "x86_64")


def test_the_same_packages_give_the_same_archive(tmp_path):
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "module.py").write_text("ANSWER = 42\n")
        archive.compile_packages(tmp_path / folder)
        archive.write_zip(tmp_path / folder, tmp_path / f"{folder}.zip")

    assert archive.digest(tmp_path / "one.zip") == archive.digest(tmp_path / "two.zip")


def test_a_wheel_with_another_hash_than_the_locked_one_stops_the_build(tmp_path):
    wheel = write_wheel(tmp_path, "tiny", "1.0", {"tiny.py": "ANSWER = 42\n"})
    lock = tmp_path / "requirements.txt"
    lock.write_text(f"tiny @ {wheel.as_uri()} --hash=sha256:{'0' * 64}\n")

    with pytest.raises(DeploymentError, match="DO NOT MATCH THE HASHES"):
        wheels.install(lock, tmp_path / "target", "x86_64")


def test_a_layer_that_plain_chalice_built_is_built_again(built, tmp_path):
    project = shutil.copytree(built, tmp_path / "project")
    layer = package.build(project, "x86_64").requirements
    with zipfile.ZipFile(layer, "w") as zipped:
        zipped.writestr("python/changed.py", "")

    package.build(project, "x86_64")

    with zipfile.ZipFile(layer) as zipped:
        assert not any("changed" in name for name in zipped.namelist())


@pytest.mark.parametrize(
    ("architecture", "elf_machine"), [("x86_64", 62), ("arm64", 183)], ids=["x86_64", "arm64"]
)
def test_the_kernels_compile_to_the_same_bytes_each_time_for_lambdas_processor(
    architecture, elf_machine, tmp_path
):
    for folder in ("one", "two"):
        wheels.compile_package(KERNELS, tmp_path / folder, architecture)

    libraries = [(tmp_path / name / "earshot_kernels/kernels.so") for name in ("one", "two")]
    one, two = (path.read_bytes() for path in libraries)
    assert int.from_bytes(one[18:20], "little") == elf_machine
    assert one == two


def test_kernels_that_do_not_compile_stop_the_build(tmp_path):
    shutil.copytree(KERNELS, tmp_path / "kernels")
    (tmp_path / "kernels/kernels.c").write_text("int kernels_run_here(void) { return wrong; }\n")

    with pytest.raises(DeploymentError, match=r"(?s)kernels cannot be compiled.*'wrong'"):
        wheels.compile_package(tmp_path / "kernels", tmp_path / "layer", "x86_64")

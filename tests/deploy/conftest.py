"""An empty AWS account, and a small project to deploy into it."""

import hashlib
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.deploy.command import deploy
from support.deploy.double import Double, Kept
from support.deploy.wheel_files import write_wheel

from scripts import build_layer, package

ROOT = Path(__file__).parents[2]
COPIED = ("app.py", "chalicelib", "cloudformation", "kernels", ".chalice/config.json")


@pytest.fixture(scope="session")
def double() -> Iterator[Double]:
    double = Double()
    yield double
    double.stop()


@pytest.fixture
def aws(double: Double, monkeypatch: pytest.MonkeyPatch) -> Double:
    """An empty account, for every AWS client of the test and its processes."""
    enter(double, monkeypatch)
    double.reset()
    return double


def enter(double: Double, monkeypatch: pytest.MonkeyPatch) -> None:
    variables = {
        "AWS_ENDPOINT_URL": double.url,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The application with packages that need no network; other tests check the packages."""
    folder = tmp_path_factory.mktemp("built") / "project"
    (folder / ".chalice").mkdir(parents=True)
    for name in COPIED:
        source = ROOT / name
        copy = shutil.copytree if source.is_dir() else shutil.copyfile
        copy(source, folder / name)
    for policy in (ROOT / ".chalice").glob("policy-*.json"):
        shutil.copyfile(policy, folder / ".chalice" / policy.name)
    (folder / "vendor").mkdir()
    (folder / "vendor" / "vendored.py").write_text("ANSWER = 42\n")
    (folder / "requirements.txt").write_text("")
    (folder / "requirements").mkdir()
    contents = {"tiny.py": "ANSWER = 42\n", "moonshine_voice/assets/tiny-en/tokenizer.bin": "en"}
    for lock, name in (("media", "tiny"), ("speech", "small")):
        wheel = write_wheel(folder, name, "1.0", contents)
        mark = hashlib.sha256(wheel.read_bytes()).hexdigest()
        (folder / f"requirements/{lock}.txt").write_text(
            f"{name} @ {wheel.as_uri()} --hash=sha256:{mark}\n"
        )
    package.build(folder, "x86_64")
    build_layer.build(folder, "x86_64")
    return folder


@pytest.fixture
def project(tmp_path: Path, built: Path, aws: Double) -> Path:  # noqa: ARG001  # no other account
    """A copy of the application to deploy from."""
    return Path(shutil.copytree(built, tmp_path / "project"))


@pytest.fixture(scope="session")
def stage(
    built: Path, double: Double, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Kept]:
    """The folder and the account after a deployment, which is made once."""
    project = Path(shutil.copytree(built, tmp_path_factory.mktemp("deployed") / "project"))
    with pytest.MonkeyPatch.context() as patch:
        enter(double, patch)
        double.reset()
        assert deploy(project) == 0
    return project, double.keep()


@pytest.fixture
def deployed(stage: tuple[Path, Kept], tmp_path: Path, aws: Double) -> Path:
    """A copy of the application, whose stage ``dev`` is deployed."""
    project, account = stage
    aws.reset_to(account)
    return Path(shutil.copytree(project, tmp_path / "project"))

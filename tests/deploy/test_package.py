"""The uploaded archives run, unpacked as in Lambda, under Lambda's runtime client."""

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import boto3
import pytest
from support import video
from support.deploy import calls
from support.deploy.double import Double
from support.deploy.lambda_runtime import Function, as_anyone, unpack
from support.deploy.packaged import deployed
from support.media import CODECS, convert, wav
from support.running import SAMPLE

from chalicelib.core.recording import UNFINISHED
from chalicelib.core.recording_item import flat
from local import stack
from local.api_gateway import LOCAL_USER
from scripts import archive, package
from scripts.record_outputs import LAYERS

ROOT = Path(__file__).parents[2]
LATE = "uploads/alice/a talk.wav"
RUNTIMES = ("python3.13", "python3.12")
BUILD = """
import json, sys; from pathlib import Path; from scripts import package, build_layer
project, machine = Path(sys.argv[1]), sys.argv[2]
built, layers = package.build(project, machine), build_layer.build(project, machine)
package.check(built, layers, project, machine)
print(json.dumps({"function": str(built.function), "requirements": str(built.requirements),
    **{name: str(path) for name, path in layers.items()}}))
"""

pytestmark = pytest.mark.filterwarnings("ignore:Tried to parse AWS")


@pytest.fixture(scope="module")
def runtime() -> str:
    """A Python that Lambda has and that Earshot deploys for."""
    for name in RUNTIMES:
        path = shutil.which(name)
        if (
            path
            and subprocess.run([path, "-c", ""], capture_output=True, check=False).returncode == 0
        ):
            return path
    pytest.skip(f"needs one of {', '.join(RUNTIMES)} on the PATH")


def environment(folder: Path, python: str, lock: str) -> Path:
    subprocess.run([python, "-m", "venv", "--without-pip", folder], check=True)
    found = folder / "bin/python"
    pip = [sys.executable, "-m", "pip", "--python", found, "--disable-pip-version-check"]
    options = ["--quiet", "--no-compile", "--require-hashes", "--requirement"]
    subprocess.run([*pip, "install", *options, ROOT / "requirements" / lock], check=True)
    return found


@pytest.fixture(scope="module")
def builder(runtime, tmp_path_factory) -> Path:
    return environment(tmp_path_factory.mktemp("builder") / "venv", runtime, "deploy.txt")


def project_in(folder: Path) -> Path:
    """Return a copy of the archives' sources."""
    for name in ("chalicelib", "cloudformation", "kernels"):
        shutil.copytree(ROOT / name, folder / name)
    (folder / ".chalice").mkdir()
    (folder / "requirements").mkdir()
    locks = ("requirements.txt", "requirements/media.txt", "requirements/speech.txt")
    for name in ("app.py", *locks, ".chalice/config.json"):
        shutil.copyfile(ROOT / name, folder / name)
    for policy in (ROOT / ".chalice").glob("policy-*.json"):
        shutil.copyfile(policy, folder / ".chalice" / policy.name)
    return folder


def build(python: Path, folder: Path, machine: str) -> dict[str, Path]:
    """Return the archives of the functions, of their requirements and of the other layers."""
    project_in(folder)
    done = subprocess.run(
        [python, "-c", BUILD, folder, machine],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return {name: Path(path) for name, path in json.loads(done.stdout).items()}


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> Path:
    """The folder in which the archives are built."""
    return tmp_path_factory.mktemp("build")


@pytest.fixture(scope="module")
def archives(builder, built) -> dict[str, Path]:
    return build(builder, built, "x86_64")


@pytest.fixture(scope="module")
def unpacked(archives, tmp_path_factory) -> dict[str, Path]:
    """The archives unpacked; the two of the recogniser into one folder, as in Lambda's ``/opt``."""
    parent = tmp_path_factory.mktemp("opt")
    folders = {name: parent / ("speech" if name == "model" else name) for name in archives}
    for name, path in archives.items():
        unpack(path, folders[name])
    return folders


@pytest.fixture(scope="module")
def lambdas_python(runtime, tmp_path_factory) -> Path:
    """Lambda's own packages: its runtime client and boto3."""
    return environment(tmp_path_factory.mktemp("runtime") / "venv", runtime, "runtime.txt")


@pytest.fixture
def function(unpacked, lambdas_python, aws: Double, monkeypatch):  # noqa: ARG001  # an empty account
    """Make any of the functions, given its name and its environment."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    # The settings of a deployment are restored with the rest.
    for name in stack.CREDENTIALS | {"AWS_ENDPOINT_URL": ""}:
        monkeypatch.setenv(name, "")
    config = json.loads((ROOT / ".chalice/config.json").read_text())

    def make(name: str, environment: dict[str, str]) -> Function:
        settings = config["lambda_functions"].get(name, {})
        layers = [unpacked[layer] for layer in ("requirements", *LAYERS.get(name, ()))]
        return Function(
            handler="app.app" if name == "api_handler" else f"app.{name}",
            code=unpacked["function"],
            layers=tuple(dict.fromkeys(layers)),
            memory_mb=settings.get("lambda_memory_size", config["lambda_memory_size"]),
            python=lambdas_python,
            environment=environment,
        )

    return make


def listing(folders: dict[str, Path]) -> dict[Path, int]:
    return {path: path.stat().st_size for folder in folders.values() for path in folder.rglob("*")}


def request(path: str, body: dict[str, str] | None = None, **parameters: str) -> dict:
    """Return an administrator's request in API Gateway's form: a POST if it has a body."""
    caller = {"userArn": LOCAL_USER}
    return {
        "requestContext": {
            "httpMethod": "POST" if body else "GET",
            "resourcePath": path,
            "path": path.format(**parameters),
            "identity": caller,
        },
        "headers": {"content-type": "application/json"} if body else {},
        "multiValueQueryStringParameters": None,
        "pathParameters": parameters,
        "stageVariables": None,
        "body": json.dumps(body) if body else None,
        "isBase64Encoded": False,
    }


def cw_event(detail: dict) -> dict:
    return {
        "version": "0",
        "account": "123456789012",
        "region": "us-east-1",
        "detail": detail,
        "detail-type": "Transcribe Job State Change",
        "source": "aws.transcribe",
        "time": "2024-01-01T00:00:00Z",
        "id": "7bf73129-1428-4cd3-a780-95db273d1602",
        "resources": [],
    }


@pytest.mark.slow
def test_an_upload_of_each_format_goes_through_every_function_of_the_package(
    function, unpacked, tmp_path
):
    """Let uploads and finished jobs call the functions, as in AWS."""
    source = tmp_path / "source.wav"
    source.write_bytes(wav(3.0))
    uploads = {f"uploads/alice/a talk.{name}": convert(source, name) for name in CODECS}
    uploads["uploads/alice/a film.mov"] = video.make("mov")
    uploads["uploads/alice/nothing.wav"] = wav(0.2)
    by_earshot = {f"uploads/bob/heard here.{name}": convert(SAMPLE, name) for name in CODECS}
    uploads |= by_earshot
    before = listing(unpacked)
    with deployed(function, sorted(calls.deployed_functions())) as deployment:
        services, s3 = deployment.services, boto3.client("s3")
        for key, body in uploads.items():
            own = {"transcriber": "earshot"} if key in by_earshot else {}
            s3.put_object(Bucket=services.media.bucket, Key=key, Body=body, Metadata=own)
        ids = {key: services.media.find(key).recording_id for key in uploads}

        def settled() -> dict[str, str] | None:
            found = {key: services.recordings.find(ids[key]) for key in uploads}
            if any(one is None or one.status in UNFINISHED for one in found.values()):
                return None
            return {key: str(one.status) for key, one in found.items()}

        statuses = deployment.wait(settled)
        listed = deployment.invoke("api_handler", request("/recordings"))
        asked = {"name": "talks", "owner": "alice", "format": "kaldi"}
        deployment.invoke("api_handler", request("/datasets", asked))

        def made() -> dict | None:
            shown = deployment.invoke("api_handler", request("/datasets/{name}", name="talks"))
            found = json.loads(shown["body"])
            return None if found["status"] in UNFINISHED else found

        talks = deployment.wait(made)
        late_job = services.recordings.get(ids[LATE]).transcription.job_id
        deployment.invoke(
            "record_transcription_state", cw_event({"TranscriptionJobName": late_job})
        )
        heard = [services.recordings.get(ids[key]).transcript for key in by_earshot]
        film = services.recordings.get(ids["uploads/alice/a film.mov"])
        summary = s3.get_object(
            Bucket=services.media.bucket, Key=f"features/{ids[LATE]}/features.json"
        )
        versions = json.loads(summary["Body"].read())["versions"]
        s3.delete_object(Bucket=services.media.bucket, Key=LATE)
        deployment.wait(lambda: not services.recordings.find(ids[LATE]))

    assert statuses == dict.fromkeys(uploads, "COMPLETED") | {"uploads/alice/nothing.wav": "FAILED"}
    assert len(json.loads(listed["body"])["recordings"]) == len(uploads)
    assert flat(film)["rendition_files"].keys() >= {"web", "audio", "poster"}
    assert versions["kernels"]
    assert {one.heard_by for one in heard} == {"moonshine 0.1.0, tiny-en"}
    n_words = len(SAMPLE.with_suffix(".txt").read_text().split())
    assert all(abs(one.word_count - n_words) <= 2 for one in heard)
    assert (talks["status"], talks["reason"]) == ("COMPLETED", None)
    assert deployment.invoked == calls.deployed_functions().keys()
    assert listing(unpacked) == before


@pytest.mark.slow
def test_the_packages_are_unpacked_into_a_read_only_folder(unpacked, lambdas_python):
    """Check this, because otherwise the test above would not show that they run in Lambda."""
    for folder in unpacked.values():
        command = [*as_anyone(), lambdas_python, "-c", "open('new', 'w')"]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)

        assert "Permission denied" in done.stderr


@pytest.mark.slow
def test_the_packages_are_well_under_the_limits_and_compiled(archives):
    sizes = {name: path.stat().st_size for name, path in archives.items()}
    unzipped = {name: archive.unzipped_bytes(path) for name, path in archives.items()}

    assert sizes["function"] < package.FUNCTION_LIMIT
    assert sizes["requirements"] < package.LAYER_LIMIT
    for names in LAYERS.values():
        assert all(sizes[name] < package.ZIPPED_LIMIT for name in names)
        parts = ("function", "requirements", *names)
        assert sum(unzipped[name] for name in parts) < package.UNZIPPED_LIMIT
    for name in archives.keys() - {"function", "model"}:
        with zipfile.ZipFile(archives[name]) as zipped:
            assert any(name.endswith(".pyc") for name in zipped.namelist())


@pytest.mark.slow
@pytest.mark.usefixtures("archives")
def test_the_package_is_written_without_credentials(builder, built, tmp_path):
    """Run the command where the packages are built: 34 MB are FFmpeg's, 54 the recogniser's."""
    out = tmp_path / "out"
    clean = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}

    done = subprocess.run(
        [builder, "-m", "scripts.hand_over", "dev", "--out", out],
        cwd=built,
        env=clean | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, "")
    sizes = json.loads((out / "manifest.json").read_text())["archives"]
    assert sizes["function.zip"]["bytes"] < package.FUNCTION_LIMIT
    assert sizes["requirements-layer.zip"]["bytes"] < package.LAYER_LIMIT
    assert sizes["media-layer.zip"]["bytes"] < package.ZIPPED_LIMIT
    assert sum(archive["bytes"] for archive in sizes.values()) < 120 * package.MIB


@pytest.mark.slow
def test_the_packages_can_be_built_for_arm(builder, tmp_path):
    archives = build(builder, tmp_path, "arm64")

    for layer in ("media", "speech"):
        with zipfile.ZipFile(archives[layer]) as zipped:
            machines = {
                int.from_bytes(zipped.read(name)[18:20], "little")
                for name in zipped.namelist()
                if name.endswith(".so")
            }
        assert machines == {183}  # EM_AARCH64 in the ELF header

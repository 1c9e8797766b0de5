"""What is uploaded runs: the very archives, unpacked as in Lambda, under Lambda's own client."""

import json
import shutil
import subprocess
import zipfile
from pathlib import Path
from urllib.parse import quote_plus

import boto3
import pytest
from double import Double
from lambda_runtime import Function, running
from media import CODECS, convert, wav
from wheel_files import write_wheel

from chalicelib.core import keys
from chalicelib.services import connect
from chalicelib.services import services as connected
from local import stack
from scripts import archive, package, wheels
from scripts.console import DeploymentError

ROOT = Path(__file__).parents[2]
MIB = 2**20
RUNTIMES = ("python3.13", "python3.12")
BUILD = """
import sys; from pathlib import Path; from scripts import package, build_layer
project, machine = Path(sys.argv[1]), sys.argv[2]
built, media = package.build(project, machine), build_layer.build(project, machine)
package.check(built, media, project, machine)
print(built.function, built.requirements, media, sep="\\n")
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
    subprocess.run([python, "-m", "venv", folder], check=True)
    found = folder / "bin/python"
    command = [found, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*command, "--require-hashes", "-r", ROOT / "requirements" / lock], check=True)
    return found


@pytest.fixture(scope="module")
def builder(runtime, tmp_path_factory) -> Path:
    return environment(tmp_path_factory.mktemp("builder") / "venv", runtime, "deploy.txt")


def build(python: Path, folder: Path, machine: str) -> list[Path]:
    """Return the archives of the functions, of their requirements and of the media layer."""
    shutil.copytree(ROOT / "chalicelib", folder / "chalicelib")
    (folder / ".chalice").mkdir()
    (folder / "requirements").mkdir()
    for name in ("app.py", "requirements.txt", "requirements/media.txt", ".chalice/config.json"):
        shutil.copyfile(ROOT / name, folder / name)
    for policy in (ROOT / ".chalice").glob("policy-*.json"):
        shutil.copyfile(policy, folder / ".chalice" / policy.name)
    done = subprocess.run(
        [python, "-c", BUILD, folder, machine],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return [Path(line) for line in done.stdout.splitlines()]


@pytest.fixture(scope="module")
def archives(builder, tmp_path_factory) -> list[Path]:
    return build(builder, tmp_path_factory.mktemp("build"), "x86_64")


@pytest.fixture(scope="module")
def unpacked(archives, tmp_path_factory) -> list[Path]:
    folders = []
    for path in archives:
        folders.append(tmp_path_factory.mktemp("opt") / path.stem)
        with zipfile.ZipFile(path) as zipped:
            zipped.extractall(folders[-1])
    return folders


@pytest.fixture(scope="module")
def lambdas_python(runtime, tmp_path_factory) -> Path:
    """What Lambda has beside the function: its runtime client and boto3."""
    return environment(tmp_path_factory.mktemp("runtime") / "venv", runtime, "runtime.txt")


@pytest.fixture
def function(unpacked, lambdas_python, aws: Double, monkeypatch):
    """Make any of the functions, connected to a stack of the template."""
    variables = stack.create() | {"AWS_ENDPOINT_URL": aws.url} | stack.CREDENTIALS
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    connected.cache_clear()
    config = json.loads((ROOT / ".chalice/config.json").read_text())

    def make(name: str) -> Function:
        settings = config["lambda_functions"].get(name, {})
        layers = unpacked[1:] if name == "extract_features" else unpacked[1:2]
        return Function(
            handler="app.app" if name == "api_handler" else f"app.{name}",
            code=unpacked[0],
            layers=tuple(layers),
            memory_mb=settings.get("lambda_memory_size", config["lambda_memory_size"]),
            python=lambdas_python,
            environment=variables,
        )

    return make


def listing(folders: list[Path]) -> dict[Path, int]:
    return {path: path.stat().st_size for folder in folders for path in folder.rglob("*")}


def s3_event(bucket: str, key: str) -> dict:
    return {"Records": [{"s3": {"bucket": {"name": bucket}, "object": {"key": quote_plus(key)}}}]}


def request(path: str, **parameters: str) -> dict:
    """Return a request as API Gateway hands it on."""
    return {
        "requestContext": {"httpMethod": "GET", "resourcePath": path, "path": path},
        "headers": {},
        "multiValueQueryStringParameters": None,
        "pathParameters": parameters,
        "stageVariables": None,
        "body": None,
        "isBase64Encoded": False,
    }


@pytest.mark.slow
def test_an_upload_of_each_format_goes_through_every_function_of_the_package(
    function, unpacked, tmp_path
):
    source = tmp_path / "source.wav"
    source.write_bytes(wav(3.0))
    before = listing(unpacked)
    services = connect(connected().settings)
    bucket, s3 = services.media.bucket, boto3.client("s3")
    ids = {}
    with running(function("receive_upload")) as api:
        for extension in CODECS:
            key = f"uploads/alice/a talk.{extension}"
            s3.put_object(Bucket=bucket, Key=key, Body=convert(source, extension))
            api.invoke(s3_event(bucket, key))
            ids[extension] = services.media.find(key).recording_id
    with running(function("extract_features")) as api:
        for recording_id in ids.values():
            body = json.dumps({"recording_id": recording_id})
            api.invoke({"Records": [{"body": body, "receiptHandle": "r"}]})
    with running(function("store_transcript")) as api:
        for recording_id in ids.values():
            key = keys.transcript(recording_id)
            document = b'{"results": {"transcripts": [{"transcript": "Hi"}], "items": []}}'
            s3.put_object(Bucket=bucket, Key=key, Body=document)
            api.invoke(s3_event(bucket, key))
    with running(function("record_transcription_state")) as api:
        detail = {"TranscriptionJobName": ids["wav"], "TranscriptionJobStatus": "FAILED"}
        api.invoke(cw_event(detail))
    with running(function("api_handler")) as api:
        listed = json.loads(api.invoke(request("/recordings"))["body"])["recordings"]
        shown = api.invoke(request("/recordings/{recording_id}", recording_id=ids["amr"]))
    with running(function("remove_recording")) as api:
        s3.delete_object(Bucket=bucket, Key="uploads/alice/a talk.wav")
        api.invoke(s3_event(bucket, "uploads/alice/a talk.wav"))

    assert {one["recording_id"]: one["status"] for one in listed} == dict.fromkeys(
        ids.values(), "COMPLETED"
    )
    assert json.loads(shown["body"])["n_frames"] > 100
    assert services.recordings.find(ids["wav"]) is None
    assert listing(unpacked) == before, "Lambda's file system is read-only"


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
def test_the_packages_are_well_under_the_limits_and_compiled(archives):
    sizes = [path.stat().st_size for path in archives]
    unzipped = sum(archive.unzipped_bytes(path) for path in archives)

    assert sizes[0] < package.FUNCTION_LIMIT
    assert sizes[1] < package.LAYER_LIMIT
    assert sizes[2] < package.ZIPPED_LIMIT
    assert unzipped < package.UNZIPPED_LIMIT
    for path in archives[1:]:
        with zipfile.ZipFile(path) as zipped:
            assert any(name.endswith(".pyc") for name in zipped.namelist())


def test_a_wheel_that_is_not_the_one_that_was_locked_stops_the_build(tmp_path):
    wheel = write_wheel(tmp_path, "tiny", "1.0", {"tiny.py": "ANSWER = 42\n"})
    lock = tmp_path / "requirements.txt"
    lock.write_text(f"tiny @ {wheel.as_uri()} --hash=sha256:{'0' * 64}\n")

    with pytest.raises(DeploymentError, match="DO NOT MATCH THE HASHES"):
        wheels.install(lock, tmp_path / "target", "x86_64")


def test_a_layer_that_chalice_built_alone_is_built_anew(built, tmp_path):
    project = shutil.copytree(built, tmp_path / "project")
    layer = package.build(project, "x86_64").requirements
    with zipfile.ZipFile(layer, "w") as zipped:
        zipped.writestr("python/changed.py", "")

    package.build(project, "x86_64")

    with zipfile.ZipFile(layer) as zipped:
        assert not any("changed" in name for name in zipped.namelist())


@pytest.mark.slow
def test_the_packages_can_be_built_for_arm(builder, tmp_path):
    archives = build(builder, tmp_path, "arm64")

    with zipfile.ZipFile(archives[2]) as zipped:
        machines = {
            int.from_bytes(zipped.read(name)[18:20], "little")
            for name in zipped.namelist()
            if name.endswith(".so")
        }
    assert machines == {183}  # EM_AARCH64 in the ELF header


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


def test_what_lambda_would_refuse_stops_the_build(tmp_path):
    function, media = tmp_path / "function.zip", tmp_path / "media.zip"
    for path, n_mib in ((function, 1), (media, 280)):
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as zipped:
            zipped.writestr("data", bytes(n_mib * MIB))
    built = package.Package(function, None)

    with pytest.raises(DeploymentError, match="unpack to 281 MB"):
        package.check(built, media, tmp_path, "x86_64")
    with media.open("ab") as padded:
        padded.truncate(51 * MIB)
    with pytest.raises(DeploymentError, match="media layer is 51"):
        package.check(built, media, tmp_path, "x86_64")


def test_the_same_packages_give_the_same_archive(tmp_path):
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "module.py").write_text("ANSWER = 42\n")
        archive.compile_packages(tmp_path / folder)
        archive.write_zip(tmp_path / folder, tmp_path / f"{folder}.zip")

    assert archive.digest(tmp_path / "one.zip") == archive.digest(tmp_path / "two.zip")

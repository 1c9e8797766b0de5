"""Earshot deployed to MiniStack, as `make deploy` deploys it to AWS."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from support.running import CREDENTIALS, ROOT, Stage
from support.stand_ins import environment, ministack

COPIED = (
    *("app.py", "chalicelib", "cloudformation", "kernels"),
    *("requirements.txt", "requirements/media.txt", "requirements/speech.txt"),
)
BUCKET = "earshot-dev-media-000000000000-us-east-1"
METADATA_TABLE = "earshot-dev-metadata"
UNKNOWN = ("MediaConvertQueue", "FailuresAlarm")
"""Resources that MiniStack lacks: MediaConvert's queues, and alarms on several metrics."""

DEPLOY = """
import sys; from pathlib import Path; import boto3
from scripts.console import run
from scripts.deploy import Deployment, chalice
from scripts.record_outputs import Account
project, account = Path(sys.argv[1]), Account("000000000000", "us-east-1")
steps = Deployment(project, "dev", boto3.session.Session(), account).steps({})
# Some steps look for the API, and botocore cannot read MiniStack's list of APIs.
names = ("Building and", "Stack", "Layers", "Recording")
status = run([step for step in steps if step.title.startswith(names)], again="make test-peers")
status or chalice("deploy", project, "dev", account)
sys.exit(status)
"""


@contextmanager
def deployed(folder: Path) -> Iterator[Stage]:
    """Start MiniStack, deploy the functions to it, and stop it; skip if not installed."""
    environment()
    python = Path(os.environ["EARSHOT_DEPLOY"]).resolve() / "bin/python"
    with ministack(folder) as (url, process):
        done = subprocess.run(
            [python, "-c", DEPLOY, project(folder / "project")],
            cwd=ROOT,
            env=os.environ | CREDENTIALS | {"AWS_ENDPOINT_URL": url},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        yield Stage(url, process, BUCKET, METADATA_TABLE)


def project(folder: Path) -> Path:
    (folder / ".chalice").mkdir(parents=True)
    (folder / "requirements").mkdir()
    for name in COPIED:
        source = ROOT / name
        (shutil.copytree if source.is_dir() else shutil.copyfile)(source, folder / name)
    for path in (ROOT / ".chalice").glob("*.json"):
        shutil.copyfile(path, folder / ".chalice" / path.name)
    template = folder / "cloudformation/resources.yml"
    text = template.read_text()
    for name in UNKNOWN:
        text, n_cut = re.subn(rf"\n  {name}:\n(?:    .*\n|\n(?=    ))+", "\n", text)
        assert n_cut == 1
    template.write_text(text)
    return folder

"""Deploys or removes a stage, as `make deploy` and `make destroy` do, for a given account.

As a program, `command.py deploy|destroy PROJECT`, it can be killed by a test. The real commands
refuse a Python whose packages cannot run in Lambda; this one runs on every Python.
"""

import os
import signal
import subprocess
import sys
from pathlib import Path

import boto3

from scripts.console import run
from scripts.deploy import Deployment
from scripts.destroy import Removal
from scripts.record_outputs import Account

ROOT = Path(__file__).parents[3]
ACCOUNT = Account(
    account_id="123456789012",
    region="us-east-1",
    caller_arn="arn:aws:sts::123456789012:assumed-role/Deployer/me",
)


def deploy(project: Path, stage: str = "dev", account: Account = ACCOUNT) -> int:
    session = boto3.session.Session(region_name=account.region)
    deployment = Deployment(project, stage, session, account)
    return run(deployment.steps({}), again="make deploy")


def remove(
    project: Path,
    stage: str = "dev",
    account: Account = ACCOUNT,
    *,
    delete_data: bool = False,
    purge: bool = False,
) -> int:
    session = boto3.session.Session(region_name=account.region)
    removal = Removal(project, stage, session, account)
    return run(removal.steps(delete_data=delete_data, purge=purge), again="make destroy")


def start(what: str, project: Path) -> subprocess.Popen:
    """Start this program as the leader of a new process group."""
    return subprocess.Popen(
        [sys.executable, __file__, what, project],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        start_new_session=True,
    )


def kill(process: subprocess.Popen) -> None:
    """Kill the program and its children, such as Chalice, without a chance to clean up."""
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


if __name__ == "__main__":
    folder = Path(sys.argv[2])
    sys.exit(deploy(folder) if sys.argv[1] == "deploy" else remove(folder, delete_data=True))

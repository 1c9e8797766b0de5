"""What must be true before anything is touched: this Python, these credentials, this stage."""

import re
import sys
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from scripts.console import DeploymentError
from scripts.record_outputs import Account

PYTHONS = ((3, 12), (3, 13))
"""Chalice deploys the Python that runs it, and these run on the glibc that our wheels need."""

STAGE = re.compile(r"[a-z][a-z0-9]{0,15}")


def check_stage(stage: str) -> None:
    """Raise DeploymentError for a name that no stage may have."""
    if "-" in stage:
        raise DeploymentError(
            f"{stage!r} cannot be a stage's name: AWS joins names with hyphens, so what is of "
            f"stage 'a-b' would look like 'b' of stage 'a'. Use {stage.replace('-', '')!r}."
        )
    if not STAGE.fullmatch(stage) or stage == "local":
        message = "is not a stage: a lower-case letter and up to 15 letters or digits, not 'local'"
        raise DeploymentError(f"{stage!r} {message}.")


def check_python(version: tuple[int, ...] = sys.version_info[:2]) -> None:
    """Raise DeploymentError for a Python whose packages would not run in Lambda."""
    if tuple(version[:2]) not in PYTHONS:
        raise DeploymentError(
            f"Python {version[0]}.{version[1]} cannot deploy Earshot. Chalice deploys for the "
            "Python that runs it, and on 3.11 it leaves numpy out without a word. "
            "Install Python 3.12 or 3.13, and `make deploy` will find it."
        )


def check_credentials(session: Any) -> Account:
    """Return the account that the credentials are for; raise DeploymentError without one."""
    if session.region_name is None:
        raise DeploymentError("No region is set. Set AWS_DEFAULT_REGION or `aws configure`.")
    try:
        identity = session.client("sts").get_caller_identity()
    except (BotoCoreError, ClientError) as exc:
        raise DeploymentError(
            f"There are no usable AWS credentials ({exc}). Run `aws configure` or set AWS_PROFILE."
        ) from exc
    return Account(
        account_id=identity["Account"],
        region=session.region_name,
        partition=identity["Arn"].split(":")[1],
        caller_arn=identity["Arn"],
    )

"""Checks before any change: the Python, the credentials, the stage."""

import json
import re
import sys
from collections.abc import Mapping
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.config import DATASETS_CONCURRENCY
from scripts.console import DeploymentError, note
from scripts.record_outputs import ADMINISTRATORS, APP_NAME, Account, environment

PYTHONS = ((3, 12), (3, 13))
"""Python versions whose Lambda runtime has the glibc that the wheels need."""

ENOUGH_AT_ONCE = 50
"""Concurrent executions below which to warn: the page requests several files at once.

"New AWS accounts have reduced concurrency and memory quotas":
https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
"""

ARN_PLACE = re.compile(r"arn:[a-z-]+:[a-z0-9-]+:([a-z0-9-]+):[0-9]{12}:")
STAGE = re.compile(r"[a-z][a-z0-9]{0,15}")


def check_stage(stage: str) -> None:
    """Raise DeploymentError if a stage cannot have this name."""
    if "-" in stage:
        raise DeploymentError(
            f"{stage!r} cannot be a stage's name: AWS joins names with hyphens, so a resource "
            f"of stage 'a-b' would look like 'b' of stage 'a'. Use {stage.replace('-', '')!r}."
        )
    if not STAGE.fullmatch(stage) or stage == "local":
        message = "is not a stage: a lower-case letter and up to 15 letters or digits, not 'local'"
        raise DeploymentError(f"{stage!r} {message}.")


def check_python(version: tuple[int, ...] = sys.version_info[:2]) -> None:
    """Raise DeploymentError for a Python whose packages cannot run in Lambda."""
    if tuple(version[:2]) not in PYTHONS:
        raise DeploymentError(
            f"Python {version[0]}.{version[1]} cannot deploy Earshot. Chalice deploys for the "
            "Python that runs it, and on 3.11 it leaves numpy out without an error. "
            "Install Python 3.12 or 3.13, and `make deploy` will find it."
        )


def check_credentials(session: Any) -> Account:
    """Return the account of the credentials; raise DeploymentError if there are none."""
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


def check_services(session: Any, account: Account) -> None:
    """Raise DeploymentError if the region has no Amazon Transcribe."""
    if not has_service(session, account, "transcribe"):
        raise DeploymentError(
            f"{account.region} has no Amazon Transcribe, as far as this version of botocore "
            "knows. Set AWS_DEFAULT_REGION to a region that has it."
        )


def has_service(session: Any, account: Account, service: str) -> bool:
    """Return whether a region has a service, by botocore's data."""
    return account.region in session.get_available_regions(service, account.partition)


def check_concurrency(session: Any, queued: Mapping[str, int]) -> str:
    """Return the account's concurrent executions, with a warning if they are few.

    ``queued`` has the settings that say how many functions each queue calls at once. Data sets add
    two more functions.
    """
    limits = session.client("lambda").get_account_settings()["AccountLimit"]
    at_once = limits["ConcurrentExecutions"]
    taken = sum(queued.values()) + DATASETS_CONCURRENCY
    if at_once < ENOUGH_AT_ONCE or taken > at_once // 2:
        settings = ", ".join(f"{name}={value}" for name, value in queued.items())
        note(
            f"The account runs {at_once} functions at once, and the queues may take {taken} of "
            f"them ({settings}, and {DATASETS_CONCURRENCY} for data sets); the rest answers "
            "requests. New accounts have 10: ask for more in Service Quotas (Lambda, concurrent "
            "executions), or set these to less."
        )
    return f"{at_once} functions at once in this account, {taken} of them for the queues"


def check_sources(session: Any, sources: str) -> None:
    """Raise DeploymentError if a source bucket cannot be read, or is in another region.

    Transcribe and MediaConvert read only from their own region.
    """
    s3 = session.client("s3")
    for bucket in filter(None, (name.strip() for name in sources.split(","))):
        try:
            found = s3.get_bucket_location(Bucket=bucket).get("LocationConstraint")
        except ClientError as exc:
            raise DeploymentError(
                f"SOURCE_BUCKETS names {bucket}, which these credentials cannot read ({exc}). "
                "Correct the name, or let the bucket's own policy allow this account."
            ) from exc
        region = {None: "us-east-1", "": "us-east-1", "EU": "eu-west-1"}.get(found, found)
        if region != session.region_name:
            raise DeploymentError(
                f"SOURCE_BUCKETS names {bucket}, which is in {region}: Transcribe and MediaConvert "
                f"read only objects of their own region, {session.region_name}. Deploy a stage "
                f"in {region} for it."
            )


def check_place(session: Any, project: Path, stage: str, account: Account) -> str:
    """Raise DeploymentError if the stage is in another account or region; return where it is.

    Chalice's roles are named by stage and function, and an account's roles are the same in all
    regions. So a deployment in a second region would change the permissions of the first one's
    functions, and its removal would leave them without permissions.
    """
    recorded = environment(project, stage)
    here = f"{account.account_id}, {account.region}"
    if topic := recorded.get("NOTICES_TOPIC_ARN"):
        region, account_id = topic.split(":")[3:5]
        if (account_id, region) != (account.account_id, account.region):
            raise DeploymentError(
                f".chalice/config.json says that stage {stage} is in account {account_id}, "
                f"{region}, and these credentials are for {here}. Use those of {account_id}, or "
                f"remove from the stage's environment_variables what `make deploy` wrote there."
            )
    for region in sorted(_regions_of_roles(session.client("iam"), stage) - {account.region}):
        raise DeploymentError(
            f"Stage {stage} is in {region} already, and an account's roles are the same in all "
            f"regions: a stage here would replace the permissions of that one. Give this stage "
            f"another name, or `AWS_DEFAULT_REGION={region} make destroy STAGE={stage}` first."
        )
    named = [one for one in recorded.get(ADMINISTRATORS, "").split(",") if one.strip()]
    if named and not any(fnmatch(account.account_id, _account_of(one)) for one in named):
        raise DeploymentError(
            f"{ADMINISTRATORS} of stage {stage} names nobody of account {account.account_id}: "
            f"{', '.join(named)}. Remove the setting from .chalice/config.json: its default is the "
            "person who deploys."
        )
    return here


def _account_of(pattern: str) -> str:
    return (pattern.split(":")[4:5] or ["*"])[0]


def _regions_of_roles(iam: Any, stage: str) -> set[str]:
    """Return the regions of a stage's roles, from their names or their policies."""
    prefix = f"{APP_NAME}-{stage}-"
    regions: set[str] = set()
    for page in iam.get_paginator("list_roles").paginate():
        for name in (role["RoleName"] for role in page["Roles"]):
            if not name.startswith(prefix):
                continue
            rest = name.removeprefix(prefix)
            if of_stack := re.fullmatch(r"([a-z]{2,4}(?:-[a-z]+)+-[0-9]+)-[a-z]+", rest):
                regions.add(of_stack[1])
            elif re.fullmatch(r"\w+", rest):
                for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]:
                    found = iam.get_role_policy(RoleName=name, PolicyName=policy)
                    regions |= set(ARN_PLACE.findall(json.dumps(found["PolicyDocument"])))
    return regions

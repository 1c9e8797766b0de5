"""Deploy a stage: ``python -m scripts.deploy dev``. Safe to repeat and to interrupt.

Every step checks the present state and changes what differs, so the next run finishes a run that
was interrupted.
"""

import argparse
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import ClientError

from chalicelib.config import MEASURING_CONCURRENCY, RECOGNISING_CONCURRENCY
from scripts import build_layer, package, preflight
from scripts.console import DeploymentError, Step, note, run
from scripts.deployed_state import DeployedState, Resource
from scripts.record_outputs import (
    MEASURING_FUNCTION,
    SOURCES,
    Account,
    api_stage,
    deployed_name,
    environment,
    functions,
    queue_names,
    record,
    source_arns,
)
from scripts.stack import Stack

FINGERPRINT = "earshot-fingerprint"
"""A tag on the API's function. Each deployment by Chalice removes it, so it is never outdated."""

PARAMETERS = {
    "email": "NoticesEmail",
    "failures-email": "FailuresEmail",
    "allowed-origin": "AllowedOrigin",
    "log-retention": "LogRetentionInDays",
    "budget": "MonthlyBudgetUsd",
    "kms-key": "KmsKeyArn",
}
"""Options and their stack parameters; if an option is not given, its parameter is unchanged."""

RETRIES = 2
EVENT_AGE_S = 6 * 3600


class Deployment:
    """The steps of a deployment, and the values that one step gives to the next."""

    def __init__(self, project: Path, stage: str, session: Any, account: Account) -> None:
        self._project = project
        self._stage = stage
        self._session = session
        self._account = account
        self._lambda = session.client("lambda")
        self._machine = package.architecture(project, stage)
        self._stack = Stack(session.client("cloudformation"), stage, account)
        self._state = DeployedState(session, stage, account, api_stage=api_stage(project, stage))
        self._layers = {
            name: build_layer.Layer(self._lambda, stage, name) for name in build_layer.LAYERS
        }
        self._layer_arns: dict[str, str] = {}
        self._outputs: dict[str, str] = {}
        self._resources: list[Resource] = []

    def steps(self, parameters: dict[str, str]) -> list[Step]:
        """Return the steps, in order."""
        return [
            Step("Looking for the stage elsewhere", self._check_place),
            Step("Looking at the account's limits", self._check_limits),
            Step("Building and checking the packages", self._build),
            Step(f"Stack {self._stack.name}", lambda: self._apply(parameters)),
            Step("Layers", self._publish),
            Step("Looking at what is deployed", self._look),
            Step("Recording the stack's outputs in .chalice", self._record),
            Step("chalice deploy", self._deploy),
            Step("What Chalice cannot set", self._finish),
        ]

    def _check_place(self) -> str:
        preflight.check_services(self._session, self._account)
        return preflight.check_place(self._session, self._project, self._stage, self._account)

    def _check_limits(self) -> str:
        variables = self._environment()
        preflight.check_sources(self._session, variables.get(SOURCES, ""))
        queued = {
            name: int(variables.get(name) or default)
            for name, default in (
                ("MEASURING_CONCURRENCY", MEASURING_CONCURRENCY),
                ("RECOGNISING_CONCURRENCY", RECOGNISING_CONCURRENCY),
            )
        }
        return preflight.check_concurrency(self._session, queued)

    def _build(self) -> str:
        self._package = package.build(self._project, self._machine)
        self._archives = build_layer.build(self._project, self._machine)
        package.check(self._package, self._archives, self._project, self._machine)
        sizes = [
            f"{name} {path.stat().st_size / package.MIB:.1f} MB"
            for name, path in self._archives.items()
        ]
        return ", ".join([self._package.sizes, *sizes])

    def _apply(self, parameters: dict[str, str]) -> str:
        outputs = self._stack.outputs()
        if outputs and self._is_hollow(outputs):
            note("a removal was interrupted and left the stack without its data: creating it again")
            self._stack.delete()
        # Always set, because otherwise the stack would keep a bucket that is no longer in the
        # settings.
        variables = self._environment()
        sources = source_arns(variables, self._account.partition)
        given = {
            "ResultsBucketName": variables.get("RESULTS_BUCKET_NAME", ""),
            "SourceObjects": ",".join(f"{arn}/*" for arn in sources),
        }
        has_mediaconvert = preflight.has_service(self._session, self._account, "mediaconvert")
        given["HasMediaConvert"] = "yes" if has_mediaconvert else "no"
        if not has_mediaconvert:
            note(f"{self._account.region} has no MediaConvert: there will be no renditions")
        changed = self._stack.apply(self._project, given | parameters)
        self._outputs = self._stack.outputs() or {}
        return "done" if changed else "nothing to change"

    def _is_hollow(self, outputs: dict[str, str]) -> bool:
        """Return whether the stack's bucket or one of its tables is gone."""
        dynamodb = self._session.client("dynamodb")
        try:
            self._session.client("s3").head_bucket(Bucket=outputs["MediaBucketName"])
            for table in ("MetadataTableName", "SearchTableName"):
                dynamodb.describe_table(TableName=outputs[table])
        except dynamodb.exceptions.ResourceNotFoundException:
            return True
        except ClientError as exc:
            if exc.response["Error"]["Code"] == "404":
                return True
            raise
        return False

    def _publish(self) -> str:
        said = []
        for name, layer in self._layers.items():
            arn, published = layer.publish(self._archives[name], self._machine)
            self._layer_arns[name] = arn
            version = arn.rpartition(":")[2]
            said.append(f"{name} {version} {'published' if published else 'is there already'}")
        return ", ".join(said)

    def _record(self) -> str:
        changed = record(
            self._project,
            self._stage,
            self._outputs,
            self._layer_arns,
            self._account,
            page=self._page(),
        )
        return f"wrote {', '.join(changed)}" if changed else "nothing to change"

    def _look(self) -> str:
        for bucket in self._buckets():
            for function in self._state.disconnect(bucket, functions(self._project)):
                note(f"{function} no longer exists: removed S3's rule that calls it")
        self._resources = self._restore()
        n_functions = sum(one["resource_type"] == "lambda_function" for one in self._resources)
        return f"{n_functions} functions of {len(functions(self._project))}"

    def _deploy(self) -> str:
        mark = package.fingerprint(self._package, self._project, self._stage)
        if mark == self._mark() and self._is_whole():
            return "nothing to change"
        chalice("deploy", self._project, self._stage, self._account)
        self._resources = self._restore()
        if self._record() != "nothing to change":
            # The page has an address only now, and the functions need it for links in notices.
            chalice("deploy", self._project, self._stage, self._account)
        return "done"

    def _finish(self) -> str:
        changed = sum(
            self._report_failures(one["name"]) for one in self._resources if _is_event(one)
        )
        grown = self._grow_disk()
        for name, layer in self._layers.items():
            layer.remove(keep=self._layer_arns[name])
        mark = package.fingerprint(self._package, self._project, self._stage)
        if mark != self._mark():
            # This is the last change, so that an interrupted deployment leaves no mark.
            self._lambda.tag_resource(Resource=self._handler_arn(), Tags={FINGERPRINT: mark})
        said = [f"{changed} failure destinations"] * (changed > 0) + ["temporary disk"] * grown
        return f"set {', '.join(said)}" if said else "nothing to change"

    def _grow_disk(self) -> bool:
        """Set the temporary disk of ``extract_features``; return whether it changed."""
        name = deployed_name(self._stage, MEASURING_FUNCTION)
        found = self._lambda.get_function_configuration(FunctionName=name)
        if found["EphemeralStorage"]["Size"] == package.TEMPORARY_DISK_MB:
            return False
        # Lambda refuses a change while the one before is in progress.
        self._lambda.get_waiter("function_updated_v2").wait(FunctionName=name)
        self._lambda.update_function_configuration(
            FunctionName=name, EphemeralStorage={"Size": package.TEMPORARY_DISK_MB}
        )
        return True

    def _report_failures(self, event: str) -> bool:
        """Set the queue for events that a function has given up; return whether it changed."""
        name = deployed_name(self._stage, _function(event))
        place = f"{self._account.region}:{self._account.account_id}"
        queue = (
            f"arn:{self._account.partition}:sqs:{place}:{self._outputs['FailedEventsQueueName']}"
        )
        wanted = {
            "MaximumRetryAttempts": RETRIES,
            "MaximumEventAgeInSeconds": EVENT_AGE_S,
            "DestinationConfig": {"OnFailure": {"Destination": queue}},
        }
        try:
            found = self._lambda.get_function_event_invoke_config(FunctionName=name)
        except self._lambda.exceptions.ResourceNotFoundException:
            found = {}
        set_already = found.get("DestinationConfig", {}).get("OnFailure") == {"Destination": queue}
        if set_already and found["MaximumRetryAttempts"] == RETRIES:
            return False
        self._lambda.put_function_event_invoke_config(FunctionName=name, **wanted)
        return True

    def _restore(self) -> list[Resource]:
        queues = queue_names(self._outputs)
        return self._state.restore(self._project, self._buckets(), queues)

    def _buckets(self) -> list[str]:
        names = (self._outputs["MediaBucketName"], self._environment().get("RESULTS_BUCKET_NAME"))
        return sorted({name for name in names if name})

    def _environment(self) -> dict[str, str]:
        return environment(self._project, self._stage)

    def _page(self) -> str:
        """Return the page's public address, or None if every request must be signed."""
        if not self._environment().get("COGNITO_DOMAIN"):
            return ""
        return next((one["rest_api_url"] for one in self._resources if "rest_api_url" in one), "")

    def _mark(self) -> str | None:
        if not any(one["name"] == "api_handler" for one in self._resources):
            return None
        tags: dict[str, str] = self._lambda.list_tags(Resource=self._handler_arn())["Tags"]
        return tags.get(FINGERPRINT)

    def _handler_arn(self) -> str:
        (arn,) = (one["lambda_arn"] for one in self._resources if one.get("name") == "api_handler")
        return arn

    def _is_whole(self) -> bool:
        """Return whether each function exists, with its role and its triggers."""
        names = {one["name"] for one in self._resources}
        called = {_function(one["name"]) for one in self._resources if _is_source(one)}
        return all(
            {function, f"{function}_role"} <= names and function in called | {"api_handler"}
            for function in functions(self._project)
        )

    @property
    def summary(self) -> str:
        """Return the summary: the stage's resources, and the next command to type."""
        bucket = self._outputs["MediaBucketName"]
        (url,) = (one["rest_api_url"] for one in self._resources if "rest_api_url" in one)
        pool = self._environment().get("COGNITO_DOMAIN")
        callers = (
            f"people sign in at {pool}" if pool else "requests are signed with your AWS credentials"
        )
        return "\n".join(
            [
                f"\nEarshot is deployed as stage {self._stage}.",
                f"  bucket  {bucket}",
                f"  API     {url}  ({callers})",
                "Next:",
                f"  aws s3 cp samples/sample.wav s3://{bucket}/uploads/me/sample.wav",
            ]
        )


def _is_event(resource: Resource) -> bool:
    return resource["resource_type"] in ("s3_event", "cloudwatch_event")


def _is_source(resource: Resource) -> bool:
    return _is_event(resource) or resource["resource_type"] == "sqs_event"


def _function(event: str) -> str:
    return event.partition("-")[0]


def chalice(command: str, project: Path, stage: str, account: Account) -> None:
    """Run a Chalice command; raise DeploymentError if it fails."""
    done = subprocess.run(
        [sys.executable, "-c", "from chalice.cli import main; main()", command, "--stage", stage],
        cwd=project,
        env=os.environ | {"AWS_DEFAULT_REGION": account.region},
        check=False,
    )
    if done.returncode:
        raise DeploymentError(f"`chalice {command} --stage {stage}` failed; see above.")


def main(arguments: list[str] | None = None) -> int:
    """Deploy the stage that the command line names."""
    parser = argparse.ArgumentParser(prog="make deploy", description="Deploy a stage of Earshot.")
    parser.add_argument("stage")
    parser.add_argument("--email", help="address for notices of finished recordings and for alarms")
    for option, name in PARAMETERS.items():
        if option != "email":
            parser.add_argument(f"--{option}", metavar="VALUE", help=f"{name} of the stack")
    parser.add_argument("--project", type=Path, default=Path(), help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    try:
        preflight.check_stage(given.stage)
        preflight.check_python()
        session = boto3.session.Session()
        account = preflight.check_credentials(session)
        deployment = Deployment(given.project.resolve(), given.stage, session, account)
    except DeploymentError as exc:
        print(exc, file=sys.stderr)
        return 1
    print(f"Stage {given.stage} in account {account.account_id}, {account.region}.")
    asked = {name: getattr(given, option.replace("-", "_")) for option, name in PARAMETERS.items()}
    parameters = {name: value for name, value in asked.items() if value is not None}
    status = run(deployment.steps(parameters), again=f"make deploy STAGE={given.stage}")
    if status == 0:
        print(deployment.summary)
    return status


if __name__ == "__main__":
    sys.exit(main())

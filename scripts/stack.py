"""The stack of a stage: create it, update it if it differs, delete it, and print its events."""

import re
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from scripts.console import DeploymentError, note
from scripts.record_outputs import APP_NAME, Account

TEMPLATE = Path("cloudformation/resources.yml")
CHANGE_SET = "earshot-deploy"
POLL_S = 3.0
"""Seconds between two requests, because CloudFormation sends no signal to wait for."""

UNUSABLE = frozenset({"ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED", "DELETE_FAILED"})
NAME = re.compile(
    r'^( +(?:BucketName|TableName): )!If \[\w+, !Ref (\w+), !Sub "([^"]+)"\]$', re.MULTILINE
)
"""A line of the template with the name of a resource that outlives its stack."""

NO_CHANGES = ("didn't contain changes", "No updates are to be performed")


class Stack:
    """One stage's stack."""

    def __init__(self, client: Any, stage: str, account: Account) -> None:
        self._client = client
        self._stage = stage
        self._account = account
        self.name = f"{APP_NAME}-{stage}"
        self._seen: set[str] = set()

    def exists(self) -> bool:
        """Return whether the stack exists, in any state."""
        return self._find() is not None

    def outputs(self) -> dict[str, str] | None:
        """Return the stack's outputs by name, or None if there is no stack."""
        stack = self._find()
        if stack is None or not stack.get("Outputs"):
            return None
        return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}

    def apply(self, project: Path, parameters: dict[str, str]) -> bool:
        """Create or update the stack; return whether anything changed.

        The stack takes over a bucket or table that an earlier stack left, with its contents.
        """
        self._await_others()
        stack = self._find()
        if stack and stack["StackStatus"] in UNUSABLE:
            note(f"the stack has the status {stack['StackStatus']}: removing the rest of it")
            self.delete()
            stack = None
        is_new = stack is None or stack["StackStatus"] == "REVIEW_IN_PROGRESS"
        given = {"Stage": self._stage} | parameters
        kept = {} if is_new or stack is None else _parameters(stack)
        template = (project / TEMPLATE).read_text()
        change_set = self._propose(
            TemplateBody=name_literally(template, kept | given, self._account),
            ChangeSetType="CREATE" if is_new else "UPDATE",
            Parameters=[
                {"ParameterKey": name, "ParameterValue": value} for name, value in given.items()
            ]
            + [{"ParameterKey": name, "UsePreviousValue": True} for name in kept.keys() - given],
        )
        if change_set is None:
            return False
        self._client.execute_change_set(ChangeSetName=change_set, StackName=self.name)
        status = self._settle()
        if status not in ("CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE"):
            raise DeploymentError(f"The stack {self.name} ended in {status}; see its events above.")
        return True

    def delete(self) -> bool:
        """Delete the stack; return whether it existed. Safe to repeat."""
        if self._find() is None:
            return False
        self._await_others()
        self._client.delete_stack(StackName=self.name)
        status = self._settle()
        if status is not None:
            raise DeploymentError(f"The stack {self.name} ended in {status}; see its events above.")
        return True

    def _propose(self, **request: Any) -> str | None:
        """Make a change set; return its ARN, or None if it changes nothing."""
        names = {"StackName": self.name, "ChangeSetName": CHANGE_SET}
        if self._find():
            # A change set of an earlier, interrupted attempt.
            self._client.delete_change_set(**names)
        try:
            change_set = self._client.create_change_set(
                **names,
                **request,
                Capabilities=["CAPABILITY_NAMED_IAM"],
                ImportExistingResources=True,
            )["Id"]
        except ClientError as exc:
            if any(phrase in str(exc) for phrase in NO_CHANGES):
                return None
            raise
        while True:
            found = self._client.describe_change_set(ChangeSetName=change_set, StackName=self.name)
            if found["Status"] == "CREATE_COMPLETE":
                return str(change_set)
            if found["Status"] == "FAILED":
                reason = found.get("StatusReason", "")
                self._client.delete_change_set(ChangeSetName=change_set, StackName=self.name)
                if any(phrase in reason for phrase in NO_CHANGES):
                    return None
                raise DeploymentError(f"CloudFormation refuses the template: {reason}")
            time.sleep(POLL_S)

    def _find(self) -> dict[str, Any] | None:
        try:
            stacks = self._client.describe_stacks(StackName=self.name)["Stacks"]
        except ClientError as exc:
            if "does not exist" in str(exc):
                return None
            raise
        live = [stack for stack in stacks if stack["StackStatus"] != "DELETE_COMPLETE"]
        return live[0] if live else None

    def _settle(self) -> str | None:
        """Wait until the stack is not in progress, and print its events; return the status."""
        while True:
            stack = self._find()
            if stack is None:
                return None
            self._tell()
            status = str(stack["StackStatus"])
            if not status.endswith("_IN_PROGRESS") or status == "REVIEW_IN_PROGRESS":
                return status
            time.sleep(POLL_S)

    def _await_others(self) -> None:
        """Wait until an earlier run's work has ended, without printing its events."""
        if self._find() is not None:
            self._seen |= {event["EventId"] for event in self._events()}
            self._settle()

    def _events(self) -> list[dict[str, Any]]:
        events: list[dict[str, Any]] = self._client.describe_stack_events(StackName=self.name)[
            "StackEvents"
        ]
        return events

    def _tell(self) -> None:
        for event in reversed(self._events()):
            if event["EventId"] in self._seen:
                continue
            self._seen.add(event["EventId"])
            if not event["ResourceStatus"].endswith("_IN_PROGRESS"):
                reason = event.get("ResourceStatusReason", "")
                note(f"{event['ResourceStatus']} {event['LogicalResourceId']} {reason}".rstrip())


def default_outputs(stage: str, account: Account) -> dict[str, str]:
    """Return the outputs of a stack whose parameters give no other names."""
    name, account_id, region = f"{APP_NAME}-{stage}", account.account_id, account.region
    partition, place = account.partition, f"{region}:{account_id}"
    roles = f"arn:{partition}:iam::{account_id}:role/{name}-{region}"
    return {
        "MediaBucketName": f"{name}-media-{account_id}-{region}",
        "MetadataTableName": f"{name}-metadata",
        "SearchTableName": f"{name}-search",
        "FeaturesQueueUrl": f"https://sqs.{region}.{account.dns_suffix}/{account_id}/{name}-features",
        "SpeechQueueUrl": f"https://sqs.{region}.{account.dns_suffix}/{account_id}/{name}-speech",
        "DatasetsQueueUrl": f"https://sqs.{region}.{account.dns_suffix}/{account_id}/{name}-datasets",
        "MediaConvertRoleArn": f"{roles}-mediaconvert",
        "MediaConvertQueueArn": f"arn:{partition}:mediaconvert:{place}:queues/{name}",
        "TranscribeRoleArn": f"{roles}-transcribe",
        "NoticesTopicArn": f"arn:{partition}:sns:{place}:{name}-notices",
        "FailuresTopicArn": f"arn:{partition}:sns:{place}:{name}-failures",
        "FailedEventsQueueName": f"{name}-failed-events",
    }


def name_literally(template: str, values: Mapping[str, str], account: Account) -> str:
    """Return a template with literal names for the resources that outlive their stack.

    CloudFormation takes over an existing resource only if the template has its name as text:
    "Dynamic names (using !Ref or other functions) are not currently supported."
    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/import-resources-automatically.html
    """
    known = {
        "Stage": values["Stage"],
        "AWS::AccountId": account.account_id,
        "AWS::Region": account.region,
    }

    def literal(match: re.Match[str]) -> str:
        made = re.sub(r"\$\{([\w:]+)\}", lambda name: known[name[1]], match[3])
        return f"{match[1]}{values.get(match[2]) or made}"

    return NAME.sub(literal, template)


def _parameters(stack: Mapping[str, Any]) -> dict[str, str]:
    return {
        one["ParameterKey"]: one.get("ParameterValue", "") for one in stack.get("Parameters", [])
    }

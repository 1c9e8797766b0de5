"""Take a stage out of AWS: ``python -m scripts.destroy dev``. Safe to repeat and to interrupt.

The order is the reverse of deploying: Chalice's resources, the layers, the stack. The recordings
and the tables stay unless ``--data delete`` is given and confirmed; a later deployment of the stage
takes them over.
"""

import argparse
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import ClientError

from chalicelib.core import keys
from scripts import build_layer, preflight
from scripts.console import DeploymentError, Step, note, run
from scripts.deploy import chalice
from scripts.deployed_state import DeployedState
from scripts.record_outputs import (
    APP_NAME,
    ENVIRONMENT,
    Account,
    api_stage,
    environment,
    forget,
    queue_names,
    record,
)
from scripts.stack import Stack, default_outputs

ATTEMPTS = 3
"""Runs of ``chalice delete``: each deletes one resource of a kind, and there may be more."""


class Removal:
    """The steps that remove a stage."""

    def __init__(self, project: Path, stage: str, session: Any, account: Account) -> None:
        self._project = project
        self._stage = stage
        self._session = session
        self._account = account
        self._prefix = f"{APP_NAME}-{stage}"
        self._stack = Stack(session.client("cloudformation"), stage, account)
        self._state = DeployedState(session, stage, account, api_stage=api_stage(project, stage))
        self._s3 = session.client("s3")
        self._dynamodb = session.client("dynamodb")
        # From the stack, or from its record if an earlier attempt has deleted the stack.
        self._outputs = default_outputs(stage, account) | self._recorded_names()
        self._outputs |= self._stack.outputs() or {}

    @property
    def bucket(self) -> str:
        """Name of the bucket with the recordings."""
        return self._outputs["MediaBucketName"]

    @property
    def tables(self) -> list[str]:
        """Names of the tables with the recordings' items and with the search index."""
        return [self._outputs["MetadataTableName"], self._outputs["SearchTableName"]]

    def steps(self, *, delete_data: bool, purge: bool = False) -> list[Step]:
        """Return the steps, in order. ``purge`` also removes all copies of the deleted data."""
        data = [
            *([Step("Leaving no copies", self._purge)] if purge else []),
            Step(f"Deleting the recordings in {self.bucket}", self._delete_bucket),
            *(
                Step(f"Deleting the table {table}", partial(self._delete_table, table))
                for table in self.tables
            ),
        ]
        return [
            Step("Looking for the stage elsewhere", self._check_place),
            Step("chalice delete", self._delete_functions),
            Step("Layers", self._delete_layers),
            # Bucket and tables outlive the stack, but their names are known only from it.
            *(data if delete_data else []),
            Step(f"Stack {self._stack.name}", self._delete_stack),
            Step("Logs", self._delete_logs),
            Step("Forgetting the stage in .chalice", self._forget),
            Step("Looking for what is left", self._look),
        ]

    def _check_place(self) -> str:
        return preflight.check_place(self._session, self._project, self._stage, self._account)

    def _delete_functions(self) -> str:
        queues = queue_names(self._outputs)
        buckets = self._buckets()
        found = self._state.restore(self._project, buckets, queues)
        if not found:
            return "nothing to delete"
        # Chalice imports the application, which reads these settings.
        record(self._project, self._stage, self._outputs, {}, self._account)
        for _ in range(ATTEMPTS):
            chalice("delete", self._project, self._stage, self._account)
            if not self._state.restore(self._project, buckets, queues):
                return "done"
        raise DeploymentError("Chalice has left resources behind; see above.")

    def _delete_layers(self) -> str:
        client = self._session.client("lambda")
        names = (*build_layer.LAYERS, "managed-layer")
        n_removed = sum(build_layer.Layer(client, self._stage, name).remove() for name in names)
        return f"{n_removed} versions deleted" if n_removed else "nothing to delete"

    def _delete_bucket(self) -> str:
        try:
            self._delete_versions(self.bucket)
            self._s3.delete_bucket(Bucket=self.bucket)
        except ClientError as exc:
            if exc.response["Error"]["Code"] == "NoSuchBucket":
                return "nothing to delete"
            raise
        return "done"

    def _purge(self) -> str:
        """Turn off the tables' recovery, and empty what is ours in a bucket of the user's own.

        "When you delete a table that has point-in-time recovery enabled, DynamoDB automatically
        creates a backup snapshot called a system backup and retains it for 35 days":
        https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/PointInTimeRecovery_Howitworks.html
        """
        for table in sorted({*self.tables}.intersection(self._tables())):
            self._dynamodb.update_continuous_backups(
                TableName=table,
                PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": False},
            )
        n_deleted = sum(
            self._delete_versions(bucket, prefix)
            for bucket in self._buckets()
            if bucket != self.bucket
            for prefix in keys.MADE
        )
        return f"recovery is off, {n_deleted} versions of results deleted"

    def _delete_versions(self, bucket: str, prefix: str = "") -> int:
        n_deleted = 0
        pages = self._s3.get_paginator("list_object_versions")
        for page in pages.paginate(Bucket=bucket, Prefix=prefix):
            found = [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
            objects = [{"Key": one["Key"], "VersionId": one["VersionId"]} for one in found]
            if objects:
                self._s3.delete_objects(Bucket=bucket, Delete={"Objects": objects})
                n_deleted += len(objects)
                note(f"{n_deleted} versions of objects deleted")
        return n_deleted

    def _delete_table(self, table: str) -> str:
        try:
            self._dynamodb.delete_table(TableName=table)
        except self._dynamodb.exceptions.ResourceNotFoundException:
            return "nothing to delete"
        self._dynamodb.get_waiter("table_not_exists").wait(TableName=table)
        return "done"

    def _delete_stack(self) -> str:
        return "done" if self._stack.delete() else "nothing to delete"

    def _delete_logs(self) -> str:
        """Delete the logs of functions that no longer exist, which the stack does not delete."""
        client = self._session.client("logs")
        names = list(self._logs())
        for name in names:
            client.delete_log_group(logGroupName=name)
        return f"{len(names)} deleted" if names else "nothing to delete"

    def _forget(self) -> str:
        forget(self._project, self._stage, self._account)
        (self._project / ".chalice" / "deployed" / f"{self._stage}.json").unlink(missing_ok=True)
        return "done"

    def _look(self) -> str:
        left = list(self.left())
        return f"left in AWS: {', '.join(left)}" if left else "nothing is left in AWS"

    def left(self) -> Iterator[str]:
        """Find all resources in the account that have the stage's names."""
        queues = queue_names(self._outputs)
        for resource in self._state.find(self._buckets(), queues):
            yield f"{resource['resource_type']} {resource['name']}"
        if self._stack.exists():
            yield f"stack {self._stack.name}"
        yield from (f"log {name}" for name in self._logs())
        queues = self._session.client("sqs").list_queues(QueueNamePrefix=f"{self._prefix}-")
        yield from (f"queue {url}" for url in queues.get("QueueUrls", []))
        if any(found["Name"] == self.bucket for found in self._s3.list_buckets()["Buckets"]):
            yield f"bucket {self.bucket}"
        for table in sorted({*self.tables}.intersection(self._tables())):
            yield f"table {table}"

    def _tables(self) -> Iterator[str]:
        for page in self._dynamodb.get_paginator("list_tables").paginate():
            yield from page["TableNames"]

    def _logs(self) -> Iterator[str]:
        prefix = f"/aws/lambda/{self._prefix}"
        pages = self._session.client("logs").get_paginator("describe_log_groups")
        for page in pages.paginate(logGroupNamePrefix=prefix):
            for group in page["logGroups"]:
                if group["logGroupName"].removeprefix(prefix)[:1] in ("", "-"):
                    yield group["logGroupName"]

    def _recorded_names(self) -> dict[str, str]:
        recorded = self._environment()
        return {
            output: recorded[name] for name, output in ENVIRONMENT.items() if recorded.get(name)
        }

    def _buckets(self) -> list[str]:
        return sorted({self.bucket, self._environment().get("RESULTS_BUCKET_NAME") or self.bucket})

    def _environment(self) -> dict[str, str]:
        return environment(self._project, self._stage)


def check_purge(purge: str, data: str) -> None:
    """Raise DeploymentError if a purge is requested, but the data are kept."""
    if purge == "yes" and data != "delete":
        raise DeploymentError("PURGE=yes needs DATA=delete. Nothing was changed.")


def confirm(removal: Removal, stage: str) -> None:
    """Ask for the stage's name before the users' recordings are deleted."""
    tables = " and ".join(removal.tables)
    print(f"This deletes every recording in {removal.bucket} and the tables {tables}.")
    print("No copy is kept. Type the stage's name to continue: ", end="", flush=True)
    if sys.stdin.readline().strip() != stage:
        raise DeploymentError("Not confirmed: nothing was changed.")


def main(arguments: list[str] | None = None) -> int:
    """Remove the stage that the command line names."""
    parser = argparse.ArgumentParser(
        prog="make destroy", description="Remove a stage of Earshot from AWS."
    )
    parser.add_argument("stage")
    parser.add_argument("--data", choices=["keep", "delete"], default="keep")
    parser.add_argument("--purge", choices=["no", "yes"], default="no")
    parser.add_argument("--project", type=Path, default=Path(), help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    try:
        preflight.check_stage(given.stage)
        session = boto3.session.Session()
        account = preflight.check_credentials(session)
        removal = Removal(given.project.resolve(), given.stage, session, account)
        check_purge(given.purge, given.data)
        if given.data == "delete":
            confirm(removal, given.stage)
    except DeploymentError as exc:
        print(exc, file=sys.stderr)
        return 1
    print(f"Stage {given.stage} in account {account.account_id}, {account.region}.")
    again = f"make destroy STAGE={given.stage}"
    again += " DATA=delete" if given.data == "delete" else ""
    again += " PURGE=yes" if given.purge == "yes" else ""
    steps = removal.steps(delete_data=given.data == "delete", purge=given.purge == "yes")
    return run(steps, again=again)


if __name__ == "__main__":
    sys.exit(main())

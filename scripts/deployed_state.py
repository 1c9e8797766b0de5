"""Chalice's record of the deployed resources, written again from the resources in AWS.

Chalice remembers what it deployed in ``.chalice/deployed/{stage}.json``, which it writes at the
very end. After an interrupted deployment, or on another machine, Chalice would make a second API
and a second subscription, and delete nothing. So the file is written again before each command: it
lists the resources in AWS that have the stage's names, and nothing else.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from scripts.record_outputs import APP_NAME, Account, deployed_name

Resource = dict[str, str]


class DeployedState:
    """The resources that Chalice has deployed for one stage."""

    def __init__(
        self, session: Any, stage: str, account: Account, *, api_stage: str = "api"
    ) -> None:
        self._session = session
        self._api_stage = api_stage
        self._stage = stage
        self._account = account
        self._prefix = f"{APP_NAME}-{stage}"

    def restore(self, project: Path, buckets: list[str], queues: list[str]) -> list[Resource]:
        """Write Chalice's record of the resources in AWS, and return it."""
        resources = self.find(buckets, queues)
        path = project / ".chalice" / "deployed" / f"{self._stage}.json"
        document = {"resources": resources, "schema_version": "2.0", "backend": "api"}
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(document, indent=2) + "\n")
        return resources

    def find(self, buckets: list[str], queues: list[str]) -> list[Resource]:
        """Return every resource of the stage that Chalice manages, in the order of creation."""
        # Chalice deletes in reverse order: subscriptions, functions, roles, layer.
        return [
            *self._layer(),
            *self._roles(),
            *self._functions(),
            *self._buckets_events(buckets),
            *(one for queue in queues for one in self._queue_events(queue)),
            *self._rules(),
            *self._api(),
        ]

    def disconnect(self, bucket: str, keep: list[str]) -> list[str]:
        """Remove S3's rules for functions that no longer exist; return the functions' names.

        If a function is renamed, S3 refuses its rule, because the rule overlaps with the old one.
        """
        s3 = self._session.client("s3")
        gone = [
            resource
            for resource in self._buckets_events([bucket])
            if resource["name"].removesuffix("-s3event") not in keep
        ]
        if gone:
            rules = s3.get_bucket_notification_configuration(Bucket=bucket)
            rules.pop("ResponseMetadata")
            dead = {resource["lambda_arn"] for resource in gone}
            rules["LambdaFunctionConfigurations"] = [
                rule
                for rule in rules["LambdaFunctionConfigurations"]
                if rule["LambdaFunctionArn"] not in dead
            ]
            s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration=rules)
        return [resource["name"].removesuffix("-s3event") for resource in gone]

    def _function_of(self, name: str) -> str | None:
        """Return Chalice's name for a function or role of this stage; None for any other."""
        if name == self._prefix:
            return "api_handler"
        match = re.fullmatch(rf"{re.escape(self._prefix)}-(\w+)", name)
        return match[1] if match else None

    def _layer(self) -> Iterator[Resource]:
        client = self._session.client("lambda")
        versions = client.list_layer_versions(LayerName=f"{self._prefix}-managed-layer")
        for version in versions["LayerVersions"][:1]:
            yield {
                "name": "managed-layer",
                "resource_type": "lambda_layer",
                "layer_version_arn": version["LayerVersionArn"],
            }

    def _roles(self) -> Iterator[Resource]:
        for role in self._pages("iam", "list_roles", "Roles"):
            if function := self._function_of(role["RoleName"]):
                yield {
                    "name": f"{function}_role",
                    "resource_type": "iam_role",
                    "role_arn": role["Arn"],
                    "role_name": role["RoleName"],
                }

    def _functions(self) -> Iterator[Resource]:
        for found in self._pages("lambda", "list_functions", "Functions"):
            if function := self._function_of(found["FunctionName"]):
                yield {
                    "name": function,
                    "resource_type": "lambda_function",
                    "lambda_arn": found["FunctionArn"],
                }

    def _buckets_events(self, buckets: list[str]) -> Iterator[Resource]:
        s3 = self._session.client("s3")
        for bucket in buckets:
            try:
                rules = s3.get_bucket_notification_configuration(Bucket=bucket)
            except ClientError as exc:
                if exc.response["Error"]["Code"] == "NoSuchBucket":
                    continue
                raise
            for rule in rules.get("LambdaFunctionConfigurations", []):
                arn = rule["LambdaFunctionArn"]
                if function := self._function_of(arn.rpartition(":")[2]):
                    yield {
                        "name": f"{function}-s3event",
                        "resource_type": "s3_event",
                        "bucket": bucket,
                        "lambda_arn": arn,
                    }

    def _queue_events(self, queue: str) -> Iterator[Resource]:
        place = f"{self._account.region}:{self._account.account_id}"
        arn = f"arn:{self._account.partition}:sqs:{place}:{queue}"
        for mapping in self._pages(
            "lambda", "list_event_source_mappings", "EventSourceMappings", EventSourceArn=arn
        ):
            if function := self._function_of(mapping["FunctionArn"].rpartition(":")[2]):
                yield {
                    "name": f"{function}-sqs-event-source",
                    "resource_type": "sqs_event",
                    "queue_arn": arn,
                    "event_uuid": mapping["UUID"],
                    "queue": queue,
                    "lambda_arn": mapping["FunctionArn"],
                }

    def _rules(self) -> Iterator[Resource]:
        for rule in self._pages("events", "list_rules", "Rules", NamePrefix=f"{self._prefix}-"):
            if function := self._function_of(rule["Name"].removesuffix("-event")):
                yield {
                    "name": f"{function}-event",
                    "resource_type": "cloudwatch_event",
                    "rule_name": rule["Name"],
                }

    def _api(self) -> Iterator[Resource]:
        """Find the API by the function it calls, because all stages' APIs have the same name."""
        handler = f":function:{deployed_name(self._stage, 'api_handler')}/invocations"
        client = self._session.client("apigateway")
        for api in self._pages("apigateway", "get_rest_apis", "items"):
            if api["name"] != APP_NAME:
                continue
            exported = client.get_resources(restApiId=api["id"], embed=["methods"], limit=500)
            if handler in json.dumps(exported["items"]):
                host = f"{api['id']}.execute-api.{self._account.region}.{self._account.dns_suffix}"
                yield {
                    "name": "rest_api",
                    "resource_type": "rest_api",
                    "rest_api_id": api["id"],
                    "rest_api_url": f"https://{host}/{self._api_stage}/",
                }

    def _pages(self, service: str, operation: str, key: str, **request: Any) -> Iterator[Any]:
        client = self._session.client(service)
        if not client.can_paginate(operation):
            yield from getattr(client, operation)(**request)[key]
            return
        for page in client.get_paginator(operation).paginate(**request):
            yield from page[key]

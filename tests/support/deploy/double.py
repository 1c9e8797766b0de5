"""A double of the part of AWS that a deployment uses: moto, with its few gaps closed.

It also refuses requests that AWS refuses and moto does not: packages over Lambda's limits, and two
S3 rules that overlap. And it can break off at any request that changes something, before or after
the change. For AWS, a killed deployment looks the same.
"""

import base64
import copy
import io
import json
import re
import threading
import zipfile
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import parse_qs, unquote, urlencode
from urllib.request import urlopen
from xml.etree import ElementTree as ET

import yaml
from moto.backends import get_backend
from moto.cloudformation.utils import yaml_tag_constructor
from moto.moto_server.werkzeug_app import MotoRequestHandler, create_backend_app
from werkzeug.serving import make_server

from local.gateway import Dispatcher
from support.deploy import snapshots

ACCOUNT, REGION = "123456789012", "us-east-1"
UNDER_REVIEW = """<Stacks><member><StackName>{name}</StackName><CreationTime>2024-01-01T00:00:00Z
</CreationTime><StackStatus>REVIEW_IN_PROGRESS</StackStatus></member></Stacks>"""
ZIPPED_LIMIT = 50 * 2**20
UNZIPPED_LIMIT = 250 * 2**20
CONFIGURATION = re.compile(r"/2015-03-31/functions/([^/]+)/configuration")
READS = re.compile(r"(Get|List|Describe|Head|Validate|Estimate)")


Kept = tuple[list[dict[str, Any]], snapshots.Snapshot]


class QuietHandler(MotoRequestHandler):
    def log(self, type, message, *args):  # noqa: A002  # werkzeug's name
        pass


class Double:
    def __init__(self) -> None:
        self._moto = Dispatcher(create_backend_app)
        self._server = make_server(
            "127.0.0.1", 0, self, threaded=True, request_handler=QuietHandler
        )
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self.changes: list[str] = []
        self.at_once = 1000
        self.system_backups: list[str] = []
        self.api_document: dict[str, Any] = {}
        self._break_at: int | None = None
        self._break_after = False
        self._broken = False
        self._strike: Callable[[], object] | None = None
        self._sizes: dict[str, int] = {}
        self._layers: dict[str, list[str]] = {}
        self._change_sets: dict[str, dict[str, str]] = {}
        self._applied: dict[str, dict[str, str]] = {}
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def reset(self) -> None:
        """Delete everything, as in a new account."""
        self.break_at(None)
        self.at_once = 1000
        self.system_backups.clear()
        for held in self._own():
            held.clear()
        urlopen(f"{self.url}/moto-api/reset", data=b"").close()

    def keep(self) -> Kept:
        """Return a copy of everything, for accounts that begin with it."""
        return copy.deepcopy(self._own()), snapshots.take()

    def reset_to(self, kept: Kept) -> None:
        """Restore the kept resources, and delete all others."""
        self.reset()
        own, of_moto = kept
        for held, before in zip(self._own(), copy.deepcopy(own), strict=True):
            held.update(before)
        snapshots.restore(of_moto)

    def _own(self) -> list[dict[str, Any]]:
        return [self._sizes, self._layers, self._change_sets, self._applied, self.api_document]

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def break_at(
        self,
        change: int | None,
        *,
        after: bool = False,
        strike: Callable[[], object] | None = None,
    ) -> None:
        """Stop answering at the given change, before or after it is made. None answers again.

        ``strike`` is called at that moment, and may kill the client.
        """
        self.changes.clear()
        self._break_at, self._break_after, self._broken = change, after, False
        self._strike = strike

    def roll_back(self, stack: str) -> None:
        """Put a stack into the state after a failed creation that kept a resource."""
        stacks = get_backend("cloudformation")[ACCOUNT][REGION].stacks.values()
        (found,) = (one for one in stacks if one.name == stack)
        found.status = "ROLLBACK_COMPLETE"

    @property
    def is_broken(self) -> bool:
        return self._broken

    def __call__(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        request = Request(environ)
        if self._broken and request.path != "/moto-api/reset":
            return self._cut(request, start)
        if request.is_change and not request.path.startswith("/moto-api"):
            self.changes.append(request.name)
            if self._break_at == len(self.changes):
                self._broken = True
                if self._break_after:
                    self._answer(request, lambda *_: None)
                if self._strike:
                    self._strike()
                return self._cut(request, start)
        return self._answer(request, start)

    def _cut(self, request: "Request", start: Callable[..., Any]) -> Iterable[bytes]:
        return refuse(request, start, "AccessDenied", "The line is dead.", 403)

    def _answer(self, request: "Request", start: Callable[..., Any]) -> Iterable[bytes]:
        refusal = self._refusal(request)
        if refusal:
            return refuse(request, start, *refusal)
        if request.action.endswith("ChangeSet"):
            return xml(start, request.action, *self._change_set(request))
        if request.action == "DescribeStacks":
            name = request.form["StackName"]
            if name in self._change_sets and name not in self._applied:
                return xml(start, request.action, UNDER_REVIEW.format(name=name))
        if request.action == "DescribeStackEvents" and request.form["StackName"] in (
            self._change_sets.keys() - self._applied.keys()
        ):
            return xml(start, request.action, "<StackEvents/>")
        self._note_deletion(request)
        if request.path == "/2016-08-19/account-settings":
            return as_json(start, {"AccountLimit": {"ConcurrentExecutions": self.at_once}})
        if match := re.fullmatch(r"/([^/]+)/uploads/.+", request.path):
            return self._unnoticed(match[1], request, start)
        if request.path.startswith("/restapis") and b'"swagger"' in request.body:
            self.api_document = json.loads(request.body)
        mend(request)
        return list(self._moto(request.environ(), start))

    def _note_deletion(self, request: "Request") -> None:
        if request.action == "DeleteTable":
            self._back_up(json.loads(request.body)["TableName"], request.region)
        if request.action == "DeleteStack":
            self._applied.pop(request.form["StackName"], None)
            self._change_sets.pop(request.form["StackName"], None)

    def _back_up(self, table: str, region: str) -> None:
        """Keep a copy of a table that is deleted with its recovery on, as DynamoDB does."""
        found = get_backend("dynamodb")[ACCOUNT][region].tables.get(table)
        if found:
            recovery = found.continuous_backups["PointInTimeRecoveryDescription"]
            if recovery["PointInTimeRecoveryStatus"] == "ENABLED":
                self.system_backups.append(table)

    def _unnoticed(
        self, name: str, request: "Request", start: Callable[..., Any]
    ) -> Iterable[bytes]:
        """Let moto change an object without calling functions, which would need Docker."""
        bucket = get_backend("s3")[ACCOUNT]["aws"].buckets[name]
        rules, bucket.notification_configuration = bucket.notification_configuration, None
        try:
            return list(self._moto(request.environ(), start))
        finally:
            bucket.notification_configuration = rules

    def _change_set(self, request: "Request") -> tuple[str, int]:
        """Answer for CloudFormation's change sets, for which moto stores no outputs."""
        name = request.form["StackName"]
        if request.action == "CreateChangeSet":
            is_new = request.form["ChangeSetType"] == "CREATE"
            if is_new == (name in self._applied):
                return "<Message>The stack is not in that state</Message>", 400
            self._change_sets[name] = request.form
            return f"<Id>{name}</Id>", 200
        if request.action == "DescribeChangeSet":
            if conflicts := self._conflicts(name):
                return f"<Status>FAILED</Status><StatusReason>{conflicts}</StatusReason>", 200
            if self._asked(name) == self._applied.get(name):
                reason = "The submitted information didn't contain changes."
                return f"<Status>FAILED</Status><StatusReason>{reason}</StatusReason>", 200
            return "<Status>CREATE_COMPLETE</Status>", 200
        if request.action == "ExecuteChangeSet":
            self._execute(name, request)
        elif name in self._applied:
            self._change_sets.pop(name, None)
        return "", 200

    def _conflicts(self, name: str) -> str:
        """Return why a change set is refused: it creates a resource that exists already.

        CloudFormation imports only resources with "a static custom name": "Dynamic names (using
        !Ref or other functions) are not currently supported" (its guide,
        import-resources-automatically). All other resources are created, so they must not exist:
        AWS::EarlyValidation::ResourceExistenceCheck.
        """
        if name in self._applied:
            return ""
        there = {found for *_, found in retained(name)}
        if there <= literal_names(self._change_sets[name]["TemplateBody"]):
            return ""
        return (
            "The following hook(s)/validation failed: "
            "[AWS::EarlyValidation::ResourceExistenceCheck]."
        )

    def _asked(self, name: str) -> dict[str, str]:
        """Return a stack's template and values after a change set."""
        form = self._change_sets[name]
        asked = {"TemplateBody": form["TemplateBody"]}
        for field, key in form.items():
            if field.endswith(".ParameterKey"):
                value = form.get(field.replace("ParameterKey", "ParameterValue"))
                before = self._applied.get(name, {}).get(key)
                if value is not None or before is not None:
                    asked[key] = before if value is None else value
        return asked

    def _execute(self, name: str, request: "Request") -> None:
        asked = self._asked(name)
        action = "UpdateStack" if name in self._applied else "CreateStack"
        form = {"Action": action, "StackName": name, "Version": "2010-05-15"}
        form["TemplateBody"] = asked.pop("TemplateBody")
        for number, (key, value) in enumerate(asked.items(), 1):
            form[f"Parameters.member.{number}.ParameterKey"] = key
            form[f"Parameters.member.{number}.ParameterValue"] = value
        request.body = urlencode({k: v for k, v in form.items() if v or "Parameter" in k}).encode()
        kept = take_away_retained(name) if action == "CreateStack" else {}
        answer = list(self._moto(request.environ(), lambda *_: None))
        assert b"ErrorResponse" not in b"".join(answer), answer
        give_back(kept)
        self._applied[name] = self._asked(name)
        del self._change_sets[name]

    def _refusal(self, request: "Request") -> tuple[str, str, int] | None:
        if request.is_notification_change:
            return overlap(request.body)
        if request.method not in ("POST", "PUT") or "/20" not in request.path[:4]:
            return None
        if match := re.fullmatch(r"/2018-10-31/layers/([^/]+)/versions", request.path):
            content = base64.b64decode(json.loads(request.body)["Content"]["ZipFile"])
            if len(content) > ZIPPED_LIMIT:
                return "RequestEntityTooLargeException", "Request must be smaller", 413
            self._sizes[unquote(match[1])] = unzipped(content)
            return None
        if match := re.fullmatch(r"/2015-03-31/functions(?:/([^/]+)/\w+)?/?", request.path):
            return self._too_large(match[1], json.loads(request.body or b"{}"))
        return None

    def _too_large(self, name: str | None, asked: dict) -> tuple[str, str, int] | None:
        function = unquote(name or asked.get("FunctionName", "")).rpartition(":")[2]
        content = asked.get("ZipFile") or asked.get("Code", {}).get("ZipFile")
        if content:
            if len(base64.b64decode(content)) > ZIPPED_LIMIT:
                return "RequestEntityTooLargeException", "Request must be smaller", 413
            self._sizes[function] = unzipped(base64.b64decode(content))
        if "Layers" in asked:
            self._layers[function] = [arn.split(":")[-2] for arn in asked["Layers"]]
        parts = [function, *self._layers.get(function, [])]
        if sum(self._sizes.get(part, 0) for part in parts) > UNZIPPED_LIMIT:
            return (
                "InvalidParameterValueException",
                "Function code combined with layers exceeds the maximum allowed size",
                400,
            )
        return None


class Request:
    def __init__(self, environ: dict[str, Any]) -> None:
        self._environ = environ
        self.method = environ["REQUEST_METHOD"]
        self.path = environ["PATH_INFO"]
        self.query = environ.get("QUERY_STRING", "")
        self.body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))

    @property
    def action(self) -> str:
        target = self._environ.get("HTTP_X_AMZ_TARGET", "").rpartition(".")[2]
        if target:
            return target
        return self.form.get("Action", "") if self.is_form else ""

    @property
    def region(self) -> str:
        """Return the region in a request's signature."""
        found = re.search(r"Credential=[^/]+/\d+/([^/]+)/", self._environ["HTTP_AUTHORIZATION"])
        return found[1] if found else REGION

    @property
    def is_form(self) -> bool:
        return "x-www-form-urlencoded" in self._environ.get("CONTENT_TYPE", "")

    @property
    def form(self) -> dict[str, str]:
        found = parse_qs(self.body.decode(), keep_blank_values=True)
        return {name: values[0] for name, values in found.items()}

    @property
    def name(self) -> str:
        return self.action or f"{self.method} {self.path}"

    @property
    def is_change(self) -> bool:
        if self.action:
            return not READS.match(self.action)
        return self.method not in ("GET", "HEAD")

    @property
    def is_notification_change(self) -> bool:
        return self.method == "PUT" and "notification" in parse_qs(
            self.query, keep_blank_values=True
        )

    def environ(self) -> dict[str, Any]:
        return self._environ | {
            "PATH_INFO": self.path,
            "RAW_URI": self.path + ("?" + self.query if self.query else ""),
            "REQUEST_URI": self.path + ("?" + self.query if self.query else ""),
            "QUERY_STRING": self.query,
            "wsgi.input": io.BytesIO(self.body),
            "CONTENT_LENGTH": str(len(self.body)),
        }


def mend(request: Request) -> None:
    """Translate a request for moto."""
    if request.is_notification_change:
        for name in (b"Prefix", b"Suffix"):
            request.body = request.body.replace(
                b"<Name>%s</Name>" % name, b"<Name>%s</Name>" % name.lower()
            )
    elif request.path.startswith("/restapis") and b'"swagger"' in request.body:
        document = json.loads(request.body)
        document |= {"openapi": "3.0.1"}
        document["info"]["description"] = document["info"].get("description", "")
        del document["swagger"]
        request.body = json.dumps(document).encode()
    elif request.path == "/2018-10-31/layers" and "find=LayerVersion" in request.query:
        (arn,) = parse_qs(request.query)["Arn"]
        name, version = arn.split(":")[-2:]
        request.path = f"/2018-10-31/layers/{name}/versions/{version}"
        request.query = ""
    elif request.method == "PUT" and (match := CONFIGURATION.fullmatch(request.path)):
        disk = json.loads(request.body).get("EphemeralStorage")
        if disk:
            functions = get_backend("lambda")[ACCOUNT][request.region]
            functions.get_function(match[1]).ephemeral_storage = disk["Size"]


def overlap(body: bytes) -> tuple[str, str, int] | None:
    """Refuse two overlapping rules for one event, as S3 does."""
    rules = []
    for rule in without_namespaces(body).iter("CloudFunctionConfiguration"):
        named = {
            found.findtext("Name", "").lower(): found.findtext("Value", "")
            for found in rule.iter("FilterRule")
        }
        rules += [
            (event.text, named.get("prefix", ""), named.get("suffix", ""))
            for event in rule.findall("Event")
        ]
    for i, (event, prefix, suffix) in enumerate(rules):
        for other_event, other_prefix, other_suffix in rules[:i]:
            if (
                same_kind(event, other_event)
                and one_starts(prefix, other_prefix)
                and one_starts(suffix[::-1], other_suffix[::-1])
            ):
                return "InvalidArgument", "Configurations overlap.", 400
    return None


def same_kind(event: str, other: str) -> bool:
    return one_starts(event.rstrip("*"), other.rstrip("*"))


def one_starts(text: str, other: str) -> bool:
    return text.startswith(other) or other.startswith(text)


def without_namespaces(body: bytes) -> ET.Element:
    return ET.fromstring(re.sub(rb' xmlns="[^"]+"', b"", body))  # noqa: S314  # boto3's own


def literal_names(template: str) -> set[str]:
    """Return the literal names of the resources that a template keeps."""
    yaml.add_multi_constructor("", yaml_tag_constructor, Loader=yaml.SafeLoader)
    resources = yaml.safe_load(template)["Resources"].values()
    names = [
        resource["Properties"].get(name)
        for resource in resources
        for name in ("BucketName", "TableName")
        if str(resource.get("DeletionPolicy")).startswith("Retain")
    ]
    return {name for name in names if isinstance(name, str)}


def retained(stack: str) -> list[tuple]:
    """Return the resources of an earlier stack: service, region, holder and name of each."""
    found = []
    tables = [("dynamodb", region, "tables") for region in get_backend("dynamodb")[ACCOUNT]]
    for service, region, holder in [("s3", "aws", "buckets"), *tables]:
        resources = getattr(get_backend(service)[ACCOUNT][region], holder)
        found += [
            (service, region, holder, name) for name in resources if name.startswith(f"{stack}-")
        ]
    return found


def take_away_retained(stack: str) -> dict:
    """Hide the resources of an earlier stack: CloudFormation can import them, moto cannot."""
    kept = {}
    for service, region, holder, name in retained(stack):
        resources = getattr(get_backend(service)[ACCOUNT][region], holder)
        kept[service, region, holder, name] = resources.pop(name)
        get_backend("s3").bucket_accounts.pop(name, None)
    return kept


def give_back(kept: dict) -> None:
    for (service, region, holder, name), resource in kept.items():
        getattr(get_backend(service)[ACCOUNT][region], holder)[name] = resource


def xml(start: Callable[..., Any], action: str, result: str, status: int = 200) -> list[bytes]:
    if status == 200:
        text = f"<{action}Response><{action}Result>{result}</{action}Result></{action}Response>"
    else:
        text = f"<ErrorResponse><Error><Code>ValidationError</Code>{result}</Error></ErrorResponse>"
    start(f"{status} OK", [("Content-Type", "text/xml"), ("Content-Length", str(len(text)))])
    return [text.encode()]


def as_json(start: Callable[..., Any], document: dict[str, Any]) -> list[bytes]:
    text = json.dumps(document).encode()
    start("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(text)))])
    return [text]


def unzipped(content: bytes) -> int:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return sum(entry.file_size for entry in archive.infolist())


def refuse(
    request: "Request", start: Callable[..., Any], code: str, message: str, status: int
) -> list[bytes]:
    """Answer with an error in the request's protocol."""
    error = f"<Error><Code>{code}</Code><Message>{message}</Message></Error>"
    if request.is_form:
        kind, text = "text/xml", f"<ErrorResponse>{error}</ErrorResponse>"
    elif request.action or re.match(r"/(20\d\d-|restapis)", request.path):
        kind, text = "application/json", json.dumps({"__type": code, "message": message})
    else:
        kind, text = "text/xml", error
    headers = [
        ("Content-Type", kind),
        ("x-amzn-ErrorType", code),
        ("Content-Length", str(len(text))),
    ]
    start(f"{status} Refused", headers)
    return [text.encode()]

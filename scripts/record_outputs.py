"""The outputs of a stage's stack, recorded in the file that ``chalice deploy`` reads.

Chalice reads one file, ``.chalice/config.json``, so the outputs are written there, as in Chalice's
own samples. Anyone who has the file can then deploy the stage with Chalice alone. Only the entry of
the stage changes, only if a value has changed, and ``forget`` leaves the file as it was before.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Any

APP_NAME = "earshot"
MEASURING_FUNCTION, RECOGNISING_FUNCTION = "extract_features", "recognise_speech"
LAYERS = {
    "api_handler": ("media",),
    "extract_features": ("media",),
    "make_dataset": ("media",),
    "recognise_speech": ("speech", "model"),
}
"""The layers of each function, apart from the layer of its requirements: the decoders (``media``)
and Earshot's own recogniser (``speech`` and ``model``).

The API needs decoders to cut clips. All layers together would be too large for one function.
"""

ENVIRONMENT = {
    "MEDIA_BUCKET_NAME": "MediaBucketName",
    "METADATA_TABLE_NAME": "MetadataTableName",
    "SEARCH_TABLE_NAME": "SearchTableName",
    "FEATURES_QUEUE_URL": "FeaturesQueueUrl",
    "DATASETS_QUEUE_URL": "DatasetsQueueUrl",
    "SPEECH_QUEUE_URL": "SpeechQueueUrl",
    "MEDIACONVERT_ROLE_ARN": "MediaConvertRoleArn",
    "MEDIACONVERT_QUEUE_ARN": "MediaConvertQueueArn",
    "NOTICES_TOPIC_ARN": "NoticesTopicArn",
    "FAILURES_TOPIC_ARN": "FailuresTopicArn",
    "KMS_KEY_ARN": "KmsKeyArn",
}
"""Environment variables, and the stack output that each is set to."""

ADMINISTRATORS = "ADMINISTRATORS"
"""The setting that names the administrators, who see all recordings. Default: who deploys."""

TRANSCRIBE_ROLE = "TRANSCRIBE_DATA_ACCESS_ROLE_ARN"
"""The setting for the role with which Transcribe queues jobs. Default: the stack's role."""

SOURCES = "SOURCE_BUCKETS"
"""The setting that names the buckets whose objects are read where they lie."""

API_URL = "API_URL"
"""The setting for the address that notices link to; the default is the stage's page."""

OWN_ADDRESS = re.compile(r"https://[a-z0-9]+\.execute-api\.")
"""Addresses that API Gateway has made, which exist only as long as their API."""


@dataclass(frozen=True, slots=True)
class Account:
    """The account and region of a stage, and who deploys it."""

    account_id: str
    region: str
    partition: str = "aws"
    caller_arn: str = ""

    @property
    def dns_suffix(self) -> str:
        """The end of AWS's host names in this region."""
        return {"aws-cn": "amazonaws.com.cn", "aws-eusc": "amazonaws.eu"}.get(
            self.partition, "amazonaws.com"
        )

    @property
    def administrators(self) -> str:
        """The ARN pattern of whoever deploys; for a role it matches all sessions."""
        role, is_role, _ = self.caller_arn.partition(":assumed-role/")
        arn = self.caller_arn
        if is_role:
            arn = f"{role}:assumed-role/{arn.split('/')[1]}/*"
        # Names may have commas, which separate the patterns.
        return arn.replace(",", "?")


def queue_names(outputs: Mapping[str, str]) -> list[str]:
    """Return the names of the queues whose messages functions receive."""
    urls = (
        outputs.get(name) for name in ("FeaturesQueueUrl", "DatasetsQueueUrl", "SpeechQueueUrl")
    )
    return [url.rpartition("/")[2] for url in urls if url]


def read_config(project: Path) -> dict[str, Any]:
    """Return Chalice's configuration."""
    config: dict[str, Any] = json.loads(_config_file(project).read_text())
    return config


def environment(project: Path, stage: str) -> dict[str, str]:
    """Return the environment variables of a stage."""
    entry = read_config(project)["stages"].get(stage, {})
    found: dict[str, str] = entry.get("environment_variables", {})
    return found


def functions(project: Path) -> list[str]:
    """Return Chalice's names of the deployed functions, each of which has a policy file."""
    found = (project / ".chalice").glob("policy-*.json")
    return sorted(path.stem.removeprefix("policy-") for path in found)


def api_stage(project: Path, stage: str) -> str:
    """Return the path of a stage's API at its host."""
    config = read_config(project)
    entry = config["stages"].get(stage, {})
    return str(entry.get("api_gateway_stage") or config.get("api_gateway_stage") or "api")


def deployed_name(stage: str, function: str) -> str:
    """Return a function's name in AWS."""
    suffix = "" if function == "api_handler" else f"-{function}"
    return f"{APP_NAME}-{stage}{suffix}"


def record(
    project: Path,
    stage: str,
    outputs: Mapping[str, str],
    layers: Mapping[str, str],
    account: Account,
    *,
    page: str = "",
) -> list[str]:
    """Write outputs, layers and the stage's policies; return the files that changed.

    ``layers`` has the ARN of each layer by its name; ``page`` is the public address of the page,
    if the stage has one.
    """
    config = read_config(project)
    entry = config["stages"].setdefault(stage, {"api_gateway_stage": "api"})
    entry.setdefault("environment_variables", {}).update(
        {name: outputs[output] for name, output in ENVIRONMENT.items() if output in outputs}
    )
    if "KmsKeyArn" not in outputs:
        entry["environment_variables"].pop("KMS_KEY_ARN", None)  # the stage had one before
    if account.administrators:
        entry["environment_variables"].setdefault(ADMINISTRATORS, account.administrators)
    if "TranscribeRoleArn" in outputs:
        entry["environment_variables"].setdefault(TRANSCRIBE_ROLE, outputs["TranscribeRoleArn"])
    if page and not _is_chosen(entry["environment_variables"].get(API_URL)):
        entry["environment_variables"][API_URL] = page
    for function in functions(project):
        settings = entry.setdefault("lambda_functions", {}).setdefault(function, {})
        settings["iam_policy_file"] = _rendered(stage, function)
    for function, names in LAYERS.items():
        entry["lambda_functions"][function]["layers"] = [
            layers[name] for name in names if name in layers
        ]
    rendered = policies(project, stage, outputs, account, entry["environment_variables"])
    files = {_config_file(project): _dump(config)} | {
        project / ".chalice" / _rendered(stage, function): policy
        for function, policy in rendered.items()
    }
    return [str(path.relative_to(project)) for path, text in files.items() if _write(path, text)]


def forget(project: Path, stage: str, account: Account) -> None:
    """Remove from the files what ``record`` wrote. Safe to repeat."""
    config = read_config(project)
    entry = config["stages"].get(stage, {})
    variables = entry.get("environment_variables", {})
    for name in ENVIRONMENT:
        variables.pop(name, None)
    if variables.get(ADMINISTRATORS) == account.administrators:
        del variables[ADMINISTRATORS]
    role = f"{APP_NAME}-{stage}-{account.region}-transcribe"
    if variables.get(TRANSCRIBE_ROLE, "").endswith(f":role/{role}"):
        del variables[TRANSCRIBE_ROLE]
    if not _is_chosen(variables.get(API_URL)):
        variables.pop(API_URL, None)
    for settings in entry.get("lambda_functions", {}).values():
        settings.pop("iam_policy_file", None)
        settings.pop("layers", None)
    if entry == {"api_gateway_stage": "api"} | _emptied(entry) and stage not in ("dev", "prod"):
        del config["stages"][stage]
    else:
        _prune(entry)
    _write(_config_file(project), _dump(config))
    for function in functions(project):
        path = project / ".chalice" / _rendered(stage, function)
        path.unlink(missing_ok=True)
        if path.parent.is_dir() and not any(path.parent.iterdir()):
            path.parent.rmdir()


def _is_chosen(address: str | None) -> bool:
    """Return whether a person has chosen an address: API Gateway has not made it."""
    return bool(address) and not OWN_ADDRESS.match(str(address))


def policies(
    project: Path,
    stage: str,
    outputs: Mapping[str, str],
    account: Account,
    variables: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """Return the policy of each function, with the names of a stage filled in."""
    roles = {TRANSCRIBE_ROLE: outputs.get("TranscribeRoleArn", "")}
    values = _values(stage, outputs, roles | dict(variables or {}), account)
    config = read_config(project)
    is_traced = config["stages"].get(stage, {}).get("xray", config.get("xray", False))
    # The service for traces has no resources with names, so the ARN is *.
    values["Tracing"] = "*" if is_traced else ""
    return {
        function: render((project / ".chalice" / f"policy-{function}.json").read_text(), values)
        for function in functions(project)
    }


def render(policy: str, values: Mapping[str, str]) -> str:
    """Return a hand-written policy with its names filled in.

    Statements about resources that this stage does not have are left out.
    """
    document = json.loads(Template(policy).substitute(values))
    for statement in document["Statement"]:
        # A name may stand for several ARNs, or for none.
        statement["Resource"] = " ".join(statement["Resource"]).split()
    document["Statement"] = [
        statement for statement in document["Statement"] if statement["Resource"]
    ]
    return _dump(document)


def source_arns(variables: Mapping[str, str], partition: str) -> list[str]:
    """Return the ARNs of the buckets whose objects a stage reads where they lie."""
    names = variables.get(SOURCES, "").split(",")
    return [f"arn:{partition}:s3:::{name.strip()}" for name in names if name.strip()]


def _values(
    stage: str,
    outputs: Mapping[str, str],
    variables: Mapping[str, str],
    account: Account,
) -> dict[str, str]:
    media_bucket = outputs["MediaBucketName"]
    sources = source_arns(variables, account.partition)
    return {
        "Partition": account.partition,
        "Region": account.region,
        "AccountId": account.account_id,
        "Stage": stage,
        "MediaBucket": media_bucket,
        "ResultsBucket": variables.get("RESULTS_BUCKET_NAME") or media_bucket,
        "SourceBuckets": " ".join(sources),
        "SourceObjects": " ".join(f"{arn}/*" for arn in sources),
        "MetadataTable": outputs["MetadataTableName"],
        "SearchTable": outputs["SearchTableName"],
        "FeaturesQueue": outputs["FeaturesQueueUrl"].rpartition("/")[2],
        "DatasetsQueue": outputs["DatasetsQueueUrl"].rpartition("/")[2],
        "SpeechQueue": outputs["SpeechQueueUrl"].rpartition("/")[2],
        "FailedEventsQueue": outputs["FailedEventsQueueName"],
        "MediaConvertRoleArn": outputs.get("MediaConvertRoleArn", ""),
        "MediaConvertQueueArn": outputs.get("MediaConvertQueueArn", ""),
        "NoticesTopicArn": outputs["NoticesTopicArn"],
        "FailuresTopicArn": outputs["FailuresTopicArn"],
        "KmsKeyArn": outputs.get("KmsKeyArn", ""),
        "TranscribeDataAccessRole": variables.get("TRANSCRIBE_DATA_ACCESS_ROLE_ARN", ""),
    }


def _config_file(project: Path) -> Path:
    return project / ".chalice" / "config.json"


def _rendered(stage: str, function: str) -> str:
    return f"policies/{stage}/{function}.json"


def _dump(document: dict[str, Any]) -> str:
    return json.dumps(document, indent=2) + "\n"


def _emptied(entry: dict[str, Any]) -> dict[str, Any]:
    """Return the parts of an entry that are empty."""
    return {key: value for key, value in entry.items() if _is_empty(value)}


def _is_empty(value: Any) -> bool:
    return isinstance(value, dict) and all(_is_empty(inner) for inner in value.values())


def _prune(entry: dict[str, Any]) -> None:
    for key, value in list(entry.items()):
        if _is_empty(value):
            del entry[key]
        elif isinstance(value, dict):
            _prune(value)


def _write(path: Path, text: str) -> bool:
    """Write a file completely or not at all; return whether it changed."""
    if path.is_file() and path.read_text() == text:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_suffix(".new")
    scratch.write_text(text)
    scratch.replace(path)
    return True

"""One command deploys a stage and another removes it, also after any interruption."""

import dataclasses
import io
import json
import os
import re
import signal
import subprocess
import sys
import time

import boto3
import pytest
from support.deploy import calls, command
from support.deploy.command import ACCOUNT, deploy, remove
from support.deploy.double import literal_names

from chalicelib.api.requests import caller_of
from chalicelib.core import keys
from scripts import destroy, preflight
from scripts.console import DeploymentError
from scripts.deploy import chalice
from scripts.destroy import Removal
from scripts.stack import name_literally

# moto has neither these alarms nor bucket policies, and these tests do not need them.
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore:Tried to parse AWS")]

STRIDE = int(os.environ.get("DEPLOY_STRIDE", "41"))
"""Interrupt a deployment at one in this many changes; 1 tries all, in some minutes."""

N_DEPLOYING, N_DESTROYING = 80, 60
"""More changes than a deployment or a removal makes."""

BUCKET = "earshot-dev-media-123456789012-us-east-1"
KEPT = {f"bucket {BUCKET}", "table earshot-dev-metadata", "table earshot-dev-search"}


def left(project, stage="dev") -> set[str]:
    return set(Removal(project, stage, boto3.session.Session(), ACCOUNT).left())


def rules(bucket=BUCKET) -> list[dict]:
    found = boto3.client("s3").get_bucket_notification_configuration(Bucket=bucket)
    return found.get("LambdaFunctionConfigurations", [])


def snapshot() -> dict:
    """Return everything that is deployed, without AWS's random ids."""
    functions = boto3.client("lambda")
    events = boto3.client("events")
    iam = boto3.client("iam")
    api = boto3.client("apigateway")
    found = {
        one["FunctionName"]: {
            "memory": one["MemorySize"],
            "timeout": one["Timeout"],
            "disk": one["EphemeralStorage"]["Size"],
            "role": one["Role"],
            "layers": sorted(layer["Arn"].rpartition(":")[0] for layer in one.get("Layers", [])),
            "environment": one["Environment"]["Variables"],
            "failures": failures(functions, one["FunctionName"]),
        }
        for one in functions.list_functions()["Functions"]
    }
    return {
        "functions": found,
        "roles": {
            role["RoleName"]: iam.list_role_policies(RoleName=role["RoleName"])["PolicyNames"]
            for role in iam.list_roles()["Roles"]
        },
        "rules": {
            rule["Name"]: [
                target["Arn"]
                for target in events.list_targets_by_rule(Rule=rule["Name"])["Targets"]
            ]
            for rule in events.list_rules()["Rules"]
        },
        "s3": sorted(rule["LambdaFunctionArn"] for rule in rules()),
        "queues": [
            (one["EventSourceArn"], one["FunctionArn"])
            for one in functions.list_event_source_mappings()["EventSourceMappings"]
        ],
        "apis": [
            [stage["stageName"] for stage in api.get_stages(restApiId=one["id"])["item"]]
            for one in api.get_rest_apis()["items"]
        ],
        "layers": {
            name: len(functions.list_layer_versions(LayerName=name)["LayerVersions"])
            for name in ("earshot-dev-media", "earshot-dev-managed-layer")
        },
    }


def failures(client, name) -> str | None:
    try:
        found = client.get_function_event_invoke_config(FunctionName=name)
    except client.exceptions.ResourceNotFoundException:
        return None
    return found["DestinationConfig"]["OnFailure"]["Destination"]


@pytest.fixture
def expected(aws, stage) -> dict:
    """The result of an uninterrupted deployment; the account is empty."""
    aws.reset_to(stage[1])
    found = snapshot()
    aws.reset()
    return found


def test_a_deployment_creates_everything(aws, project):
    assert deploy(project) == 0

    assert len(aws.changes) < N_DEPLOYING
    found = snapshot()
    functions = {
        "earshot-dev" if name == "api_handler" else f"earshot-dev-{name}": name
        for name in calls.deployed_functions()
    }
    assert found["functions"].keys() == functions.keys()
    assert found["roles"] == {
        f"earshot-dev-{name}": [f"earshot-dev-{name}"] for name in functions.values()
    } | {f"earshot-dev-us-east-1-{name}": ["media"] for name in ("mediaconvert", "transcribe")}
    assert len(found["s3"]) == 3
    assert len(found["queues"]) == 3
    assert len(found["apis"]) == 1
    assert len(found["rules"]) == 3
    measuring = found["functions"]["earshot-dev-extract_features"]
    assert (measuring["memory"], measuring["timeout"]) == (1769, 900)
    assert {name for name, one in found["functions"].items() if one["disk"] != 512} == {
        "earshot-dev-extract_features"
    }
    assert [name.rpartition(":")[2] for name in measuring["layers"]] == [
        "earshot-dev-managed-layer",
        "earshot-dev-media",
    ]
    gives_up = {name for name, one in found["functions"].items() if one["failures"]}
    decoding = {"earshot-dev-extract_features", "earshot-dev-make_dataset"}
    by_messages = decoding | {"earshot-dev-recognise_speech"}
    assert gives_up == functions.keys() - {"earshot-dev"} - by_messages
    assert {
        name for name, one in found["functions"].items() if measuring["layers"] == one["layers"]
    } == decoding | {"earshot-dev"}
    recognising = found["functions"]["earshot-dev-recognise_speech"]
    assert [name.rpartition(":")[2] for name in recognising["layers"]] == [
        "earshot-dev-managed-layer",
        "earshot-dev-model",
        "earshot-dev-speech",
    ]


def test_a_stage_with_a_user_pool_accepts_its_tokens_only(aws, project):
    pool = {
        "COGNITO_USER_POOL_ARN": "arn:aws:cognito-idp:us-east-1:123456789012:userpool/us-east-1_a",
        "COGNITO_DOMAIN": "https://example.auth.us-east-1.amazoncognito.com",
        "COGNITO_CLIENT_ID": "the-page",
    }
    config = json.loads((project / ".chalice/config.json").read_text())
    config["stages"]["dev"]["environment_variables"] = pool
    (project / ".chalice/config.json").write_text(json.dumps(config))

    assert deploy(project) == 0

    handler = boto3.client("lambda").get_function_configuration(FunctionName="earshot-dev")
    assert pool.items() <= handler["Environment"]["Variables"].items()
    (authorizer,) = aws.api_document["securityDefinitions"].values()
    assert authorizer["x-amazon-apigateway-authorizer"]["providerARNs"] == [
        pool["COGNITO_USER_POOL_ARN"]
    ]
    unguarded = {
        path
        for path, methods in aws.api_document["paths"].items()
        for method in methods.values()
        if not method.get("security")
    }
    assert unguarded == {"/", "/web/{version}/{name}"}


def test_a_second_deployment_changes_nothing(aws, deployed, capfd):
    before = snapshot()
    aws.break_at(None)
    capfd.readouterr()

    assert deploy(deployed) == 0

    assert snapshot() == before
    assert {change for change in aws.changes if "ChangeSet" not in change} == set()
    assert capfd.readouterr().out.count("nothing to change") == 4


def test_a_changed_function_is_deployed_and_nothing_else(aws, deployed):
    with (deployed / "chalicelib/pipeline/events.py").open("a") as source:
        source.write("# changed\n")
    aws.break_at(None)

    assert deploy(deployed) == 0

    assert any(re.search("functions/.*/code", change) for change in aws.changes)
    assert not any("layers/earshot-dev-media" in change for change in aws.changes)
    assert not {"CreateRole", "ExecuteChangeSet"} & set(aws.changes)


def test_changed_kernels_are_published(aws, deployed):
    with (deployed / "kernels/kernels.c").open("a") as source:
        source.write("int changed(void) { return 1; }\n")
    aws.break_at(None)

    assert deploy(deployed) == 0

    assert any("layers/earshot-dev-media" in change for change in aws.changes)


def test_a_stage_leaves_nothing_but_the_recordings(deployed):
    boto3.client("s3").put_object(Bucket=BUCKET, Key="uploads/me/a.wav", Body=b"a")

    assert remove(deployed) == 0

    assert left(deployed) == KEPT
    before = (calls.ROOT / ".chalice/config.json").read_bytes()
    assert (deployed / ".chalice/config.json").read_bytes() == before
    assert boto3.client("lambda").list_functions()["Functions"] == []
    assert boto3.client("iam").list_roles()["Roles"] == []
    assert rules() == []


@pytest.mark.parametrize("how", ["destroyed", "rolled back", "without a table"])
def test_a_later_deployment_finds_the_recordings(aws, deployed, how):
    """CloudFormation takes over what has a literal name, and refuses to make the rest anew."""
    boto3.client("s3").put_object(Bucket=BUCKET, Key="uploads/me/a.wav", Body=b"a")
    table = boto3.resource("dynamodb").Table("earshot-dev-metadata")
    table.put_item(Item={"JsonFile": "transcripts/a.json"})
    if how == "destroyed":
        remove(deployed)
    elif how == "rolled back":
        aws.roll_back("earshot-dev")
    else:
        boto3.client("dynamodb").delete_table(TableName="earshot-dev-search")

    assert deploy(deployed) == 0

    assert table.scan()["Count"] == 1
    assert boto3.client("s3").list_objects_v2(Bucket=BUCKET)["KeyCount"] == 1


def test_resources_that_outlive_a_stack_have_literal_names_in_the_template():
    template = (calls.ROOT / "cloudformation/resources.yml").read_text()

    named = name_literally(template, {"Stage": "dev", "SearchTableName": "words"}, ACCOUNT)

    assert literal_names(named) == {BUCKET, "earshot-dev-metadata", "words"}
    assert literal_names(template) == set()
    assert len(named.splitlines()) == len(template.splitlines())


def test_data_are_deleted_on_request(aws, deployed):
    for body in (b"a", b"b"):
        boto3.client("s3").put_object(Bucket=BUCKET, Key="uploads/me/a.wav", Body=body)
    aws.break_at(None)

    assert remove(deployed, delete_data=True) == 0

    assert len(aws.changes) < N_DESTROYING
    assert left(deployed) == set()


@pytest.mark.slow
@pytest.mark.parametrize("purge", [False, True])
def test_a_purge_leaves_no_copy_of_what_is_deleted(aws, project, purge):
    """DynamoDB keeps a table that is deleted for 35 days more, if its recovery is on."""
    s3, dynamodb = boto3.client("s3"), boto3.client("dynamodb")
    s3.create_bucket(Bucket="results")
    s3.put_bucket_versioning(Bucket="results", VersioningConfiguration={"Status": "Enabled"})
    set_variable(project, "RESULTS_BUCKET_NAME", "results")
    deploy(project)
    for table in ("earshot-dev-metadata", "earshot-dev-search"):
        dynamodb.update_continuous_backups(
            TableName=table, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
        )
    made = {f"{prefix}a" for prefix in keys.MADE} | {"features/a/mfcc.csv"}
    for key in (*made, "elsewhere/mine.txt"):
        s3.put_object(Bucket="results", Key=key, Body=b"a")
    s3.delete_object(Bucket="results", Key="features/a/mfcc.csv")

    assert remove(project, delete_data=True, purge=purge) == 0

    versions = s3.list_object_versions(Bucket="results")["Versions"]
    kept = {one["Key"] for one in versions}
    assert kept == {"elsewhere/mine.txt"} | (set() if purge else made)
    assert (aws.system_backups == []) == purge


def test_nothing_is_deleted_without_confirmation(deployed, monkeypatch, capsys):
    monkeypatch.setattr(sys, "stdin", io.StringIO("yes\n"))

    status = destroy.main(["dev", "--data", "delete", "--project", str(deployed)])

    assert status == 1
    assert "nothing was changed" in capsys.readouterr().err
    assert len(rules()) == 3


def test_stages_share_nothing(project):
    deploy(project, "dev")
    before = snapshot()
    deploy(project, "devtwo")

    assert remove(project, "devtwo", delete_data=True) == 0

    assert snapshot() == before
    assert left(project, "devtwo") == set()


def set_variable(project, name: str, value: str | None) -> None:
    path = project / ".chalice/config.json"
    config = json.loads(path.read_text())
    environment = config["stages"]["dev"].get("environment_variables", {})
    environment.pop(name, None)
    if value:
        config["stages"]["dev"]["environment_variables"] = environment | {name: value}
    path.write_text(json.dumps(config, indent=2) + "\n")


def transcoders_policy() -> str:
    """Return what MediaConvert may do; moto gives it as text, and never changes it."""
    role = "earshot-dev-us-east-1-mediaconvert"
    return str(boto3.client("iam").get_role_policy(RoleName=role, PolicyName="media"))


def parameters() -> dict[str, str]:
    (stack,) = boto3.client("cloudformation").describe_stacks(StackName="earshot-dev")["Stacks"]
    return {one["ParameterKey"]: one["ParameterValue"] for one in stack["Parameters"]}


def test_outputs_can_get_a_second_bucket_and_lose_it_again(project):
    boto3.client("s3").create_bucket(Bucket="results")
    set_variable(project, "RESULTS_BUCKET_NAME", "results")
    set_variable(project, "SOURCE_BUCKETS", "results")
    deploy(project)
    with_results = (parameters()["ResultsBucketName"], len(rules(BUCKET)), len(rules("results")))
    with_sources = parameters()["SourceObjects"]

    set_variable(project, "RESULTS_BUCKET_NAME", None)
    set_variable(project, "SOURCE_BUCKETS", None)
    deploy(project)

    assert "arn:aws:s3:::results/renditions/*" in transcoders_policy()
    assert f"{BUCKET}/renditions" not in transcoders_policy()
    assert with_results == ("results", 2, 1)
    assert (parameters()["ResultsBucketName"], len(rules(BUCKET))) == ("", 3)
    assert (with_sources, parameters()["SourceObjects"]) == ("arn:aws:s3:::results/*", "")


def test_a_bucket_for_results_keeps_no_rule_of_a_stage_that_is_gone(project):
    boto3.client("s3").create_bucket(Bucket="results")
    set_variable(project, "RESULTS_BUCKET_NAME", "results")
    deploy(project)

    assert remove(project) == 0

    assert left(project) == KEPT
    assert rules("results") == []


@pytest.mark.parametrize("name", ["a-b", "A", "1a", "local", "a_b", "a" * 17, ""])
def test_a_name_that_cannot_be_a_stage_is_refused(name):
    with pytest.raises(DeploymentError, match="stage"):
        preflight.check_stage(name)


@pytest.mark.parametrize("change", range(1, N_DEPLOYING, STRIDE))
def test_an_interrupted_deployment_is_finished_by_the_next(aws, project, expected, change):
    aws.break_at(change, after=bool(change % 2))
    status = deploy(project)
    if not aws.is_broken:
        pytest.skip(f"a deployment makes fewer than {change} changes")
    aws.break_at(None)

    assert status == 1
    assert deploy(project) == 0
    assert snapshot() == expected


@pytest.mark.parametrize("change", range(1, N_DESTROYING, STRIDE))
def test_an_interrupted_removal_is_finished_by_the_next(aws, deployed, change):
    boto3.client("s3").put_object(Bucket=BUCKET, Key="uploads/me/a.wav", Body=b"a")
    aws.break_at(change, after=bool(change % 2))
    remove(deployed, delete_data=True)
    if not aws.is_broken:
        pytest.skip(f"a removal makes fewer than {change} changes")
    aws.break_at(None)

    assert remove(deployed, delete_data=True) == 0
    assert left(deployed) == set()
    assert boto3.client("lambda").list_functions()["Functions"] == []


@pytest.mark.parametrize("change", range(3, N_DESTROYING, 2 * STRIDE))
def test_after_an_interrupted_removal_a_stage_can_be_deployed(aws, expected, deployed, change):
    aws.break_at(change, after=bool(change % 2))
    remove(deployed, delete_data=True)
    aws.break_at(None)

    assert deploy(deployed) == 0
    assert snapshot() == expected


KILLED_AT = [1, 4, 15, 30, 54]
"""A stack proposed, a layer published, a role, a function, the last mark of a deployment."""


def kill_at(change: int, what: str, project, aws) -> int:
    """Kill a command at a change, before or after it; return its exit status."""
    processes = []
    aws.break_at(
        change, after=bool(change % 2), strike=lambda: [command.kill(one) for one in processes]
    )
    processes.append(command.start(what, project))
    status = processes[0].wait()
    aws.break_at(None)
    return status


@pytest.mark.parametrize("change", KILLED_AT)
def test_a_deployment_that_is_killed_is_finished_by_the_next(aws, project, expected, change):

    assert kill_at(change, "deploy", project, aws) == -signal.SIGKILL

    assert command.start("deploy", project).wait() == 0
    assert snapshot() == expected


@pytest.mark.parametrize("change", [1, 12, 30, 37])
def test_a_removal_that_is_killed_is_finished_by_the_next(aws, deployed, change):
    boto3.client("s3").put_object(Bucket=BUCKET, Key="uploads/me/a.wav", Body=b"a")

    assert kill_at(change, "destroy", deployed, aws) == -signal.SIGKILL

    assert command.start("destroy", deployed).wait() == 0
    assert left(deployed) == set()
    assert boto3.client("lambda").list_functions()["Functions"] == []


def test_a_renamed_handler_leaves_no_function_behind(deployed):
    (deployed / "app.py").write_text(
        (deployed / "app.py").read_text().replace("def receive_upload(", "def take_upload(")
    )
    old = deployed / ".chalice/policy-receive_upload.json"
    old.rename(deployed / ".chalice/policy-take_upload.json")

    assert deploy(deployed) == 0

    found = snapshot()
    assert "earshot-dev-take_upload" in found["functions"]
    assert "earshot-dev-receive_upload" not in found["functions"]
    assert len(found["s3"]) == 3


def test_another_machine_can_remove_the_stage(deployed):
    (deployed / ".chalice/deployed/dev.json").unlink()
    (deployed / ".chalice/config.json").write_bytes(
        (calls.ROOT / ".chalice/config.json").read_bytes()
    )

    assert remove(deployed) == 0
    assert left(deployed) == KEPT


def test_plain_chalice_works_when_the_stack_exists(deployed, capfd):
    before = snapshot()

    chalice("deploy", deployed, "dev", ACCOUNT)
    assert snapshot() == before

    stream = {"logGroupName": "/aws/lambda/earshot-dev", "logStreamName": "one"}
    logs = boto3.client("logs")
    logs.create_log_stream(**stream)
    written = {"timestamp": int(time.time() * 1000), "message": "A request was answered."}
    logs.put_log_events(**stream, logEvents=[written])
    capfd.readouterr()
    chalice("logs", deployed, "dev", ACCOUNT)
    assert "A request was answered." in capfd.readouterr().out

    chalice("delete", deployed, "dev", ACCOUNT)
    assert boto3.client("lambda").list_functions()["Functions"] == []


@pytest.mark.usefixtures("deployed")
def test_the_double_refuses_large_packages_and_overlapping_rules():
    """Check that the double is as strict as AWS; otherwise these tests would prove little."""
    s3 = boto3.client("s3")
    overlapping = [rule | {"Id": str(number)} for number, rule in enumerate(rules()[:1] * 2)]

    with pytest.raises(s3.exceptions.ClientError, match="overlap"):
        s3.put_bucket_notification_configuration(
            Bucket=BUCKET,
            NotificationConfiguration={"LambdaFunctionConfigurations": overlapping},
        )
    client = boto3.client("lambda")
    with pytest.raises(client.exceptions.ClientError, match="smaller"):
        client.publish_layer_version(LayerName="large", Content={"ZipFile": os.urandom(51 * 2**20)})


def test_the_command_refuses_a_python_whose_package_would_lack_numpy(project):
    if sys.version_info[:2] in ((3, 12), (3, 13)):
        pytest.skip("this Python can deploy")

    done = subprocess.run(
        [sys.executable, "-m", "scripts.deploy", "dev", "--project", str(project)],
        cwd=calls.ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    assert "3.12 or 3.13" in done.stderr


def test_chalice_reads_the_recorded_configuration(deployed):

    config = json.loads((deployed / ".chalice/config.json").read_text())

    stage = config["stages"]["dev"]
    assert stage["environment_variables"]["MEDIA_BUCKET_NAME"] == BUCKET
    assert stage["lambda_functions"]["extract_features"]["layers"][0].endswith("dev-media:1")
    assert config["stages"]["prod"] == {"api_gateway_stage": "api"}


@pytest.mark.parametrize(
    ("arn", "pattern"),
    [
        ("arn:aws:iam::123456789012:user/alice", "arn:aws:iam::123456789012:user/alice"),
        ("arn:aws:iam::123456789012:root", "arn:aws:iam::123456789012:root"),
        (
            "arn:aws:sts::123456789012:assumed-role/Admin/alice@example.org",
            "arn:aws:sts::123456789012:assumed-role/Admin/*",
        ),
        ("arn:aws:iam::123456789012:user/a,b", "arn:aws:iam::123456789012:user/a?b"),
    ],
)
def test_who_deploys_administers(arn, pattern):
    account = dataclasses.replace(ACCOUNT, caller_arn=arn)

    assert account.administrators == pattern
    assert caller_of({"identity": {"userArn": arn}}, [pattern]).is_administrator


@pytest.mark.parametrize("chosen", [None, "arn:aws:iam::123456789012:user/alice"])
def test_who_deploys_administers_unless_others_are_named(project, chosen):
    set_variable(project, "ADMINISTRATORS", chosen)
    before = (project / ".chalice/config.json").read_bytes()

    deploy(project)

    named = snapshot()["functions"]["earshot-dev"]["environment"]["ADMINISTRATORS"]
    assert named == (chosen or "arn:aws:sts::123456789012:assumed-role/Deployer/*")
    remove(project)
    assert (project / ".chalice/config.json").read_bytes() == before

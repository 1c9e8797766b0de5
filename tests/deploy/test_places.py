"""A stage is in one account and one region; commands elsewhere change nothing."""

import json
import shutil
from dataclasses import replace

import boto3
import pytest
from support.deploy.command import ACCOUNT, ROOT, deploy, remove

from scripts.destroy import Removal
from scripts.record_outputs import environment, read_config

# moto has neither these alarms nor bucket policies, and these tests do not need them.
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore:Tried to parse AWS")]

ELSEWHERE = replace(ACCOUNT, region="eu-west-1")
OTHERS = replace(ACCOUNT, account_id="210987654321", caller_arn="arn:aws:iam::210987654321:user/b")


def set_variable(project, name: str, value: str) -> None:
    path = project / ".chalice/config.json"
    config = json.loads(path.read_text())
    config["stages"]["dev"].setdefault("environment_variables", {})[name] = value
    path.write_text(json.dumps(config, indent=2) + "\n")


@pytest.mark.parametrize("checkout", ["the same", "another"])
@pytest.mark.parametrize("command", [deploy, remove])
def test_a_stage_of_another_region_is_refused_before_anything_is_changed(
    aws, built, deployed, tmp_path, capsys, command, checkout
):
    """Roles have no region: the second stage's would take the first's permissions."""
    other = shutil.copytree(built, tmp_path / "other") if checkout == "another" else deployed

    assert command(other, "dev", ELSEWHERE) == 1

    assert aws.changes == []
    assert "us-east-1" in capsys.readouterr().err


def test_an_interrupted_deployment_is_found_in_another_region_by_its_stack(
    aws, project, tmp_path, capsys
):
    other = shutil.copytree(project, tmp_path / "other")
    aws.break_at(3, after=True)
    deploy(project)
    aws.break_at(None)

    assert deploy(other, "dev", ELSEWHERE) == 1
    assert aws.changes == []
    assert "AWS_DEFAULT_REGION=us-east-1 make destroy STAGE=dev" in capsys.readouterr().err


@pytest.mark.parametrize("command", [deploy, remove])
def test_a_checkout_of_another_account_is_refused_before_anything_is_changed(
    aws, deployed, capsys, command
):
    aws.break_at(None)

    assert command(deployed, "dev", OTHERS) == 1

    assert aws.changes == []
    assert "account 123456789012" in capsys.readouterr().err


def test_administrators_of_another_account_alone_are_refused(aws, project, capsys):
    set_variable(project, "ADMINISTRATORS", "arn:aws:iam::210987654321:user/b")

    assert deploy(project) == 1

    assert aws.changes == []
    assert "ADMINISTRATORS" in capsys.readouterr().err


@pytest.mark.parametrize(
    "named", ["arn:aws:iam::*:user/a", "arn:aws:iam::123456789012:user/a", "*"]
)
def test_administrators_of_this_account_are_accepted(project, named):
    set_variable(project, "ADMINISTRATORS", f"arn:aws:iam::210987654321:user/b, {named}")

    assert deploy(project) == 0


def test_a_region_without_transcribe_is_refused(aws, project, capsys):
    assert deploy(project, "dev", replace(ACCOUNT, region="ap-northeast-3")) == 1

    assert aws.changes == []
    assert "ap-northeast-3 has no Amazon Transcribe" in capsys.readouterr().err


def test_a_region_without_mediaconvert_has_no_renditions(project, monkeypatch):
    """Check that MediaConvert's role and queue are left out, and everything that needs them."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "me-south-1")
    here = replace(ACCOUNT, region="me-south-1")

    assert deploy(project, "dev", here) == 0

    roles = {role["RoleName"] for role in boto3.client("iam").list_roles()["Roles"]}
    assert "earshot-dev-receive_upload" in roles
    assert not any("mediaconvert" in role for role in roles)
    assert not any(name.startswith("MEDIACONVERT") for name in environment(project, "dev"))
    assert remove(project, "dev", here) == 0


@pytest.mark.parametrize(
    ("at_once", "measuring", "is_warned"),
    [
        (10, "5", True),
        (1000, "5", False),
        (1000, "501", True),
        (60, "26", False),
    ],
)
def test_an_account_with_few_concurrent_executions_gets_a_warning(
    aws, project, capsys, at_once, measuring, is_warned
):
    """Use a new account's limit of 10, which one opening of the page or one bulk upload takes."""
    aws.at_once = at_once
    set_variable(project, "MEASURING_CONCURRENCY", measuring)

    deploy(project)

    said = capsys.readouterr().out
    # Two functions recognise speech, and two make data sets.
    taken = int(measuring) + 4
    assert f"{at_once} functions at once in this account, {taken} of them" in said
    assert ("Service Quotas" in said) == is_warned
    mappings = boto3.client("lambda").list_event_source_mappings()["EventSourceMappings"]
    assert {
        one["EventSourceArn"].rpartition("-")[2]: one["ScalingConfig"]["MaximumConcurrency"]
        for one in mappings
    } == {"features": int(measuring), "speech": 2, "datasets": 2}


def test_a_stage_whose_stack_was_deleted_by_hand_can_be_destroyed(deployed):
    boto3.client("cloudformation").delete_stack(StackName="earshot-dev")

    assert remove(deployed) == 0

    assert boto3.client("lambda").list_functions()["Functions"] == []
    left = Removal(deployed, "dev", boto3.session.Session(), ACCOUNT).left()
    assert {found.partition(" ")[0] for found in left} == {"bucket", "table"}


@pytest.mark.usefixtures("deployed")
def test_another_checkout_destroys_a_stage_whose_stack_was_deleted_by_hand(built, tmp_path):
    other = shutil.copytree(built, tmp_path / "other")
    boto3.client("cloudformation").delete_stack(StackName="earshot-dev")

    assert remove(other) == 0

    assert boto3.client("lambda").list_functions()["Functions"] == []


def api_url() -> str:
    function = boto3.client("lambda").get_function_configuration(
        FunctionName="earshot-dev-reconcile"
    )
    return function["Environment"]["Variables"].get("API_URL", "")


POOL = {
    "COGNITO_USER_POOL_ARN": "arn:aws:cognito-idp:us-east-1:123456789012:userpool/us-east-1_a",
    "COGNITO_DOMAIN": "https://example.auth.us-east-1.amazoncognito.com",
    "COGNITO_CLIENT_ID": "the-page",
}


def test_notices_link_to_the_page_that_people_can_sign_in_on(deployed):
    without_a_pool = api_url()
    for name, value in POOL.items():
        set_variable(deployed, name, value)

    deploy(deployed)

    (api,) = boto3.client("apigateway").get_rest_apis()["items"]
    assert without_a_pool == ""
    assert api_url() == f"https://{api['id']}.execute-api.us-east-1.amazonaws.com/api/"
    assert remove(deployed) == 0
    for name in POOL:
        forget_variable(deployed, name)
    before = (ROOT / ".chalice/config.json").read_bytes()
    assert json.loads((deployed / ".chalice/config.json").read_bytes()) == json.loads(before)


def forget_variable(project, name: str) -> None:
    path = project / ".chalice/config.json"
    config = json.loads(path.read_text())
    variables = config["stages"]["dev"]["environment_variables"]
    del variables[name]
    if not variables:
        del config["stages"]["dev"]["environment_variables"]
    path.write_text(json.dumps(config))


def test_notices_link_to_the_page_from_the_first_deployment_on(project):
    for name, value in POOL.items():
        set_variable(project, name, value)

    deploy(project)

    assert api_url().startswith("https://")


def test_an_address_for_notices_that_was_set_by_hand_is_kept(project):
    for name, value in (POOL | {"API_URL": "https://speech.example.org/"}).items():
        set_variable(project, name, value)

    deploy(project)

    assert api_url() == "https://speech.example.org/"


@pytest.mark.parametrize(
    ("region", "partition", "suffix"),
    [
        ("eu-central-1", "aws", "amazonaws.com"),
        ("cn-north-1", "aws-cn", "amazonaws.com.cn"),
        ("us-gov-west-1", "aws-us-gov", "amazonaws.com"),
        ("eusc-de-east-1", "aws-eusc", "amazonaws.eu"),
    ],
)
def test_addresses_and_arns_are_those_of_the_partition(region, partition, suffix):
    place = boto3.session.Session().get_partition_for_region(region)

    account = replace(ACCOUNT, region=region, partition=partition)

    assert place == partition
    assert account.dns_suffix == suffix


def test_the_api_is_a_regional_one_which_every_partition_has():
    assert read_config(ROOT)["api_gateway_endpoint_type"] == "REGIONAL"

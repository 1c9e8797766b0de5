"""Each alarm has a section in the runbook."""

import re
from pathlib import Path

import pytest
from cfnlint.decode import cfn_yaml

ROOT = Path(__file__).parents[2]
RESOURCES = cfn_yaml.load(str(ROOT / "cloudformation/resources.yml"))["Resources"]
RUNBOOK = (ROOT / "docs/runbook.md").read_text()
ALARMS = [
    resource["Properties"]["AlarmName"]["Fn::Sub"].removeprefix("earshot-${Stage}-")
    for resource in RESOURCES.values()
    if resource["Type"] == "AWS::CloudWatch::Alarm"
]


def test_there_are_alarms():
    assert ALARMS


@pytest.mark.parametrize("alarm", ALARMS)
def test_each_alarm_has_a_section(alarm):
    page = re.search(
        rf"^## {re.escape(alarm)}\n(.*?)(?=^## |\Z)", RUNBOOK, re.DOTALL | re.MULTILINE
    )

    assert page, f"docs/runbook.md has no heading {alarm!r}"
    assert re.search(r"^1\. ", page.group(1), re.MULTILINE), "a page has steps"


def test_each_section_is_about_an_existing_alarm():
    assert set(re.findall(r"^## (.*)$", RUNBOOK, re.MULTILINE)) == set(ALARMS)


def test_every_queue_that_the_runbook_names_is_in_the_template():
    names = {
        resource["Properties"]["QueueName"]["Fn::Sub"].replace("${Stage}", "dev")
        for resource in RESOURCES.values()
        if resource["Type"] == "AWS::SQS::Queue"
    }

    assert set(re.findall(r"earshot-dev-(?:features-dead|failed-events)\b", RUNBOOK)) <= names


def test_nobody_is_sent_to_copy_an_upload_onto_itself():
    """The copy loses its metadata, and one made in parts is another recording."""
    assert "Do not copy an upload onto itself" in RUNBOOK
    assert not re.search(r"metadata-directive|copy-object|s3 cp s3://", RUNBOOK)

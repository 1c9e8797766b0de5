"""One line for each event, with its metrics, without spoken words or addresses."""

import json
from pathlib import Path

import boto3
import pytest
from cfnlint.decode import cfn_yaml
from chalice.test import Client
from support.answers import put_answer
from support.asking import Asker
from support.media import wav

from chalicelib import journal
from chalicelib.services import services as connected

ROOT = Path(__file__).parents[1]
KEY = "uploads/alice/talk.wav"
SAID = "the walrus and the carpenter"


@pytest.fixture
def client(application, monkeypatch, tmp_path):
    monkeypatch.setenv("LOG_FILE", str(tmp_path / "log"))
    connected.cache_clear()
    with Client(application.app) as client:
        yield client


@pytest.fixture
def lines(tmp_path):
    """Return a function that reads the new lines."""
    seen = 0

    def read() -> list[dict]:
        nonlocal seen
        found = (tmp_path / "log").read_text().splitlines()
        new, seen = found[seen:], len(found)
        return [json.loads(line) for line in new]

    return read


def s3_event(bucket: str, key: str) -> dict:
    return {"Records": [{"s3": {"bucket": {"name": bucket}, "object": {"key": key}}}]}


def metrics(line: dict) -> dict[str, float]:
    """Return CloudWatch's metrics of a line, by its specification."""
    return {
        metric["Name"]: line[metric["Name"]]
        for directive in line.get("_aws", {}).get("CloudWatchMetrics", [])
        for metric in directive["Metrics"]
        if all(dimension in line for sets in directive["Dimensions"] for dimension in sets)
    }


def transcribe(services, recording_id: str) -> str:
    document = {"results": {"transcripts": [{"transcript": SAID}], "items": []}}
    return put_answer(services, recording_id, document)


def test_each_event_of_a_recording_leaves_one_line(services, client, put, lines):
    recording_id = put(KEY, wav(2.0))
    bucket = services.media.bucket

    client.lambda_.invoke("receive_upload", s3_event(bucket, KEY))
    message = client.events.generate_sqs_event([json.dumps({"recording_id": recording_id})])
    client.lambda_.invoke("extract_features", message)
    client.lambda_.invoke("store_transcript", s3_event(bucket, transcribe(services, recording_id)))

    received, measured, stored = lines()
    for line in (received, measured, stored):
        assert line["recording_id"] == recording_id
        assert line["outcome"] == "done"
        assert line["milliseconds"] >= 0
    assert received["transcription"] == "IN_PROGRESS"
    assert measured["features"] == "COMPLETED"
    assert metrics(measured)["audio_seconds"] == 2.0
    assert metrics(measured)["times_real_time"] > 0
    assert stored["transcription"] == "COMPLETED"
    assert metrics(stored) == {"recordings_done": 1}
    assert SAID not in json.dumps([received, measured, stored])


def test_a_failure_is_counted_by_the_branches_that_failed(services, client, put, lines):
    put("uploads/alice/notes.txt", b"not a recording")

    client.lambda_.invoke(
        "receive_upload", s3_event(services.media.bucket, "uploads/alice/notes.txt")
    )

    (line,) = lines()
    assert line["failed_branches"] == "transcription+features"
    assert "format is not supported" in line["reason"]
    assert metrics(line) == {"recordings_failed": 1}
    assert [directive["Dimensions"] for directive in line["_aws"]["CloudWatchMetrics"]] == [
        [["stage"], ["stage", "failed_branches"]]
    ]


def test_a_duplicate_event_counts_nothing_again(services, client, put, lines):
    put("uploads/alice/notes.txt", b"not a recording")
    event = s3_event(services.media.bucket, "uploads/alice/notes.txt")
    client.lambda_.invoke("receive_upload", event)
    lines()

    client.lambda_.invoke("receive_upload", event)

    (line,) = lines()
    assert metrics(line) == {}
    assert line["outcome"] == "done"


def test_an_event_that_raises_leaves_its_line_too(client, lines):
    event = client.events.generate_sqs_event(["{}"])
    event["Records"][0]["receiptHandle"] = ""  # of no queue, so nothing can come back
    with pytest.raises(KeyError):
        client.lambda_.invoke("extract_features", event)

    (line,) = lines()
    assert (line["outcome"], line["error"]) == ("raised", "KeyError")


@pytest.mark.usefixtures("client")
def test_a_requests_line_has_its_route_and_not_its_query(application, lines):
    ask = Asker(application)

    ask("/search?q=walrus")
    ask("/recordings/no-such-recording")

    searched, missing = lines()
    assert (searched["route"], searched["status"]) == ("/search", 200)
    assert (missing["route"], missing["status"]) == ("/recordings/{recording_id}", 404)
    assert (missing["stage"], missing["function"]) == ("local", "api_handler")
    assert "walrus" not in json.dumps(searched)


@pytest.mark.parametrize(
    ("name", "stage", "function"),
    [
        ("earshot-dev-extract_features", "dev", "extract_features"),
        ("earshot-prod", "prod", "api_handler"),
        ("something", "", "api_handler"),
    ],
)
def test_stage_and_function_follow_from_the_deployed_name(services, capsys, name, stage, function):
    with journal.event(name, services):
        pass

    line = json.loads(capsys.readouterr().out)
    assert (line["stage"], line["function"]) == (stage, function)


def test_facts_noted_outside_of_an_event_are_dropped(capsys):
    journal.note(recording_id="r")

    assert capsys.readouterr().out == ""


def test_the_dashboard_shows_every_metric_by_what_it_is_counted_by():
    template = cfn_yaml.load(str(ROOT / "cloudformation/resources.yml"))["Resources"]
    body = template["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"]

    shown = {
        (metric[1], metric[2])
        for widget in json.loads(body)["widgets"]
        for metric in widget["properties"]["metrics"]
        if metric[0] == journal.NAMESPACE
    }

    assert shown == {(name, "stage") for name in journal.METRICS}
    assert "{Earshot,failed_branches,stage}" in body


def test_a_line_is_one_line_and_has_no_metrics_where_there_are_none():
    line = journal.line_of({"reason": "first\nsecond"}, at_ms=5)

    assert "\n" not in line
    assert json.loads(line) == {"reason": "first\nsecond"}


@pytest.mark.usefixtures("client")
def test_an_error_of_the_api_is_an_error_in_its_line(application, services, lines):
    """Check this, because Chalice answers the exception, and Lambda counts a success."""
    boto3.client("dynamodb").delete_table(TableName=services.settings.metadata_table)

    answer = Asker(application)("/recordings")

    assert answer.status == 500
    (line,) = lines()
    assert (line["status"], line["outcome"]) == (500, "raised")


def test_every_alarm_on_our_own_metrics_watches_one_that_is_written():
    resources = cfn_yaml.load(str(ROOT / "cloudformation/resources.yml"))["Resources"].values()
    watched = {
        resource["Properties"]["MetricName"]
        for resource in resources
        if resource["Properties"].get("Namespace") == journal.NAMESPACE
    }

    assert watched == {"recordings_hanging", "look_overdue_seconds"}
    assert watched <= journal.METRICS.keys()

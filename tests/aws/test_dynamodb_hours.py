"""The counters of hours, on moto: a transaction counts a recording once, or says what is full."""

from dataclasses import replace

import boto3
import pytest

from chalicelib.core import keys
from chalicelib.core.recording import Recording
from chalicelib.core.upload import Upload

HOUR = 3600


@pytest.fixture
def record(services):
    """Create a recording; return its id."""

    def create(name: str) -> str:
        upload = Upload(bucket="media", key=f"uploads/alice/{name}.wav", etag="e", size=1)
        recording = Recording.of(upload, created_at=services.clock().isoformat())
        services.recordings.create(recording)
        return recording.id

    return create


def counted(services, name):
    """Return the seconds of today's counter."""
    key = {"JsonFile": keys.hours(f"{services.clock():%Y-%m-%d}", name)}
    table = boto3.resource("dynamodb").Table(services.settings.metadata_table)
    found = table.get_item(Key=key, ConsistentRead=True)
    return int(found.get("Item", {}).get("seconds_accepted", 0))


def test_a_recording_is_counted_once_however_often_it_is_asked_for(services, record):
    recording_id = record("a")

    for _ in range(3):
        assert services.hours.count(recording_id, HOUR, {"alice": 2 * HOUR}) is None

    assert counted(services, "alice") == HOUR


def test_a_recording_that_is_made_again_is_counted_again(services, record):
    recording_id = record("a")
    services.hours.count(recording_id, HOUR, {"alice": 2 * HOUR})

    assert services.hours.count(recording_id, HOUR, {"alice": 2 * HOUR}, again=True) is None
    assert services.hours.count(recording_id, HOUR, {"alice": 2 * HOUR}, again=True) == "alice"

    assert counted(services, "alice") == 2 * HOUR


def test_the_full_counter_is_named_and_no_other_is_raised(services, record):
    limits = {"alice": 9 * HOUR, "": 2 * HOUR}
    for name in ("a", "b"):
        assert services.hours.count(record(name), HOUR, limits) is None

    assert services.hours.count(record("c"), 1, limits) == ""

    assert counted(services, "alice") == counted(services, "") == 2 * HOUR


def test_a_recording_longer_than_a_limit_is_not_even_tried(services, record):
    broken = replace(services, hours=type(services.hours)(None, services.clock))

    assert broken.hours.count(record("a"), HOUR + 1, {"alice": HOUR}) == "alice"

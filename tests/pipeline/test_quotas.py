"""Hours of a day: what is over them is refused, each recording counts once, and who can lift it."""

from datetime import UTC, datetime, timedelta

import boto3
import pytest
from support.asking import Asker
from support.faults.connecting import ADMINISTRATOR
from support.media import flac_lasting, wav

from chalicelib.aws.dynamodb_hours import HourCounters
from chalicelib.core.probe import quotas
from chalicelib.core.probe.contents import Contents
from chalicelib.errors import CallerError, ServiceBusyError
from chalicelib.pipeline import events

OVER = (
    "The recording was not processed: with it, your recordings of today would last longer than "
    "2 hours, the limit of a day. Choose Process again tomorrow (a day ends at 00:00 UTC), or ask "
    "an administrator to process it now."
)


@pytest.fixture
def limited(account, application, monkeypatch):
    """The services of a stage with a limit of two hours for each owner, or with other limits."""

    def limit(owner: str = "2", everybody: str = "", clock=None):
        services = account.connect(clock, OWNER_HOURS_PER_DAY=owner, STAGE_HOURS_PER_DAY=everybody)
        monkeypatch.setattr(application, "services", lambda: services)
        return services

    return limit


@pytest.fixture
def upload(put):
    """Upload a FLAC of some hours, and deliver its event."""

    def receive(services, owner: str, number: int, hours: float) -> str:
        key = f"uploads/{owner}/{number}.flac"
        recording_id = put(key, flac_lasting(hours))
        events.receive_upload(key, services)
        return recording_id

    return receive


def counters(account) -> dict[str, int]:
    """Return the seconds of every counter in the table, by the end of its name."""
    return {
        item["JsonFile"].partition("/")[2].partition("/")[2]: int(item["seconds_accepted"])
        for item in account.table.items.values()
        if "seconds_accepted" in item
    }


def test_a_recording_over_its_owners_hours_of_the_day_is_refused_with_the_reason(
    account, limited, upload
):
    services = limited()
    first = upload(services, "alice", 1, 1.5)

    second = upload(services, "alice", 2, 1)
    bobs = upload(services, "bob", 1, 1)

    refused = services.recordings.get(second)
    assert refused.statuses == {
        "transcription": "FAILED",
        "features": "FAILED",
        "renditions": "SKIPPED",
    }
    assert refused.reason == OVER
    assert services.recordings.get(first).transcription.status == "IN_PROGRESS"
    assert services.recordings.get(bobs).transcription.status == "IN_PROGRESS"
    assert len(account.transcribe.jobs) == 2
    assert counters(account) == {"owner/alice": 5400, "owner/bob": 3600}


def test_a_shorter_recording_may_still_have_room(account, limited, upload):
    services = limited()
    upload(services, "alice", 1, 1.5)
    upload(services, "alice", 2, 1)

    third = upload(services, "alice", 3, 0.5)

    assert services.recordings.get(third).reason is None
    assert counters(account) == {"owner/alice": 7200}


def test_everybodys_hours_are_counted_together(account, limited, upload):
    services = limited("2", "2.5")
    upload(services, "alice", 1, 2)

    bobs = upload(services, "bob", 1, 1)

    assert "everybody's recordings of today" in services.recordings.get(bobs).reason
    assert counters(account) == {"owner/alice": 7200, "stage": 7200}


def test_an_event_that_comes_twice_counts_once(account, limited, upload):
    services = limited()
    accepted = upload(services, "alice", 1, 1.5)
    refused = upload(services, "alice", 2, 1)

    for number in (1, 2, 1, 2):
        events.receive_upload(f"uploads/alice/{number}.flac", services)

    assert counters(account) == {"owner/alice": 5400}
    assert services.recordings.get(accepted).transcription.status == "IN_PROGRESS"
    assert services.recordings.get(refused).reason == OVER
    assert len(account.transcribe.jobs) == 1


def test_a_handler_that_read_the_recording_before_it_was_counted_counts_nothing(
    account, limited, upload
):
    services = limited()
    recording_id = upload(services, "alice", 1, 1)

    late = services.hours.count(recording_id, 3600, {"owner/alice": 7200})

    assert late is None
    assert counters(account) == {"owner/alice": 3600}


def test_two_recordings_counted_at_one_moment_are_both_counted_in_the_end():
    class Meeting:
        """A client whose transactions meet another one's."""

        name = "metadata"

        @property
        def meta(self):
            return self

        client = property(lambda self: self)

        def transact_write_items(self, **request):
            client = boto3.client("dynamodb", region_name="us-east-1")
            reasons = [{"Code": "None"}, {"Code": "TransactionConflict"}]
            raise client.exceptions.TransactionCanceledException(
                {
                    "Error": {"Code": "TransactionCanceledException", "Message": "conflict"},
                    "CancellationReasons": reasons[: len(request["TransactItems"])],
                },
                "TransactWriteItems",
            )

    hours = HourCounters(Meeting(), lambda: datetime.now(UTC))

    with pytest.raises(ServiceBusyError):
        hours.count("a-0123456789ab", 60, {"owner/alice": 7200})


def test_the_next_day_has_hours_of_its_own(limited, upload):
    services = limited()
    upload(services, "alice", 1, 1.5)
    refused = services.recordings.get(upload(services, "alice", 2, 1))

    with pytest.raises(CallerError, match="today"):
        events.reprocess(refused, services)
    tomorrow = limited(clock=lambda: services.clock() + timedelta(days=1))
    started = events.reprocess(refused, tomorrow)

    assert started.transcription.status == "IN_PROGRESS"
    assert started.reason is None


def test_a_recording_longer_than_the_limit_is_not_put_off_until_tomorrow(account, limited, upload):
    services = limited()

    refused = services.recordings.get(upload(services, "alice", 1, 3))

    assert refused.reason == (
        "The recording was not processed: it lasts 3.0 hours, and at most 2 hours of each owner "
        "are processed in a day. An administrator can process it."
    )
    assert counters(account) == {}


def test_processing_again_counts_again_and_a_refusal_leaves_the_results(limited, put, application):
    services = limited("0.001")  # 4 s
    ask = Asker(application)
    recording_id = put("uploads/alice/a.wav", wav(3.0))
    events.receive_upload("uploads/alice/a.wav", services)
    events.extract_features(recording_id, services)

    refused = ask(f"/recordings/{recording_id}/reprocess", method="POST")

    assert refused.status == 403
    assert "your recordings of today would last longer" in refused.sentence
    assert ask(f"/recordings/{recording_id}/features/mfcc?redirect=no").status == 200


def test_an_administrator_lifts_a_refusal(account, limited, upload, application):
    services = limited()
    ask = Asker(application)
    upload(services, "alice", 1, 1.5)
    refused = upload(services, "alice", 2, 1)

    answer = ask(f"/recordings/{refused}/reprocess", method="POST", by=ADMINISTRATOR)
    events.receive_upload("uploads/alice/2.flac", services)

    assert answer.status == 202
    assert answer.json["transcription"] == "IN_PROGRESS"
    assert services.recordings.get(refused).reason is None
    assert counters(account) == {"owner/alice": 5400}


def test_without_limits_nothing_is_counted(account, services, upload):
    recording_id = upload(services, "alice", 1, 3.9)

    assert services.recordings.get(recording_id).accepted_at is None
    assert counters(account) == {}


def test_a_counter_is_in_no_list_and_expires(account, limited, upload):
    services = limited()
    recording_id = upload(services, "alice", 1, 1)

    page, _ = services.recordings.page()

    assert [one.id for one in page] == [recording_id]
    (counter,) = (item for item in account.table.items.values() if "seconds_accepted" in item)
    assert float(counter["expires_at"]) > datetime.now(UTC).timestamp()


def test_a_file_whose_header_has_no_length_counts_by_its_size():
    assert quotas.seconds_of(8_000 * 60, Contents()) == 60
    assert quotas.seconds_of(2 * 2**30, Contents()) == 4 * 3600
    assert quotas.seconds_of(1, Contents()) == 1
    assert quotas.seconds_of(2**30, Contents(duration_s=59.2)) == 60


def test_whoever_is_counted_at_the_same_moment_as_another_is_asked_to_try_again(
    application, limited, upload, monkeypatch
):
    recording_id = upload(limited(), "alice", 1, 1)
    ask = Asker(application)

    def busy(*_, **__):
        raise ServiceBusyError("Another recording is being counted.")

    monkeypatch.setattr(HourCounters, "count", busy)
    answer = ask(f"/recordings/{recording_id}/reprocess", by="alice", method="POST")

    assert answer.status == 429
    assert answer.sentence.endswith("in a moment: Another recording is being counted.")

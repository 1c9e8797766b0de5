import math

import pytest
from support.stand_ins import ON_EACH_DATABASE

from chalicelib.core.recording import Branch, Recording, Status, Upload
from chalicelib.errors import CursorError, RecordingNotFoundError

pytestmark = ON_EACH_DATABASE

DONE = {Status.COMPLETED, Status.SKIPPED}


@pytest.fixture
def recording(services):
    made = Recording.of(
        Upload(bucket="media", key="uploads/alice/a.wav", etag="e", size=1),
        created_at="2024-01-01T00:00:00+00:00",
    )
    services.recordings.create(made)
    return made


def test_a_recording_is_created_once(services, recording):
    assert services.recordings.create(recording) is False
    found = services.recordings.get(recording.id).attributes
    assert found.items() >= recording.attributes.items()


def test_an_unknown_recording_is_an_error_that_names_it(services):
    with pytest.raises(RecordingNotFoundError, match="nothing-0123456789ab"):
        services.recordings.get("nothing-0123456789ab")


def test_a_branch_that_is_done_stays_done(services, recording):
    settle = services.recordings.settle
    settle(recording.id, Branch.FEATURES, Status.COMPLETED, unless=DONE, attributes={"n_frames": 9})

    moved = settle(recording.id, Branch.FEATURES, Status.FAILED, unless={Status.COMPLETED})

    found = services.recordings.get(recording.id)
    assert moved is False
    assert found.status_of(Branch.FEATURES) == Status.COMPLETED
    assert found.attributes["n_frames"] == 9


def test_a_reason_goes_with_the_status_that_had_it(services, recording):
    settle = services.recordings.settle
    settle(recording.id, Branch.FEATURES, Status.FAILED, unless=DONE, reason="No.")
    settle(recording.id, Branch.FEATURES, Status.COMPLETED, unless=DONE)

    assert services.recordings.get(recording.id).reason is None


@pytest.mark.parametrize("late", ["settle", "note"])
def test_nothing_late_brings_a_removed_recording_back(services, recording, late):
    services.recordings.delete(recording.id)
    services.recordings.delete(recording.id)

    with pytest.raises(RecordingNotFoundError):
        if late == "settle":
            services.recordings.settle(recording.id, Branch.FEATURES, Status.COMPLETED, unless=DONE)
        else:
            services.recordings.note(recording.id, {"n_frames": 1})

    assert services.recordings.find(recording.id) is None


def test_numbers_come_back_as_they_went_and_what_is_none_as_nothing(services, recording):
    attributes = {
        "mean_confidence": 0.1 + 0.2,
        "duration_s": 5.925,
        "tiny": 5e-17,
        "n_frames": 256,
        "not_a_number": math.nan,
        "nothing": None,
        "nested": {"size": 1.5, "owner": ["a", 2.5], "is": True},
    }

    services.recordings.note(recording.id, attributes)

    found = services.recordings.get(recording.id).attributes
    for name in ("mean_confidence", "duration_s", "tiny", "n_frames", "nested"):
        assert found[name] == attributes[name]
    assert found["not_a_number"] is None
    assert "nothing" not in found


def test_a_cursor_leads_into_no_other_owners_list(services, recording):
    for number in range(2):
        upload = Upload(bucket="media", key=f"uploads/bob/{number}.wav", etag="e", size=1)
        services.recordings.create(Recording.of(upload, created_at=f"2024-01-0{number + 1}"))
    _, cursor = services.recordings.page(owner="bob", limit=1)
    assert cursor
    assert recording

    with pytest.raises(CursorError):
        services.recordings.page(owner="alice", cursor=cursor)


@pytest.mark.parametrize("cursor", ["!", "bm9uc2Vuc2U", "eyJhIjogMX0", "eyJhIjogIngifQ"])
@pytest.mark.parametrize("owner", [None, "alice"])
def test_a_cursor_that_no_page_ended_with_is_refused(services, recording, cursor, owner):
    assert recording

    with pytest.raises(CursorError):
        services.recordings.page(owner=owner, cursor=cursor)


def test_every_recording_of_a_key_is_found(services, recording):
    other = Recording.of(
        Upload(bucket="media", key=recording.source_key, etag="f", size=2),
        created_at="2024-01-02T00:00:00+00:00",
    )
    services.recordings.create(other)

    found = services.recordings.of_source(recording.source_key)

    assert {each.id for each in found} == {recording.id, other.id}

import pytest

from chalicelib.core.recording import Branch, Recording
from chalicelib.core.recording_item import flat, restore
from chalicelib.core.upload import Upload

UPLOAD = Upload(bucket="media", key="uploads/alice/talk.wav", etag="e", size=10)


def recording(**statuses: str) -> Recording:
    made = Recording.of(UPLOAD, created_at="2024-01-01T00:00:00+00:00")
    return restore({**flat(made), "renditions": "SKIPPED", **statuses})


def test_a_new_recording_waits_in_every_branch():
    made = Recording.of(UPLOAD, created_at="2024-01-01T00:00:00+00:00")

    assert made.statuses == dict.fromkeys(Branch, "PENDING")
    assert made.owner == "alice"
    assert flat(made)["JsonFile"] == f"transcripts/{UPLOAD.recording_id}.json"


@pytest.mark.parametrize(
    ("transcription", "features", "status", "is_settled"),
    [
        ("PENDING", "PENDING", "IN_PROGRESS", False),
        ("COMPLETED", "PENDING", "IN_PROGRESS", False),
        ("FAILED", "IN_PROGRESS", "IN_PROGRESS", False),
        ("COMPLETED", "COMPLETED", "COMPLETED", True),
        ("COMPLETED", "FAILED", "FAILED", True),
        ("SKIPPED", "SKIPPED", "COMPLETED", True),
    ],
)
def test_the_overall_status_follows_from_the_branches(transcription, features, status, is_settled):
    found = recording(transcription=transcription, features=features)

    assert (found.status, found.is_settled) == (status, is_settled)


def test_a_reason_has_failures_first_and_each_sentence_once():
    found = recording(
        transcription="COMPLETED",
        features="FAILED",
        transcription_reason="No speech was recognised.",
        features_reason="It is broken.",
        renditions_reason="Renditions are made of video.",
    )
    both = recording(
        transcription="FAILED", features="FAILED", transcription_reason="No.", features_reason="No."
    )

    assert found.reason == "It is broken. No speech was recognised."
    assert both.reason == "No."
    assert recording().reason is None


@pytest.mark.parametrize(
    ("features_reason", "reason"),
    [
        ("The recording cannot be read: no data.", "The recording cannot be read: no data."),
        ("sr: 9 is too low.", "The data in your input media file isn't valid. sr: 9 is too low."),
    ],
)
def test_of_a_damaged_file_the_reason_that_says_what_is_wrong_is_given_alone(
    features_reason, reason
):
    found = recording(
        transcription="FAILED",
        features="FAILED",
        transcription_reason="The data in your input media file isn't valid.",
        features_reason=features_reason,
    )

    assert found.reason == reason


def test_only_an_empty_object_with_a_folders_name_is_a_folder():
    assert Upload(bucket="media", key="uploads/alice/", etag="e", size=0).is_folder
    assert not Upload(bucket="media", key="uploads/alice/", etag="e", size=1).is_folder
    assert not Upload(bucket="media", key="uploads/a.wav", etag="e", size=0).is_folder

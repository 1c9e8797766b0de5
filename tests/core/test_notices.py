import json

import pytest

from chalicelib.core.notices import notice_of, outcome_of
from chalicelib.core.recording import Branch, Outcome, Recording, Status
from chalicelib.core.recording_item import flat, restore
from chalicelib.core.upload import Upload

DONE = dict.fromkeys(Branch, Status.COMPLETED)


def recording(key: str = "uploads/alice/my talk.wav", **attributes) -> Recording:
    made = Recording.of(
        Upload(bucket="media", key=key, etag="e", size=1), created_at="2024-01-01T00:00:00+00:00"
    )
    return restore({**flat(made), **attributes})


@pytest.mark.parametrize(
    ("statuses", "outcome"),
    [
        ({}, None),
        ({Branch.FEATURES: Status.COMPLETED}, None),
        ({Branch.FEATURES: Status.FAILED}, Outcome.FAILED),
        (DONE, Outcome.DONE),
        (DONE | {Branch.RENDITIONS: Status.SKIPPED}, Outcome.DONE),
        (DONE | {Branch.RENDITIONS: Status.FAILED}, Outcome.FAILED),
    ],
)
def test_a_notice_is_due_when_all_is_done_or_anything_failed(statuses, outcome):
    assert outcome_of(recording(**statuses)) == outcome


def test_a_notice_leads_to_the_corrections_if_there_are_any():
    corrected = recording(
        transcript="a", word_count=1, transcript_key="transcripts/x.json", corrections_etag="e"
    )
    plain = recording(transcript="a", word_count=1, transcript_key="transcripts/x.json")

    found, none = (
        json.loads(notice_of(one, Outcome.DONE, api_url="").json)["keys"]["corrections"]
        for one in (corrected, plain)
    )

    assert (found, none) == (f"transcripts/{corrected.id}.corrections.json", None)


def test_a_notice_has_what_a_program_needs():
    done = recording(
        **DONE,
        transcript="a secret",
        word_count=2,
        transcript_key="transcripts/x.json",
        feature_keys={"mfcc": "features/x/mfcc.csv"},
        duration_s=1.0,
        sample_rate_hz=22050,
        source_sample_rate_hz=44100,
        channels=1,
        n_frames=44,
        feature_parameters={},
        rendition_files={"web": {"key": "renditions/x/web.mp4", "size": 1}},
    )

    notice = notice_of(done, Outcome.DONE, api_url="https://api.example/api/")

    body = json.loads(notice.json)
    assert body["recording_id"] == done.id
    assert body["owner"] == "alice"
    assert body["source_key"] == "uploads/alice/my talk.wav"
    assert set(body["statuses"].values()) == {"COMPLETED"}
    assert body["keys"]["transcript"] == "transcripts/x.json"
    assert body["keys"]["renditions"] == {"web": "renditions/x/web.mp4"}
    assert body["link"] == f"https://api.example/api/#/recordings/{done.id}"
    assert notice.attributes == {"event": "done", "owner": "alice"}
    assert "secret" not in notice.json + notice.text


def test_a_failures_notice_gives_the_reason_to_programs_and_people():
    failed = recording(features=Status.FAILED, features_reason="The file is empty.")

    notice = notice_of(failed, Outcome.FAILED, api_url="")

    assert notice.body["reason"] == "The file is empty."
    assert notice.body["link"] is None
    assert "The file is empty." in notice.text
    assert notice.subject == "Earshot: my talk.wav has failed"


@pytest.mark.parametrize(
    "broken", ["\n", "\r\n", "\x0b", "\x85", "\u2028", "\u2029", "\x1b", "\x00"]
)
def test_a_name_or_a_reason_adds_no_line_to_a_message(broken):
    forged = f"a.wav{broken}Your account is closed."
    failed = recording(
        f"uploads/mallory/{forged}", features=Status.FAILED, features_reason=f"No {forged}"
    )

    notice = notice_of(failed, Outcome.FAILED, api_url="")

    assert notice.text.splitlines() == [
        "Your recording a.wav Your account is closed. has failed.",
        "",
        "transcription: PENDING",
        "features: FAILED",
        "renditions: PENDING",
        "",
        "No a.wav Your account is closed.",
    ]
    assert notice.subject == "Earshot: a.wav Your account is closed. has failed"
    assert len(notice.json.splitlines()) == 1
    assert json.loads(notice.json)["source_key"] == failed.source_key


@pytest.mark.parametrize(
    "name", ["日本語.wav", "x" * 900 + ".wav", "naïve\ncafé\t.wav", "😀.mp4", "…", "a.b.c"]
)
def test_a_subject_is_one_short_line_of_ascii(name):
    subject = notice_of(recording(f"uploads/a/{name}"), Outcome.DONE, api_url="").subject

    assert subject.isascii()
    assert subject.isprintable()
    assert len(subject) < 100
    assert subject.endswith("is done")

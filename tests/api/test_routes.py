"""The API: the answer of each route, and the callers that get it."""

import base64
import importlib
import json
import urllib.parse
from datetime import UTC, datetime, timedelta

import boto3
import pytest
from support import user_pool
from support.answers import answer_key, job_name, put_answer
from support.asking import ADMINISTRATOR, Answered, Asker
from support.media import wav

from chalicelib.api import page, recordings
from chalicelib.core.probe import limits
from chalicelib.core.probe.contents import Contents
from chalicelib.core.recording import Branch, Recording, Status
from chalicelib.core.recording_item import flat, restore
from chalicelib.core.search.layout import bucket_of
from chalicelib.core.transcripts.exports import EXPORTS
from chalicelib.core.upload import Upload
from chalicelib.pipeline import events

BEGINNING = datetime(2024, 1, 1, tzinfo=UTC)
TRANSCRIPT = {
    "results": {
        "transcripts": [{"transcript": "Good morning. Good night."}],
        "items": [
            {
                "type": "pronunciation",
                "start_time": f"{start}",
                "end_time": f"{start + 0.4}",
                "alternatives": [{"content": word, "confidence": "0.9"}],
            }
            if start is not None
            else {"type": "punctuation", "alternatives": [{"content": word}]}
            for start, word in [
                (0.0, "Good"),
                (0.5, "morning"),
                (None, "."),
                (3.0, "Good"),
                (3.5, "night"),
                (None, "."),
            ]
        ],
    }
}


@pytest.fixture
def ask(application):
    return Asker(application)


@pytest.fixture
def make(services):
    """Create items of recordings, an hour apart, without uploads."""

    def make_recording(owner: str, number: int, **changes) -> Recording:
        upload = Upload(bucket="media", key=f"uploads/{owner}/{number}.wav", etag="e", size=number)
        created_at = (BEGINNING + timedelta(hours=number)).isoformat()
        recording = restore({**flat(Recording.of(upload, created_at=created_at)), **changes})
        services.recordings.create(recording)
        return recording

    return make_recording


@pytest.fixture
def finished(services, put):
    """Upload a recording and do all its work."""

    def finish(key: str = "uploads/alice/my talk.wav", body: bytes | None = None) -> str:
        recording_id = put(key, wav() if body is None else body)
        events.receive_upload(key, services)
        events.extract_features(recording_id, services)
        events.store_transcript(put_answer(services, recording_id, TRANSCRIPT), services)
        return recording_id

    return finish


def stored(services) -> list[str]:
    listed = boto3.client("s3").list_objects_v2(Bucket=services.media.bucket)
    return [entry["Key"] for entry in listed.get("Contents", [])]


def ids(answer) -> list[str]:
    return [recording["recording_id"] for recording in answer.json["recordings"]]


def test_a_recording_is_shown_with_its_status(ask, make):
    recording = make("alice", 1)

    answer = ask(f"/recordings/{recording.id}")

    assert (answer.status, answer.json["status"]) == (200, "PENDING")
    assert answer.json["source_key"] == "uploads/alice/1.wav"


@pytest.mark.parametrize(
    "recording_id", ["nothing-0123456789ab", "%2e%2e", "a%00b", "x" * 1000, "%F0%9F%98%80", "%FF"]
)
def test_an_unknown_recording_is_not_found(ask, recording_id):
    answer = ask(f"/recordings/{recording_id}")

    assert answer.status == 404
    assert answer.sentence.startswith("There is no recording")


def test_another_owners_recording_is_not_found(ask, make):
    bobs = make("bob", 1).id
    nobodys = bobs[:-12] + "0" * 12
    views = [
        ("GET", ""),
        ("DELETE", ""),
        ("POST", "/reprocess"),
        ("GET", "/transcript"),
        ("GET", "/media"),
        ("GET", "/features/mfcc"),
    ]

    for method, view in views:
        asked, unknown = (ask(f"/recordings/{one}{view}", method=method) for one in (bobs, nobodys))

        assert asked.status == unknown.status == 404
        assert asked.sentence.replace(bobs, "") == unknown.sentence.replace(nobodys, "")
    assert ask(f"/recordings/{bobs}", by="bob").status == 200


@pytest.mark.parametrize("query", ["", "owner=alice&"])
def test_pages_hold_every_recording_once_and_newest_first(ask, make, query):
    made = [make("alice", number).id for number in range(7)]

    listed, cursor = [], ""
    while cursor is not None:
        answer = ask(f"/recordings?{query}limit=3&cursor={cursor}", by=ADMINISTRATOR)
        listed += ids(answer)
        cursor = answer.json["cursor"]

    assert listed == made[::-1]


def test_an_owner_sees_their_own_and_an_administrator_everybodys(ask, make):
    alices, bobs = make("alice", 1).id, make("bob", 2).id

    assert ids(ask("/recordings")) == [alices]
    assert ids(ask("/recordings?owner=alice")) == [alices]
    assert ids(ask("/recordings", by=ADMINISTRATOR)) == [bobs, alices]
    assert ids(ask("/recordings?owner=bob", by=ADMINISTRATOR)) == [bobs]
    refused = ask("/recordings?owner=bob")
    assert (refused.status, refused.sentence) == (
        403,
        "Only an administrator may name another owner.",
    )


def test_a_cursor_is_valid_for_its_list_only(ask, make):
    for owner in ("alice", "bob"):
        for number in range(3):
            make(owner, number)
    cursors = {
        "alice": ask("/recordings?limit=1").json["cursor"],
        "bob": ask("/recordings?limit=1", by="bob").json["cursor"],
        "all": ask("/recordings?limit=1", by=ADMINISTRATOR).json["cursor"],
    }

    for by, ends in (("alice", "bob"), ("alice", "all"), ("bob", "alice"), (ADMINISTRATOR, "bob")):
        refused = ask(f"/recordings?cursor={cursors[ends]}", by=by)

        assert (refused.status, bool(refused.sentence)) == (400, True)
    outside = ask(f"/recordings?from=2030-01-01&cursor={cursors['alice']}")
    assert outside.status == 400


@pytest.mark.parametrize("by", ["alice", ADMINISTRATOR])
def test_a_list_can_be_limited_to_a_status_and_a_time(ask, make, by):
    done = {
        Branch.TRANSCRIPTION: Status.COMPLETED,
        Branch.FEATURES: Status.COMPLETED,
        Branch.RENDITIONS: Status.SKIPPED,
    }
    made = [make("alice", 24 * number, **(done if number % 2 else {})).id for number in range(6)]

    assert ids(ask("/recordings?status=COMPLETED", by=by)) == [made[5], made[3], made[1]]
    assert ids(ask("/recordings?status=FAILED", by=by)) == []
    assert ids(ask("/recordings?from=2024-01-02&to=2024-01-03", by=by)) == [made[2], made[1]]
    assert ids(ask("/recordings?to=2024-01-01T23:00:00-01:00", by=by)) == [made[1], made[0]]


def test_a_list_quotes_no_more_than_an_excerpt(ask, make):
    make("alice", 1, transcript="ä" * 5000, transcript_key="transcripts/a.json", word_count=1)

    (shown,) = ask("/recordings").json["recordings"]

    assert "transcript" not in shown
    assert shown["excerpt"] == "ä" * 200


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=many",
        "limit=1000",
        "limit=" + "9" * 10_000,
        "limit=%D9%A3",
        "cursor=nonsense",
        "cursor=W10",
        "cursor=e30",
        "cursor=%F0%9F%98%80",
        "status=DONE",
        "from=yesterday",
        "from=0001-01-01T00:00:00%2B14:00",
        "to=%00",
        "owner=" + "x" * 1000,
    ],
)
def test_an_unusable_query_is_answered_with_a_sentence(ask, query):
    answer = ask(f"/recordings?{query}", by=ADMINISTRATOR)

    assert answer.status == 400
    assert answer.sentence


def open_to_all(application) -> set[str]:
    return {
        route
        for route, methods in application.app.routes.items()
        for view in methods.values()
        if not view.authorizer
    }


def test_every_route_needs_authorisation(application):
    assert open_to_all(application) == set()


def test_with_a_user_pool_only_the_page_is_public(application, monkeypatch):
    pool = "arn:aws:cognito-idp:us-east-1:123456789012:userpool/us-east-1_abc"
    monkeypatch.setenv("COGNITO_USER_POOL_ARN", pool)
    monkeypatch.setenv("COGNITO_CLIENT_ID", user_pool.CLIENT_ID)

    assert open_to_all(importlib.reload(application)) == {"/", "/web/{version}/{name}"}


def test_a_token_of_another_application_of_the_pool_is_refused(application, monkeypatch):
    monkeypatch.setenv("COGNITO_USER_POOL_ARN", user_pool.ARN)
    monkeypatch.setenv("COGNITO_CLIENT_ID", f"{user_pool.CLIENT_ID},a-script")
    ask = Asker(importlib.reload(application))

    def asked(client_id: str) -> Answered:
        return ask("/caller", Authorization=user_pool.token("alice", client_id=client_id))

    assert asked(user_pool.CLIENT_ID).json["owner"] == "alice"
    assert asked("a-script").json["owner"] == "alice"
    for other in ("another-application", "the-page-2", ""):
        refused = asked(other)
        assert (refused.status, refused.sentence) == (
            403,
            "This token was made for another application. Sign in to this one.",
        )


@pytest.mark.parametrize("target", ["/recordings", "/recordings/nothing", "/search?q=", "/caller"])
def test_no_answer_of_the_api_is_kept_by_a_browser_or_a_proxy(ask, target):
    answer = ask(target)

    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("target", ["/", "/recordings", f"/web/{page.version()}/page.js"])
def test_browsers_are_told_to_come_by_tls_only_over_tls(ask, target):
    over_tls = ask(target, **{"X-Forwarded-Proto": "https"})
    local = ask(target)

    assert over_tls.headers["Strict-Transport-Security"] == "max-age=63072000"
    assert "Strict-Transport-Security" not in local.headers


def test_an_upload_is_bound_to_its_owners_folder_a_size_and_a_type(ask):
    offer = ask("/uploads", method="POST", body={"name": "a folder/my tälk.WAV"})

    assert offer.status == 201
    assert offer.json["key"] == "uploads/alice/a folder/my tälk.WAV"
    assert offer.json["fields"]["Content-Type"] == "audio/wav"
    policy = json.loads(base64.b64decode(offer.json["fields"]["policy"]))
    assert {"key": "uploads/alice/a folder/my tälk.WAV"} in policy["conditions"]
    assert ["content-length-range", 1, 2 * 2**30] in policy["conditions"]
    assert {"Content-Type": "audio/wav"} in policy["conditions"]


def test_the_form_takes_just_as_large_a_file_as_is_measured_and_transcribed(ask):
    largest = ask("/uploads", method="POST", body={"name": "a.wav"}).json["max_bytes"]

    assert limits.refusal(largest, Contents()) is None
    assert "too large" in limits.refusal(largest + 1, Contents())


def test_only_an_administrator_uploads_for_another_owner(ask):
    asked = {"name": "a.wav", "owner": "bob"}

    assert ask("/uploads", method="POST", body=asked).status == 403
    offer = ask("/uploads", method="POST", body=asked, by=ADMINISTRATOR)
    assert offer.json["key"] == "uploads/bob/a.wav"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b'"a.wav"',
        b"[" * 100_000,
        b"\xff",
        b'{"name": "\\ud800.wav"}',
        {},
        {"name": None},
        {"name": 7},
        {"name": ["a.wav"]},
        {"name": ""},
        {"name": "../bob/a.wav"},
        {"name": "a/../../bob/a.wav"},
        {"name": "/a.wav"},
        {"name": "a//b.wav"},
        {"name": "folder/"},
        {"name": "a\nb.wav"},
        {"name": "a\x7f.wav"},
        {"name": "${filename}.wav"},
        {"name": "a.wav${filename}"},
        {"name": "ä" * 600 + ".wav"},
        {"name": "notes.txt"},
        {"name": "wav"},
        {"name": "a.wav", "content_type": "text/html"},
        {"name": "a.wav", "content_type": "audio/wav\r\nX: y"},
        {"name": "a.wav", "content_type": 1},
        {"name": "a.wav", "owner": 1},
        {"name": "a.wav", "owner": ".."},
        {"name": "a.wav", "owner": "a/b"},
    ],
)
def test_an_impossible_upload_is_refused_with_a_sentence(ask, body):
    refused = ask("/uploads", method="POST", body=body, by=ADMINISTRATOR)

    assert refused.status == 400
    assert refused.sentence


def test_a_transcript_is_shown_as_columns(ask, finished):
    recording_id = finished()

    shown = ask(f"/recordings/{recording_id}/transcript").json

    assert shown["recording_id"] == recording_id
    assert shown["text"] == "Good morning. Good night."
    assert shown["words"] == {
        "text": ["Good", "morning", "Good", "night"],
        "start_s": [0.0, 0.5, 3.0, 3.5],
        "end_s": [0.4, 0.9, 3.4, 3.9],
        "confidence": [0.9] * 4,
        "speaker": [None] * 4,
        "channel": [None] * 4,
        "punctuation": ["", ".", "", "."],
        "correction": [None] * 4,
    }
    runs = [(one["first_word"], one["n_words"]) for one in shown["segments"]]
    assert sum(n for _, n in runs) == 4
    assert [first for first, _ in runs] == [0, *(2 for _ in runs[1:])]


def test_a_transcript_as_json_is_named_as_its_recording_is(ask, finished):
    recording_id = finished("uploads/alice/talk.wav")

    answer = ask(f"/recordings/{recording_id}/transcript?format=json")

    assert answer.headers["Content-Disposition"].startswith('attachment; filename="talk.json"')


@pytest.mark.parametrize("name", EXPORTS)
def test_a_transcript_is_downloaded_in_every_format(ask, finished, name):
    recording_id = finished('uploads/alice/my "tälk".wav')

    answer = ask(f"/recordings/{recording_id}/transcript?format={name}")

    assert answer.status == 200
    assert "morning" in answer.text
    assert answer.headers["Content-Type"] == EXPORTS[name].content_type
    assert answer.headers["Content-Disposition"] == (
        f'attachment; filename="my _t_lk_{EXPORTS[name].suffix}"; '
        f"filename*=UTF-8''my%20%22t%C3%A4lk%22{EXPORTS[name].suffix}"
    )


def test_a_missing_output_is_not_found_with_a_sentence(ask, make):
    recording = make("alice", 1)

    for view in ("transcript", "features/words", "features/..%2f..%2f", "media?rendition=web"):
        answer = ask(f"/recordings/{recording.id}/{view}")

        assert answer.status == 404
        assert "is PENDING" in answer.sentence
    unknown = ask(f"/recordings/{recording.id}/transcript?format=docx")
    assert (unknown.status, bool(unknown.sentence)) == (400, True)


@pytest.mark.parametrize(
    ("view", "key", "media_type"),
    [
        ("features/mfcc", "features/{}/mfcc.csv", "text/csv; charset=utf-8"),
        ("features/words", "features/{}/words.csv", "text/csv; charset=utf-8"),
        ("features/features", "features/{}/features.json", "application/json"),
        ("features/summary", "features/{}/summary.json", "application/json"),
        ("media", "uploads/alice/my talk.wav", "audio/wav"),
    ],
)
def test_objects_are_reached_by_presigned_addresses(ask, finished, view, key, media_type):
    recording_id = finished()

    sent_on = ask(f"/recordings/{recording_id}/{view}")
    told = ask(f"/recordings/{recording_id}/{view}?redirect=no")

    assert (sent_on.status, told.status) == (302, 200)
    for url in (sent_on.headers["Location"], told.json["url"]):
        parts = urllib.parse.urlsplit(url)
        query = urllib.parse.parse_qs(parts.query)
        assert urllib.parse.unquote(parts.path).endswith(f"/{key.format(recording_id)}")
        assert query["response-content-type"] == [media_type]
        assert "filename=" in query["response-content-disposition"][0]
        assert 0 < int(query["X-Amz-Expires"][0]) == told.json["expires_in_s"]


@pytest.mark.parametrize(
    ("asked", "kind"),
    [("", "inline"), ("?attachment=no", "inline"), ("?attachment=yes", "attachment")],
)
def test_media_are_shown_or_kept_as_a_file(ask, finished, asked, kind):
    name = 'ä "b"; filename=c\r\nX-Injected: yes.wav'
    recording_id = finished(f"uploads/alice/{name}")

    address = ask(f"/recordings/{recording_id}/media{asked}").headers["Location"]

    (found,) = urllib.parse.parse_qs(urllib.parse.urlsplit(address).query)[
        "response-content-disposition"
    ]
    assert found == (
        f'{kind}; filename="_ _b_; filename=c__X-Injected: yes.wav"; '
        f"filename*=UTF-8''{urllib.parse.quote(name, safe='')}"
    )


def test_a_file_of_no_known_kind_is_downloaded_as_bytes_and_never_opened_as_a_page(
    ask, services, put
):
    """An uploader may say that it is a page, with scripts of its own."""
    key = "uploads/alice/notes.html"
    recording_id = put(key, b"<script>alert(1)</script>")
    events.receive_upload(key, services)

    address = ask(f"/recordings/{recording_id}/media").headers["Location"]

    query = urllib.parse.parse_qs(urllib.parse.urlsplit(address).query)
    assert query["response-content-type"] == ["application/octet-stream"]


def test_an_unknown_parameter_is_refused_by_its_name(ask, finished):
    recording_id = finished()

    misspelt = ask("/recordings?statsu=FAILED")
    misplaced = ask(f"/recordings/{recording_id}?attachment=yes", method="DELETE")

    assert (misspelt.status, misplaced.status) == (400, 400)
    assert misspelt.sentence.endswith(
        "There is no parameter 'statsu' here: there are cursor, from, limit, owner, status, to."
    )
    assert misplaced.sentence.endswith("There is no parameter 'attachment' here: there are none.")
    assert ask(f"/recordings/{recording_id}").status == 200


def test_a_request_may_be_signed_in_its_query(ask):
    assert (
        ask("/recordings?limit=1&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Signature=0").status == 200
    )


@pytest.mark.parametrize("status", ["IN_PROGRESS", "COMPLETED"])
def test_deleting_removes_everything_and_reports_it(ask, finished, services, status, monkeypatch):
    recording_id = finished()
    job, find = job_name(services, recording_id), services.transcriber.find

    def find_in_that_status(name):
        found = find(name)
        return found and {**found, "TranscriptionJobStatus": status}

    monkeypatch.setattr(services.transcriber, "find", find_in_that_status)
    made = set(stored(services)) - {"uploads/alice/my talk.wav"}

    answer = ask(f"/recordings/{recording_id}", method="DELETE")

    assert answer.status == 200
    report = answer.json["removed"]
    assert set(report.pop("objects")) == made
    assert answer.json["recording_id"] == recording_id
    assert report == {
        # The rows of its terms, their places, a passage, and whose it is.
        "search_entries": len({bucket_of(term) for term in ("good", "morning", "night")}) + 3,
        "transcription_job": True,
        "still_running": status == "IN_PROGRESS",
        "item": True,
        "upload": True,
    }
    assert stored(services) == []
    assert services.recordings.find(recording_id) is None
    assert services.transcriber.find(job) is None
    assert ask(f"/recordings/{recording_id}", method="DELETE").status == 404


def test_the_report_of_a_deletion_is_whole_though_its_event_removes_it_all_first(
    ask, finished, services, monkeypatch
):
    recording_id = finished()
    made = set(stored(services)) - {"uploads/alice/my talk.wav"}
    remove_upload = services.media.remove_upload

    def remove_and_tell(upload):
        remove_upload(upload)
        events.remove_recording(upload.key, services)

    monkeypatch.setattr(services.media, "remove_upload", remove_and_tell)

    report = ask(f"/recordings/{recording_id}", method="DELETE").json["removed"]

    assert set(report.pop("objects")) == made
    del report["still_running"]
    assert all(report.values())


def test_no_late_event_brings_a_deleted_recording_back(ask, finished, services):
    recording_id = finished()
    late = answer_key(services, recording_id)
    ask(f"/recordings/{recording_id}", method="DELETE")
    boto3.client("s3").put_object(
        Bucket=services.results.bucket, Key=late, Body=json.dumps(TRANSCRIPT).encode()
    )

    events.store_transcript(late, services)
    events.extract_features(recording_id, services)
    events.receive_upload("uploads/alice/my talk.wav", services)
    events.remove_recording("uploads/alice/my talk.wav", services)

    assert stored(services) == []
    assert services.recordings.page() == ([], None)


def test_an_interrupted_deletion_is_finished_by_the_next(ask, finished, services):
    recording_id = finished()
    boto3.client("s3").delete_object(Bucket=services.media.bucket, Key="uploads/alice/my talk.wav")

    report = ask(f"/recordings/{recording_id}", method="DELETE").json["removed"]

    assert (report["upload"], report["item"]) == (False, True)
    assert stored(services) == []


def test_deleting_leaves_the_bytes_that_took_a_recordings_place(ask, finished, services, put):
    old = finished()
    new = put("uploads/alice/my talk.wav", wav(2.0))

    report = ask(f"/recordings/{old}", method="DELETE").json["removed"]

    assert report["upload"] is False
    assert stored(services) == ["uploads/alice/my talk.wav"]
    assert services.media.find("uploads/alice/my talk.wav").recording_id == new


def test_reprocessing_makes_everything_again(ask, finished, services):
    recording_id = finished()
    before = flat(services.recordings.get(recording_id))

    answer = ask(f"/recordings/{recording_id}/reprocess", method="POST")

    assert answer.status == 202
    assert answer.json["status"] == "IN_PROGRESS"
    assert answer.json["created_at"] == before["created_at"]
    assert "transcript" not in answer.json
    job = job_name(services, recording_id)
    assert stored(services) == [f"jobs/{job}/input.wav", "uploads/alice/my talk.wav"]
    assert services.transcriber.find(job) is not None
    events.extract_features(recording_id, services)
    again = flat(services.recordings.get(recording_id))
    assert again["feature_keys"] == before["feature_keys"]


def test_a_recording_without_its_upload_is_not_reprocessed(ask, finished, services):
    recording_id = finished()
    boto3.client("s3").delete_object(Bucket=services.media.bucket, Key="uploads/alice/my talk.wav")

    answer = ask(f"/recordings/{recording_id}/reprocess", method="POST")

    assert (answer.status, bool(answer.sentence)) == (404, True)


def test_a_selection_is_a_manifest_by_page(ask, finished, make):
    made = {finished(f"uploads/alice/{number}.wav", wav(1.0 + number)) for number in range(3)}
    make("alice", 9)  # not measured, so of no known length

    lines, target = [], "/manifests/recordings?limit=2"
    while target:
        answer = ask(target)
        lines += answer.text.splitlines()
        following = answer.headers.get("Link", "").partition(">")[0].lstrip("<")
        target = f"/manifests/{following}" if following else None
    supervised = ask("/manifests/supervisions").text.splitlines()

    found = [json.loads(line) for line in lines]
    assert {line["id"] for line in found} == made
    assert {line["sources"][0]["source"] for line in found} == {
        f"s3://earshot-local/uploads/alice/{number}.wav" for number in range(3)
    }
    assert {json.loads(line)["recording_id"] for line in supervised} == made
    assert ask("/manifests/cuts").status == 404


def test_a_page_of_a_manifest_that_ends_early_leaves_the_rest_to_the_next(
    ask, finished, monkeypatch
):
    made = {finished(f"uploads/alice/{number}.wav", wav(1.0 + number)) for number in range(2)}
    monkeypatch.setattr(recordings, "MANIFEST_BYTES", 1)

    lines, target = [], "/manifests/recordings"
    while target:
        answer = ask(target)
        assert len(answer.text.splitlines()) == 1
        lines += answer.text.splitlines()
        following = answer.headers.get("Link", "").partition(">")[0].lstrip("<")
        target = f"/manifests/{following}" if following else None

    assert {json.loads(line)["id"] for line in lines} == made


def test_reprocessing_removes_what_was_made_before(ask, finished, services):
    recording_id = finished()
    assert services.results.keys(f"features/{recording_id}/")

    assert ask(f"/recordings/{recording_id}/reprocess", method="POST").status == 202

    assert services.results.keys(f"features/{recording_id}/") == set()
    assert services.results.keys(f"transcripts/{recording_id}.") == set()


def test_the_address_of_a_replaced_upload_is_not_given_as_a_recordings_own(ask, finished, put):
    recording_id = finished()
    put("uploads/alice/my talk.wav", wav(0.6))

    answer = ask(f"/recordings/{recording_id}/media?redirect=no")

    assert (answer.status, answer.sentence) == (404, "The upload is no longer in the bucket.")


def test_a_list_up_to_a_day_has_all_of_that_day(ask, make):
    made = [make("alice", hour).id for hour in (0, 23, 24)]

    assert ids(ask("/recordings?to=2024-01-01")) == [made[1], made[0]]
    assert ids(ask("/recordings?from=2024-01-02")) == [made[2]]


def test_spoken_words_are_found_by_their_owner_and_by_an_administrator(ask, finished):
    recording_id = finished()
    query = "/search?" + urllib.parse.urlencode({"q": '"good night"'})

    for by in ("alice", ADMINISTRATOR):
        (result,) = ask(query, by=by).json["results"]
        assert result["recording_id"] == recording_id
        assert result["matches"][0]["start_s"] == 3.0

    assert ask(query, by="bob").json == {
        "results": [],
        "cursor": None,
        "complete": True,
        "back_to": None,
    }


@pytest.mark.parametrize("query", ["", "q=", "q=%3F", "q=river&cursor=x", "q=river&limit=21"])
def test_an_unusable_search_is_answered_with_a_sentence(ask, query):
    answered = ask(f"/search?{query}")

    assert answered.status == 400
    assert answered.sentence

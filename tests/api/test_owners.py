"""Two owners cannot reach each other's recordings by any route, id, cursor or address.

The routes come from the OpenAPI document, so that a new route is checked too.
"""

import base64
import json
import urllib.parse

import pytest
from support.answers import put_answer
from support.asking import ADMINISTRATOR, Asker
from support.media import wav

from chalicelib.api.openapi import document
from chalicelib.core.recording_item import flat
from chalicelib.pipeline import events

OPERATIONS = [
    (method.upper(), path) for path, methods in document()["paths"].items() for method in methods
]
OF_ONE = [pair for pair in OPERATIONS if "{recording_id}" in pair[1]]
OF_A_DATASET = [pair for pair in OPERATIONS if "{name}" in pair[1]]
LISTS = {
    "/recordings": "/recordings?limit=1",
    "/search": "/search?q=secret&limit=1",
    "/manifests/{kind}": "/manifests/supervisions?limit=1",
}
NEEDED = {
    ("GET", "/recordings/{recording_id}/clip"): {"query": "?from=0&to=0.5"},
    ("PUT", "/recordings/{recording_id}/corrections"): {
        "body": {"corrections": []},
        "If-Match": '"none"',
    },
}
"""The further parts of the requests to some routes."""
OF_NOBODY = {"/caller", "/uploads", "/openapi.json"}


@pytest.fixture
def ask(application):
    return Asker(application)


@pytest.fixture
def recorded(services, put):
    """Give each owner two recordings with a secret word; return the ids by owner."""
    item = {
        "type": "pronunciation",
        "start_time": "0.0",
        "end_time": "0.4",
        "alternatives": [{"content": "secret", "confidence": "0.9"}],
    }
    document = {"results": {"transcripts": [{"transcript": "secret"}], "items": [item]}}
    ids: dict[str, list[str]] = {"alice": [], "bob": []}
    for owner, found in ids.items():
        for number in range(2):
            key = f"uploads/{owner}/{number}.wav"
            found.append(put(key, wav(1.0)))
            events.receive_upload(key, services)
            events.extract_features(found[-1], services)
            events.store_transcript(put_answer(services, found[-1], document), services)
    return ids


def cursor_of(answer) -> str:
    """Return the cursor of a page, from its body or its Link header."""
    if "Link" in answer.headers:
        following = urllib.parse.urlsplit(answer.headers["Link"].partition(">")[0])
        return urllib.parse.parse_qs(following.query)["cursor"][0]
    return answer.json["cursor"]


def test_every_route_is_checked_here():
    asked = {path for _, path in OF_ONE + OF_A_DATASET} | set(LISTS) | OF_NOBODY | {"/datasets"}

    assert {path for _, path in OPERATIONS} == asked


@pytest.mark.parametrize(("method", "path"), OF_A_DATASET)
def test_a_data_set_is_its_owners_only(ask, method, path):
    target = path.replace("{name}", "talks")
    made = ask("/datasets", method="POST", body={"name": "talks", "format": "kaldi"})

    refused = [ask(target + query, method=method, by="bob") for query in ("", "?owner=alice")]

    assert [made.status, *(one.status for one in refused)] == [202, 404, 403]
    assert ask("/datasets", by="bob").json["datasets"] == []
    assert ask("/datasets").json["datasets"] == ["talks"]


@pytest.mark.parametrize(("method", "path"), OF_ONE)
def test_an_id_is_valid_for_its_owner_only(ask, recorded, services, method, path):
    needed = dict(NEEDED.get((method, path), {}))
    target = path.replace("{table}", "mfcc") + needed.pop("query", "")
    bobs = recorded["bob"][0]
    unknown = f"{bobs[:-12]}{'0' * 12}"

    refused, missing = (
        ask(target.replace("{recording_id}", one), method=method, **needed)
        for one in (bobs, unknown)
    )
    assert refused.status == missing.status == 404
    assert refused.text.replace(bobs, "") == missing.text.replace(unknown, "")
    assert services.recordings.find(bobs) is not None
    own = ask(target.replace("{recording_id}", bobs), method=method, by="bob", **needed)
    assert own.status in (200, 202, 302)


@pytest.mark.parametrize("target", LISTS.values())
def test_a_list_and_its_cursor_are_valid_for_one_owner_only(ask, recorded, target):
    alices, bobs = ask(target), ask(target, by="bob")

    assert not [one for one in recorded["bob"] if one in alices.text]
    assert [one for one in recorded["alice"] if one in alices.text]
    for by, cursor in (("alice", cursor_of(bobs)), (ADMINISTRATOR, cursor_of(alices))):
        refused = ask(f"{target}&cursor={cursor}", by=by)
        assert (refused.status, bool(refused.sentence)) == (400, True)
    following = ask(f"{target}&cursor={cursor_of(alices)}")
    assert [one for one in recorded["alice"] if one in following.text]
    assert not [one for one in recorded["bob"] if one in following.text]
    assert ask(f"{target}&owner=bob").status == 403


def test_a_forged_cursor_opens_no_other_list(ask, recorded, services):
    bobs = flat(services.recordings.get(recorded["bob"][1]))
    keys_of = {name: bobs[name] for name in ("JsonFile", "created_at")}

    for forged in (
        {**keys_of, "owner": "bob"},
        {**keys_of, "owner": "alice"},
        {**keys_of, "kind": "recording"},
    ):
        cursor = base64.urlsafe_b64encode(json.dumps(forged).encode()).decode()
        answer = ask(f"/recordings?cursor={cursor}")

        assert not [one for one in recorded["bob"] if one in answer.text]


@pytest.mark.parametrize("view", ["media", "features/mfcc", "features/features"])
def test_an_address_opens_one_object_and_no_other(ask, recorded, view):
    recording_id = recorded["alice"][0]

    address = ask(f"/recordings/{recording_id}/{view}?redirect=no").json["url"]

    parts = urllib.parse.urlsplit(address)
    signed = urllib.parse.parse_qs(parts.query)
    assert parts.path.startswith(
        ("/uploads/alice/0.wav", f"/features/{recording_id}/")
        if parts.netloc.startswith("earshot-local.")
        else ("/earshot-local/uploads/alice/0.wav", f"/earshot-local/features/{recording_id}/")
    )
    # The signature is over method, host, path and query; nothing of them can be exchanged.
    assert signed["X-Amz-SignedHeaders"] == ["host"]
    assert len(signed["X-Amz-Signature"][0]) == 64


def test_a_form_accepts_an_upload_to_its_owners_folder_only(ask):
    form = ask("/uploads", method="POST", body={"name": "a.wav"}).json

    policy = json.loads(base64.b64decode(form["fields"]["policy"]))
    keyed = [one for one in policy["conditions"] if "key" in str(one)]
    assert keyed == [{"key": "uploads/alice/a.wav"}]
    assert ask("/uploads", method="POST", body={"name": "a.wav", "owner": "bob"}).status == 403

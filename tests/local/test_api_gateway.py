"""The API of a running local mode, used over HTTP as a page and a script use it."""

import json
import uuid

import pytest
from support.media import wav
from support.running import fetch, start

pytestmark = pytest.mark.slow


def signed_by(name: str) -> dict[str, str]:
    credential = f"{name}/20240101/us-east-1/execute-api/aws4_request"
    return {"Authorization": f"AWS4-HMAC-SHA256 Credential={credential}, Signature=0"}


def post_form(url: str, fields: dict[str, str], content: bytes) -> int:
    boundary = uuid.uuid4().hex
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in fields.items()
    ]
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
    body = b"".join([*parts, head.encode(), content, f"\r\n--{boundary}--\r\n".encode()])
    content_type = f"multipart/form-data; boundary={boundary}"
    return fetch(url, method="POST", body=body, Content_Type=content_type)[0]


def test_a_recording_is_uploaded_listed_played_and_deleted(local_mode):
    api, content = f"{local_mode.url}/api", wav(1.0)
    asked = json.dumps({"name": "my tälk.wav"}).encode()
    status, _, body = fetch(
        f"{api}/uploads",
        method="POST",
        body=asked,
        Content_Type="application/json",
        **signed_by("erin"),
    )
    offer = json.loads(body)
    assert (status, offer["key"]) == (201, "uploads/erin/my tälk.wav")
    assert offer["url"].startswith(local_mode.url)

    assert post_form(offer["url"], offer["fields"], content) == 204
    item = local_mode.settled("uploads/erin/my tälk.wav")

    recording = f"{api}/recordings/{item['recording_id']}"
    _, _, listed = fetch(f"{api}/recordings", **signed_by("erin"))
    assert [one["status"] for one in json.loads(listed)["recordings"]] == ["COMPLETED"]
    status, headers, _ = fetch(f"{recording}/media", **signed_by("erin"))
    assert status == 302
    status, headers, played = fetch(headers["Location"])
    assert (status, played, headers["Content-Type"]) == (200, content, "audio/wav")
    assert fetch(recording, **signed_by("mallory"))[0] == 404
    assert fetch(recording, method="DELETE", **signed_by("mallory"))[0] == 404
    status, _, report = fetch(recording, method="DELETE", **signed_by("erin"))
    assert (status, json.loads(report)["removed"]["upload"]) == (200, True)
    assert [key for key in local_mode.object_keys() if item["recording_id"] in key] == []
    assert local_mode.items("uploads/erin/my tälk.wav") == []


def test_a_caller_without_a_signature_is_the_administrator(local_mode):
    local_mode.put("uploads/frank/a.wav", wav(1.0))
    local_mode.settled("uploads/frank/a.wav")

    _, _, listed = fetch(f"{local_mode.url}/api/recordings?owner=frank")

    assert len(json.loads(listed)["recordings"]) == 1


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:1"])
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/api/uploads"),
        ("DELETE", "/api/recordings/a-0123456789ab"),
        ("OPTIONS", "/api/recordings"),
        ("PUT", "/earshot-local/uploads/me/a.wav"),
        ("GET", "/earshot-local"),
        ("POST", "/"),
    ],
)
def test_other_sites_pages_are_refused_everywhere(local_mode, origin, method, path):
    status, headers, _ = fetch(f"{local_mode.url}{path}", method=method, Origin=origin)

    assert status == 403
    assert "Access-Control-Allow-Origin" not in headers


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
@pytest.mark.parametrize(
    "path", ["/api/recordings", "/earshot-local/uploads/me/a.wav", "/api/caller"]
)
def test_content_embedded_by_another_site_is_refused(local_mode, site, path):
    status, _, _ = fetch(f"{local_mode.url}{path}", Sec_Fetch_Site=site, Sec_Fetch_Mode="no-cors")

    assert status == 403


def test_a_link_on_another_site_can_open_the_page_only(local_mode):
    linked = {"Sec_Fetch_Site": "cross-site", "Sec_Fetch_Mode": "navigate"}

    assert fetch(f"{local_mode.url}/api/", **linked)[0] == 200
    assert fetch(f"{local_mode.url}/api/recordings", **linked)[0] == 403


@pytest.mark.parametrize(
    "host", ["127.0.0.1:x.evil.com", "127.0.0.1.evil.com", "localhost:4747:1", "evil.com", ""]
)
def test_a_host_that_only_begins_like_this_one_is_refused(local_mode, host):
    assert fetch(f"{local_mode.url}/api/recordings", Host=host)[0] == 403


@pytest.mark.parametrize("path", ["/moto-api/", "/moto-api/data.json", "/moto-api/seed?a=1"])
def test_motos_own_api_is_closed(local_mode, path):
    assert fetch(f"{local_mode.url}{path}")[0] == 403


@pytest.mark.parametrize("name", ["page.html", "script.js", "picture.svg"])
def test_an_upload_never_runs_as_part_of_the_page(local_mode, name):
    content = b"<script>fetch('/api/recordings')</script>"
    local_mode.put(f"uploads/me/{name}", content, ContentType="text/html")

    address = local_mode.client("s3").generate_presigned_url(
        "get_object", Params={"Bucket": local_mode.bucket, "Key": f"uploads/me/{name}"}
    )

    status, headers, body = fetch(address)

    assert (status, body) == (200, content)
    assert headers["Content-Security-Policy"] == "sandbox"
    assert headers["X-Content-Type-Options"] == "nosniff"


def test_the_page_keeps_its_own_policy(local_mode):
    _, headers, _ = fetch(f"{local_mode.url}/api/")

    assert headers.get_all("Content-Security-Policy") == [headers["Content-Security-Policy"]]
    assert "default-src 'self'" in headers["Content-Security-Policy"]
    assert headers.get_all("X-Content-Type-Options") == ["nosniff"]


def test_requests_of_its_own_page_are_answered(local_mode):
    status, _, _ = fetch(f"{local_mode.url}/api/recordings", Origin=local_mode.url)

    assert status == 200


def test_a_browser_is_led_to_the_page_and_a_client_to_its_buckets(local_mode):
    status, headers, _ = fetch(f"{local_mode.url}/", Accept="text/html,*/*")
    buckets = local_mode.client("s3").list_buckets()["Buckets"]

    assert (status, headers["Location"]) == (302, f"{local_mode.url}/api/")
    assert [bucket["Name"] for bucket in buckets] == [local_mode.bucket]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/nowhere", 403),
        ("/recordings/%2F..%2F", 404),
        ("/recordings/a%20b", 404),
        ("/recordings?limit=%00", 400),
        ("/recordings/a//", 403),
    ],
)
def test_a_path_is_read_as_api_gateway_reads_it(local_mode, path, status):
    assert fetch(f"{local_mode.url}/api{path}")[0] == status


def test_a_request_larger_than_lambda_allows_is_refused(local_mode):
    body = b'{"name": "' + b"a" * 6_300_000 + b'"}'

    status, _, _ = fetch(
        f"{local_mode.url}/api/uploads", method="POST", body=body, Content_Type="application/json"
    )

    assert status == 413


def test_the_first_line_of_help_names_the_page():
    with start() as running:
        line = running.process.stdout
        said = [line.readline() for _ in range(3)]

    assert any(f"{running.url}/api/" in text for text in said)

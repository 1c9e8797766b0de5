"""People sign in with their user pool's page, stay signed in, and see their own recordings."""

import json
import re

import pytest
from playwright.sync_api import expect
from support.running import SAMPLE, fetch, start
from support.user_pool import token, user_pool
from support.web.opening import PHONE, expect_done, opened, played_to, row, upload

from chalicelib.aws.dynamodb_shards import owner_of

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def pool():
    with user_pool() as running:
        yield running


@pytest.fixture(scope="module")
def stage(pool):
    with start(**pool.settings) as running:
        yield running


@pytest.fixture
def page(browser, stage, pool):
    pool.told_s = pool.lasts_s = 3600
    pool.grants.clear()
    with opened(browser, f"{stage.url}/api/") as page:
        yield page
        # A browser logs each 401 and 400 as an error.
        page.complaints[:] = [
            words for words in page.complaints if not re.search("status of 40[01] ", words)
        ]


def sign_in(page):
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("link", name="I am alice").click()
    expect(page.locator("#caller")).to_have_text("alice")


def ask(stage, **headers):
    status, _, body = fetch(f"{stage.url}/api/caller", **headers)
    return status, json.loads(body)


def test_after_signing_in_a_user_can_upload_play_and_download(page, stage):
    sign_in(page)

    upload(page, SAMPLE)
    expect_done(page, "sample.wav", "Transcribed", "Measured")
    row(page, "sample.wav").click()
    page.get_by_role("button", name="Play", exact=True).click()
    played_to(page, 0.5)
    expect(page.locator("canvas.heat")).to_be_visible()
    page.get_by_role("button", name="Download").click()
    taken = {}
    for words in ("SubRip subtitles", "Pitch", "The upload"):
        with page.expect_download() as started:
            page.locator(".menu-list").get_by_text(words).click()
        taken[started.value.suggested_filename] = started.value.path().read_bytes()

    (item,) = stage.items("uploads/alice/sample.wav")
    assert owner_of(item["owner"]) == "alice"
    assert set(taken) == {"sample.srt", "sample.pitch.csv", "sample.wav"}
    assert taken["sample.wav"] == SAMPLE.read_bytes()
    assert b"-->" in taken["sample.srt"]


def test_play_works_before_the_address_of_the_media_is_known(page):
    asked = []

    def hold(route):
        asked.append(route)

    page.route("**/media?**", hold)
    sign_in(page)
    upload(page, SAMPLE)
    expect_done(page, "sample.wav", "Transcribed")
    with page.expect_request("**/media?**"):
        row(page, "sample.wav").click()

    page.get_by_role("button", name="Play", exact=True).click()
    expect(page.get_by_role("button", name="Pause")).to_be_visible()
    asked.pop().continue_()

    played_to(page, 0.5)


def test_a_token_is_sent_to_the_api_only(page, stage):
    told = []

    def look(request):
        if "authorization" in request.headers:
            told.append(request.url)

    page.on("request", look)
    sign_in(page)
    upload(page, SAMPLE)
    expect_done(page, "sample.wav", "Transcribed", "Measured")
    row(page, "sample.wav").click()
    expect(page.locator("canvas.heat")).to_be_visible()

    assert told
    assert [url for url in told if not url.startswith(f"{stage.url}/api/")] == []


def test_signing_in_returns_to_the_page_with_a_clean_address(page, stage, pool):
    page.goto(f"{stage.url}/api/#/search?q=river")

    sign_in(page)

    expect(page).to_have_url(f"{stage.url}/api/#/search?q=river")
    assert pool.grants == ["authorization_code"]
    page.reload()
    expect(page.locator("#caller")).to_have_text("alice")
    assert pool.grants == ["authorization_code"]


@pytest.mark.parametrize(
    ("told_s", "lasts_s"), [(0, 3600), (3600, 0)], ids=["run out", "refused all the same"]
)
def test_a_token_is_renewed_silently(page, pool, told_s, lasts_s):
    pool.told_s, pool.lasts_s = told_s, lasts_s
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("link", name="I am alice").click()
    page.wait_for_function("""() => sessionStorage["earshot.tokens"]""")
    pool.told_s = pool.lasts_s = 3600

    page.reload()

    expect(page.locator("#caller")).to_have_text("alice")
    assert set(pool.grants) == {"authorization_code", "refresh_token"}


def test_a_user_whose_session_has_ended_is_asked_to_sign_in_again(page, pool):
    sign_in(page)
    pool.refresh_tokens.clear()
    page.evaluate(
        """() => {
            const held = JSON.parse(sessionStorage["earshot.tokens"]);
            sessionStorage["earshot.tokens"] = JSON.stringify({ ...held, until: 0 });
        }"""
    )

    page.reload()

    expect(page.get_by_role("button", name="Sign in")).to_be_visible()
    sign_in(page)


def test_signing_out_deletes_the_tokens_here_and_at_the_pool(page, stage, pool):
    pool.refresh_tokens.clear()
    sign_in(page)
    assert len(pool.refresh_tokens) == 1
    page.set_viewport_size(PHONE)
    assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")

    page.get_by_role("button", name="Sign out").click()

    expect(page.get_by_role("button", name="Sign in")).to_be_visible()
    expect(page.get_by_role("button", name="Sign out")).to_be_hidden()
    assert page.evaluate("() => sessionStorage.length") == 0
    assert pool.refresh_tokens == set()
    assert pool.sign_outs[-1] == {"client_id": "the-page", "logout_uri": f"{stage.url}/api/"}


def test_an_unrequested_answer_signs_nobody_in(page, stage, pool):
    page.get_by_role("button", name="Sign in").wait_for()

    page.goto(f"{stage.url}/api/?code=somebodys&state=elses")

    expect(page.get_by_role("button", name="Sign in")).to_be_visible()
    expect(page).to_have_url(f"{stage.url}/api/")
    assert pool.grants == []


def test_the_pools_refusal_is_shown(page):
    page.get_by_role("button", name="Sign in").click()
    link = page.get_by_role("link", name="I am alice")
    state = link.get_attribute("href").partition("state=")[2]
    back = link.get_attribute("href").partition("?")[0]

    page.goto(f"{back}?error=access_denied&error_description=No+entry&state={state}")

    expect(page.locator(".toast")).to_have_text("Signing in did not work: No entry")


def test_a_token_identifies_the_caller(stage):
    assert ask(stage, Authorization=token("alice")) == (
        200,
        {"owner": "alice", "is_administrator": False},
    )
    administrators = token("bob", "others", "earshot-administrators")
    assert ask(stage, Authorization=administrators)[1] == {"owner": "bob", "is_administrator": True}


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "nonsense"},
        {"Authorization": "a.b.c"},
        {"Authorization": token("alice", lasts_s=-1)},
        {"Authorization": "AWS4-HMAC-SHA256 Credential=alice/20240101/us-east-1/execute-api/"},
    ],
)
def test_without_a_valid_token_no_request_is_answered(stage, headers):
    assert ask(stage, **headers) == (401, {"message": "Unauthorized"})

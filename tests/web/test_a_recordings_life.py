"""From an upload to its deletion, in a real browser, against a real local mode."""

import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import expect
from support import video
from support.running import ROOT, SAMPLE
from support.web.opening import expect_done, opened, row, stands_at, upload

from chalicelib.core import keys

pytestmark = pytest.mark.slow

JFK = ROOT.parent / "shared" / "speech" / "jfk.flac"
FORMATS = {
    ".txt": "Good morning",
    ".srt": "-->",
    ".vtt": "WEBVTT",
    ".TextGrid": "ooTextFile",
    ".tsv": "Begin Time",
    ".ctm": "river",
    ".labels.txt": "\t",
    ".words.txt": "river",
}
EMPTY = {"recordings": [], "cursor": None}
TABLES = {"mfcc": "mfcc_13", "pitch": "f0_hz", "energy": "rms", "words": "f0_median_hz"}


@pytest.fixture
def speech(tmp_path):
    path = tmp_path / "a walk.wav"
    path.write_bytes(SAMPLE.read_bytes())
    return path


def test_a_recording_is_uploaded_read_searched_downloaded_and_deleted(
    browser, local_mode, speech, tmp_path
):
    with opened(browser, local_mode.url) as page:
        assert page.url == f"{local_mode.url}/api/"
        expect(page.get_by_text("Nothing here yet")).to_be_visible()
        upload(page, speech)
        expect_done(page, "a walk.wav", "Transcribed", "Measured")
        row(page, "a walk.wav").click()
        recording_id = page.url.rpartition("/")[2]
        assert recording_id.startswith("local-a-walk-wav-")

        click_a_word(page, local_mode, recording_id)
        search_a_phrase(page)
        download_everything(page, tmp_path)
        delete(page)

        expect(page.get_by_text("Nothing here yet")).to_be_visible()
    # Amazon Transcribe leaves a file with which it checks that it may write, and reconcile
    # leaves its bookmark.
    left = [key for key in local_mode.object_keys() if not key.endswith(".temp")]
    assert set(left) <= {keys.BOOKMARK}
    assert local_mode.items("uploads/local/a walk.wav") == []


def click_a_word(page, local_mode, recording_id):
    transcript = page.request.get(f"{local_mode.url}/api/recordings/{recording_id}/transcript")
    words = transcript.json()["words"]
    number = words["text"].index("river")
    expect(page.locator(".word")).to_have_count(len(words["text"]))

    page.locator(".word", has_text="river").click()

    expect(page.locator(".word.spoken")).to_have_text("river")
    stands_at(page, words["start_s"][number])
    expect(page.locator(".readout")).to_contain_text("river")


def search_a_phrase(page):
    page.keyboard.press("/")
    page.keyboard.type('"walked along the"')
    page.keyboard.press("Enter")
    expect(page.locator(".match mark").first).to_be_visible()
    said = "".join(page.locator(".match mark").all_text_contents())
    assert "walked" in said
    page.locator(".match").first.click()
    expect(page.locator(".word.spoken")).to_have_text("walked")


def download_everything(page, folder: Path):
    written = {}
    for group in ("Transcript", "Tables", "Media"):
        # Chromium lets a page download ten files in a row and no more.
        page.reload()
        page.get_by_role("button", name="Download").click()
        links = page.locator(".menu-list section", has=page.get_by_role("heading", name=group))
        for link in links.locator("a").all():
            with page.expect_download() as started:
                link.click()
            name = started.value.suggested_filename
            started.value.save_as(folder / f"{group}-{name}")
            written[name] = (folder / f"{group}-{name}").read_bytes()
    for suffix, content in FORMATS.items():
        assert any(
            name.endswith(suffix) and content.encode() in body for name, body in written.items()
        ), suffix
    for table, column in TABLES.items():
        assert any(
            name.endswith(f"{table}.csv") and column.encode() in body
            for name, body in written.items()
        ), table
    assert SAMPLE.read_bytes() in written.values()
    as_json = [json.loads(body) for name, body in written.items() if name.endswith(".json")]
    assert {"words", "parameters"} <= {key for document in as_json for key in document}
    page.keyboard.press("Escape")
    expect(page.locator(".menu-list")).to_be_hidden()


def delete(page):
    page.get_by_role("button", name="Delete").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("It cannot be undone")
    dialog.get_by_role("button", name="Delete for good").click()
    expect(dialog).to_contain_text("Removed: the upload")
    dialog.get_by_text("Every object").click()
    expect(dialog.locator("li", has_text=re.compile("^features/.*display.json$"))).to_be_visible()
    dialog.get_by_role("button", name="All recordings").click()


def test_the_sample_is_tried_with_nothing_at_hand(browser, local_mode):
    with opened(browser, local_mode.url) as page:
        # Some other test's recordings may be there: the list is shown as if there were none.
        page.route(re.compile(r"/api/recordings\?"), lambda route: route.fulfill(json=EMPTY))
        page.reload()
        # To reload the page before the file has arrived would stop it.
        with page.expect_event("requestfinished", lambda request: request.resource_type == "xhr"):
            page.get_by_role("button", name="Try the sample").click()
        page.unroute_all()
        page.reload()

        expect_done(page, "sample.mp3", "Transcribed", "Measured")
        expect(row(page, "sample.mp3")).to_contain_text("walked along")


def test_a_video_is_shown_with_its_words(browser, local_mode, tmp_path):
    film = tmp_path / "film.mov"
    film.write_bytes(video.make("mov", duration_s=4.5, speech=SAMPLE))

    with opened(browser, local_mode.url) as page:
        upload(page, film)
        expect_done(page, "film.mov", "Transcribed", "Measured", "Video is ready")
        row(page, "film.mov").click()

        picture = page.locator("video")
        expect(picture).to_be_visible()
        page.set_viewport_size({"width": 1440, "height": 900})
        expect(page.locator(".lane.pitch")).to_be_in_viewport(ratio=1)
        assert "rendition=web" in picture.get_attribute("src")
        page.locator(".word").nth(3).click()
        page.keyboard.press("k")
        page.wait_for_function(
            """() => document.querySelector("video").currentTime > 2
                && document.querySelectorAll(".word.spoken").length === 1"""
        )
        picture.click()
        assert picture.evaluate("media => media.paused")
        page.get_by_role("button", name="Captions").click()
        shown = picture.evaluate(
            """({ textTracks: [track] }) =>
                [track.mode, [...track.cues].map((cue) => cue.text).join(" ")]"""
        )
        said = " ".join(page.locator(".word").all_text_contents())
        assert [shown[0], re.sub(r"[.,?!]", "", shown[1])] == ["showing", said]
        page.get_by_role("button", name="Full screen").click()
        page.wait_for_function("() => document.fullscreenElement?.querySelector('video')")


@pytest.mark.skipif(not JFK.exists(), reason="the shared recordings are not here")
def test_real_speech_is_played_drawn_and_transcribed(browser, local_mode):
    with opened(browser, local_mode.url) as page:
        upload(page, JFK)
        expect_done(page, "jfk.flac", "Transcribed", "Measured")
        row(page, "jfk.flac").click()
        page.locator(".word", has_text="country").first.click()

        expect(page.locator(".readout")).to_contain_text("Hz")
        expect(page.locator(".clock")).to_contain_text("/ 0:11")


def test_several_files_are_uploaded_and_an_unusable_one_gives_a_reason(
    browser, local_mode, tmp_path
):
    notes, empty = tmp_path / "notes.txt", tmp_path / "empty.wav"
    notes.write_text("no sound")
    empty.write_bytes(b"")

    with opened(browser, local_mode.url) as page:
        upload(page, notes, empty, SAMPLE)
        expect_done(page, "sample.wav", "Transcribed")
        failed = page.locator(".uploads .failed")
        expect(failed).to_have_count(2)
        expect(failed.filter(has_text="notes.txt")).to_contain_text("Use wav, mp3")
        expect(failed.filter(has_text="empty.wav")).to_contain_text("empty")
        page.complaints.clear()  # Chromium itself logs the two answers 400

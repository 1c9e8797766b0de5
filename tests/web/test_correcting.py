"""Correcting a transcript on the page, with the application behind it."""

import re
from contextlib import contextmanager

import pytest
from playwright.sync_api import expect
from support.answers import SAID, conversation, put_answer
from support.asking import ADMINISTRATOR
from support.media import wav
from support.web.answering import Answering
from support.web.opening import PHONE, opened, violations
from support.web.pretending import ADDRESS

from chalicelib.pipeline import events

pytestmark = pytest.mark.slow

KEY = "uploads/alice/my talk.wav"


@pytest.fixture
def talk(services, put):
    """A finished recording of alice's."""
    recording_id = put(KEY, wav(5.0))
    events.receive_upload(KEY, services)
    events.store_transcript(put_answer(services, recording_id, conversation()), services)
    events.extract_features(recording_id, services)
    return recording_id


@pytest.fixture
def show(application, services, browser, talk):
    """Open the recording as a user."""

    @contextmanager
    def show_page(user="alice", **options):
        with opened(browser, "about:blank", **options) as page:
            Answering(application, services, user).answer_in(page.context)
            page.goto(f"{ADDRESS}#/recordings/{talk}")
            expect(page.locator(".word")).to_have_count(4)
            yield page

    return show_page


def correct(page, word, text):
    """Type another word in the place of one, with the pointer."""
    toggle = page.get_by_role("button", name=re.compile("Correct$"))
    if toggle.get_attribute("aria-pressed") == "false":
        toggle.click()
    page.locator(".word", has_text=word).click()
    page.get_by_role("textbox", name="Correct the word").fill(text)
    page.keyboard.press("Enter")


def test_of_two_people_at_once_the_second_is_told_and_both_corrections_stay(show):
    with show() as alices, show(ADMINISTRATOR) as others:
        correct(alices, "Helo", "Hello,")
        expect(alices.locator(".word.corrected")).to_have_text("Hello")

        correct(others, "wold", "world!")

        told = others.get_by_role("alert").filter(has_text="alice has changed the corrections")
        expect(told).to_be_visible()
        expect(others.locator(".word.corrected")).to_have_text("Hello")
        draft = others.get_by_role("textbox", name="Correct the word")
        expect(draft).to_have_value("world!")
        assert violations(others) == []
        draft.press("Enter")
        expect(others.locator(".text p").first).to_have_text("Hello, world!")
        expect(others.locator(".corrections summary")).to_have_text("2 corrections")
        # The browser itself reports the refused request.
        others.complaints.clear()


def test_everything_can_be_corrected_and_undone_by_keyboard_alone(show):
    with show() as page:
        page.locator(".text").focus()
        page.keyboard.press("ArrowLeft")
        page.keyboard.press("e")
        page.keyboard.type("Hello")
        page.keyboard.press("Enter")
        expect(page.locator(".word").first).to_have_text("Hello")
        expect(page.locator(".word").first).to_be_focused()

        page.keyboard.press("ArrowRight")
        page.keyboard.press("s")
        expect(page.locator(".segment")).to_have_count(3)
        expect(page.locator(".word").nth(1)).to_be_focused()
        page.keyboard.press("s")
        expect(page.locator(".segment")).to_have_count(2)

        page.get_by_role("button", name="Name Speaker 1").first.focus()
        page.keyboard.press("Enter")
        page.keyboard.type("Anna")
        page.keyboard.press("Enter")
        expect(page.locator(".segment .speaker").first).to_have_text("Anna")
        expect(page.locator(".segment .speaker").nth(1)).to_have_text("Speaker 2")

        page.get_by_role("button", name="Undo", exact=True).focus()
        page.keyboard.press("Enter")
        expect(page.locator(".segment .speaker").first).to_have_text("Speaker 1")


def test_the_original_is_one_click_away_and_each_correction_can_be_undone(show):
    with show() as page:
        correct(page, "Helo", "Hello")
        expect(page.locator(".word.corrected")).to_have_text("Hello")
        correct(page, "wold", "world")
        expect(page.locator(".word.corrected")).to_have_count(2)

        page.get_by_role("button", name="Original").click()
        expect(page.locator(".word").first).to_have_text("Helo")
        expect(page.get_by_role("button", name=re.compile("Correct$"))).to_be_disabled()
        page.get_by_role("button", name="Original").click()
        expect(page.locator(".word").first).to_have_text("Hello")

        page.get_by_text("2 corrections").click()
        page.get_by_role("button", name="Undo: “Helo” is “Hello”").click()
        expect(page.locator(".word").first).to_have_text("Helo")
        expect(page.locator(".word").nth(1)).to_have_text("world")


def test_after_processing_again_the_page_says_which_correction_is_not_applied_and_where(
    show, services, talk
):
    with show() as page:
        correct(page, "Helo", "Hello")
        expect(page.locator(".word.corrected")).to_have_text("Hello")
        correct(page, "Good", "God")
        expect(page.locator(".word.corrected")).to_have_count(2)
    events.reprocess(services.recordings.get(talk), services)
    again = [*SAID[:2], ("spk_1", 3.0, "Food"), SAID[3]]
    events.store_transcript(put_answer(services, talk, conversation(again)), services)
    events.extract_features(talk, services)

    with show() as page:
        expect(page.locator(".word.corrected")).to_have_text("Hello")
        page.get_by_text("2 corrections · 1 without its words").click()
        expect(page.locator(".lost")).to_have_text(
            "Not applied: at 0:03 these words are not in the transcript any more."
        )
        assert violations(page) == []


@pytest.mark.parametrize(
    "options", [{}, {"viewport": PHONE, "color_scheme": "dark"}], ids=["desktop", "phone, dark"]
)
def test_the_editor_is_accessible_and_inside_the_page(show, options):
    with show(reduced_motion="reduce", **options) as page:
        correct(page, "Helo", "Hello, dear people of the whole")
        expect(page.locator(".word.corrected")).to_have_count(6)
        page.get_by_text("1 correction").click()
        page.locator(".word", has_text="Good").click()
        expect(page.get_by_role("button", name="Join to the segment before")).to_be_visible()

        assert violations(page) == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        page.get_by_role("textbox", name="Correct the word").press("Escape")
        page.get_by_role("button", name="Name Speaker 2").click()
        expect(page.get_by_role("textbox", name="Name of the speaker")).to_be_focused()
        assert violations(page) == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")

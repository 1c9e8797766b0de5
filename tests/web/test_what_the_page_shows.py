"""The page with every kind of answer: hostile, long, failing, on a narrow or hidden screen."""

import pytest
from playwright.sync_api import expect
from support.web.opening import PHONE, played_to, row, stands_at, violations
from support.web.pretending import ADDRESS, recording

pytestmark = pytest.mark.slow

HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '"><svg/onload=alert(1)>',
    "javascript:alert(1)",
    "'-alert(1)-'",
    "</title><script>alert(1)</script>",
    "{{constructor.constructor('alert(1)')()}}",
    "<iframe srcdoc='<script>parent.alert(1)</script>'>",
    "<a href=javascript:alert(1)>x</a>",
    "%3Cscript%3Ealert(1)%3C/script%3E",
]
SEARCHED = {
    "recording_id": "talk",
    "source_key": "uploads/alice/talk.wav",
    "owner": "alice",
    "score": 1.0,
    "created_at": "2024-05-01T09:00:00+00:00",
    "matches": [
        {"start_s": 3.0, "end_s": 4.0, "snippet": "𝔸 we talk <b>so</b>", "highlights": [[5, 9]]}
    ],
}


@pytest.mark.parametrize("text", HOSTILE)
def test_text_stays_text(api, show, text):
    api.add("talk", text, (text, text), excerpt=text, reason=text, owner=text)
    api.recordings[0] |= {"source_key": f"uploads/{text}/{text}", "features_reason": text}
    api.results = [SEARCHED | {"source_key": text, "owner": text}]
    api.results[0]["matches"] = [{"start_s": 0.0, "end_s": 1.0, "snippet": text, "highlights": []}]

    with show() as page:
        expect(page.locator(".row-text")).to_have_text(text)
        page.locator("a.row").click()
        expect(page.locator("h1")).to_have_text(text)
        expect(page.locator(".text p")).to_have_text(text)
        expect(page.locator(".speaker")).to_have_text(text)
        page.goto(f"{ADDRESS}#/search?q=x")
        expect(page.locator(".snippet")).to_have_text(text)
        foreign = page.locator("main :is(script, img, iframe, a[href^=javascript])")
        expect(foreign).to_have_count(0)


def test_a_name_with_right_to_left_marks_is_shown_unchanged(api, show):
    api.add("talk", "invoice\u202egnp.wav")

    with show() as page:
        expect(page.locator(".row-name")).to_have_text("invoice\u25a1gnp.wav")


def test_an_injected_script_does_not_run(show):
    with show() as page:
        ran = page.evaluate(
            """() => new Promise((resolve) => {
                addEventListener("securitypolicyviolation", () => resolve("refused"));
                const script = document.createElement("script");
                script.textContent = "window.ran = true";
                document.body.append(script);
                if (window.ran) resolve("ran");
            })"""
        )

        assert ran == "refused"
        page.complaints.clear()


def test_highlights_count_characters_and_not_utf16_units(api, show):
    api.results = [SEARCHED]

    with show("#/search?q=talk") as page:
        expect(page.locator("mark")).to_have_text("talk")
        assert page.locator(".match").get_attribute("href") == "#/recordings/talk?t=3"


def test_the_list_is_updated_and_keeps_the_focus(api, show):
    api.add("talk", transcription="IN_PROGRESS", status="IN_PROGRESS", excerpt=None)

    with show() as page:
        expect(page.get_by_text("Transcribing")).to_be_visible()
        page.keyboard.press("Tab")
        row(page, "talk.wav").focus()
        api.recordings[0] |= {"transcription": "COMPLETED", "status": "COMPLETED"}
        api.recordings.insert(0, recording("newer", "newer.wav"))

        expect(page.get_by_text("Transcribed")).to_have_count(2)
        expect(row(page, "talk.wav")).to_be_focused()
        assert page.locator(".row-name").all_text_contents() == ["newer.wav", "talk.wav"]
        page.keyboard.press("ArrowUp")
        expect(row(page, "newer.wav")).to_be_focused()


def test_a_recording_shows_each_part_when_it_is_done(api, show):
    api.add(
        "talk",
        transcription="IN_PROGRESS",
        features="IN_PROGRESS",
        status="IN_PROGRESS",
        word_count=None,
    )

    with show("#/recordings/talk") as page:
        expect(page.get_by_role("heading", name="Transcribing")).to_be_visible()
        expect(page.get_by_role("heading", name="Measuring")).to_be_visible()
        api.recordings[0] |= {
            "transcription": "COMPLETED",
            "features": "COMPLETED",
            "word_count": 7,
        }

        expect(page.locator(".word")).to_have_count(7)
        expect(page.locator("canvas.heat")).to_be_visible()


@pytest.mark.parametrize(
    ("refusal", "words"),
    [
        ((403, {"message": "Missing Authentication Token"}), "make page STAGE=dev"),
        ((500, {"message": "Internal server error"}), "Internal server error"),
        ((404, {"Code": "NotFoundError", "Message": "Not here."}), "There is no such recording"),
    ],
)
def test_a_refusal_says_what_to_do(api, show, refusal, words):
    api.refusal = refusal

    with show("#/recordings/talk") as page:
        expect(page.locator(".state")).to_contain_text(words)
        page.complaints.clear()


def test_the_page_says_that_earshot_cannot_be_reached_and_comes_back(api, show):
    api.add("talk")

    with show() as page:
        expect(row(page, "talk.wav")).to_be_visible()
        api.is_down = True
        page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
        expect(page.locator("#offline")).to_contain_text("cannot be reached")
        api.is_down = False
        page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
        expect(page.locator("#offline")).to_be_hidden()
        page.complaints.clear()


def test_the_page_does_not_poll_while_it_is_hidden(api, show):
    api.add("talk", status="IN_PROGRESS", transcription="IN_PROGRESS")

    with show() as page:
        expect(row(page, "talk.wav")).to_be_visible()
        page.evaluate("Object.defineProperty(document, 'hidden', { value: true, writable: true })")
        page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
        asked = len(api.asked)
        page.wait_for_timeout(2500)  # longer than twice the time between two polls
        assert len(api.asked) <= asked + 1


def test_a_link_opens_its_time_and_the_keys_continue_from_there(api, show):
    api.add("talk")

    with show("#/recordings/talk?t=3.2") as page:
        expect(page.locator(".word.spoken")).to_have_text("talk")
        page.keyboard.press("l")
        expect(page.locator(".clock")).to_contain_text("0:08 /")
        page.keyboard.press("j")
        page.keyboard.press("+")
        page.keyboard.press("f")
        page.keyboard.type("cepstrum")
        expect(page.locator(".count")).to_have_text("1 of 1")
        expect(page.locator(".word.here")).to_have_text("cepstrum")
        page.keyboard.press("Escape")
        page.evaluate("location.hash = '#/recordings/talk?t=5'")
        expect(page.locator(".word.spoken")).to_have_text("the")
        stands_at(page, 5.0)


def test_a_key_works_at_the_moment_when_the_media_become_known(api, show):
    api.add("talk")

    with show() as page:
        # The window gets the event before the player does.
        page.evaluate(
            """() => {
                const press = new KeyboardEvent("keydown", { key: "l", bubbles: true });
                const onKnown = () => document.body.dispatchEvent(press);
                addEventListener("loadedmetadata", onKnown, { capture: true, once: true });
                location.hash = "#/recordings/talk?t=3.2";
            }"""
        )

        expect(page.locator(".clock")).to_contain_text("0:08 /")


def test_media_that_break_off_are_requested_again_and_play_on(api, show):
    api.add("talk")
    api.breaks_off_at = len(api.sound) // 8

    with show("#/recordings/talk") as page:
        page.get_by_label("Speed").select_option("2×")
        page.get_by_role("button", name="Play", exact=True).click()
        played_to(page, 1.0)
        api.breaks_off_at = None
        for request in api.held:
            request.fulfill(status=403)

        played_to(page, 10.0)

        expect(page.get_by_label("Speed")).to_have_value("2")
        page.complaints.clear()  # the browser logs the address that had expired


@pytest.mark.parametrize(
    ("duration_s", "words"),
    [(0.98, "< 0:01"), (9.04, "0:09"), (59.9, "0:59"), (3_725.0, "1:02:05")],
)
def test_a_recordings_length_is_the_end_of_the_player(api, show, duration_s, words):
    api.add("talk", duration_s=duration_s)

    with show() as page:
        expect(page.locator(".row-length")).to_have_text(words)
        row(page, "talk.wav").click()
        expect(page.locator(".recording-heading")).to_contain_text(f"{words}  ·")


def test_the_words_can_be_visited_by_keyboard(api, show):
    api.add("talk")

    with show("#/recordings/talk") as page:
        page.locator(".text").focus()
        for _ in range(3):
            page.keyboard.press("ArrowRight")
        page.keyboard.press("Enter")

        expect(page.locator(".word.spoken")).to_have_text("talk")


def test_the_timeline_can_be_seeked_and_zoomed_by_keyboard_and_mouse(api, show):
    api.add("talk")

    with show("#/recordings/talk") as page:
        lanes = page.locator(".lanes")
        lanes.focus()
        page.keyboard.press("Shift+ArrowRight")
        expect(lanes).to_have_attribute("aria-valuetext", "10 seconds")
        box = page.locator("canvas.wave").bounding_box()
        page.mouse.click(box["x"] + box["width"] / 2, box["y"] + 20)
        expect(page.locator(".clock")).to_contain_text("0:30 / 1:00")
        page.mouse.move(box["x"] + box["width"] / 4, box["y"] + 20)
        expect(page.locator(".readout .stamp")).to_contain_text("0:15.")
        page.get_by_role("button", name="Zoom in").click()
        expect(page.locator(".overview .window")).to_be_visible()
        page.get_by_role("button", name="Show the whole recording").click()
        expect(page.locator(".overview .window")).to_be_hidden()


def test_the_names_of_the_lanes_fit_beside_their_scales(api, show):
    api.add("talk")

    with show("#/recordings/talk", viewport={"width": 1280, "height": 800}) as page:
        expect(page.locator(".lane.pitch .mark").first).to_be_visible()
        for gutter in page.locator(".gutter").all():
            end = gutter.bounding_box()["x"] + gutter.bounding_box()["width"]
            name = gutter.locator(".lane-name").bounding_box()
            scale = [mark.bounding_box()["x"] for mark in gutter.locator(":not(.lane-name)").all()]
            assert name["x"] + name["width"] <= min([end, *scale])


def test_the_colours_of_the_pictures_are_explained(api, show):
    api.add("talk")

    with show("#/recordings/talk") as page:
        legend = page.locator(".scale")
        expect(legend).to_contain_text("Dark is low, light is high")
        assert "linear-gradient" in legend.locator(".scale-bar").evaluate(
            "bar => getComputedStyle(bar).backgroundImage"
        )


def test_words_that_may_be_wrong_are_marked_by_more_than_colour(api, show):
    api.add("talk")
    api.transcripts["talk"]["words"]["confidence"][2] = 0.4

    with show("#/recordings/talk") as page:
        unsure = page.locator(".word.unsure")
        expect(unsure).to_have_count(1)
        expect(unsure).to_have_css("text-decoration-line", "underline")
        expect(unsure).to_have_attribute("title", "40 % sure")
        expect(page.locator(".legend")).to_contain_text("less than 60 % sure")


def test_media_can_be_downloaded_as_files(api, show):
    files = {"web": {"key": "renditions/talk/web.mp4", "size": 9}}
    api.add("talk", renditions="COMPLETED", rendition_files=files)

    with show("#/recordings/talk") as page:
        page.get_by_role("button", name="Download").click()

        addresses = page.locator('.menu-list a[href*="/media"]').evaluate_all(
            "links => links.map((link) => link.search)"
        )

    assert addresses == ["?attachment=yes", "?rendition=web&attachment=yes"]


def test_an_hour_can_be_read_searched_and_heard_to_its_end(api, show):
    segments = [
        (f"spk_{i % 2}", " ".join(["the cepstrum of word", f"number{i}", "is here."]))
        for i in range(1400)
    ]
    api.add("hour", "hour.wav", *segments, duration_s=10_000.0)
    api.sound = b""

    with show("#/recordings/hour") as page:
        expect(page.locator(".segment")).to_have_count(1400)
        page.locator("#find").fill("number1399")
        expect(page.locator(".count")).to_have_text("1 of 1")
        page.locator(".word.here").click()
        expect(page.locator(".lanes")).to_have_attribute(
            "aria-valuetext", "2 hours 43 minutes 17 seconds"
        )
        expect(page.locator(".word.spoken")).to_have_text("number1399")
        # Content far outside the view is not laid out.
        assert (
            page.locator(".segment p")
            .nth(600)
            .evaluate("element => !element.checkVisibility({ contentVisibilityAuto: true })")
        )
        page.complaints.clear()  # there is no sound


@pytest.mark.parametrize("fragment", ["", "#/recordings/talk", "#/search?q=talk"])
def test_nothing_is_wider_than_a_phone(api, show, fragment):
    api.add(
        "talk", f"{'a-very-long-name-without-a-space' * 4}.wav", ("spk_0", f"{'x' * 90} is said.")
    )
    api.recordings.append(
        recording(
            "other",
            "b.wav",
            transcription="FAILED",
            status="FAILED",
            reason="y" * 120,
            transcription_reason="y" * 120,
        )
    )
    api.results = [SEARCHED]

    with show(fragment, viewport={"width": 340, "height": 700}) as page:
        expect(page.locator("h1")).to_be_visible()
        expect(page.locator(".row, .playhead, .match").first).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= 340
        for canvas in page.locator("canvas:visible").all():
            assert canvas.bounding_box()["width"] > 60


def test_on_a_phone_nothing_stands_between_the_plots_and_the_text(api, show):
    api.add("talk", "talk.wav", ("spk_0", "so today we talk."))

    with show("#/recordings/talk", viewport=PHONE) as page:
        expect(page.locator(".word").first).to_be_visible()
        expect(page.locator(".lane.heat").first).to_be_visible()
        plots, text, facts = (
            page.locator(part).bounding_box() for part in (".plots", ".reading", ".facts")
        )
        assert 0 <= text["y"] - (plots["y"] + plots["height"]) < 40
        assert facts["y"] >= text["y"] + text["height"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(
    "viewport", [{"width": 1360, "height": 860}, PHONE], ids=["desktop", "phone"]
)
def test_axe_finds_nothing(api, show, scheme, viewport):
    said = (("spk_0", "so today we talk."), ("spk_1", "about the cepstrum."))
    api.add("talk", "talk.wav", *said)
    api.transcripts["talk"]["words"]["confidence"][2] = 0.4
    api.add(
        "wrong",
        "b.wav",
        transcription="FAILED",
        features="IN_PROGRESS",
        status="IN_PROGRESS",
        reason="It is broken.",
        transcription_reason="It is broken.",
    )
    api.results = [SEARCHED]
    options = {"color_scheme": scheme, "viewport": viewport, "reduced_motion": "reduce"}

    with show(**options) as page:
        expect(row(page, "talk.wav")).to_be_visible()
        assert violations(page) == []
        page.goto(f"{ADDRESS}#/recordings/talk?t=2.1")
        expect(page.locator(".word.spoken")).to_be_visible()
        page.locator("#find").fill("talk")
        assert violations(page) == []
        page.get_by_role("button", name="Download").click()
        assert violations(page) == []
        page.keyboard.press("Escape")
        page.get_by_role("button", name="Delete").click()
        assert violations(page) == []
        page.goto(f"{ADDRESS}#/search?q=talk")
        expect(page.locator("mark")).to_be_visible()
        assert violations(page) == []

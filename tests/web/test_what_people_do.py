"""Actions on the page: reprocessing, keys, many recordings at once, and mistakes."""

import base64
import re
import zipfile

import numpy as np
import pytest
from playwright.sync_api import expect
from support.web.opening import PHONE, row, stands_at, violations
from support.web.pretending import display, recording, transcript

pytestmark = pytest.mark.slow

UNFINISHED = {"transcription": "IN_PROGRESS", "features": "IN_PROGRESS", "status": "IN_PROGRESS"}
DRAWN = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
DROP = """([name, content]) => {
    const carried = new DataTransfer();
    carried.items.add(new File([content], name));
    dispatchEvent(new DragEvent("drop", { dataTransfer: carried, cancelable: true }));
}"""


def is_playing(page):
    page.wait_for_function("() => !document.querySelector('video').paused")


# Again


def test_processing_again_shows_the_new_words_and_the_new_pictures(api, show):
    api.add("talk", transcription_at="1", features_at="1")
    api.displays["talk"]["mfcc"]["n"] = 13

    with show("#/recordings/talk") as page:
        expect(page.locator(".word").first).to_have_text("so")
        expect(page.locator(".heat .top")).to_have_text("13")
        page.get_by_role("button", name="Process again").click()
        page.get_by_role("dialog").get_by_role("button", name="Process again").click()
        api.recordings[0] |= UNFINISHED
        expect(page.get_by_role("heading", name="Transcribing")).to_be_visible()
        expect(page.locator(".word")).to_have_count(0)
        api.transcripts["talk"] = transcript((None, "other words were heard."))
        api.displays["talk"] = display(60.0, n_mfcc=20)
        done = {"transcription": "COMPLETED", "features": "COMPLETED", "status": "COMPLETED"}
        api.recordings[0] |= done | {"transcription_at": "2", "features_at": "2"}

        expect(page.locator(".word").first).to_have_text("other")
        expect(page.locator(".heat .top")).to_have_text("20")


def test_outputs_made_again_between_two_polls_are_shown(api, show):
    api.add("talk", transcription_at="1")

    with show("#/recordings/talk") as page:
        expect(page.locator(".word").first).to_have_text("so")
        api.transcripts["talk"] = transcript((None, "other words were heard."))
        api.recordings[0]["transcription_at"] = "2"
        page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")

        expect(page.locator(".word").first).to_have_text("other")


@pytest.mark.parametrize(
    ("stand_in", "words"),
    [("", "Amazon Transcribe charges for 1:00 once more"), ("vosk", "On this machine it is free")],
)
def test_processing_again_asks_and_says_what_it_costs_and_deletes(api, show, stand_in, words):
    api.add("talk")
    api.stand_in = stand_in

    with show("#/recordings/talk") as page:
        page.get_by_role("button", name="Process again").click()
        dialog = page.get_by_role("dialog")
        expect(dialog).to_contain_text(words)
        expect(dialog).to_contain_text("are deleted and made again")
        expect(dialog).to_contain_text("Corrections are kept")
        assert violations(page) == []
        dialog.get_by_role("button", name="Not now").click()

        expect(dialog).to_have_count(0)
        assert not any("reprocess" in asked for asked in api.asked)


# Files that cannot be used, and failed recordings


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_wrong_file_is_refused_in_a_sentence_and_not_offered_again(show, tmp_path, scheme):
    notes, empty = tmp_path / "notes.txt", tmp_path / "empty.wav"
    notes.write_text("no sound")
    empty.touch()

    with show(color_scheme=scheme, reduced_motion="reduce") as page:
        page.locator("#files").set_input_files([notes, empty])

        failed = page.locator(".uploads .failed")
        expect(failed.nth(0)).to_contain_text(
            "notes.txt is not a recording. "
            "Use wav, mp3, flac, ogg, m4a, mp4, webm, amr, mov or mkv."
        )
        expect(failed.nth(1)).to_contain_text("empty.wav is empty.")
        expect(page.get_by_role("button", name="Try again")).to_have_count(0)
        assert violations(page) == []
        page.get_by_role("button", name="Remove notes.txt from this list").click()
        expect(failed).to_have_count(1)


def test_files_dropped_far_down_the_list_are_visibly_accepted(api, show):
    for i in range(40):
        api.add(f"talk-{i}", f"{i}.wav")

    with show() as page:
        expect(row(page, "39.wav")).to_have_count(1)
        page.evaluate("scrollTo(0, document.body.scrollHeight)")
        page.evaluate(DROP, ["notes.txt", "no sound"])

        expect(page.locator(".toast")).to_have_text("Uploading 1 file")
        expect(page.locator(".uploads .failed")).to_be_in_viewport()


def test_a_failed_recording_says_why_once_and_offers_no_player(api, show):
    reason = "The file is named .wav but is a PNG image."
    failed = {f"{branch}_reason": reason for branch in ("transcription", "features")}
    api.add(
        "wrong",
        transcription="FAILED",
        features="FAILED",
        status="FAILED",
        reason=reason,
        duration_s=None,
        **failed,
    )
    api.sound = b"\x89PNG"

    with show("#/recordings/wrong") as page:
        expect(page.get_by_text("This browser cannot play the upload")).to_be_visible()
        expect(page.locator("main").get_by_text(reason)).to_have_count(1)
        expect(page.locator(".transport")).to_be_hidden()
        assert violations(page) == []
        page.complaints.clear()


# Keys and labels


def test_play_from_plays(api, show):
    api.add("talk", "talk.wav", ("spk_0", "so today we talk."), ("spk_1", "about the cepstrum."))

    with show("#/recordings/talk") as page:
        page.get_by_role("button", name="Play from 0:04").click()
        is_playing(page)
        page.keyboard.press("k")
        page.locator(".text").focus()
        page.keyboard.press("ArrowRight")
        page.keyboard.press("Enter")
        is_playing(page)


def test_arrows_go_into_the_list_from_anywhere(api, show):
    api.add("one", "one.wav")
    api.add("two", "two.wav")

    with show() as page:
        expect(row(page, "one.wav")).to_be_visible()
        page.keyboard.press("ArrowDown")
        expect(row(page, "one.wav")).to_be_focused()
        page.keyboard.press("ArrowDown")
        expect(row(page, "two.wav")).to_be_focused()


def test_escape_closes_the_search(api, show):
    api.add("talk")

    with show("#/recordings/talk") as page:
        expect(page.locator(".word").first).to_be_visible()
        page.keyboard.press("f")
        page.keyboard.type("cepstrum")
        expect(page.locator(".word.found")).to_have_count(1)
        page.keyboard.press("Escape")

        expect(page.locator("#find")).to_have_value("")
        expect(page.locator(".word.found, .word.here")).to_have_count(0)
        expect(page.locator(".count")).to_have_text("")


def test_a_key_turns_the_sound_off_and_on(api, show):
    api.add("talk")

    with show("#/recordings/talk") as page:
        expect(page.get_by_label("Volume")).to_have_value("1")
        page.keyboard.press("m")
        expect(page.get_by_label("Volume")).to_have_value("0")
        page.get_by_label("Volume").fill("0.5")
        assert page.evaluate("() => document.querySelector('video').volume") == 0.5


# The timeline


def test_a_contour_is_never_cut_off(api, show):
    api.add("talk")
    f0 = np.full(2000, 1500, "<u2")
    f0[500:510], f0[1500:1510] = 4800, 500  # a jump up and one down, like errors of pitch
    api.displays["talk"]["pitch"]["f0"] = base64.b64encode(f0.tobytes()).decode()

    with show("#/recordings/talk") as page:
        expect(page.locator("canvas.pitch")).to_be_visible()
        page.evaluate(DRAWN)
        edges = page.locator("canvas.pitch").evaluate(
            """(canvas) => {
                const context = canvas.getContext("2d");
                return [0, 1, canvas.height - 2, canvas.height - 1].map((y) =>
                    context.getImageData(0, y, canvas.width, 1).data.some((value) => value > 0));
            }"""
        )

        assert edges == [False, False, False, False]


def test_a_long_recording_opens_at_a_readable_zoom_with_an_overview(api, show):
    api.add("long", duration_s=3600.0)

    with show("#/recordings/long") as page:
        whole = page.get_by_role("slider", name="Part in view")
        expect(whole).to_have_attribute("aria-valuetext", "0 seconds to 30 seconds")
        box = whole.bounding_box()
        page.mouse.move(box["x"] + 1, box["y"] + 10)
        page.mouse.down()
        page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 10, steps=3)
        page.mouse.up()
        expect(whole).to_have_attribute("aria-valuetext", re.compile("^(29|30) minutes"))
        whole.focus()
        page.keyboard.press("Home")
        expect(whole).to_have_attribute("aria-valuetext", "0 seconds to 30 seconds")
        assert violations(page) == []
        page.get_by_role("button", name="Show the whole recording").click()
        expect(whole).to_be_hidden()


def test_words_are_written_at_any_zoom_if_there_is_room(api, show):
    said = " ".join(["cepstrum"] * 1200)
    api.add("long", "long.wav", (None, said), duration_s=1200.0)

    with show("#/recordings/long") as page:
        expect(page.locator(".word")).to_have_count(1200)
        page.get_by_role("button", name="Show the whole recording").click()
        page.evaluate(DRAWN)
        inked = page.locator("canvas.words").evaluate(
            """(canvas) => {
                const middle = Math.round(canvas.height / 2);
                const { data } = canvas.getContext("2d").getImageData(0, middle, canvas.width, 1);
                return data.filter((value, i) => i % 4 === 3 && value > 0).length;
            }"""
        )

        assert inked > 50


def test_the_least_sure_words_are_marked_and_never_a_whole_page(api, show):
    api.add("call", "call.wav", (None, " ".join(f"w{i}" for i in range(100))))
    api.transcripts["call"]["words"]["confidence"] = [i / 200 for i in range(100)]

    with show("#/recordings/call") as page:
        expect(page.locator(".word")).to_have_count(100)
        n = page.locator(".word.unsure").count()
        assert 10 < n <= 25
        assert 0 < page.locator(".word.very").count() < n
        expect(page.locator(".legend")).to_contain_text("less than 12 % sure")
        expect(page.locator(".legend")).to_contain_text("25 % sure on average")


def test_a_stretch_of_the_axis_is_selected_played_and_looped(api, show):
    api.add("talk")

    with show("#/recordings/talk") as page:
        lanes = page.locator("canvas.wave")
        expect(lanes).to_be_visible()
        box = lanes.bounding_box()
        page.keyboard.down("Shift")
        page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + 20)
        page.mouse.down()
        page.mouse.move(box["x"] + box["width"] * 0.51, box["y"] + 20, steps=4)
        page.mouse.up()
        page.keyboard.up("Shift")
        expect(page.locator(".selected .stamp")).to_contain_text("0:30.")
        expect(page.locator(".selected")).to_contain_text(re.compile(r"mean \d+\.\d Hz|unvoiced"))
        expect(page.locator(".selected")).to_contain_text("-20.0 dB")
        expect(page.locator(".lane.level")).to_be_visible()
        # Its canvas gets its size when it is drawn.
        page.wait_for_function("() => document.querySelector('canvas.sound').width !== 300")
        expect(page.locator(".stretch")).to_be_visible()
        assert violations(page) == []
        page.get_by_role("button", name="Loop").click()
        is_playing(page)
        # Back at its start, after it had reached its end.
        page.evaluate("() => { window.last = 0; window.turned = false; }")
        page.wait_for_function(
            """() => {
                const { currentTime } = document.querySelector("video");
                if (currentTime < window.last) window.turned = true;
                window.last = currentTime;
                return window.turned && currentTime >= 29.9 && currentTime < 31;
            }"""
        )
        page.get_by_role("button", name="Clear the selection").click()
        expect(page.locator(".selection-bar")).to_be_hidden()


def test_a_stretch_is_selected_and_played_by_keyboard_alone(api, show):
    api.add("talk")

    with show("#/recordings/talk?t=10") as page:
        expect(page.locator("canvas.wave")).to_be_visible()
        page.keyboard.press("i")
        page.evaluate("location.hash = '#/recordings/talk?t=10.4'")
        stands_at(page, 10.4)
        page.keyboard.press("o")
        expect(page.locator(".selected .stamp")).to_have_text("0:10.00 – 0:10.40")
        with page.expect_download() as saved:
            page.get_by_role("button", name="Save as WAV").click()
        assert saved.value.suggested_filename == "saved.wav"
        assert "GET /recordings/talk/clip?from=10.000&to=10.400&redirect=no" in api.asked
        page.keyboard.press("p")
        page.wait_for_function(
            """() => {
                const media = document.querySelector("video");
                return media.paused && media.currentTime >= 10.4 && media.currentTime < 10.9;
            }"""
        )
        page.keyboard.press("Escape")
        expect(page.locator(".selection-bar")).to_be_hidden()


def test_the_rows_of_a_stretch_are_saved(api, show):
    api.add("talk", "my talk.wav")

    with show("#/recordings/talk?t=10") as page:
        expect(page.locator("canvas.wave")).to_be_visible()
        page.keyboard.press("i")
        page.evaluate("location.hash = '#/recordings/talk?t=12.5'")
        stands_at(page, 12.5)
        page.keyboard.press("o")
        with page.expect_download() as saved:
            page.get_by_role("button", name="Save words").click()
        assert saved.value.suggested_filename == "saved.csv"
        assert "GET /recordings/talk/features/words?from=10.000&to=12.500&redirect=no" in api.asked
        with page.expect_download() as saved:
            page.get_by_role("button", name="Save frames").click()
        assert saved.value.suggested_filename == "my talk.10.00-12.50.frames.csv"
        assert saved.value.path().read_text() == (
            "time_s,mfcc,pitch,energy\n"
            "10.0,mfcc-10,pitch-10,energy-10\n"
            "11.0,mfcc-11,pitch-11,energy-11\n"
            "12.0,mfcc-12,pitch-12,energy-12\n"
        )
        assert violations(page) == []


def test_who_talks_how_much_is_told_of_a_conversation(api, show):
    api.add("call", "call.wav", ("spk_0", "one two three four five six."), ("spk_1", "yes no."))
    words = api.transcripts["call"]["words"]
    # The second voice begins while the first still talks, and goes on after two seconds.
    words["start_s"][6:], words["end_s"][6:] = [5.4, 8.2], [6.2, 9.0]
    api.transcripts["call"]["segments"][1] |= {"start_s": 5.4, "end_s": 9.0}

    with show("#/recordings/call") as page:
        talk = page.get_by_role("region", name="Who talks how much")
        expect(talk.locator("li")).to_have_text(
            ["Speaker 10:04, 75 %, 1 turn", "Speaker 20:01, 25 %, 1 turn"]
        )
        expect(talk).to_contain_text("Overlap 0:00 · pauses of a second or longer 0:02")
        expect(talk).to_contain_text("longest 2.0 s")
        first, second = (
            talk.locator(".talk-bar").nth(number).bounding_box()["width"] for number in (0, 1)
        )
        assert first == pytest.approx(3 * second, rel=0.02)
        assert violations(page) == []


def test_one_voice_is_no_conversation(api, show):
    api.add("talk")

    with show("#/recordings/talk") as page:
        expect(page.locator(".word").first).to_be_visible()
        expect(page.locator(".talk")).to_have_count(0)


# Local mode


def test_local_mode_says_what_stands_in_for_amazon_transcribe(api, show):
    api.add("talk")
    api.stand_in = "pocketsphinx"

    with show() as page:
        expect(page.locator(".stand-in")).to_have_text(
            "Local mode: pocketsphinx stands in for Amazon Transcribe, and mishears much that is"
            " not read aloud. EARSHOT_RECOGNISER names a better one."
        )
        assert violations(page) == []
        page.set_viewport_size(PHONE)
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


def test_a_deployed_page_has_no_such_banner_and_asks_for_no_progress(api, show):
    api.add("talk", **UNFINISHED)

    with show() as page:
        expect(page.get_by_text("Transcribing")).to_be_visible()
        expect(page.locator(".stand-in")).to_have_count(0)
        assert not any("progress" in asked for asked in api.asked)


def test_progress_is_shown_in_percent_on_the_list_and_in_a_recording(api, show):
    api.add("talk", **UNFINISHED)
    api.stand_in = "vosk"
    api.progress = {"talk": {"transcription": {"share": 0.34, "left_s": None}}}

    with show(reduced_motion="reduce") as page:
        expect(page.get_by_text("Transcribing 34 %")).to_be_visible()
        row(page, "talk.wav").click()
        expect(page.get_by_role("heading", name="Transcribing: 34 %")).to_be_visible()
        api.progress["talk"]["transcription"] = {"share": 0.5, "left_s": 83.2}
        words = "Transcribing: 50 %, about 1:23 left"
        expect(page.get_by_role("heading", name=words)).to_be_visible()
        assert violations(page) == []


# The list


def names(page):
    return page.locator(".row-name").all_text_contents()


def test_the_list_counts_sorts_and_finds_by_name_over_all_pages(api, show):
    for i in range(60):
        api.add(f"r{i}", f"talk {i}.wav", duration_s=float(i + 1))

    with show() as page:
        expect(page.locator(".counted")).to_have_text("50 recordings, and there are more")
        page.get_by_label("Order").select_option("Longest first")
        expect(page.locator(".counted")).to_have_text("60 recordings")
        assert names(page)[0] == "talk 59.wav"
        page.get_by_label("Order").select_option("Name")
        expect(page.locator(".row-name").first).to_have_text("talk 0.wav")
        assert names(page)[:4] == ["talk 0.wav", "talk 1.wav", "talk 2.wav", "talk 3.wav"]
        page.get_by_label("Name", exact=True).fill("TALK 5")
        page.keyboard.press("Enter")
        expect(page.locator(".counted")).to_have_text("11 recordings")
        assert "named=TALK+5" in page.url
        assert violations(page) == []
        page.go_back()
        expect(page.locator(".counted")).to_have_text("60 recordings")


def test_the_list_is_requested_by_days(api, show):
    api.add("talk")

    with show() as page:
        expect(row(page, "talk.wav")).to_be_visible()
        page.get_by_label("From").fill("2024-05-01")
        expect(page.get_by_label("From")).to_have_value("2024-05-01")

        with page.expect_request(re.compile("recordings\\?from=2024-05-01&to=2024-05-02")):
            page.get_by_label("To", exact=True).fill("2024-05-02")


def test_on_a_phone_the_filters_are_out_of_the_way_until_they_are_used(api, show):
    api.add("talk")
    api.add("call", "call.wav")

    with show(viewport=PHONE, has_touch=True, is_mobile=True) as page:
        expect(page.get_by_text("Add recordings")).to_be_visible()
        expect(page.get_by_label("Length")).to_be_hidden()
        assert row(page, "talk.wav").bounding_box()["y"] < PHONE["height"] / 2
        page.get_by_text("Filter and sort").click()
        page.get_by_label("Order").select_option("Name")
        expect(page.locator(".row-name").first).to_have_text("call.wav")
        expect(page.get_by_label("Order")).to_have_value("name")
        assert violations(page) == []


def test_the_numbers_of_a_stretch_stand_in_one_line(api, show):
    api.add("talk")

    with show("#/recordings/talk?t=10") as page:
        expect(page.locator("canvas.wave")).to_be_visible()
        page.keyboard.press("o")

        assert page.locator(".selected").bounding_box()["height"] < 30


def test_the_list_is_filtered_by_length_over_all_pages(api, show):
    for i in range(60):
        api.add(f"r{i}", f"talk {i}.wav", duration_s=20.0 * (i + 1))
    api.add("waiting", "waiting.wav", duration_s=None, **UNFINISHED)

    with show() as page:
        expect(page.locator(".counted")).to_contain_text("50 recordings")
        length = page.get_by_label("Length")
        length.select_option("Under a minute")
        expect(page.locator(".counted")).to_have_text("2 recordings")
        assert names(page) == ["talk 0.wav", "talk 1.wav"]
        assert "length=short" in page.url
        length.select_option("1 to 10 minutes")
        expect(page.locator(".counted")).to_have_text("27 recordings")
        length.select_option("10 minutes to an hour")
        expect(page.locator(".counted")).to_have_text("31 recordings")
        length.select_option("Over an hour")
        expect(page.get_by_text("No recording of this length is here.")).to_be_visible()
        page.go_back()
        expect(page.locator(".counted")).to_have_text("31 recordings")
        assert violations(page) == []


def test_a_recording_is_deleted_after_the_page_has_looked_for_it(api, show):
    """A look that the deletion overtakes would find nothing, and complain in the console."""
    api.add("talk")

    with show("#/recordings/talk") as page:
        expect(page.locator(".word").first).to_have_text("so")
        looks = []

        def hold(route):
            looks.append(route)

        page.route("**/api/recordings/talk", hold, times=1)
        with page.expect_request("**/api/recordings/talk"):
            page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
        page.get_by_role("button", name="Delete").click()
        page.get_by_role("button", name="Delete for good").click()
        page.route(
            "**/api/recordings/talk", lambda route: route.fulfill(json={"removed": {"upload": 1}})
        )

        with page.expect_request(lambda request: request.method == "DELETE"):
            looks[0].fulfill(json=api.recordings[0])

        expect(page.get_by_role("dialog")).to_contain_text("the upload")


def test_many_are_chosen_and_processed_again_or_deleted(api, show):
    for name in ("a", "b", "c"):
        api.add(name, f"{name}.wav")

    with show() as page:
        page.get_by_label("Select a.wav").check()
        expect(page.locator(".chosen-bar")).to_contain_text("1 selected")
        page.get_by_label("Select c.wav").check()
        assert violations(page) == []
        page.get_by_role("button", name="Process again").click()
        dialog = page.get_by_role("dialog")
        expect(dialog).to_contain_text("Process 2 recordings again?")
        expect(dialog).to_contain_text("charges for 2:00")
        dialog.get_by_role("button", name="Process again").click()
        expect(page.locator(".chosen-bar")).to_be_hidden()
        again = [asked for asked in api.asked if "reprocess" in asked]
        assert again == ["POST /recordings/a/reprocess?", "POST /recordings/c/reprocess?"]

        page.get_by_label("Select b.wav").check()
        page.get_by_role("button", name="Select all 3").click()
        page.get_by_role("button", name="Delete").click()
        expect(dialog.locator(".names li")).to_have_text(["a.wav", "b.wav", "c.wav"])
        assert violations(page) == []
        api.recordings.clear()
        page.complaints.clear()
        dialog.get_by_role("button", name="Delete for good").click()
        expect(dialog.get_by_role("alert")).to_contain_text("a.wav: It has already been deleted.")
        page.complaints.clear()


def test_the_words_of_many_are_saved_as_one_table(api, show):
    api.add("a", "a.wav")
    api.add("b", "b.wav", word_table_keys={})
    api.add("c", "c.wav")

    with show() as page:
        page.get_by_label("Select a.wav").check()
        page.get_by_role("button", name="Select all 3").click()
        with page.expect_download() as saved:
            page.get_by_role("button", name="Words as one table").click()

        table = saved.value.path().read_text()
        assert table == "word,recording_id\nhello,a\nhello,c\n"
        expect(page.locator(".toast")).to_have_text("Without a table of words: b.wav.")
        assert violations(page) == []


def test_the_texts_of_many_are_saved_as_a_zip_that_other_programs_read(api, show):
    api.add("a", "a.wav")
    api.add("ü", "ü.wav")
    api.text = "so today — we talk\n"

    with show() as page:
        page.get_by_label("Select a.wav").check()
        page.get_by_role("button", name="Select all 2").click()
        with page.expect_download() as saved:
            page.get_by_role("button", name="Texts as ZIP").click()

        with zipfile.ZipFile(saved.value.path()) as archive:
            assert archive.testzip() is None
            assert sorted(archive.namelist()) == ["a.txt", "a.words.csv", "ü.txt", "ü.words.csv"]
            assert archive.read("ü.txt").decode() == api.text


def test_a_row_that_is_chosen_stays_chosen_while_the_list_follows(api, show):
    api.add("talk", **UNFINISHED)

    with show() as page:
        page.get_by_label("Select talk.wav").check()
        api.recordings[0] |= {"transcription": "COMPLETED"}
        api.recordings.insert(0, recording("newer", "newer.wav"))

        expect(row(page, "talk.wav").get_by_text("Transcribed")).to_be_visible()
        expect(page.get_by_label("Select talk.wav")).to_be_checked()


def test_the_empty_list_offers_the_sample(show):
    with show() as page:
        expect(page.get_by_role("button", name="Try the sample")).to_be_visible()
        assert violations(page) == []
        with page.expect_request("**/sample.mp3") as asked:
            page.get_by_role("button", name="Try the sample").click()
        assert asked.value.response().headers["content-type"] == "audio/mpeg"
        expect(page.locator(".uploads .name")).to_have_text("sample.mp3")
        page.complaints.clear()  # the upload itself is not pretended


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(
    "viewport", [{"width": 1360, "height": 860}, PHONE], ids=["desktop", "phone"]
)
def test_axe_finds_nothing_in_what_people_do(api, show, scheme, viewport):
    said = [(f"spk_{i % 2}", "so today we talk about the cepstrum.") for i in range(20)]
    api.add("call", "call.wav", *said, duration_s=600.0)
    api.transcripts["call"]["words"]["confidence"] = [i / 150 for i in range(140)]
    api.add("busy", "busy.wav", **UNFINISHED)
    api.stand_in = "pocketsphinx"
    api.progress = {"busy": {"transcription": {"share": 0.34, "left_s": 83.0}}}
    options = {"color_scheme": scheme, "viewport": viewport, "reduced_motion": "reduce"}

    with show(**options) as page:
        page.get_by_label("Select call.wav").check()
        expect(page.get_by_text("Transcribing 34 %, about 1:23 left")).to_be_visible()
        assert violations(page) == []
        page.get_by_role("button", name="Process again").click()
        assert violations(page) == []
        page.keyboard.press("Escape")
        row(page, "busy.wav").click()
        expect(page.get_by_role("heading", name="Transcribing: 34 %")).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"]
        assert violations(page) == []
        page.evaluate("location.hash = '#/recordings/call'")
        expect(page.get_by_role("region", name="Who talks how much")).to_be_visible()
        expect(page.get_by_role("slider", name="Part in view")).to_be_visible()
        page.keyboard.press("o")
        expect(page.locator(".selection-bar")).to_be_visible()
        assert violations(page) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"]

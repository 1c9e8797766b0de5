"""The README's pictures of the page: make screenshots.

The pictures show a real local mode that has processed real files. This needs Chromium, and uses the
fonts of the machine.
"""

import shutil
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from playwright.sync_api import Browser, Page, ViewportSize, expect, sync_playwright

from local.runtime import run

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
SAMPLE = ROOT / "samples" / "sample.wav"
DESKTOP: ViewportSize = {"width": 1280, "height": 840}
PHONE: ViewportSize = {"width": 390, "height": 844}
PROCESSED_MS = 120_000
COLOURS = 256


def main(files: list[str]) -> int:
    """Upload the files, or the sample, to a local mode, and take pictures of the last one."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        print("There is no Chromium here: apt-get install chromium", file=sys.stderr)
        return 1
    with run() as runtime, sync_playwright() as playwright, TemporaryDirectory() as folder:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        address = f"{runtime.url}/api/"
        recording = _upload(browser, address, files or [str(SAMPLE)])
        pictures: dict[str, dict[str, Any]] = {
            "page": {"viewport": DESKTOP, "color_scheme": "light"},
            "page-dark": {"viewport": DESKTOP, "color_scheme": "dark"},
            "page-phone": {"viewport": PHONE, "color_scheme": "light", "device_scale_factor": 2},
        }
        for name, options in pictures.items():
            raw = Path(folder) / f"{name}.png"
            page = browser.new_context(**options, reduced_motion="reduce").new_page()
            _show(page, f"{address}{recording}")
            page.screenshot(path=raw)
            _shrink(raw, DOCS / raw.name)
        page = browser.new_context(viewport=DESKTOP, color_scheme="light").new_page()
        page.goto(address)
        expect(page.locator("a.row")).to_have_count(len(files) or 1)
        page.screenshot(path=Path(folder) / "page-list.png")
        _shrink(Path(folder) / "page-list.png", DOCS / "page-list.png")
        browser.close()
    return 0


def _upload(browser: Browser, address: str, files: list[str]) -> str:
    """Upload with the page, wait until all are done, and return the last one's URL fragment."""
    page = browser.new_page()
    page.goto(address)
    for file in files:
        page.locator("#files").set_input_files(file)
        row = page.locator("a.row", has_text=Path(file).name)
        expect(row.locator(".chip").first).to_be_visible(timeout=PROCESSED_MS)
    expect(page.locator("a.row")).to_have_count(len(files), timeout=PROCESSED_MS)
    expect(page.locator(".chip.pending, .chip.in_progress")).to_have_count(0, timeout=PROCESSED_MS)
    fragment = page.locator("a.row").first.get_attribute("href")
    page.context.close()
    return str(fragment)


def _show(page: Page, address: str) -> None:
    """Open a recording and seek to a word in its middle."""
    page.goto(address)
    words = page.locator(".word")
    expect(words.first).to_be_visible()
    expect(page.locator("canvas.wave")).to_be_visible()
    words.nth(words.count() // 2).click()
    expect(page.locator(".word.spoken")).to_be_visible()
    page.evaluate("scrollTo(0, 0)")
    page.mouse.move(0, 0)
    page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")


def _shrink(source: Path, target: Path) -> None:
    """Write a picture with a palette, which looks the same with a third of the size."""
    from PIL import Image  # noqa: PLC0415  # installed with matplotlib, and only this function needs it

    with Image.open(source) as picture:
        picture.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE).save(
            target, optimize=True
        )
    print(f"{target.relative_to(ROOT)}: {target.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Speed of the page for a recording of an hour, in Chromium: python benchmarks/page.py.

A real local mode serves the page. The recording is short; its transcript and display are replaced
by those of an hour: 9,000 words, and as many columns as the extractor writes.
"""

import json
import sys
from pathlib import Path

import numpy as np
import orjson

ROOT = Path(__file__).resolve().parents[1]
sys.path.extend(map(str, (ROOT, ROOT / "tests")))

from playwright.sync_api import Page  # noqa: E402  # imported after the paths are set
from support.browser import chromium  # noqa: E402  # imported after the paths are set
from support.media import wav  # noqa: E402  # imported after the paths are set
from support.running import Stage, start  # noqa: E402  # imported after the paths are set

from chalicelib.core.features.display import Display  # noqa: E402  # imported after the paths are set

HOUR_S = 3600
WORDS_A_SEGMENT = 15
WORD_S = 0.4
SR, HOP = 22050, 512
RUNS = 3
READY = """() => new Promise((resolve) => {
    const look = () => {
        const words = document.querySelectorAll(".word").length;
        const canvas = document.querySelector("canvas.heat");
        if (!words || !canvas || canvas.width === 300) return requestAnimationFrame(look);
        // Two pictures later it is painted, and takes input.
        requestAnimationFrame(() => requestAnimationFrame(() => resolve(performance.now())));
    };
    look();
})"""
SEEK = """() => new Promise((resolve) => {
    const words = document.querySelectorAll(".word");
    const began = performance.now();
    words[words.length - 20].click();
    requestAnimationFrame(() => requestAnimationFrame(() => resolve(performance.now() - began)));
})"""
SCROLL = """() => new Promise((resolve) => {
    const slowest = []; let last = performance.now(); let n = 0;
    const step = (now) => {
        slowest.push(now - last); last = now;
        scrollBy(0, 900);
        if (++n < 60) return requestAnimationFrame(step);
        slowest.sort((a, b) => a - b);
        resolve(slowest[Math.floor(0.95 * slowest.length)]);
    };
    requestAnimationFrame(step);
})"""


def transcript() -> bytes:
    """Return Amazon Transcribe's JSON for an hour, with two speakers in turn."""
    vocabulary = ("so", "the", "cepstrum", "turns", "a", "product", "into", "a", "sum")
    items = []
    for number in range(int(HOUR_S / WORD_S)):
        word = vocabulary[number % len(vocabulary)]
        start = number * WORD_S
        items.append(
            {
                "id": number,
                "type": "pronunciation",
                "start_time": f"{start:.2f}",
                "end_time": f"{start + 0.35:.2f}",
                "speaker_label": f"spk_{number // WORDS_A_SEGMENT % 2}",
                "alternatives": [{"content": word, "confidence": "0.98"}],
            }
        )
    text = " ".join(item["alternatives"][0]["content"] for item in items)
    results = {"transcripts": [{"transcript": text}], "items": items}
    return json.dumps({"status": "COMPLETED", "results": results}).encode()


def display() -> bytes:
    """Return the extractor's display of an hour of noise."""
    rng = np.random.default_rng(0)
    made = Display(sr=SR, hop_length=HOP)
    for _ in range(HOUR_S // 10):
        made.push(rng.normal(0, 0.1, SR * 10).astype(np.float32))
    n_frames = HOUR_S * SR // HOP
    for _ in made.watch_f0(iter([rng.uniform(90, 220, (n_frames, 3))]), n_frames):
        pass
    for _ in made.watch_mfcc(iter([rng.normal(size=(n_frames, 13))]), n_frames, 13):
        pass
    return orjson.dumps(made.to_dict(duration_s=float(HOUR_S)))


def prepare(local_mode: Stage) -> tuple[str, dict[str, int]]:
    """Make the recording; return its id, and the sizes of the objects that the page loads."""
    key = "uploads/local/hour.wav"
    local_mode.put(key, wav(5.0))
    recording_id = local_mode.settled(key)["recording_id"]
    sizes = {}
    for name, content in (
        (f"transcripts/{recording_id}.json", transcript()),
        (f"features/{recording_id}/display.json", display()),
    ):
        local_mode.put(name, content, ContentType="application/json")
        sizes[name.rpartition("/")[2].removeprefix(recording_id)] = len(content)
    return recording_id, sizes


def measure(page: Page, address: str) -> dict[str, float]:
    page.goto("about:blank")
    page.goto(address)
    ready_ms = page.evaluate(READY)
    seek_ms, scroll_ms = page.evaluate(SEEK), page.evaluate(SCROLL)
    devtools = page.context.new_cdp_session(page)
    devtools.send("Performance.enable")
    devtools.send("HeapProfiler.collectGarbage")
    metrics = {
        one["name"]: one["value"] for one in devtools.send("Performance.getMetrics")["metrics"]
    }
    return {
        "ready after, ms": ready_ms,
        "a click near the end is shown after, ms": seek_ms,
        "95 % of scrolled pictures take at most, ms": scroll_ms,
        "JavaScript heap, MB": metrics["JSHeapUsedSize"] / 1e6,
        "nodes": metrics["Nodes"],
    }


def main() -> None:
    with start() as local_mode, chromium() as browser:
        recording_id, sizes = prepare(local_mode)
        print(f"{sizes} bytes in the bucket")
        address = f"{local_mode.url}/api/#/recordings/{recording_id}"
        page = browser.new_page(viewport={"width": 1360, "height": 860})
        runs = [measure(page, address) for _ in range(RUNS)]
        for name in runs[0]:
            values = sorted(run[name] for run in runs)
            print(
                f"{name:<44} median {values[RUNS // 2]:8.1f}   {values[0]:.1f} to {values[-1]:.1f}"
            )


if __name__ == "__main__":
    main()

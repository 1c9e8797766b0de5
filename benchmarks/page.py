"""Speed of the page for a recording of an hour, in Chromium: python benchmarks/page.py.

A real local mode serves the page. The recording is short, but its transcript, pictures and sound
are replaced by those of an hour: 9,000 words, and as many columns as the extractor writes.
"""

import io
import json
import os
import sys
from pathlib import Path

import numpy as np
import orjson

ROOT = Path(__file__).resolve().parents[1]
sys.path.extend(map(str, (ROOT, ROOT / "tests")))

import soundfile  # noqa: E402  # imported after the paths are set
from playwright.sync_api import CDPSession, Page  # noqa: E402  # imported after the paths are set
from support.browser import chromium  # noqa: E402  # imported after the paths are set
from support.media import wav  # noqa: E402  # imported after the paths are set
from support.running import Stage, start  # noqa: E402  # imported after the paths are set

from chalicelib.core.features.display import Display  # noqa: E402  # imported after the paths are set

HOUR_S = 3600
WORDS_A_SEGMENT = 15
WORD_S = 0.4
SR, HOP, BANDS = 22050, 512, 128
SOUND_SR = 8000
SOUND_KEY = "an-hour.wav"
RUNS = 5
READY = """() => new Promise((resolve) => {
    const look = () => {
        const words = document.querySelectorAll(".word").length;
        const canvases = [...document.querySelectorAll("canvas.heat, canvas.sound")];
        const isDrawn = canvases.length === 2 && canvases.every((canvas) => canvas.width !== 300);
        if (!words || !isDrawn) return requestAnimationFrame(look);
        // Two animation frames later the page is painted, and takes input.
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
# Pictures a second over four seconds, while `act` is called once for each picture.
PACE = """(act) => new Promise((resolve) => {
    const began = performance.now(); let n = 0;
    const step = (now) => {
        act(n++);
        if (now - began < 4000) return requestAnimationFrame(step);
        resolve(1000 * n / (now - began));
    };
    requestAnimationFrame(step);
})"""
PLAY = f"""() => new Promise((resolve) => {{
    const media = document.querySelector("video");
    media.addEventListener("playing", () => ({PACE})(() => {{}}).then((pace) => {{
        media.pause();
        resolve(pace);
    }}), {{ once: true }});
    media.play();
}})"""
# From the whole hour to some seconds, and back.
ZOOM = f"""() => {{
    const lanes = document.querySelector(".lanes");
    const box = lanes.getBoundingClientRect();
    return ({PACE})((n) => lanes.dispatchEvent(new WheelEvent("wheel", {{
        ctrlKey: true,
        deltaY: n % 120 < 60 ? -18 : 18,
        clientX: box.left + box.width / 2,
        clientY: box.top + 10,
        bubbles: true,
        cancelable: true,
    }})));
}}"""


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


def pictures() -> dict[str, bytes]:
    """Return the extractor's display and spectrogram of an hour of noise."""
    rng = np.random.default_rng(0)
    made = Display(sr=SR, hop_length=HOP)
    for _ in range(HOUR_S // 10):
        made.push(rng.normal(0, 0.1, SR * 10).astype(np.float32))
    n_frames = HOUR_S * SR // HOP
    watch_mel = made.watch_mel(n_frames, BANDS)
    for watched in (
        made.watch_f0(iter([rng.uniform(90, 220, (n_frames, 3))]), n_frames),
        made.watch_mfcc(iter([rng.normal(size=(n_frames, 13))]), n_frames, 13),
        made.watch_rms(iter([rng.uniform(0.001, 0.1, (n_frames, 2))]), n_frames),
    ):
        for _ in watched:
            pass
    watch_mel(rng.uniform(-80, 0, (n_frames, BANDS)).astype(np.float32))
    found = {"display.json": made.to_dict(duration_s=float(HOUR_S))}
    if made.spectrogram:
        found["spectrogram.json"] = made.spectrogram.to_dict()
    return {name: orjson.dumps(picture) for name, picture in found.items()}


def sound() -> bytes:
    """Return an hour of quiet noise as a WAV file."""
    y = np.random.default_rng(0).integers(-1000, 1000, SOUND_SR * HOUR_S, dtype=np.int16)
    stream = io.BytesIO()
    soundfile.write(stream, y, SOUND_SR, format="WAV")
    return stream.getvalue()


def prepare(local_mode: Stage) -> tuple[str, dict[str, int]]:
    """Make the recording; return its id, and the sizes of the objects that the page loads."""
    key = "uploads/local/hour.wav"
    local_mode.put(key, wav(5.0))
    recording_id = local_mode.settled(key)["recording_id"]
    folder = f"features/{recording_id}"
    contents = {
        f"transcripts/{recording_id}.json": transcript(),
        **{f"{folder}/{name}": content for name, content in pictures().items()},
    }
    for name, content in contents.items():
        local_mode.put(name, content, ContentType="application/json")
    local_mode.put(SOUND_KEY, sound(), ContentType="audio/wav")
    named = {f"transcripts/{recording_id}.json": "transcript.json"}
    return recording_id, {
        named.get(name, name.rpartition("/")[2]): len(content) for name, content in contents.items()
    }


def lead_to_the_hour(page: Page, local_mode: Stage) -> None:
    """Answer the page's request for the media with the hour of sound."""
    url = local_mode.client("s3").generate_presigned_url(
        "get_object", Params={"Bucket": local_mode.bucket, "Key": SOUND_KEY}
    )
    page.route("**/media?*", lambda route: route.fulfill(json={"url": url, "expires_in_s": 3600}))


def measure(page: Page, address: str) -> dict[str, float]:
    page.goto("about:blank")
    page.goto(address)
    ready_ms = page.evaluate(READY)
    page.wait_for_function("document.querySelector('video').readyState > 0")
    seek_ms, scroll_ms = page.evaluate(SEEK), page.evaluate(SCROLL)
    page.evaluate("scrollTo(0, 0)")
    opened = page.evaluate(PLAY)
    page.keyboard.press("0")
    whole = page.evaluate(PLAY)
    zoom = page.evaluate(ZOOM)
    devtools = page.context.new_cdp_session(page)
    devtools.send("Performance.enable")
    heaps = [_heap_mb(devtools)]
    devtools.send("HeapProfiler.collectGarbage")
    heaps.append(_heap_mb(devtools))
    return {
        "ready after, ms": ready_ms,
        "a click near the end is shown after, ms": seek_ms,
        "95 % of scrolled pictures take at most, ms": scroll_ms,
        "pictures a second while playing, as it opens": opened,
        "pictures a second while playing, the whole": whole,
        "pictures a second while zooming": zoom,
        "JavaScript heap, MB": heaps[0],
        "the same after a collection, MB": heaps[1],
    }


def _heap_mb(devtools: CDPSession) -> float:
    found = devtools.send("Performance.getMetrics")["metrics"]
    return float(next(one["value"] for one in found if one["name"] == "JSHeapUsedSize")) / 1e6


def main() -> None:
    with start() as local_mode, chromium() as browser:
        recording_id, sizes = prepare(local_mode)
        print(f"{sizes} bytes in the bucket; load {os.getloadavg()[0]:.1f}")
        address = f"{local_mode.url}/api/#/recordings/{recording_id}"
        page = browser.new_page(viewport={"width": 1360, "height": 860})
        lead_to_the_hour(page, local_mode)
        runs = [measure(page, address) for _ in range(RUNS)]
        for name in runs[0]:
            values = sorted(run[name] for run in runs)
            print(
                f"{name:<46} median {values[RUNS // 2]:8.1f}   {values[0]:.1f} to {values[-1]:.1f}"
            )
        print(f"load {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()

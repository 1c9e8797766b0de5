"""The log of a whole run: one line for each event, without spoken words or addresses."""

import json
import re
import urllib.parse

import pytest
from support import video
from support.running import SAMPLE, fetch, start

pytestmark = pytest.mark.slow

SAID = (SAMPLE.with_name("sample.txt")).read_text().lower()
PRIVATE = re.compile(r"Signature=|X-Amz-|AWSAccessKeyId|\"Records\"|\"detail\"")


def runs_of_words(text: str, n: int = 3) -> set[str]:
    words = re.findall(r"[a-z]+", text.lower())
    return {" ".join(words[i : i + n]) for i in range(len(words) - n + 1)}


def test_the_log_has_every_outcome_and_no_spoken_words(tmp_path, capfd):
    log = tmp_path / "log"
    with start(LOG_FILE=str(log)) as local_mode:
        local_mode.put("uploads/alice/said.wav", SAMPLE.read_bytes())
        local_mode.put("uploads/alice/film.mkv", video.make("mkv", duration_s=5, speech=SAMPLE))
        local_mode.put("uploads/alice/notes.txt", SAID.encode())
        items = [
            local_mode.settled(f"uploads/alice/{name}")
            for name in ("said.wav", "film.mkv", "notes.txt")
        ]
        client = local_mode.client("s3")
        recording = f"{local_mode.url}/api/recordings/{items[0]['recording_id']}"
        _, _, address = fetch(f"{recording}/media?redirect=no")
        assert b"Signature" in address
        _, _, transcript = fetch(f"{recording}/transcript?format=text")
        assert runs_of_words(transcript.decode()) & runs_of_words(SAID)
        words = urllib.parse.quote(" ".join(SAID.split()[:3]))
        assert fetch(f"{local_mode.url}/api/search?q={words}")[0] == 200
        client.delete_object(Bucket=local_mode.bucket, Key="uploads/alice/said.wav")
        local_mode.wait(lambda: not local_mode.items("uploads/alice/said.wav"), "it to go")

    whole = log.read_text() + "".join(capfd.readouterr())
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    for item in items:
        of_this = [line for line in lines if line.get("recording_id") == item["recording_id"]]
        ends = [line for line in of_this if {"recordings_done", "recordings_failed"} & line.keys()]
        assert len(ends) == 1, of_this
    assert {line["function"] for line in lines} == {
        *("receive_upload", "extract_features", "store_transcript", "store_renditions"),
        *("remove_recording", "api_handler"),
    }
    assert {line["outcome"] for line in lines} == {"done"}
    assert {line["stage"] for line in lines} == {"local"}
    assert sum(line.get("audio_seconds", 0) for line in lines) == pytest.approx(10.9, abs=0.3)
    assert len(items[0]["transcript"].split()) > 5
    for said in (SAID, *(item.get("transcript", "") for item in items)):
        assert not runs_of_words(said) & runs_of_words(whole)
    assert not PRIVATE.search(whole)

"""Facts about local mode only: its recogniser, its port, its process, its data folder."""

import ctypes
import io
import json
import signal
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from boto3.s3.transfer import TransferConfig
from support.media import HARD_NAMES, convert, encode, wav
from support.running import ROOT, SAMPLE, fetch, start

pytestmark = pytest.mark.slow


def test_the_same_words_are_recognised_under_any_name(local_mode):
    names = ["sample.wav", *HARD_NAMES, "semi;colon&amp=x?y#z.wav"]
    for name in names:
        local_mode.put(f"uploads/alice/{name}", SAMPLE.read_bytes())

    (heard,) = {local_mode.settled(f"uploads/alice/{name}")["transcript"] for name in names}

    assert "the old man walked" in heard


def test_silence_is_transcribed_and_says_that_nothing_was_said(local_mode):
    local_mode.put("uploads/bob/silent.wav", encode(np.zeros(32_000), "WAV"))

    item = local_mode.settled("uploads/bob/silent.wav")

    assert item["transcription"] == "COMPLETED"
    assert item["transcription_reason"] == "No speech was recognised."


def test_another_hosts_name_is_refused(local_mode):
    status, _, _ = fetch(f"{local_mode.url}/", Host="evil.example")

    assert status == 403


def test_results_go_to_a_second_bucket_when_one_is_named():
    with start(RESULTS_BUCKET_NAME="earshot-results") as local_mode:
        local_mode.put("uploads/alice/a.wav", wav(1.0))
        item = local_mode.settled("uploads/alice/a.wav")

        found = local_mode.client("s3").list_objects_v2(Bucket="earshot-results")["Contents"]

        assert (item["transcription"], item["features"]) == ("COMPLETED", "COMPLETED"), item
        assert local_mode.object_keys() == {"uploads/alice/a.wav"}
        assert f"features/{item['recording_id']}/mfcc.csv" in {entry["Key"] for entry in found}


def test_ctrl_c_ends_it_cleanly_even_during_work():
    with start() as local_mode:
        local_mode.put("uploads/alice/a.wav", SAMPLE.read_bytes())
        local_mode.process.send_signal(signal.SIGINT)

        said = local_mode.printed()

        assert local_mode.process.returncode == 0
        assert said.rstrip().endswith("Stopped.")
        assert "Traceback" not in said


@pytest.mark.skipif(sys.platform != "linux", reason="threads are found in /proc")
def test_a_signal_ends_it_whichever_thread_receives_it():
    with start() as local_mode:
        pid = local_mode.process.pid
        *_, thread = sorted(int(task.name) for task in Path(f"/proc/{pid}/task").iterdir())
        ctypes.CDLL(None).tgkill(pid, thread, signal.SIGTERM)

        said = local_mode.printed()

        assert said.rstrip().endswith("Stopped.")


def test_the_data_folder_is_complete_after_a_kill(tmp_path):
    with start("--data", str(tmp_path)) as local_mode:
        local_mode.put("uploads/alice/ä b.wav", SAMPLE.read_bytes(), Metadata={"n-mfcc": "13"})
        before = local_mode.settled("uploads/alice/ä b.wav")
        # The ETag of a multipart upload, and so the recording's id, is not that of its bytes.
        local_mode.client("s3").upload_fileobj(
            io.BytesIO(encode(np.zeros(6_000_000), "WAV")),
            local_mode.bucket,
            "uploads/alice/parts.wav",
            Config=TransferConfig(multipart_threshold=5 * 2**20),
        )
        in_parts = local_mode.settled("uploads/alice/parts.wav")
        # What a job reads goes when the job has answered.
        keys = {key for key in local_mode.object_keys() if not key.startswith("jobs/")}
        put = {"Bucket": local_mode.bucket, "Key": "uploads/alice/ä b.wav"}
        put_at = local_mode.client("s3").head_object(**put)["LastModified"]
        local_mode.put("uploads/alice/unfinished.wav", convert(SAMPLE, "wav"))
        local_mode.wait(lambda: local_mode.items("uploads/alice/unfinished.wav"), "its item")
        local_mode.process.kill()

    with start("--data", str(tmp_path)) as local_mode:
        after = local_mode.settled("uploads/alice/ä b.wav")
        unfinished = local_mode.settled("uploads/alice/unfinished.wav")

        assert after == before
        assert local_mode.items("uploads/alice/parts.wav") == [in_parts]
        assert keys <= local_mode.object_keys()
        assert unfinished["transcription"] == unfinished["features"] == "COMPLETED", unfinished
        head = local_mode.client("s3").head_object(**put)
        assert head["Metadata"] == {"n-mfcc": "13"}
        assert head["LastModified"] == put_at


def test_a_port_in_use_gives_one_sentence():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = subprocess.run(
            [sys.executable, "-m", "local", "--port", str(port)],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )

    assert ended.returncode == 1
    assert f"Port {port} cannot be used" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_the_progress_of_a_recording_is_told_until_it_is_transcribed(local_mode):
    y, sr = soundfile.read(SAMPLE)
    long = io.BytesIO()
    soundfile.write(long, np.tile(y, 12), sr, format="WAV")
    key = "uploads/local/long.wav"
    local_mode.put(key, long.getvalue())

    def share():
        items = local_mode.items(key)
        told = json.loads(fetch(f"{local_mode.url}/api/progress")[2])["recordings"]
        found = told.get(items[0]["recording_id"], {}) if items else {}
        return found.get("transcription", {}).get("share")

    first = local_mode.wait(share, "the recording's progress")
    second = local_mode.wait(lambda: (now := share()) and now > first and now, "more of it")

    assert 0 < first < second <= 1
    assert local_mode.settled(key)["transcription"] == "COMPLETED"
    assert share() is None


def test_corrected_words_have_the_times_at_which_they_are_said(local_mode):
    key = "uploads/local/said.wav"
    local_mode.put(key, SAMPLE.read_bytes())
    recording_id = local_mode.settled(key)["recording_id"]
    path = f"{local_mode.url}/api/recordings/{recording_id}"
    document = f"transcripts/{recording_id}.json"
    s3 = local_mode.client("s3")
    heard = json.loads(s3.get_object(Bucket=local_mode.bucket, Key=document)["Body"].read())
    items = [one for one in heard["results"]["items"] if one["type"] == "pronunciation"]
    said = [one for one in items if 1.0 < float(one["start_time"]) < 3.0]
    assert len(said) > 4
    # The recogniser has heard one long word in their place.
    one = {**said[0], "end_time": said[-1]["end_time"], "alternatives": [{"content": "mumble"}]}
    heard["results"]["items"] = [x for x in items if x not in said] + [one]
    heard["results"].pop("audio_segments", None)
    local_mode.put(document, json.dumps(heard).encode())
    text = " ".join(one["alternatives"][0]["content"] for one in said)
    start_s = float(said[0]["start_time"])
    correction = {"kind": "words", "words": ["mumble"], "start_s": start_s, "text": text}
    status, _, body = fetch(
        f"{path}/corrections",
        method="PUT",
        body=json.dumps({"corrections": [correction]}).encode(),
        If_Match='"none"',
        Content_Type="application/json",
    )
    assert status == 200, body

    words = json.loads(fetch(f"{path}/transcript")[2])["words"]

    starts = [
        start
        for start, correction in zip(words["start_s"], words["correction"], strict=True)
        if correction is not None
    ]
    np.testing.assert_allclose(starts, [float(one["start_time"]) for one in said], atol=0.1)


def test_the_same_files_uploaded_again_at_once_need_not_wait(local_mode):
    """It took a quarter of an hour if the second upload came within the first one's second."""
    files = {f"uploads/local/again-{n}.wav": wav(1.0, f0_hz=200.0 + n) for n in range(8)}

    for _ in range(2):
        for key, body in files.items():
            local_mode.put(key, body)

    # It waits four minutes at most.
    assert {local_mode.settled(key)["transcription"] for key in files} == {"COMPLETED"}

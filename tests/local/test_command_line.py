"""``python -m local``: options in any order, and one sentence for each mistake."""

import gc
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from importlib.util import find_spec

import boto3
import pytest
from support.media import wav
from support.running import CREDENTIALS, ROOT, fetch, start
from support.stand_ins import free_port

from local.__main__ import main


def run(*arguments, **options):
    return subprocess.run(
        [sys.executable, "-m", "local", *map(str, arguments)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        **options,
    )


def refused(*arguments):
    """Return the output of a command that ends at once."""
    ended = run(*arguments)
    assert ended.returncode in (1, 2), ended.stdout
    assert "Traceback" not in ended.stderr
    return ended.stderr


@pytest.mark.slow
def test_options_before_the_command_count_as_those_after_it(tmp_path):
    port = free_port()
    with start(command=("--data", str(tmp_path), "--port", str(port), "run")) as local_mode:
        assert local_mode.url.endswith(f":{port}")

    assert (tmp_path / "earshot.sqlite").exists()


def test_help_is_plain_text_with_defaults():
    shown = " ".join(run("--help").stdout.split())

    assert "`" not in shown
    assert "(default: 4747)" in shown
    assert "(default: nothing is kept)" in shown
    assert "(default: out)" in " ".join(run("process", "--help").stdout.split())


def test_a_data_folder_that_is_a_file_gives_an_error_about_the_folder():
    told = refused("run", "--port", "0", "--data", "README.md")

    assert told == "README.md cannot be used as the data folder: it is a file, not a folder.\n"


def test_a_folder_that_cannot_be_made_says_why():
    told = refused("run", "--port", "0", "--data", "README.md/deeper")

    assert told == "README.md/deeper cannot be used as the data folder: not a directory.\n"


@pytest.mark.parametrize("port", ["99999", "-1", "http"])
def test_an_invalid_port_is_refused_in_one_sentence(port):
    assert f"{port!r} is not a port: use 0 to 65535." in refused("run", f"--port={port}")


@pytest.mark.slow
@pytest.mark.parametrize("command", [("run", "--port", "0"), ("process", "samples/sample.wav")])
@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("FEATURE_NMFCC", "20", "Did you mean FEATURE_N_MFCC?"),
        ("FEATURE_N_MFCC", "999", "FEATURE_N_MFCC is unusable: 999 is not between 1 and 512"),
        ("TRANSCRIBE_LANGUAGE", "xx", "Amazon Transcribe has no language xx; en-US is one."),
        ("EARSHOT_RECOGNISER", "siri", "'siri' is not one of faster-whisper, moonshine"),
    ],
)
def test_a_wrong_setting_is_said_in_one_line(command, name, value, told, tmp_path):
    ended = run(*command, env=os.environ | {name: value, "HOME": str(tmp_path)})

    assert ended.returncode == 2
    assert told in ended.stderr
    assert len(ended.stderr.splitlines()) == 1, ended.stderr


@pytest.mark.slow
def test_a_port_that_is_taken_says_how_to_take_another():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        told = refused("run", "--port", port)

    assert told.startswith(f"Port {port} cannot be used: address already in use.")
    assert f"make run PORT={port + 1}" in told


@pytest.mark.slow
def test_the_bucket_exists_when_the_port_opens():
    port = free_port()
    outcome = []

    def upload():
        # A script that waits until the port is open, and starts at once.
        until = time.monotonic() + 60
        while time.monotonic() < until:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
        s3 = boto3.client(
            "s3",
            endpoint_url=f"http://127.0.0.1:{port}",
            region_name="us-east-1",
            aws_access_key_id="local",
            aws_secret_access_key="local",
        )
        s3.put_object(Bucket="earshot-local", Key="uploads/me/a.wav", Body=wav(1.0))
        outcome.append("uploaded")

    script = threading.Thread(target=upload)
    script.start()
    with start(command=("run", "--port", str(port))) as local_mode:
        script.join()

        # The event is not lost either, because the triggers have started before.
        assert outcome == ["uploaded"]
        assert local_mode.settled("uploads/me/a.wav")["features"] == "COMPLETED"


@pytest.mark.slow
def test_chalice_local_works_on_a_running_local_mode_in_two_lines():
    with start() as local_mode:
        port = local_mode.url.rpartition(":")[2]
        lines = (
            f'eval "$({sys.executable} -m local variables --port {port})"',
            (
                f"exec {sys.executable.replace('python', 'chalice')} local"
                f" --no-autoreload --port {free_port()}"
            ),
        )
        process = subprocess.Popen(
            ["bash", "-c", "\n".join(lines)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        try:
            said = process.stdout.readline()
            assert said.startswith("Serving on"), said
            status, _, body = fetch(f"{said.split()[-1]}/caller")
            assert (status, b"local" in body) == (200, True)
        finally:
            os.killpg(process.pid, signal.SIGTERM)  # the reloader, and the server that it started
            process.communicate(timeout=30)


def test_variables_say_that_no_local_mode_runs():
    told = refused("variables", "--port", free_port())

    assert "start it with make run" in told


@pytest.mark.slow
@pytest.mark.parametrize(
    "arguments",
    [
        # Chalice takes each file that watchdog sees opened for a change, and starts anew.
        pytest.param((), marks=pytest.mark.skipif(bool(find_spec("watchdog")), reason="watchdog")),
        ("--no-autoreload",),
    ],
    ids=["reloading", "plain"],
)
def test_chalice_local_without_its_variables_says_what_to_do_and_ends(arguments):
    ended = subprocess.run(
        [sys.executable.replace("python", "chalice"), "local", "--port", "0", *arguments],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), **CREDENTIALS},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert ended.returncode != 0 or arguments == ()
    assert ended.stderr.startswith("MEDIA_BUCKET_NAME is not set.")
    assert "python -m local variables" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_command_that_has_ended_leaves_nothing_for_the_collector_to_search(capsys, monkeypatch):
    monkeypatch.setenv("FEATURE_MFCC_TIMES", "yes")  # the command would set it for later tests too
    assert main(["process", "missing.wav"]) == 1

    try:
        assert len(gc.get_objects()) < 1000 < gc.get_freeze_count()
    finally:
        gc.unfreeze()
    assert "missing.wav" in capsys.readouterr().out

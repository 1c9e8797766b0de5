"""A folder of --data under attack: two starts, damage, a full disk, kills, many clients."""

import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, EndpointConnectionError
from support.media import wav
from support.running import ROOT, fetch, start

from chalicelib.core import keys as names

pytestmark = pytest.mark.slow
TALKS = {
    f"uploads/{owner}/talk.wav": wav(0.6, f0_hz=f0_hz)
    for owner, f0_hz in (("alice", 220), ("bob", 330), ("carol", 440), ("dave", 550))
}
KEY, *_ = KEYS = tuple(TALKS)
N_KEPT = 30
FIRST, LAST = "uploads/alice/0.txt", f"uploads/alice/{N_KEPT - 1}.txt"


def refused(folder):
    """Return the sentence with which a start ends at once."""
    ended = subprocess.run(
        [sys.executable, "-m", "local", "run", "--port", "0", "--data", str(folder)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert ended.returncode == 1, ended.stdout
    assert "Traceback" not in ended.stderr
    return ended.stderr.strip()


@contextmanager
def started(folder, *, log=None):
    """Start on a folder; warnings go to a file, if one is given."""
    with start("--data", str(folder), stderr=log) as local_mode:
        yield local_mode


def test_a_folder_in_use_is_refused_to_a_second_start_and_free_again_after_a_kill(tmp_path):
    with started(tmp_path) as local_mode:
        told = refused(tmp_path)
        local_mode.process.kill()
        local_mode.process.wait()

    assert told == (
        f"{tmp_path} is in use by another local mode. Stop that one, or name another folder."
    )
    with started(tmp_path) as local_mode:
        assert local_mode.items(KEY) == []


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
def test_a_stop_amid_work_ends_without_a_trace(tmp_path, sign):
    """L19: a change that came late found the database closed, and said so at length."""
    with (tmp_path / "said").open("w") as log, started(tmp_path, log=log) as local_mode:
        for number in range(8):
            local_mode.put(f"uploads/alice/{number}.wav", wav(5.0, f0_hz=200 + number))
        local_mode.wait(
            lambda: any(item["features"] == "IN_PROGRESS" for item in scanned(local_mode)),
            "work to begin",
        )
        local_mode.process.send_signal(sign)
        local_mode.process.wait(timeout=60)

    said = (tmp_path / "said").read_text()
    assert "Traceback" not in said
    assert "database" not in said


@pytest.fixture(scope="module")
def kept_once(tmp_path_factory):
    """A folder with finished recordings in it, and their items by upload key."""
    folder = tmp_path_factory.mktemp("kept")
    with started(folder) as local_mode:
        for key, body in TALKS.items():
            local_mode.put(key, body)
        return folder, {key: local_mode.settled(key) for key in KEYS}


@pytest.fixture
def kept(kept_once, tmp_path):
    """The items of the recordings that a copy of that folder holds."""
    folder, found = kept_once
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    return found


def damage_database(folder, damage):
    """Overwrite the database, or cut it; return its path and its present bytes."""
    database = folder / "earshot.sqlite"
    whole = database.read_bytes()
    damaged = b"no database" * 500 if damage == "garbage" else whole[: len(whole) // 2]
    database.write_bytes(damaged)
    return database, damaged


@pytest.mark.parametrize("damage", ["garbage", "cut"])
def test_of_a_damaged_database_every_upload_is_saved_and_that_is_said(tmp_path, kept, damage):
    database, damaged = damage_database(tmp_path, damage)

    with (tmp_path / "said").open("w") as log, started(tmp_path, log=log) as local_mode:
        for key, before in kept.items():
            after = local_mode.settled(key)
            assert after["recording_id"] == before["recording_id"]
            assert after["transcript"] == before["transcript"]
        assert local_mode.object_keys("uploads/") == set(KEYS)

    said = (tmp_path / "said").read_text()
    assert f"{database} was damaged (" in said
    assert "is kept as earshot.sqlite.damaged" in said
    assert "Traceback" not in said
    assert database.with_name("earshot.sqlite.damaged").read_bytes() == damaged


@pytest.mark.usefixtures("kept")
def test_a_damaged_database_of_files_without_labels_is_said_in_a_sentence(tmp_path):
    """An earlier version wrote no labels, so nobody can say which object a file is."""
    for label in (tmp_path / "objects").glob("*.json"):
        label.unlink()
    database, damaged = damage_database(tmp_path, "garbage")

    told = refused(tmp_path)

    assert told.startswith(f"{database} is damaged (")
    assert "Put a copy of it back, or move it away to start empty." in told
    assert database.read_bytes() == damaged


def test_files_of_an_earlier_version_get_their_labels_at_a_start(tmp_path, kept):
    for label in (tmp_path / "objects").glob("*.json"):
        label.unlink()
    with started(tmp_path):
        pass
    damage_database(tmp_path, "garbage")

    with started(tmp_path) as local_mode:
        assert local_mode.settled(KEY)["recording_id"] == kept[KEY]["recording_id"]


def files_of(folder, key):
    with closing(sqlite3.connect(folder / "earshot.sqlite")) as database:
        rows = database.execute("select file from objects where key = ?", (key,)).fetchall()
    return [folder / "objects" / name for (name,) in rows]


def test_what_is_damaged_is_lost_or_made_anew_alone_and_that_is_said(tmp_path, kept):
    gone, changed, of_item, whole = KEYS
    (file,) = files_of(tmp_path, gone)
    file.unlink()
    (file,) = files_of(tmp_path, changed)
    file.write_bytes(bytes([file.read_bytes()[0] ^ 1]) + file.read_bytes()[1:])
    with closing(sqlite3.connect(tmp_path / "earshot.sqlite")) as database, database:
        item_key = (kept[of_item]["JsonFile"],)
        database.execute("update items set item = '{' where key = ?", item_key)

    with (tmp_path / "said").open("w") as log, started(tmp_path, log=log) as local_mode:
        assert local_mode.settled(whole) == kept[whole]
        assert local_mode.settled(of_item)["transcript"] == kept[of_item]["transcript"]
        assert local_mode.object_keys("uploads/") == {of_item, whole}
        for key in (gone, changed):
            local_mode.wait(lambda key=key: not local_mode.items(key), f"{key} to have no item")
        local_mode.put(gone, TALKS[gone])
        again = local_mode.settled(gone)

    said = (tmp_path / "said").read_text()
    for key in (gone, changed):
        assert f"s3://earshot-local/{key} is lost" in said
    assert "Traceback" not in said
    assert again["recording_id"] == kept[gone]["recording_id"]


@contextmanager
def small_disk(folder, megabytes):
    """Mount a disk of a few megabytes, which root alone may."""
    if sys.platform != "linux" or os.geteuid():
        pytest.skip("only root can mount a small disk, and only Linux has tmpfs")
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder)],
        capture_output=True,
        check=False,
    )
    if mounted.returncode:
        pytest.skip(f"no small disk can be mounted here: {mounted.stderr.decode().strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_a_full_disk_takes_nothing_that_it_cannot_keep(tmp_path):
    with small_disk(tmp_path / "disk", 6) as disk, (tmp_path / "said").open("w") as log:
        taken, answers, body = {}, {}, wav(20.0)
        with started(disk, log=log) as local_mode:
            for number in range(12):
                key = f"uploads/alice/{number}.wav"
                try:
                    local_mode.put(key, body + bytes(number))
                except ClientError as exc:
                    answers[key] = exc.response["Error"]
                else:
                    taken[key] = len(body) + number
            assert taken
            assert {answer["Code"] for answer in answers.values()} == {"InsufficientStorage"}
            assert all("is full" in answer["Message"] for answer in answers.values())
            assert local_mode.object_keys("uploads/") == set(taken)
            local_mode.process.kill()
            local_mode.process.wait()
        with started(disk, log=log) as local_mode:
            assert sizes(local_mode) == taken
            local_mode.wait(lambda: is_quiet(local_mode), "every event to be handled")
            assert {item["source_key"] for item in scanned(local_mode)} == set(taken)
            # With room again, what was taken comes to its end.
            for key in list(taken)[1:]:
                local_mode.client("s3").delete_object(Bucket=local_mode.bucket, Key=key)
            (left, *_) = taken
            local_mode.wait(lambda: is_quiet(local_mode), "the removals to be done")
            make_due(local_mode)
            reconcile(local_mode)
            assert local_mode.settled(left)["features"] == "COMPLETED"
            known = {file.name for key in local_mode.object_keys() for file in files_of(disk, key)}
            labels = {f"{name}.json" for name in known}
            assert {file.name for file in (disk / "objects").iterdir()} == known | labels

    # Reconcile may run while there is no room yet, and tells why it could not settle a recording.
    _, *errors = (tmp_path / "said").read_text().split("Traceback")
    assert [error for error in errors if "(InsufficientStorage)" not in error] == []


def test_a_copy_that_a_full_disk_refuses_leaves_no_recording(tmp_path):
    """Its size is known when it is there, and its event is on the way by then."""
    with small_disk(tmp_path / "disk", 3) as disk, started(disk) as local_mode:
        s3 = local_mode.client("s3")
        local_mode.put("kept/a.wav", wav(50.0))
        local_mode.put("uploads/alice/a.txt", b"old")
        before = local_mode.settled("uploads/alice/a.txt")
        for key in ("uploads/alice/a.wav", "uploads/alice/a.txt"):
            with pytest.raises(ClientError, match="InsufficientStorage"):
                s3.copy_object(
                    Bucket=local_mode.bucket,
                    Key=key,
                    CopySource={"Bucket": local_mode.bucket, "Key": "kept/a.wav"},
                )
        local_mode.wait(lambda: is_quiet(local_mode), "every event to be handled")

        assert sizes(local_mode) == {"uploads/alice/a.txt": 3}
        (item,) = scanned(local_mode)
        assert item["etag"] == before["etag"]


def is_quiet(local_mode):
    """Return whether no event waits or is being handled.

    Messages of later looks and events that were given up do not count.
    """
    sqs = local_mode.client("sqs")
    urls = [url for url in sqs.list_queues()["QueueUrls"] if not url.endswith("-dead")]
    names = [f"ApproximateNumberOfMessages{kind}" for kind in ("", "NotVisible")]
    counts = [
        sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"] for url in urls
    ]
    return not any(int(count) for each in counts for count in each.values())


def sizes(local_mode):
    """Return the size of every upload, each read whole."""
    s3 = local_mode.client("s3")
    return {
        key: len(s3.get_object(Bucket=local_mode.bucket, Key=key)["Body"].read())
        for key in local_mode.object_keys("uploads/")
    }


def test_requests_wait_while_what_was_kept_is_put_back(tmp_path):
    """V7: what is written before that is over would be overwritten by it."""
    with started(tmp_path) as local_mode:
        for number in range(N_KEPT):
            local_mode.put(f"uploads/alice/{number}.txt", b"old")
        port = local_mode.url.rpartition(":")[2]
    client = boto3.client(
        "s3",
        endpoint_url=f"http://127.0.0.1:{port}",
        aws_access_key_id="local",
        aws_secret_access_key="local",
        region_name="us-east-1",
        config=Config(retries={"max_attempts": 1}),
    )
    answered, stop = threading.Event(), threading.Event()

    def write():
        while not stop.is_set():
            try:
                client.put_object(Bucket="earshot-local", Key=FIRST, Body=b"new")
                client.delete_object(Bucket="earshot-local", Key=LAST)
            except EndpointConnectionError:
                continue  # nobody listens yet
            answered.set()
            return

    writer = threading.Thread(target=write)
    writer.start()
    try:
        with start("--data", str(tmp_path), command=("run", "--port", port)) as local_mode:
            assert answered.wait(120)
            got = client.get_object(Bucket=local_mode.bucket, Key=FIRST)
            assert got["Body"].read() == b"new"
            assert LAST not in local_mode.object_keys()
    finally:
        stop.set()
        writer.join()
    with started(tmp_path) as local_mode:
        assert sizes(local_mode)[FIRST] == len(b"new")
        assert len(local_mode.object_keys("uploads/")) == N_KEPT - 1


CLIENTS = 8
ACTS = 10


def attack(local_mode, seed, bodies, enough):
    """Put, replace, remove, reprocess and search; stop at once when nobody answers any more.

    Return what is certainly in the bucket under this client's keys, by its last answered act.
    """
    chance = random.Random(seed)  # noqa: S311  # chance that can be had again
    s3 = local_mode.client("s3")
    there, unsure = {}, set()
    for number in range(ACTS):
        key = f"uploads/client{seed}/{chance.randrange(3)}.wav"
        act = chance.choice(("put", "put", "put", "remove", "reprocess", "search", "delete"))
        unsure.add(key)
        try:
            if act == "put":
                body = chance.choice(bodies)
                s3.put_object(Bucket=local_mode.bucket, Key=key, Body=body)
                there[key] = body
            elif act == "remove":
                s3.delete_object(Bucket=local_mode.bucket, Key=key)
                there.pop(key, None)
            elif act == "search":
                status, _, _ = fetch(f"{local_mode.url}/api/search?q=man")
                assert status == 200
            else:
                ask(local_mode, act, key, there)
        except (OSError, BotoCoreError, ClientError):
            return there, unsure
        unsure.discard(key)
        if seed == 0 and number == ACTS // 2:
            enough.set()
    return there, unsure


def ask(local_mode, act, key, there):
    """Ask the API to reprocess or delete the recording of a key, if it has one."""
    items = local_mode.items(key)
    if not items or key not in there:
        return
    item = max(items, key=lambda item: item["created_at"])
    route = f"{local_mode.url}/api/recordings/{item['recording_id']}"
    if act == "reprocess":
        status, _, _ = fetch(f"{route}/reprocess", method="POST")
    else:
        status, _, _ = fetch(route, method="DELETE")
        found = local_mode.client("s3").list_objects_v2(Bucket=local_mode.bucket, Prefix=key)
        if "Contents" not in found:
            there.pop(key)
    assert status < 500


def test_eight_clients_and_a_kill_leave_every_upload_its_recording_and_nothing_else(tmp_path):
    bodies = [wav(0.6, f0_hz=f0) for f0 in (150, 220, 330)]
    with (tmp_path / "said").open("w") as log:
        enough = threading.Event()
        with (
            started(tmp_path / "kept", log=log) as local_mode,
            ThreadPoolExecutor(CLIENTS) as pool,
        ):
            attacks = [
                pool.submit(attack, local_mode, seed, bodies, enough) for seed in range(CLIENTS)
            ]
            assert enough.wait(240)
            os.kill(local_mode.process.pid, signal.SIGKILL)
            done = [attacked.result() for attacked in attacks]
        with started(tmp_path / "kept", log=log) as local_mode:
            s3 = local_mode.client("s3")
            for there, unsure in done:
                for key, body in there.items():
                    if key not in unsure:
                        got = s3.get_object(Bucket=local_mode.bucket, Key=key)
                        assert got["Body"].read() == body, key
            come_to_rest(local_mode)
            make_due(local_mode)
            reconcile(local_mode)
            come_to_rest(local_mode)
            uploads = local_mode.object_keys("uploads/")
            wanted = {local_mode.settled(key)["recording_id"] for key in uploads}
            assert all(len(local_mode.items(key)) == 1 for key in uploads)
            assert {item["recording_id"] for item in scanned(local_mode)} == wanted
            made = {names.derived_id(key, "earshot-local-") for key in local_mode.object_keys()} - {
                None
            }
            assert made == wanted
    # moto's threads may change a collection that another one lists; clients repeat the request.
    _, *traces = (tmp_path / "said").read_text().split("Traceback")
    assert all("/moto/" in one and "during iteration\n" in one for one in traces), traces


def scanned(local_mode):
    pages = local_mode.client("dynamodb").get_paginator("scan").paginate(TableName="metadata")
    return [
        {name: next(iter(value.values())) for name, value in item.items()}
        for page in pages
        for item in page["Items"]
    ]


def come_to_rest(local_mode):
    """Wait until every recording there is has ended."""
    unfinished = {"PENDING", "IN_PROGRESS"}
    branches = ("transcription", "features", "renditions")
    local_mode.wait(
        lambda: (
            not any(
                unfinished & {item[branch] for branch in branches} for item in scanned(local_mode)
            )
        ),
        "every recording to end",
    )


def make_due(local_mode):
    """Have every recording that is to be looked at again looked at in the next run."""
    table = local_mode.client("dynamodb")
    for item in scanned(local_mode):
        if "look_at" in item:
            with suppress(table.exceptions.ConditionalCheckFailedException):  # removed meanwhile
                table.update_item(
                    TableName="metadata",
                    Key={"JsonFile": {"S": item["JsonFile"]}},
                    UpdateExpression="SET look_at = :past",
                    ConditionExpression="attribute_exists(look_at)",
                    ExpressionAttributeValues={":past": {"S": "2020-01-01T00:00:00+00:00"}},
                )


def reconcile(local_mode):
    """Run reconcile once, on all that is due and once around the walk."""
    ended = subprocess.run(
        [sys.executable, "-m", "scripts.reconcile", "local", "--url", local_mode.url],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    assert ended.returncode == 0, ended.stderr

"""Data sets through the API and the queue: planned, made, joined, shown, made again and deleted."""

import json

import boto3
import kaldiio
import pytest
from botocore.exceptions import ClientError
from moto.backends import get_backend
from support.answers import SAID, conversation, put_answer
from support.asking import ADMINISTRATOR, Asker
from support.media import wav

from chalicelib.aws.sqs import DatasetQueue
from chalicelib.pipeline import datasets, events
from chalicelib.pipeline.events import ATTEMPTS

LATER = tuple((speaker, start + 0.25, word) for speaker, start, word in SAID)
KALDI = {"name": "night-talks", "format": "kaldi", "splits": "train=1"}


@pytest.fixture
def ask(application):
    return Asker(application)


@pytest.fixture
def talks(services, put):
    """Two settled recordings of alice's, one of bob's, and one of alice's that has failed."""

    def talk(key, body, said):
        recording_id = put(key, body)
        events.receive_upload(key, services)
        events.extract_features(recording_id, services)
        events.store_transcript(put_answer(services, recording_id, conversation(said)), services)
        return recording_id

    put("uploads/alice/picture.wav", b"\x89PNG\r\n\x1a\n" + bytes(100))
    events.receive_upload("uploads/alice/picture.wav", services)
    return [
        talk("uploads/alice/one.wav", wav(5.0), SAID),
        talk("uploads/alice/two.wav", wav(5.0, f0_hz=150), LATER),
        talk("uploads/bob/three.wav", wav(5.0, f0_hz=180), SAID),
    ]


@pytest.fixture
def work(services):
    """Do all steps that wait in the queue, and those that they ask for."""
    sqs, url = boto3.client("sqs"), services.settings.datasets_queue_url

    def work(*, twice=False):
        steps = []
        while found := sqs.receive_message(QueueUrl=url).get("Messages"):
            for message in found:
                asked = json.loads(message["Body"])
                steps.append(asked["step"])
                for _ in range(1 + twice):
                    datasets.take_dataset_step(asked, services)
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return steps

    return work


def files(services, found):
    """Return the objects of a data set by their paths."""
    prefix = found["location"].split("/", 3)[3]
    return {
        key.removeprefix(prefix): services.datasets.read(key)
        for key in services.datasets.keys(prefix)
    }


def test_a_data_set_is_asked_for_made_and_shown(ask, services, talks, work):
    asked = ask("/datasets", method="POST", body=KALDI)
    assert (asked.status, asked.json["status"]) == (202, "PENDING")
    assert asked.json["selection"] == {"owner": "alice"}

    steps = work()
    found = ask("/datasets/night-talks").json

    assert steps == ["plan", "batch", "join"]
    assert (found["status"], found["n_batches_done"]) == ("COMPLETED", 1)
    assert found["splits"]["train"]["n_recordings"] == 2
    assert list(found["left_out"]["reasons"]) == [
        reason for reason in found["left_out"]["reasons"] if "transcription is FAILED" in reason
    ]
    written = files(services, found)
    assert not [path for path in written if path.startswith("parts/")]
    manifest = json.loads(written["dataset.json"])
    assert {file["path"] for file in manifest["files"]} == written.keys() - {"dataset.json"}
    texts = written["train/text"].decode().splitlines()
    assert [line.split(" ", 1)[1] for line in texts] == ["Helo wold", "Good night"] * 2
    assert talks[0] in texts[0]
    (wav_line,) = {
        line.split(" ", 1)[1]
        for line in written["train/wav.scp"].decode().splitlines()
        if line.startswith(talks[0])
    }
    assert wav_line.startswith(f"aws s3 cp s3://{services.media.bucket}/uploads/alice/one.wav - |")


@pytest.mark.usefixtures("talks")
def test_two_deliveries_of_the_last_step_at_once_join_once(ask, services, work, monkeypatch):
    """The other one joins the parts while this one reads them."""
    ask("/datasets", method="POST", body=KALDI)
    opened, join, joined = datasets._open_part, datasets.join_dataset, []

    def open_part(key, services):
        if len(joined) == 1:
            joined.append("the other")
            join(joined[0], services)
        return opened(key, services)

    def join_dataset(request, services):
        joined.append(request)
        join(request, services)

    monkeypatch.setattr(datasets, "_open_part", open_part)
    monkeypatch.setattr(datasets, "join_dataset", join_dataset)

    work()

    found = ask("/datasets/night-talks").json
    assert (joined[1:], found["status"]) == (["the other"], "COMPLETED")
    assert "train/feats.scp" in files(services, found)


def test_its_files_are_downloaded_and_read(ask, services, talks, work, tmp_path, monkeypatch):
    ask("/datasets", method="POST", body=KALDI)
    work()
    found = ask("/datasets/night-talks").json
    for path, body in files(services, found).items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(body)
    monkeypatch.chdir(tmp_path)

    features = kaldiio.load_scp("train/feats.scp")
    address = ask("/datasets/night-talks/file?path=train/text&redirect=no").json
    missing = ask("/datasets/night-talks/file?path=../../secret")

    assert len(features) == 4
    assert next(iter(features.values())).shape[1] == 13
    assert "train/text" in address["url"]
    assert (missing.status, "no file" in missing.sentence) == (404, True)
    assert talks


@pytest.mark.parametrize("form", ["shar", "parquet"])
def test_made_again_it_is_the_same_version_and_the_same_bytes(ask, services, talks, work, form):
    body = {"name": "again", "format": form, "frames": "mfcc"}
    ask("/datasets", method="POST", body=body)
    work()
    first = ask("/datasets/again").json
    before = files(services, first)
    services.datasets.remove(first["location"].split("/", 3)[3])

    ask("/datasets", method="POST", body=body)
    work(twice=True)

    second = ask("/datasets/again").json
    assert second["version"] == first["version"]
    assert files(services, second) == before
    assert sum(split["n_utterances"] for split in second["splits"].values()) == 4
    assert talks


def test_a_search_and_ids_select_recordings_of_the_caller_alone(ask, talks, work):
    one, two, bobs = talks
    ask("/datasets", method="POST", body=KALDI | {"name": "found", "q": '"good night"'})
    ask(
        "/datasets",
        method="POST",
        body=KALDI | {"name": "named", "recording_ids": [two, bobs, one]},
    )
    ask("/datasets", method="POST", body=KALDI | {"name": "all"}, by=ADMINISTRATOR)
    work()

    found, named = ask("/datasets/found").json, ask("/datasets/named").json
    everything = ask("/datasets/all", by=ADMINISTRATOR).json

    assert found["splits"]["train"]["n_recordings"] == 2
    assert named["splits"]["train"]["n_recordings"] == 2
    assert named["left_out"]["reasons"] == {"It was removed meanwhile.": 1}
    assert everything["splits"]["train"]["n_recordings"] == 3
    assert ask("/datasets").json == {"owner": "alice", "datasets": ["found", "named"]}
    assert ask("/datasets/found", by="bob").status == 404
    assert ask("/datasets/found?owner=alice", by="bob").status == 403
    assert ask("/datasets/found?owner=alice", by=ADMINISTRATOR).status == 200


def test_a_deleted_data_set_leaves_nothing_and_its_messages_do_nothing(ask, services, talks, work):
    ask("/datasets", method="POST", body=KALDI)
    work()
    ask("/datasets", method="POST", body=KALDI | {"longest_s": "1"})

    assert ask("/datasets/night-talks", method="DELETE").status == 200

    assert work() == ["plan"]
    assert services.datasets.keys("datasets/") == set()
    assert ask("/datasets/night-talks").status == 404
    assert talks


def test_a_step_that_fails_each_time_fails_the_data_set_with_a_reason(ask, services, talks):
    ask("/datasets", method="POST", body=KALDI)
    (queue,) = (
        one
        for one in get_backend("sqs")["123456789012"]["us-east-1"].queues.values()
        if one.name == services.settings.datasets_queue
    )
    asked = json.loads(queue._messages[-1].body)
    bucket = services.results.bucket
    boto3.client("s3").put_object(Bucket=bucket, Key=f"transcripts/{talks[0]}.json", Body=b"{")

    class Nobody(DatasetQueue):
        def send(self, _message):
            error = {"Error": {"Code": "AccessDenied", "Message": "no"}}
            raise ClientError(error, "SendMessage")

    from dataclasses import replace  # noqa: PLC0415  # only here

    broken = replace(services, datasets_queue=Nobody(boto3.client("sqs"), "https://queues.example"))
    with pytest.raises(ClientError):
        datasets.take_dataset_step(asked, broken, attempt=1)
    assert ask("/datasets/night-talks").json["status"] == "IN_PROGRESS"
    with pytest.raises(ClientError):
        datasets.take_dataset_step(asked, broken, attempt=ATTEMPTS)

    found = ask("/datasets/night-talks").json
    assert found["status"] == "FAILED"
    assert "could not be done in 5 attempts" in found["reason"]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"name": "My Set"}, "name must be 1 to 40 small letters"),
        ({"name": "a", "format": "csv"}, "'csv' is none of parquet"),
        ({"name": "a", "shards": "3"}, "A data set has no 'shards'"),
        ({"name": "a", "q": "x", "recording_ids": ["x"]}, "'x' is not a recording's id"),
        ({"name": "a", "recording_ids": []}, "recording_ids must be a list of 1 to 10000"),
        ({"name": "a", "from": "yesterday"}, "from must be a date"),
        ({"name": "a", "q": "night", "from": "2024-01-01"}, "from and to do not go together"),
    ],
)
def test_a_request_that_cannot_be_used_says_why(ask, body, words):
    answer = ask("/datasets", method="POST", body=body)

    assert (answer.status, words in answer.sentence) == (400, True), answer.sentence
    assert ask("/datasets").json["datasets"] == []


def test_another_owners_recordings_are_for_administrators(ask):
    answer = ask("/datasets", method="POST", body=KALDI | {"owner": "bob"})

    assert (answer.status, answer.sentence) == (
        403,
        "Only an administrator may name another owner.",
    )


def test_the_function_takes_a_message_from_its_queue(application, ask, services, talks):
    from chalice.test import Client  # noqa: PLC0415  # only here

    ask("/datasets", method="POST", body=KALDI)
    sqs = boto3.client("sqs")
    (message,) = sqs.receive_message(QueueUrl=services.settings.datasets_queue_url)["Messages"]

    with Client(application.app) as client:
        event = client.events.generate_sqs_event([message["Body"]])
        client.lambda_.invoke("make_dataset", event)

    assert ask("/datasets/night-talks").json["status"] == "IN_PROGRESS"
    assert talks

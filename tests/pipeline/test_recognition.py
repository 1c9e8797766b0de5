"""Earshot's own recogniser stands in Amazon Transcribe's place, job by job."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from io import BytesIO

import numpy as np
import pytest
import soundfile
from chalice.test import Client
from support.answers import job_name
from support.asking import Asker
from support.media import encode, wav
from support.running import SAMPLE

from chalicelib.core import keys
from chalicelib.core.recording import Branch, Status
from chalicelib.core.speech import moonshine, parts
from chalicelib.core.speech.recogniser import Engine, RecognisedWord, recognise
from chalicelib.pipeline import events, recognition
from chalicelib.pipeline.reconciliation import reconcile
from chalicelib.pipeline.retries import ATTEMPTS

KEY = "uploads/alice/my talk.wav"
SR = 16_000


class Counting(Engine):
    """An engine that hears in each utterance one word: its length in hundredths of a second."""

    name = "counting"
    languages = frozenset({"en"})
    understands = True
    heard = 0

    def recognise(self, y, *, language):  # noqa: ARG002  # there is one
        self.heard += 1
        seconds = len(y) / SR
        return [RecognisedWord(f"{round(100 * seconds)}.", 0.0, seconds, 0.9)]

    def is_understood(self, words):  # noqa: ARG002  # the test decides
        return self.understands


@pytest.fixture
def engine(monkeypatch) -> Counting:
    """The recogniser of these tests, in whose stead nothing is loaded."""
    counting = Counting()
    monkeypatch.setattr(recognition, "_engine", lambda: counting)
    return counting


class Stage:
    """The deployed handlers, called with the messages and objects that wait for them."""

    def __init__(self, application, account) -> None:
        self._application, self._account = application, account
        self._services = account.services
        self.queues = {"extract_features": "features", "recognise_speech": "speech"}

    def upload(self, body: bytes, **metadata: str) -> str:
        """Put an upload, and tell the stage of it."""
        recording_id = self._account.put(KEY, body, **metadata)
        events.receive_upload(KEY, self._services)
        return recording_id

    def messages(self, function: str) -> list[dict]:
        """Take the messages that wait for a function."""
        return self._account.take(self.queues[function])

    def call(self, function: str, *bodies: dict) -> None:
        with Client(self._application.app) as client:
            for body in bodies:
                event = client.events.generate_sqs_event([json.dumps(body)])
                client.lambda_.invoke(function, event)

    def work_off(self, *, without_features: bool = True) -> None:
        """Do what waits, and publish the transcripts that it writes."""
        while True:
            n_done = 0
            for function in self.queues:
                waiting = self.messages(function)
                if without_features:
                    waiting = [one for one in waiting if "recording_id" not in one]
                self.call(function, *waiting)
                n_done += len(waiting)
            if not n_done:
                break
        self.publish()

    def cut(self) -> list[dict]:
        """Let the speech be cut; return the messages that ask for the words of its parts."""
        waiting = [one for one in self.messages("extract_features") if "task" in one]
        self.call("extract_features", *waiting)
        return self.messages("recognise_speech")

    def publish(self) -> None:
        for key in sorted(self._services.results.keys(keys.JOBS)):
            if key.endswith(".json"):
                events.store_transcript(key, self._services)


@pytest.fixture
def stage(application, account, engine) -> Stage:  # noqa: ARG001  # instead of a real one
    return Stage(application, account)


def talk(*utterances: float, pause_s: float = 3.0) -> np.ndarray:
    """Return something like speech: noise that comes and goes, with pauses between."""
    rng = np.random.default_rng(7)
    signal = [np.zeros(SR)]
    for seconds in utterances:
        noise = rng.normal(0, 0.1, round(seconds * SR))
        signal += [noise, rng.normal(0, 1e-5, round(pause_s * SR))]
    return np.concatenate(signal).astype(np.float32)


def words_of(services, recording_id: str) -> list[tuple[str, float]]:
    document = json.loads(services.results.read(keys.transcript(recording_id)))
    return [
        (one["alternatives"][0]["content"], float(one["start_time"]))
        for one in document["results"]["items"]
        if one["type"] == "pronunciation"
    ]


def test_a_recording_that_asks_for_it_is_heard_by_earshots_own_recogniser(stage, services):
    recording_id = stage.upload(encode(talk(2.0, 1.0), "WAV"), transcriber="earshot")
    assert services.transcriber.find(job_name(services, recording_id)) is None

    stage.work_off(without_features=False)

    found = services.recordings.get(recording_id)
    assert found.status == Status.COMPLETED
    assert found.transcript.heard_by == "counting"
    assert found.transcript.language_code == "en-US"
    assert found.transcript.word_count == 2
    assert found.word_table_keys
    assert services.results.keys(keys.JOBS) == set()


def test_without_asking_amazon_transcribe_hears(stage, services):
    recording_id = stage.upload(wav())

    assert services.transcriber.find(job_name(services, recording_id))
    assert [one for one in stage.messages("extract_features") if "task" in one] == []


def test_the_api_shows_who_has_heard_it(stage, application):
    recording_id = stage.upload(encode(talk(2.0), "WAV"), transcriber="earshot")
    stage.work_off()

    shown = Asker(application)(f"/recordings/{recording_id}").json

    assert shown["heard_by"] == "counting"
    assert shown["transcription_options"] == {"transcriber": "earshot"}


@pytest.mark.parametrize("backwards", [False, True])
def test_the_parts_of_a_long_recording_are_joined_without_a_seam(
    stage, services, engine, monkeypatch, backwards
):
    monkeypatch.setattr(parts, "PART_S", 5.0)
    y = talk(2.5, 1.0, 4.0, 0.7, 3.3, 2.2, 1.9)
    recording_id = stage.upload(encode(y, "WAV"), transcriber="earshot")
    read, _ = soundfile.read(BytesIO(encode(y, "WAV")), dtype="float32")
    whole = recognise([read], Counting())

    waiting = stage.cut()
    stage.call("recognise_speech", *(reversed(waiting) if backwards else waiting))
    stage.publish()

    assert len(waiting) == 3
    assert words_of(services, recording_id) == [
        (word.content.rstrip("."), pytest.approx(word.start_s, abs=1e-3)) for word in whole.words
    ]
    assert engine.heard == len(whole.words)


def test_messages_that_come_twice_do_nothing_twice(stage, services, engine, monkeypatch):
    monkeypatch.setattr(parts, "PART_S", 2.0)
    recording_id = stage.upload(encode(talk(2.5, 2.5), "WAV"), transcriber="earshot")
    events.receive_upload(KEY, services)
    (first, second) = (one for one in stage.messages("extract_features") if "task" in one)

    stage.call("extract_features", first)
    waiting = stage.messages("recognise_speech")
    stage.call("recognise_speech", waiting[0], waiting[0])
    stage.call("extract_features", second)
    again = stage.messages("recognise_speech")
    stage.call("recognise_speech", waiting[1], *waiting)
    stage.publish()
    stage.call("extract_features", first)
    stage.call("recognise_speech", *waiting)

    assert again == waiting[1:]  # of what is done nothing is asked for again
    assert engine.heard == 2
    assert services.recordings.get(recording_id).transcription.status == Status.COMPLETED
    assert services.results.keys(keys.JOBS) == set()
    assert stage.messages("recognise_speech") == []


def test_messages_of_an_earlier_attempt_change_nothing(stage, services, application):
    recording_id = stage.upload(encode(talk(2.0), "WAV"), transcriber="earshot")
    waiting = stage.cut()
    Asker(application)(f"/recordings/{recording_id}/reprocess", method="POST")

    stage.call("recognise_speech", *waiting)

    found = services.recordings.get(recording_id)
    assert found.transcription.status == Status.IN_PROGRESS
    folder = keys.job(job_name(services, recording_id), services.settings.job_prefix).folder
    assert all(key.startswith(folder) for key in services.media.keys(keys.JOBS))
    stage.work_off()
    assert services.recordings.get(recording_id).transcription.status == Status.COMPLETED


def test_of_an_upload_that_is_removed_nothing_is_left(account, stage, services):
    recording_id = stage.upload(encode(talk(2.0), "WAV"), transcriber="earshot")
    waiting = stage.cut()
    account.remove(KEY)

    stage.call("recognise_speech", *waiting)
    events.remove_recording(KEY, services)
    stage.call("recognise_speech", *waiting)

    assert services.recordings.find(recording_id) is None
    assert services.results.keys(keys.JOBS) == set()


def test_each_channel_is_heard_by_itself(stage, services):
    left, right = talk(2.0, 1.0), np.roll(talk(1.5, 0.8), SR)
    n = max(len(left), len(right))
    both = np.stack([np.pad(y, (0, n - len(y))) for y in (left, right)], axis=1)
    recording_id = stage.upload(encode(both, "WAV"), transcriber="earshot", channels="each")

    stage.work_off()

    document = json.loads(services.results.read(keys.transcript(recording_id)))
    labels = document["results"]["channel_labels"]
    assert labels["number_of_channels"] == 2
    assert [len(one["items"]) for one in labels["channels"]] == [4, 4]  # each with its full stop
    starts = [float(one["start_time"]) for one in document["results"]["items"] if len(one) > 4]
    assert starts == sorted(starts)


def test_silence_has_an_empty_transcript(stage, services, engine):
    recording_id = stage.upload(encode(np.zeros(2 * SR, np.float32), "WAV"), transcriber="earshot")

    stage.work_off()

    found = services.recordings.get(recording_id)
    assert found.transcription.status == Status.COMPLETED
    assert found.transcription.reason == "No speech was recognised."
    assert engine.heard == 0


def test_what_is_not_english_is_said_to_be_another_language(stage, services, engine):
    engine.understands = False
    recording_id = stage.upload(encode(talk(2.0), "WAV"), transcriber="earshot")

    stage.work_off()

    found = services.recordings.get(recording_id)
    assert found.transcription.status == Status.FAILED
    assert "does not seem to be in English" in found.reason
    assert not found.transcription.is_worth_a_retry
    assert services.results.keys(keys.JOBS) == set()


def test_a_file_that_cannot_be_decoded_fails_with_its_reason(stage, services):
    recording_id = stage.upload(b"RIFF\x24\0\0\0WAVEfmt " + bytes(40), transcriber="earshot")

    stage.work_off()

    found = services.recordings.get(recording_id)
    assert found.transcription.status == Status.FAILED
    assert found.transcription.reason
    assert services.results.keys(keys.JOBS) == set()


@pytest.mark.parametrize(
    ("own", "reason"),
    [
        ({"language": "de-DE"}, "understands English alone, and not de-DE"),
        ({"language": "auto"}, "understands English alone, and not auto"),
        ({"max-speakers": "2"}, "has no speaker labels"),
        ({"max-alternatives": "2"}, "has no alternatives"),
        ({"vocabulary": "names"}, "has no vocabularies"),
        ({"toxicity": "yes", "tags": "a=b"}, "has no toxic speech and no tags"),
    ],
)
def test_what_the_recogniser_cannot_do_is_refused_with_a_sentence(stage, services, own, reason):
    recording_id = stage.upload(wav(), transcriber="earshot", **own)

    found = services.recordings.get(recording_id)
    assert found.transcription.status == Status.FAILED
    assert reason in found.reason


def test_a_part_that_fails_is_tried_again_and_then_given_up(stage, services, engine, monkeypatch):
    recording_id = stage.upload(encode(talk(2.0), "WAV"), transcriber="earshot")
    (message,) = stage.cut()

    def fail(*_, **__):
        raise RuntimeError("out of luck")

    monkeypatch.setattr(engine, "recognise", fail)
    for attempt in range(1, ATTEMPTS + 1):
        assert services.recordings.get(recording_id).transcription.status == Status.IN_PROGRESS
        with pytest.raises(RuntimeError):
            recognition.recognise_part(message["job"], 0, services, attempt=attempt)

    found = services.recordings.get(recording_id)
    assert found.transcription.status == Status.FAILED
    assert found.reason == (
        "The speech could not be recognised in 5 attempts (RuntimeError: out of luck)."
    )
    assert found.transcription.is_worth_a_retry


def test_a_lost_message_is_sent_again_and_what_is_done_is_kept(
    stage, services, engine, monkeypatch, later
):
    monkeypatch.setattr(parts, "PART_S", 2.0)
    recording_id = stage.upload(encode(talk(2.5, 2.5), "WAV"), transcriber="earshot")
    one, _ = stage.cut()
    stage.call("recognise_speech", one)

    reconcile(later(hours=1)).raise_failures()
    stage.work_off()

    assert services.recordings.get(recording_id).transcription.status == Status.COMPLETED
    assert engine.heard == 2


def test_the_event_of_a_transcript_may_be_lost(stage, services, later):
    recording_id = stage.upload(encode(talk(2.0), "WAV"), transcriber="earshot")
    stage.call("recognise_speech", *stage.cut())

    reconcile(later(hours=1)).raise_failures()

    assert services.recordings.get(recording_id).transcription.status == Status.COMPLETED


def test_a_recording_whose_every_worker_died_is_tried_once_more_and_then_fails(
    stage, services, later
):
    recording_id = stage.upload(encode(talk(2.0), "WAV"), transcriber="earshot")

    def let_every_worker_die() -> None:
        stage.messages("extract_features")
        recording = services.recordings.get(recording_id)
        state = replace(recording.transcription, receives=ATTEMPTS)
        services.recordings.move(recording, Branch.TRANSCRIPTION, state, unless={Status.COMPLETED})

    let_every_worker_die()
    reconcile(later(hours=2)).raise_failures()
    assert services.recordings.get(recording_id).transcription.status == Status.IN_PROGRESS
    let_every_worker_die()
    reconcile(later(hours=5)).raise_failures()

    found = services.recordings.get(recording_id)
    assert found.transcription.status == Status.FAILED
    assert "too much memory or time" in found.reason


@pytest.mark.slow
def test_the_real_recogniser_writes_what_local_mode_writes(account, application, services):
    """As Transcribe would: the document has a schema of its own test (tests/local/transcribe)."""
    stage = Stage(application, account)
    recording_id = stage.upload(SAMPLE.read_bytes(), transcriber="earshot")

    stage.work_off()

    found = services.recordings.get(recording_id)
    assert found.transcript.heard_by.startswith("moonshine 0.1.0, tiny-en")
    expected = SAMPLE.with_suffix(".txt").read_text().split()
    assert abs(found.transcript.word_count - len(expected)) <= 1
    assert found.transcript.transcript[0].isupper()
    assert found.transcript.transcript.endswith(".")


def test_each_thread_has_a_recogniser_of_its_own(monkeypatch):
    """Check that no two share one, which would mix up what they hear, or load at once."""

    def load():
        assert recognition._loading.locked()
        return Counting()

    monkeypatch.setattr(recognition, "_of_this_thread", threading.local())
    monkeypatch.setattr(moonshine, "load_moonshine", load)

    with ThreadPoolExecutor(max_workers=1) as other:
        others = [other.submit(recognition._engine).result() for _ in range(2)]

    assert others[0] is others[1]
    assert recognition._engine() is recognition._engine()
    assert recognition._engine() is not others[0]

import io
import json
import os
import queue
import shutil
import signal
import subprocess
import threading
import wave
from pathlib import Path
from types import SimpleNamespace

import boto3
import numpy as np
import pytest
from botocore.awsrequest import AWSResponse
from moto import mock_aws

from chalicelib.core.speech.output import document, subtitles
from chalicelib.core.speech.recogniser import RecognisedWord, Recognition
from chalicelib.core.transcripts.parsing import parse_transcript
from local.transcribe.decoding import INVALID_MEDIA, TOO_MANY_CHANNELS, TOO_SHORT, WRONG_FORMAT
from local.transcribe.engines import EngineChoice
from local.transcribe.service import INTERNAL_FAILURE, TranscribeService
from local.transcribe.vocabulary import Vocabulary
from local.transcribe.worker import RecogniserDiedError, RecogniserProcess, Request

SAMPLE = Path(__file__).parents[3] / "samples/sample.wav"
BUCKET = "media-bucket"
WAIT_S = 120


@pytest.fixture
def s3(monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        client = boto3.client("s3")
        client.create_bucket(Bucket=BUCKET)
        yield client


@pytest.fixture
def make_service(s3):
    services = []

    def make(**options):
        events = queue.Queue()
        service = TranscribeService(s3, put_event=lambda *event: events.put(event), **options)
        services.append(service)
        return SimpleNamespace(service=service, events=events)

    yield make
    for service in services:
        service.close()


@pytest.fixture
def local(make_service):
    """Return a service that has not been started: it takes jobs and leaves them."""
    return make_service()


def call(local, operation, **parameters):
    return local.service.handle(f"Transcribe.{operation}", json.dumps(parameters).encode())


def start(local, name="job", key="uploads/a.wav", **parameters):
    request = {
        "TranscriptionJobName": name,
        "LanguageCode": "en-US",
        "Media": {"MediaFileUri": f"s3://{BUCKET}/{key}"},
        "OutputBucketName": BUCKET,
        "OutputKey": f"transcripts/{name}.json",
    } | parameters
    return call(local, "StartTranscriptionJob", **{k: v for k, v in request.items() if v})


def job(local, name="job"):
    status, answer = call(local, "GetTranscriptionJob", TranscriptionJobName=name)
    assert status == 200
    return answer["TranscriptionJob"]


def put(s3, key="uploads/a.wav", content=None):
    s3.put_object(Bucket=BUCKET, Key=key, Body=SAMPLE.read_bytes() if content is None else content)


def put_silence(s3, key, seconds):
    stream = io.BytesIO()
    with wave.open(stream, "wb") as file:
        file.setparams((1, 2, 16_000, 0, "NONE", ""))
        file.writeframes(bytes(2 * int(seconds * 16_000)))
    put(s3, key, stream.getvalue())


def read_json(s3, key):
    return json.loads(s3.get_object(Bucket=BUCKET, Key=key)["Body"].read())


def keys(s3):
    return {entry["Key"] for entry in s3.list_objects_v2(Bucket=BUCKET).get("Contents", ())}


def recognition(*words, duration_s=9.0):
    return Recognition(tuple(RecognisedWord(*word) for word in words), duration_s, "en", 1.0)


HELLO = recognition(("Hello,", 0.25, 0.5, 0.9), ("you.", 0.5, 0.75, 1.0), ("Bye", 3.0, 3.5, 0.25))


# --- the documents ---


def test_a_vocabulary_that_does_not_exist_is_refused_as_by_the_service(make_service, s3):
    put(s3)
    local = make_service(engine=EngineChoice(vocabulary=Vocabulary("names", ("Earshot",))))

    status, _ = start(local, "one", Settings={"VocabularyName": "names"})
    refused, told = start(local, "two", Settings={"VocabularyName": "others"})

    assert (status, refused) == (200, 400)
    assert told["__type"] == "BadRequestException"
    assert told["Message"].startswith("The requested vocabulary couldn't be found.")


def test_a_transcript_is_written_as_the_service_writes_it():
    written = document(HELLO, job_name="job", account_id="123456789012")

    assert written == {
        "jobName": "job",
        "accountId": "123456789012",
        "status": "COMPLETED",
        "results": {
            "transcripts": [{"transcript": "Hello, you. Bye"}],
            "items": [
                {
                    "id": 0,
                    "type": "pronunciation",
                    "alternatives": [{"confidence": "0.9", "content": "Hello"}],
                    "start_time": "0.25",
                    "end_time": "0.5",
                },
                {
                    "id": 1,
                    "type": "punctuation",
                    "alternatives": [{"confidence": "0.0", "content": ","}],
                },
                {
                    "id": 2,
                    "type": "pronunciation",
                    "alternatives": [{"confidence": "1.0", "content": "you"}],
                    "start_time": "0.5",
                    "end_time": "0.75",
                },
                {
                    "id": 3,
                    "type": "punctuation",
                    "alternatives": [{"confidence": "0.0", "content": "."}],
                },
                {
                    "id": 4,
                    "type": "pronunciation",
                    "alternatives": [{"confidence": "0.25", "content": "Bye"}],
                    "start_time": "3.0",
                    "end_time": "3.5",
                },
            ],
            "audio_segments": [
                {
                    "id": 0,
                    "transcript": "Hello, you.",
                    "start_time": "0.25",
                    "end_time": "0.75",
                    "items": [0, 1, 2, 3],
                },
                {
                    "id": 1,
                    "transcript": "Bye",
                    "start_time": "3.0",
                    "end_time": "3.5",
                    "items": [4],
                },
            ],
        },
    }


@pytest.mark.parametrize(
    ("word", "contents"),
    [
        ("U.S.,", ["U.S.", ","]),
        ("U.S.", ["U.S."]),
        ("Mr.", ["Mr."]),
        ("us.", ["us", "."]),
        ("so...", ["so", "..."]),
    ],
)
def test_the_full_stop_of_an_abbreviation_belongs_to_its_word(word, contents):
    written = document(recognition((word, 0.0, 0.5, 1.0)), job_name="job", account_id="1")

    items = written["results"]["items"]
    assert [item["alternatives"][0]["content"] for item in items] == contents
    assert written["results"]["transcripts"] == [{"transcript": word}]


def test_what_is_written_is_what_the_application_reads():
    transcript = parse_transcript(
        document(HELLO, job_name="job", account_id="1", speaker_labels=True)
    )

    assert transcript.text == "Hello, you. Bye"
    assert [(w.text, w.start, w.end, w.confidence) for w in transcript.words] == [
        ("Hello,", 0.25, 0.5, 0.9),
        ("you.", 0.5, 0.75, 1.0),
        ("Bye", 3.0, 3.5, 0.25),
    ]
    assert [segment.text for segment in transcript.segments] == ["Hello, you.", "Bye"]
    assert transcript.speakers == ("spk_0",)


def test_an_empty_recognition_is_an_empty_transcript():
    transcript = parse_transcript(document(recognition(), job_name="job", account_id="1"))

    assert (transcript.text, transcript.words, transcript.segments) == ("", (), ())


def test_subtitles_break_at_pauses_and_count_from_the_start_index():
    assert subtitles(HELLO.words, form="srt", start_index=1) == (
        "1\n00:00:00,250 --> 00:00:00,750\nHello, you.\n\n2\n00:00:03,000 --> 00:00:03,500\nBye\n"
    )
    assert subtitles(HELLO.words, form="vtt").startswith(
        "WEBVTT\n\n0\n00:00:00.250 --> 00:00:00.750\n"
    )


def test_no_subtitle_is_longer_than_two_lines():
    words = [RecognisedWord("supercalifragilistic", i / 9, i / 9 + 0.1, 1.0) for i in range(500)]

    cues = subtitles(words, form="srt").split("\n\n")

    assert max(len(cue.splitlines()[2]) for cue in cues) <= 84


# --- what is refused ---


def test_a_job_name_is_taken_once(local, s3):
    put(s3)
    start(local)

    assert start(local) == (
        400,
        {
            "__type": "ConflictException",
            "Message": "The requested job name already exists. Use a different job name.",
        },
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"LanguageCode": None}, "language code is missing"),
        ({"IdentifyLanguage": True}, "Only one of"),
        ({"LanguageCode": "tlh"}, "'tlh' at 'languageCode' failed to satisfy constraint"),
        ({"TranscriptionJobName": "a/b"}, "'a/b' at 'transcriptionJobName' failed"),
        ({"TranscriptionJobName": ".."}, "by themselves"),
        ({"OutputKey": "transcripts/a b.json"}, "'outputKey' failed to satisfy constraint"),
        ({"OutputBucketName": None}, "OutputBucketName is missing"),
        ({"OutputBucketName": "no-such-bucket"}, "write permission"),
        ({"Media": None}, 'Missing required parameter in input: "Media"'),
        ({"Media": {"MediaFileUri": "ftp://x/y"}}, "'media.mediaFileUri' failed"),
        ({"Media": {"MediaFileUri": f"s3://{BUCKET}/none"}}, "doesn't point to an S3 object"),
        ({"Media": {"MediaFileUri": "s3://no-key"}}, "doesn't point to an S3 object"),
        ({"MediaFormat": "aiff"}, "enum value set"),
        ({"MediaSampleRateHertz": 96_000}, "less than or equal to 48000"),
        ({"Settings": {"ShowSpeakerLabels": True}}, "must be used together"),
        ({"Settings": {"ShowSpeakerLabels": True, "MaxSpeakerLabels": 31}}, "equal to 30"),
        ({"Settings": {"ShowSpeakerLabels": True, "MaxSpeakerLabels": 1}}, "valid min value: 2"),
        ({"Subtitles": {"Formats": ["ass"]}}, "'ass' at 'subtitles.formats.1.member'"),
        (
            {"ContentRedaction": {"RedactionType": "PII", "RedactionOutput": "redacted"}},
            "Local mode does not redact",
        ),
        ({"Colour": "blue"}, 'Unknown parameter in input: "Colour"'),
    ],
)
def test_a_wrong_request_is_refused(local, s3, change, message):
    put(s3)

    status, answer = start(local, **change)

    assert (status, answer["__type"]) == (400, "BadRequestException")
    assert message in answer["Message"]
    assert local.service.jobs() == []


@pytest.mark.parametrize("body", [b"{", b"[]", b'"job"', b"\xff"])
def test_what_is_not_json_is_refused(local, body):
    status, answer = local.service.handle("Transcribe.StartTranscriptionJob", body)

    assert (status, answer["__type"]) == (400, "SerializationException")


def test_an_operation_that_is_not_there_is_refused(local):
    status, answer = call(local, "StartMedicalTranscriptionJob")

    assert (status, answer["__type"]) == (400, "UnknownOperationException")


@pytest.mark.parametrize("operation", ["GetTranscriptionJob", "DeleteTranscriptionJob"])
def test_a_job_that_is_not_there_is_a_bad_request(local, operation):
    status, answer = call(local, operation, TranscriptionJobName="none")

    assert (status, answer["__type"]) == (400, "BadRequestException")
    assert answer["Message"].startswith("The requested job couldn't be found.")


# --- jobs ---


def test_the_check_file_is_left_at_the_output_prefix(local, s3):
    put(s3)

    start(local)

    assert "transcripts/.write_access_check_file.temp" in keys(s3)


def test_jobs_are_listed_newest_first_and_by_page(local, s3):
    put(s3)
    for i in range(7):
        start(local, f"job-{i}")
    start(local, "other")

    status, first = call(local, "ListTranscriptionJobs", JobNameContains="JOB")
    _, second = call(
        local, "ListTranscriptionJobs", JobNameContains="JOB", NextToken=first["NextToken"]
    )

    names = [
        summary["TranscriptionJobName"]
        for page in (first, second)
        for summary in page["TranscriptionJobSummaries"]
    ]
    assert status == 200
    assert names == [f"job-{i}" for i in reversed(range(7))]
    assert "NextToken" not in second


def test_jobs_are_listed_by_status(local, s3):
    put(s3)
    start(local)

    assert len(call(local, "ListTranscriptionJobs")[1]["TranscriptionJobSummaries"]) == 1
    _, failed = call(local, "ListTranscriptionJobs", Status="FAILED")

    assert failed == {"Status": "FAILED", "TranscriptionJobSummaries": []}


def test_a_forged_page_token_is_refused(local):
    status, answer = call(local, "ListTranscriptionJobs", NextToken="bogus!")

    assert (status, answer["__type"]) == (400, "BadRequestException")


def test_every_change_is_announced_for_whoever_keeps_the_jobs(make_service, s3):
    changed = []
    local = make_service(on_change=changed.append)
    put(s3)

    start(local)
    ended = make_service(on_change=changed.append)
    ended.service.restore([{**local.service.jobs()[0], "status": "FAILED"}])
    call(ended, "DeleteTranscriptionJob", TranscriptionJobName="job")

    assert changed == ["job", "job"]
    assert ended.service.jobs() == []


def test_a_job_that_has_not_ended_cannot_be_deleted(local, s3):
    put(s3)
    start(local)

    status, answer = call(local, "DeleteTranscriptionJob", TranscriptionJobName="job")

    assert (status, answer["__type"]) == (400, "BadRequestException")
    assert answer["Message"].startswith("The requested job has not ended.")
    assert len(local.service.jobs()) == 1


def test_the_sdk_understands_every_answer(local, s3):
    put(s3)
    client = boto3.client("transcribe")

    def send(request, **_):
        status, answer = local.service.handle(
            request.headers["X-Amz-Target"].decode(), request.body
        )
        return AWSResponse(request.url, status, {}, SimpleRaw(json.dumps(answer).encode()))

    client.meta.events.register_first("before-send.transcribe", send)
    started = client.start_transcription_job(
        TranscriptionJobName="job",
        IdentifyLanguage=True,
        Media={"MediaFileUri": f"s3://{BUCKET}/uploads/a.wav"},
        OutputBucketName=BUCKET,
    )["TranscriptionJob"]

    assert started["CreationTime"].year > 2000
    assert client.get_transcription_job(TranscriptionJobName="job")["TranscriptionJob"] == started
    assert len(client.list_transcription_jobs()["TranscriptionJobSummaries"]) == 1
    with pytest.raises(client.exceptions.BadRequestException, match="has not ended"):
        client.delete_transcription_job(TranscriptionJobName="job")
    with pytest.raises(client.exceptions.BadRequestException, match="couldn't be found"):
        client.get_transcription_job(TranscriptionJobName="none")


class SimpleRaw(io.BytesIO):
    """A response's body as botocore reads it."""

    def stream(self, *_, **__):
        yield self.read()


# --- the work, by the real recogniser in its own process ---


def backwards(path):
    """Return a recording's samples in the opposite order, as a WAV file."""
    with wave.open(str(path)) as file:
        parameters, pcm = file.getparams(), file.readframes(file.getnframes())
    turned = io.BytesIO()
    with wave.open(turned, "wb") as file:
        file.setparams(parameters)
        file.writeframes(np.frombuffer(pcm, "<i2")[::-1].tobytes())
    return turned.getvalue()


@pytest.fixture
def running(make_service):
    local = make_service()
    local.service.start()
    return local


def settled(local):
    """Return the next job that ends, with its event."""
    source, detail_type, detail = local.events.get(timeout=WAIT_S)
    assert (source, detail_type) == ("aws.transcribe", "Transcribe Job State Change")
    shown = job(local, detail["TranscriptionJobName"])
    assert shown["TranscriptionJobStatus"] == detail["TranscriptionJobStatus"]
    return shown, detail


@pytest.mark.slow
def test_a_recording_becomes_a_transcript_with_subtitles(running, s3):
    key = "uploads/alice/my talk +100% é 🎙.WAV"
    put(s3, key)

    start(
        running,
        key=key,
        MediaFormat="wav",
        Settings={"ShowSpeakerLabels": True, "MaxSpeakerLabels": 2},
        Subtitles={"Formats": ["srt", "vtt"], "OutputStartIndex": 1},
    )
    shown, detail = settled(running)

    assert detail == {"TranscriptionJobName": "job", "TranscriptionJobStatus": "COMPLETED"}
    assert shown["Transcript"]["TranscriptFileUri"].endswith(f"/{BUCKET}/transcripts/job.json")
    assert shown["CreationTime"] <= shown["StartTime"] <= shown["CompletionTime"]
    transcript = parse_transcript(read_json(s3, "transcripts/job.json"))
    assert "the birds were singing in the trees." in transcript.text
    assert transcript.speakers == ("spk_0",)
    assert {"transcripts/job.srt", "transcripts/job.vtt"} < keys(s3)
    assert running.service.progress() == {}


@pytest.mark.slow
def test_a_recording_is_heard_the_same_before_and_after_another(running, s3):
    put(s3)
    put(s3, "uploads/backwards.wav", backwards(SAMPLE))

    start(running, "first")
    start(running, "backwards", "uploads/backwards.wav")
    start(running, "again")
    for _ in range(3):
        settled(running)

    first, backwards_, again = (
        read_json(s3, f"transcripts/{name}.json")["results"]
        for name in ("first", "backwards", "again")
    )
    assert again == first
    assert backwards_ != first


def stereo(path, after_s):
    """Return a recording in the left channel and, so much later, in the right, as a WAV file."""
    with wave.open(str(path)) as file:
        parameters, pcm = file.getparams(), file.readframes(file.getnframes())
    y, gap = np.frombuffer(pcm, "<i2"), np.zeros(int(after_s * parameters.framerate), "<i2")
    both = io.BytesIO()
    with wave.open(both, "wb") as file:
        file.setparams(parameters._replace(nchannels=2))
        left, right = np.concatenate([y, gap]), np.concatenate([gap, y])
        file.writeframes(np.stack([left, right], axis=1).tobytes())
    return both.getvalue()


@pytest.mark.slow
def test_each_channel_is_heard_by_itself_where_that_is_asked_for(running, s3):
    put(s3, content=stereo(SAMPLE, after_s=1.5))

    start(running, Settings={"ChannelIdentification": True}, Subtitles={"Formats": ["srt"]})
    shown, _ = settled(running)

    assert shown["TranscriptionJobStatus"] == "COMPLETED"
    document = read_json(s3, "transcripts/job.json")
    transcript = parse_transcript(document)
    said = {
        channel: [word for word in transcript.words if word.channel == channel]
        for channel in ("ch_0", "ch_1")
    }
    left, right = said["ch_0"], said["ch_1"]
    same = [(a, b) for a, b in zip(left, right, strict=True) if a.content == b.content]
    assert len(same) >= 15  # of 17: a few samples more or less may change a word
    assert left[-1].after == right[-1].after == "."
    later = [b.start - a.start for a, b in same]
    assert later == pytest.approx([1.5] * len(same), abs=0.1)
    assert transcript.text.count("in the trees.") == 2
    assert document["results"]["channel_labels"]["number_of_channels"] == 2
    assert {part["channel_label"] for part in document["results"]["audio_segments"]} == set(said)
    assert (
        s3.get_object(Bucket=BUCKET, Key="transcripts/job.srt")["Body"].read().count(b"trees") == 2
    )


@pytest.mark.slow
def test_more_than_two_channels_cannot_be_told_apart(running, s3):
    six = io.BytesIO()
    with wave.open(six, "wb") as file:
        file.setparams((6, 2, 16_000, 0, "NONE", ""))
        file.writeframes(bytes(6 * 2 * 16_000))
    put(s3, content=six.getvalue())

    start(running, Settings={"ChannelIdentification": True})
    shown, _ = settled(running)

    assert shown["FailureReason"] == TOO_MANY_CHANNELS


@pytest.mark.slow
def test_the_language_is_identified_among_those_offered(running, s3):
    put(s3)

    start(running, LanguageCode=None, IdentifyLanguage=True, LanguageOptions=["de-DE", "en-GB"])
    shown, _ = settled(running)

    results = read_json(s3, "transcripts/job.json")["results"]
    assert (shown["LanguageCode"], shown["IdentifiedLanguageScore"]) == ("en-GB", 1.0)
    assert results["language_code"] == "en-GB"
    assert results["language_identification"] == [{"score": "1.0", "code": "en-GB"}]


@pytest.mark.slow
def test_each_bad_recording_fails_with_its_reason_and_the_next_one_is_done(running, s3):
    put(s3, "uploads/empty.wav", b"")
    put(s3, "uploads/text.wav", b"This is no recording. " * 50)
    put(s3, "uploads/cut.wav", SAMPLE.read_bytes()[:50])
    put_silence(s3, "uploads/short.wav", 0.3)
    put_silence(s3, "uploads/silent.wav", 3)
    put(s3)

    start(running, "empty", "uploads/empty.wav")
    start(running, "text", "uploads/text.wav")
    start(running, "cut", "uploads/cut.wav")
    start(running, "mislabelled", MediaFormat="mp3")
    start(running, "short", "uploads/short.wav")
    start(running, "german", LanguageCode="de-DE")
    start(running, "silent", "uploads/silent.wav", Subtitles={"Formats": ["srt"]})
    start(running, "good")
    ended = [settled(running) for _ in range(8)]

    reasons = {shown["TranscriptionJobName"]: shown.get("FailureReason") for shown, _ in ended}
    assert reasons["german"].startswith("The local recogniser moonshine does not understand")
    assert {name: reason for name, reason in reasons.items() if name != "german"} == {
        "empty": INVALID_MEDIA,
        "text": INVALID_MEDIA,
        "cut": TOO_SHORT,
        "mislabelled": WRONG_FORMAT,
        "short": TOO_SHORT,
        "silent": None,
        "good": None,
    }
    assert all(
        detail.get("FailureReason") == reasons[shown["TranscriptionJobName"]]
        for shown, detail in ended
    )
    assert read_json(s3, "transcripts/silent.json")["results"]["transcripts"][0] == {
        "transcript": ""
    }
    assert "transcripts/silent.srt" not in keys(s3)


@pytest.mark.slow
def test_a_recording_in_another_language_fails_with_that_reason(
    make_service, s3, tmp_path, monkeypatch
):
    """Moonshine's own answer to Turkish, given for a recording whose sound it does not fit."""
    (tmp_path / "moonshine_voice.py").write_text(
        "from types import SimpleNamespace\n"
        "get_model_path = str\n"
        "class ModelArch: TINY = 0\n"
        "class Transcriber:\n"
        "    def __init__(self, **_): pass\n"
        "    def transcribe_without_streaming(self, y, sr):\n"
        "        text = 'The first one is the first one. The second one is the second one. ' * 3\n"
        "        return SimpleNamespace(lines=[SimpleNamespace(text=text)])\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    local = make_service(engine=EngineChoice("moonshine"))
    put(s3)

    local.service.start()
    start(local)
    shown, detail = settled(local)

    assert shown["TranscriptionJobStatus"] == "FAILED"
    assert "does not seem to be in a language" in detail["FailureReason"]
    assert "transcripts/job.json" not in keys(s3)


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("espeak-ng"), reason="espeak-ng is not installed")
@pytest.mark.parametrize(
    ("voice", "text", "status"),
    [
        ("en-us", "I would like to talk about the weather, as it rained for days.", "COMPLETED"),
        ("de", "Ich möchte heute über das Wetter sprechen, denn es regnet seit Tagen.", "FAILED"),
        ("es", "Hoy quisiera hablar del tiempo, porque lleva lloviendo tres días.", "FAILED"),
        ("pl", "Chciałbym dzisiaj porozmawiać o pogodzie, ponieważ pada od trzech dni.", "FAILED"),
    ],
)
def test_speech_of_a_synthesiser_is_english_or_is_not(running, s3, tmp_path, voice, text, status):
    path = tmp_path / "said.wav"
    subprocess.run(["espeak-ng", "-v", voice, "-s", "150", "-w", path, text], check=True)
    put(s3, content=path.read_bytes())

    start(running)
    shown, _ = settled(running)

    assert shown["TranscriptionJobStatus"] == status


@pytest.mark.slow
def test_a_recording_that_vanishes_before_its_turn_fails_with_a_reason(local, s3):
    put(s3)
    start(local)
    s3.delete_object(Bucket=BUCKET, Key="uploads/a.wav")

    local.service.start()
    shown, _ = settled(local)

    assert "can't be accessed" in shown["FailureReason"]


@pytest.mark.slow
def test_a_recogniser_that_is_killed_once_is_replaced_and_the_job_done(make_service, s3):
    killed = []

    def on_change(name):
        if job(local, name)["TranscriptionJobStatus"] == "IN_PROGRESS":
            killed.append(local.service._processes[0].pid)
            os.kill(killed[0], signal.SIGKILL)

    local = make_service(on_change=on_change)
    put(s3)

    start(local)
    local.service.start()
    shown, _ = settled(local)

    assert shown["TranscriptionJobStatus"] == "COMPLETED"
    assert killed


@pytest.fixture
def engine_that(tmp_path, monkeypatch):
    """Return a function that installs an engine which does one thing with what it should hear."""

    def make(does):
        (tmp_path / "vosk.py").write_text(
            "import os, signal\n"
            "SetLogLevel = print\n"
            "class Model(str): pass\n"
            "class KaldiRecognizer:\n"
            f"    def __init__(self, *_): {does}\n"
        )
        monkeypatch.syspath_prepend(tmp_path)
        return EngineChoice("vosk", tmp_path)

    return make


@pytest.mark.slow
def test_a_recording_that_always_kills_its_recogniser_fails_and_others_go_on(
    make_service, engine_that, s3
):
    local = make_service(engine=engine_that("os._exit(139)"))
    put(s3)
    put_silence(s3, "uploads/silent.wav", 1)

    local.service.start()
    start(local, "deadly")
    start(local, "harmless", "uploads/silent.wav")
    deadly, harmless = settled(local)[0], settled(local)[0]

    assert deadly["FailureReason"] == INTERNAL_FAILURE
    assert harmless["TranscriptionJobStatus"] == "COMPLETED"


@pytest.fixture
def hanging(make_service, engine_that, s3):
    """Return a service in the middle of a job that will never end."""
    begun = threading.Event()

    def on_change(_name):
        if any(state["status"] == "IN_PROGRESS" for state in local.service.jobs()):
            begun.set()

    local = make_service(engine=engine_that("signal.pause()"), on_change=on_change)
    put(s3)
    put_silence(s3, "uploads/silent.wav", 1)
    local.service.start()
    start(local)
    assert begun.wait(WAIT_S)
    return local


@pytest.mark.slow
def test_a_job_cannot_be_deleted_while_it_is_worked_on(hanging):
    status, _ = call(hanging, "DeleteTranscriptionJob", TranscriptionJobName="job")

    assert status == 400
    assert job(hanging, "job")["TranscriptionJobStatus"] == "IN_PROGRESS"


@pytest.mark.slow
def test_jobs_outlive_the_service_and_the_unfinished_begin_again(hanging, make_service):
    hanging.service.close()
    kept = json.loads(json.dumps(hanging.service.jobs()))
    assert [state["status"] for state in kept] == ["IN_PROGRESS"]

    second = make_service()
    second.service.restore(kept)
    second.service.start()
    shown, _ = settled(second)

    assert shown["TranscriptionJobStatus"] == "COMPLETED"
    assert start(second)[1]["__type"] == "ConflictException"
    assert hanging.events.empty()


def test_a_job_that_had_ended_is_told_of_again_after_a_restart(local, make_service, s3):
    """The process may have been killed before its event was received."""
    put(s3)
    start(local)
    (kept,) = local.service.jobs()
    second = make_service()

    second.service.restore([{**kept, "status": "FAILED", "failure_reason": "It ended."}])

    source, kind, detail = second.events.get(timeout=WAIT_S)
    assert (source, kind) == ("aws.transcribe", "Transcribe Job State Change")
    assert detail["TranscriptionJobStatus"] == "FAILED"
    assert detail["FailureReason"] == "It ended."


@pytest.mark.slow
def test_a_recogniser_that_shows_no_sign_of_life_is_given_up(engine_that):
    process = RecogniserProcess(engine_that("signal.pause()"), stall_s=2)

    with pytest.raises(RecogniserDiedError, match="no progress for 2 s"):
        process.recognise(Request(SAMPLE), lambda *_: None)

    assert process.pid is None
    process.close()


@pytest.mark.slow
def test_an_engine_that_cannot_be_loaded_fails_its_jobs_by_its_reason(make_service, s3, tmp_path):
    local = make_service(engine=EngineChoice("vosk", tmp_path))
    put(s3)

    local.service.start()
    start(local)
    shown, _ = settled(local)

    assert "EARSHOT_RECOGNISER: vosk is not installed" in shown["FailureReason"]


@pytest.mark.slow
def test_a_second_recogniser_is_started_when_there_is_work_for_two(make_service, s3):
    local = make_service(n_workers=2)
    first, second = local.service._processes
    put(s3)

    local.service.start()
    for name in ("one", "two"):
        start(local, name)
        settled(local)
    used_by_one_after_the_other = (first.pid is not None, second.pid is not None)
    for name in ("three", "four"):
        start(local, name)
    settled(local)
    settled(local)

    assert used_by_one_after_the_other == (True, False)
    assert second.pid is not None


@pytest.mark.slow
def test_an_interrupt_from_the_terminal_does_not_reach_the_recogniser(running, s3):
    put(s3)
    start(running, "first")
    settled(running)
    pid = running.service._processes[0].pid

    os.kill(pid, signal.SIGINT)
    start(running, "second")
    settled(running)

    assert running.service._processes[0].pid == pid

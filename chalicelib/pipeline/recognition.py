"""Earshot's own recogniser: its jobs have the same requests and answers as Amazon Transcribe's.

A job has two steps. Each is a message, and is safe to repeat, even at the same time:

1. ``cut_speech`` decodes the job's input, and writes parts of 16 kHz with whole utterances. The
   decoders do not fit into one function with the recogniser.
2. ``recognise_part`` writes the words of one part. The call that finds the words of all parts joins
   them, and writes the transcript under the key that Transcribe would write to.

From there on, everything is as with Amazon Transcribe: the transcript's event publishes it.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from threading import Lock, local
from typing import TYPE_CHECKING, Any, BinaryIO

import orjson

from chalicelib import journal
from chalicelib.core import keys
from chalicelib.core.probe import limits
from chalicelib.core.probe.contents import Contents
from chalicelib.core.recording import Branch, Recording, Status
from chalicelib.errors import (
    JobRejectedError,
    MediaError,
    RecordingNotFoundError,
    UploadChangedError,
)
from chalicelib.pipeline.branches import fail, job_of, move
from chalicelib.pipeline.features import READING_LASTS
from chalicelib.pipeline.notices import announce
from chalicelib.pipeline.removal import delete_job_objects
from chalicelib.pipeline.retries import ATTEMPTS, RETRY_AFTER_S, tried_again

if TYPE_CHECKING:
    from chalicelib.core.audio.decoding import DecodedAudio
    from chalicelib.core.speech.moonshine import Moonshine
    from chalicelib.core.speech.parts import Part, Parts
    from chalicelib.core.speech.recogniser import Samples
    from chalicelib.services import Services

LANGUAGE = "en"
NOT_ENGLISH = (
    "The recording does not seem to be in English, the only language that Earshot's own recogniser "
    "understands: the words that it hears do not fit the sound. Amazon Transcribe has other "
    "languages (transcriber=transcribe)."
)
TOO_SLOW = "The recording takes too long to decode."

_of_this_thread, _loading = local(), Lock()


def cut_speech(request: Mapping[str, Any], services: "Services", *, attempt: int = 1) -> None:
    """Cut the speech of a job's input into parts, and ask for the words of each."""
    found = _current(request["TranscriptionJobName"], services)
    if found is None:
        return
    job, recording = found
    with _given_up_at_last(recording, attempt, services) as recording:
        there = services.speech.keys(job.speech)
        parts = _parts_of(job, services)
        if parts is None or not _can_be_heard(job, parts, there):
            by_channel = request.get("Settings", {}).get("ChannelIdentification", False)
            uri = request["Media"]["MediaFileUri"]
            parts = _cut(job, uri, services, by_channel=by_channel)
        _ask_for_words(job, parts, there, services)


def recognise_part(
    job_name: str,
    number: int,
    services: "Services",
    *,
    attempt: int = 1,
    receipt_handle: str = "",
) -> None:
    """Write the words of a part of a job; if all parts have words, write the transcript."""
    with tried_again(services.speech_queue.retry_after, receipt_handle, attempt):
        found = _current(job_name, services)
        if found is None:
            return
        job, recording = found
        with _given_up_at_last(recording, attempt, services) as recording:
            parts = _parts_of(job, services)
            if parts is None:
                raise UploadChangedError(job.parts)
            _write_words(job, parts, number, services)
            _join_if_complete(job, parts, services)


def _current(job_name: str, services: "Services") -> tuple[keys.Job, Recording] | None:
    """Return a job and the recording that waits for it; if none does, delete the job's objects."""
    job = keys.job(job_name, services.settings.job_prefix)
    if job is None:
        return None  # the name is not from this stage
    journal.note(recording_id=job.recording_id)
    recording = services.recordings.find(job.recording_id)
    is_awaited = (
        recording is not None
        and recording.transcription.status == Status.IN_PROGRESS
        and job_of(recording, Branch.TRANSCRIPTION, services) == job
    )
    if recording and is_awaited:
        if services.media.find_source(recording):
            return job, recording
        # The event of the upload's removal may have come before the item.
        services.features_queue.send_look(recording.id, delay_s=0)
    delete_job_objects(job.folder, services)
    return None


@contextmanager
def _given_up_at_last(
    recording: Recording, attempt: int, services: "Services"
) -> Iterator[Recording]:
    """Write why a job fails, if no retry can help, or if this is the message's last attempt."""
    try:
        if attempt > 1:
            recording = _count(recording, attempt, services)
        yield recording
    except UploadChangedError:
        # A clean-up has removed the job's input. A look removes the rest, or begins the job again.
        services.features_queue.send_look(recording.id, delay_s=RETRY_AFTER_S)
    except RecordingNotFoundError:
        delete_job_objects(job_of(recording, Branch.TRANSCRIPTION, services).folder, services)
    except (MediaError, JobRejectedError) as exc:
        reason = f"{exc}".rstrip(".") + "."
        _fail(recording, reason, services, internal=False)
    except Exception as exc:
        if attempt >= ATTEMPTS:
            give_up(recording, f"{type(exc).__name__}: {exc}", services)
        raise


def _count(recording: Recording, attempt: int, services: "Services") -> Recording:
    """Note how often a message has come: a look needs the number if the message is lost."""
    return move(
        recording,
        Branch.TRANSCRIPTION,
        Status.IN_PROGRESS,
        services,
        state=replace(recording.transcription, receives=attempt),
        unless=frozenset(Status) - {Status.IN_PROGRESS},
    )


def give_up(recording: Recording, cause: str, services: "Services") -> None:
    """Write why a recording's message was given up."""
    reason = f"The speech could not be recognised in {ATTEMPTS} attempts ({cause})."
    _fail(recording, reason, services, internal=True)


def _fail(recording: Recording, reason: str, services: "Services", *, internal: bool) -> None:
    job = job_of(recording, Branch.TRANSCRIPTION, services)
    announce(fail(recording, Branch.TRANSCRIPTION, reason, services, internal=internal), services)
    delete_job_objects(job.folder, services)


def _parts_of(job: keys.Job, services: "Services") -> "Parts | None":
    from chalicelib.core.speech.parts import Parts  # noqa: PLC0415  # needs numpy, which most events do not

    found = services.speech.read(job.parts)
    return None if found is None else Parts.of_json(found)


def _cut(job: keys.Job, uri: str, services: "Services", *, by_channel: bool) -> "Parts":
    """Decode a job's input, and write its parts and their list."""
    from chalicelib.core.audio.decoding import DecodedAudio  # noqa: PLC0415  # as above
    from chalicelib.core.speech.parts import Parts, cut  # noqa: PLC0415  # as above
    from chalicelib.core.speech.recogniser import SAMPLE_RATE_HZ  # noqa: PLC0415  # as above

    ends_at = services.clock() + READING_LASTS
    parts: list[Part] = []
    channel, n_channels, duration_s = 0, 1, 0.0
    while channel < n_channels:
        with _input(uri, services) as source:
            audio = DecodedAudio(source)
            n_channels = audio.channels if by_channel else 1
            _check(audio.sample_rate_hz, audio.channels)
            blocks = audio.blocks(SAMPLE_RATE_HZ, each_channel=by_channel)
            sound = _of_channel(channel, blocks, audio, lambda: services.clock() > ends_at)
            for part, wav in cut(sound, channel=channel if by_channel else None):
                services.speech.write(job.part(len(parts), "wav"), wav)
                parts.append(part)
            duration_s = audio.duration_s
        channel += 1
    _check(audio.sample_rate_hz, audio.channels, duration_s)
    whole = Parts(tuple(parts), duration_s)
    services.speech.write(job.parts, whole.to_json())
    return whole


def _check(sample_rate_hz: int, channels: int, duration_s: float | None = None) -> None:
    """Raise MediaError for a recording that neither Amazon Transcribe nor this recogniser takes."""
    found = Contents(duration_s=duration_s, sample_rate_hz=sample_rate_hz, channels=channels)
    if reason := limits.refusal(0, found) or limits.speech_refusal(found):
        raise MediaError(reason)


def _of_channel(
    channel: int,
    blocks: "Iterable[list[Samples]]",
    audio: "DecodedAudio",
    is_late: Callable[[], bool],
) -> "Iterator[Samples]":
    """Yield a channel's samples; raise MediaError as soon as they are too many or take too long."""
    for block in blocks:
        if is_late():
            raise MediaError(TOO_SLOW)
        if too_long := limits.refusal(0, Contents(duration_s=audio.duration_s)):
            raise MediaError(too_long)
        yield block[channel]


@contextmanager
def _input(uri: str, services: "Services") -> Iterator[BinaryIO]:
    """Open a job's input: its own copy, the audio track of a video, or an original."""
    bucket, key = keys.place(uri)
    if bucket == services.media.bucket:
        store = services.media
    elif bucket == services.results.bucket:
        store = services.results
    else:
        store, key = services.media, uri
    found = store.find(key)
    if found is None:
        raise UploadChangedError(key)
    with store.open(found) as source:
        yield source


def _can_be_heard(job: keys.Job, parts: "Parts", there: set[str]) -> bool:
    """Return whether each part's words or sound are there: a clean-up may have removed some."""
    return all(
        there & {job.part(number, "words"), job.part(number, "wav")}
        for number in range(len(parts.parts))
    )


def _ask_for_words(job: keys.Job, parts: "Parts", there: set[str], services: "Services") -> None:
    """Ask for the words of each part that has none; if no part is missing, for the transcript."""
    missing = [
        number for number in range(len(parts.parts)) if job.part(number, "words") not in there
    ]
    for number in missing or [0]:
        services.speech_queue.send(job.name, number)


def _engine() -> "Moonshine":
    """Return this thread's recogniser, which is loaded once: it hears one part at a time.

    A function has one thread; in local mode two threads hear in one process.
    """
    from chalicelib.core.speech.moonshine import load_moonshine  # noqa: PLC0415  # as above

    if not hasattr(_of_this_thread, "engine"):
        try:
            with _loading:  # its package cannot load two at once
                _of_this_thread.engine = load_moonshine()
        except (ImportError, OSError) as exc:
            reason = f"Earshot's own recogniser is not installed here ({exc})"
            raise JobRejectedError(reason) from exc
    engine: Moonshine = _of_this_thread.engine
    return engine


def _write_words(job: keys.Job, parts: "Parts", number: int, services: "Services") -> None:
    """Write the words of a part, unless they are there."""
    from chalicelib.core.speech import parts as speech  # noqa: PLC0415  # as above

    key = job.part(number, "words")
    if number >= len(parts.parts) or services.speech.find(key):
        return
    sound = services.speech.read(job.part(number, "wav"))
    if sound is None:
        raise UploadChangedError(key)
    words = speech.recognise_part(parts.parts[number], sound, _engine(), language=LANGUAGE)
    services.speech.write(key, words)


def _join_if_complete(job: keys.Job, parts: "Parts", services: "Services") -> None:
    """Write the transcript if the words of all parts are there."""
    from chalicelib.core.speech.output import document  # noqa: PLC0415  # as above
    from chalicelib.core.speech.parts import join  # noqa: PLC0415  # as above

    wanted = [job.part(number, "words") for number in range(len(parts.parts))]
    if not services.speech.keys(job.speech).issuperset(wanted):
        return
    words = [found for key in wanted if (found := services.speech.read(key)) is not None]
    if len(words) < len(wanted):
        raise UploadChangedError(job.parts)
    heard = join(parts, words, language=LANGUAGE)
    if not _engine().is_understood(heard.words):
        raise MediaError(NOT_ENGLISH)
    transcript = document(heard, job_name=job.name, account_id=services.settings.account_id)
    services.speech.write(
        job.transcript(), orjson.dumps(transcript), {keys.HEARD_BY: _engine().release}
    )

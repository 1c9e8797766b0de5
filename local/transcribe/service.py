"""Amazon Transcribe on one machine: its API, its jobs and its output, with a local recogniser.

Vocabulary filters and alternatives are accepted and ignored, and the log has a line for each job
that asks for one of them. Redaction is refused, and so is a vocabulary that does not exist.
"""

import logging
import queue
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from local.transcribe.engines import EngineChoice
from local.transcribe.jobs import FAILED, IN_PROGRESS, QUEUED, Job, JobBook
from local.transcribe.requests import (
    NO_OBJECT,
    NO_REDACTION,
    NO_VOCABULARY,
    NO_WRITE_ACCESS,
    RefusedError,
    bad_request,
    parse,
)
from local.transcribe.work import UnreachableError, transcribe
from local.transcribe.worker import RecogniserDiedError, RecogniserProcess

logger = logging.getLogger(__name__)

INTERNAL_FAILURE = "There was an internal failure. Try your request again."
_ATTEMPTS = 2
_CHECK_FILE = ".write_access_check_file.temp"
_CLOSE_S = 5.0
_NOT_DONE = {
    "Settings": (
        "VocabularyFilterName",
        "ShowAlternatives",
    ),
}

_Json = dict[str, Any]
PutEvent = Callable[[str, str, _Json], None]


class TranscribeService:
    """Answers the SDKs' requests to Amazon Transcribe, and does the work.

    ``put_event(source, detail_type, detail)`` and ``on_change(job_name)`` are called from the
    service's threads, outside its lock, and must not raise.
    """

    def __init__(
        self,
        s3: Any,
        *,
        put_event: PutEvent,
        on_change: Callable[[str], None] | None = None,
        engine: EngineChoice | None = None,
        n_workers: int = 1,
        region: str = "us-east-1",
        account_id: str = "123456789012",
    ) -> None:
        self._s3 = s3
        self._put_event = put_event
        self._on_change = on_change
        self._region = region
        self._account_id = account_id
        self._lock = threading.Lock()
        self._book = JobBook(region)
        self._progress: dict[str, float] = {}
        self._queue: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        engine = engine or EngineChoice()
        self._vocabulary = engine.vocabulary
        self._processes = [RecogniserProcess(engine) for _ in range(n_workers)]
        # The process that was used last is used first, so the others start only for more jobs.
        self._idle: queue.LifoQueue[RecogniserProcess] = queue.LifoQueue()
        for process in reversed(self._processes):
            self._idle.put(process)
        self._threads = [
            threading.Thread(target=self._work, name="transcribe", daemon=True)
            for _ in self._processes
        ]
        self._closed = threading.Event()

    def start(self) -> None:
        """Start working, and load a model in the background, so that the first job is fast."""
        self._processes[0].start()
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """Stop at once. Unfinished jobs stay IN_PROGRESS, and ``restore`` starts them again."""
        self._closed.set()
        for process in self._processes:
            self._queue.put(None)
            process.close()
        for thread in self._threads:
            if thread.is_alive():
                thread.join(_CLOSE_S)

    def handle(self, target: str, body: bytes) -> tuple[int, _Json]:
        """Answer one request of the JSON 1.1 protocol, given its ``X-Amz-Target`` and body."""
        operations = {
            "StartTranscriptionJob": self._start_job,
            "GetTranscriptionJob": self._get_job,
            "ListTranscriptionJobs": self._book.listed,
            "DeleteTranscriptionJob": self._delete_job,
        }
        operation = target.rpartition(".")[2]
        if operation not in operations:
            message = f"Local mode has no operation {operation!r}."
            return 400, {"__type": "UnknownOperationException", "Message": message}
        try:
            return 200, operations[operation](parse(operation, body))
        except RefusedError as exc:
            return 400, {"__type": exc.code, "Message": str(exc)}

    def progress(self) -> dict[str, float]:
        """Return the progress of each running job, 0 to 1."""
        with self._lock:
            return dict(self._progress)

    def job(self, name: str) -> _Json | None:
        """Return one job as plain JSON, or None if it is gone."""
        return self._book.state(name)

    def jobs(self) -> list[_Json]:
        """Return every job as plain JSON, oldest first."""
        return self._book.to_json()

    def restore(self, jobs: Iterable[_Json]) -> None:
        """Restore the jobs that ``jobs`` returned before a restart.

        Unfinished jobs start again. The events of finished jobs are sent again, because the process
        may have ended before they were received.
        """
        for job in self._book.restore(jobs):
            if job.status == QUEUED:
                self._queue.put(job)
            else:
                self._tell(job)

    # --- the API ---

    def _start_job(self, parameters: _Json) -> _Json:
        if "ContentRedaction" in parameters:
            # A transcript that claims to be redacted and is not would be worse than no transcript.
            raise bad_request(NO_REDACTION)
        self._check_vocabularies(parameters)
        self._check_access(Job(parameters, created=0.0))
        job = self._book.add(parameters)
        for parent, names in _NOT_DONE.items():
            asked = [name for name in names if parameters.get(parent, {}).get(name)]
            for name in asked:
                logger.warning("transcription job=%s not_done_locally=%s", job.name, name)
        self._changed(job.name)
        self._queue.put(job)
        return {"TranscriptionJob": job.shown(self._region)}

    def _get_job(self, parameters: _Json) -> _Json:
        job = self._book.get(parameters["TranscriptionJobName"])
        return {"TranscriptionJob": job.shown(self._region)}

    def _delete_job(self, parameters: _Json) -> _Json:
        name = self._book.get(parameters["TranscriptionJobName"]).name
        self._book.remove(name)
        self._changed(name)
        return {}

    def _check_vocabularies(self, parameters: _Json) -> None:
        """Refuse a vocabulary that does not exist, as the service does."""
        settings = [
            parameters.get("Settings", {}),
            *parameters.get("LanguageIdSettings", {}).values(),
        ]
        known = {self._vocabulary.name} if self._vocabulary else set()
        asked = {one["VocabularyName"] for one in settings if "VocabularyName" in one}
        if asked - known:
            raise bad_request(NO_VOCABULARY)

    def _check_access(self, job: Job) -> None:
        """Refuse an input or output without access, and leave the service's check file behind."""
        bucket, key = job.media
        try:
            self._s3.head_object(Bucket=bucket, Key=key)
        except (ClientError, BotoCoreError) as exc:
            raise bad_request(NO_OBJECT) from exc
        bucket, key = job.output
        folder = key.rpartition("/")[0]
        check_key = f"{folder}/{_CHECK_FILE}" if folder else _CHECK_FILE
        try:
            self._s3.put_object(Bucket=bucket, Key=check_key, Body=b"")
        except (ClientError, BotoCoreError) as exc:
            raise bad_request(NO_WRITE_ACCESS) from exc

    # --- the work ---

    def _work(self) -> None:
        while (job := self._queue.get()) is not None:
            try:
                self._step(job)
            except Exception:
                # If this thread ended, no later job would be done.
                logger.exception("transcription job=%s", job.name)

    def _step(self, queued: Job) -> None:
        job = replace(queued, status=IN_PROGRESS, started=time.time())
        if self._closed.is_set() or not self._book.replace(queued, job):
            return
        with self._lock:
            self._progress[job.name] = 0.0
        process = self._idle.get()  # there are as many processes as threads
        try:
            self._changed(job.name)
            done = self._done(job, process)
        finally:
            self._idle.put(process)
            with self._lock:
                self._progress.pop(job.name, None)
        self._settle(job, done)

    def _done(self, job: Job, process: RecogniserProcess) -> Job:
        """Do a job and return it in its final state."""
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                outcome = transcribe(
                    job,
                    self._s3,
                    process,
                    account_id=self._account_id,
                    on_progress=lambda fraction: self._note_progress(job.name, fraction),
                )
            except RecogniserDiedError:
                if self._closed.is_set():
                    break
                logger.warning("transcription job=%s recogniser_died attempt=%d", job.name, attempt)
            except UnreachableError as exc:
                return replace(job, status=FAILED, failure_reason=str(exc))
            except Exception:
                logger.exception("transcription job=%s", job.name)
                break
            else:
                return outcome
        return replace(job, status=FAILED, failure_reason=INTERNAL_FAILURE)

    def _settle(self, begun: Job, done: Job) -> None:
        """Publish the outcome, unless the job is gone or the service is closing."""
        done = replace(done, completed=time.time())
        if self._closed.is_set() or not self._book.replace(begun, done):
            return
        logger.info(
            "transcription job=%s status=%s ms=%.0f audio_s=%.1f",
            done.name,
            done.status,
            1000 * ((done.completed or 0.0) - (begun.started or 0.0)),
            done.outcome.get("duration_s", 0.0),
        )
        self._changed(done.name)
        self._tell(done)

    def _tell(self, job: Job) -> None:
        """Send the event of a job that has ended."""
        detail = {"TranscriptionJobName": job.name, "TranscriptionJobStatus": job.status}
        if job.failure_reason is not None:
            detail["FailureReason"] = job.failure_reason
        self._put_event("aws.transcribe", "Transcribe Job State Change", detail)

    def _note_progress(self, name: str, fraction: float) -> None:
        with self._lock:
            if name in self._progress:
                self._progress[name] = fraction

    def _changed(self, name: str) -> None:
        if self._on_change:
            self._on_change(name)

"""MediaConvert on one machine: API, jobs and events, with a real encoder."""

import logging
import queue
import threading
import time
import uuid
from collections.abc import Callable, Iterable
from dataclasses import replace
from http import HTTPStatus
from typing import Any

from local.mediaconvert.jobs import (
    CANCELED,
    COMPLETE,
    ERROR,
    PROGRESSING,
    UNFINISHED,
    Job,
    progress_event,
)
from local.mediaconvert.requests import (
    RefusedError,
    bad_request,
    not_found,
    parse,
    service_model,
    to_wire,
)
from local.mediaconvert.work import FAULT, failed, transcoded
from local.mediaconvert.worker import TranscoderDiedError, TranscoderProcess

logger = logging.getLogger(__name__)

_ATTEMPTS = 2
_CLOSE_S = 5.0
_PAGE_SIZE = 20
_TELL_STEP = 0.1  # a STATUS_UPDATE for each tenth done; the service sends one every few seconds
_Json = dict[str, Any]
PutEvent = Callable[[str, str, _Json], None]


class MediaConvertService:
    """Answers the SDKs' requests to MediaConvert, and does the jobs one after another.

    ``put_event(source, detail_type, detail)`` and ``on_change(job_id)`` are called from the
        service's threads, outside its lock, and must not raise.
    """

    def __init__(
        self,
        s3: Any,
        *,
        url: str,
        put_event: PutEvent,
        on_change: Callable[[str], None] | None = None,
        region: str = "us-east-1",
        account_id: str = "123456789012",
    ) -> None:
        self._s3 = s3
        self._url = url
        self._put_event = put_event
        self._on_change = on_change
        self._region = region
        self._account_id = account_id
        self._lock = threading.Lock()
        self._jobs: dict[str, Job] = {}
        self._progress: dict[str, float] = {}
        self._running: dict[str, TranscoderProcess] = {}
        self._queue: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        # One job at a time, because one encoder uses every core.
        self._thread = threading.Thread(target=self._work, name="mediaconvert", daemon=True)
        self._closed = threading.Event()

    def start(self) -> None:
        """Start working."""
        self._thread.start()

    def close(self) -> None:
        """Stop at once. An unfinished job stays unfinished, and ``restore`` starts it again."""
        self._closed.set()
        self._queue.put(None)
        with self._lock:
            running = list(self._running.values())
        for process in running:
            process.kill()
        if self._thread.is_alive():
            self._thread.join(_CLOSE_S)

    def handle(self, method: str, path: str, query: str, body: bytes) -> tuple[int, _Json]:
        """Answer one request of the REST protocol."""
        operations = {
            "CreateJob": self._create_job,
            "GetJob": self._get_job,
            "ListJobs": self._list_jobs,
            "CancelJob": self._cancel_job,
            "DescribeEndpoints": self._describe_endpoints,
        }
        try:
            operation, parameters = parse(method, path, query, body)
            answer = operations[operation](parameters)
        except RefusedError as exc:
            return exc.status, {"__type": exc.code, "message": str(exc)}
        model = service_model().operation_model(operation)
        return model.http["responseCode"], to_wire(answer, model.output_shape)

    def progress(self) -> dict[str, float]:
        """Return the progress of each running job, 0 to 1, by the recording's id."""
        with self._lock:
            return {
                self._jobs[job_id].metadata.get("recording_id", job_id): fraction
                for job_id, fraction in self._progress.items()
            }

    def job(self, job_id: str) -> _Json | None:
        """Return one job as plain JSON, or None if it is gone."""
        with self._lock:
            job = self._jobs.get(job_id)
        return job.to_json() if job else None

    def jobs(self) -> list[_Json]:
        """Return every job as plain JSON, oldest first."""
        with self._lock:
            return [job.to_json() for job in self._jobs.values()]

    def restore(self, jobs: Iterable[_Json]) -> None:
        """Restore the jobs that ``jobs`` returned before a restart.

        The jobs' inputs must be restored first. Unfinished jobs start again. The events of finished
        jobs are sent again, because the process may have ended before they were received.
        """
        restored = [Job.from_json(state) for state in jobs]
        with self._lock:
            self._jobs |= {job.id: job for job in restored}
        for job in restored:
            if job.status in UNFINISHED:
                self._queue.put(job.id)
            elif job.status in (COMPLETE, ERROR):
                self._tell(job)

    # --- the API ---

    def _create_job(self, parameters: _Json) -> _Json:
        with self._lock:
            for job in self._jobs.values():
                if job.answers(parameters.get("ClientRequestToken")):
                    return {"Job": self._shown(job)}
            job = Job(
                f"{round(time.time() * 1000)}-{uuid.uuid4().hex[:6]}", parameters, time.time()
            )
            self._jobs[job.id] = job
        self._changed(job.id)
        self._queue.put(job.id)
        return {"Job": self._shown(job)}

    def _get_job(self, parameters: _Json) -> _Json:
        with self._lock:
            return {"Job": self._shown(self._get(parameters["Id"]))}

    def _list_jobs(self, parameters: _Json) -> _Json:
        with self._lock:
            jobs = sorted(self._jobs.values(), key=lambda job: (job.created, job.id))
            if parameters.get("Order") == "DESCENDING":
                jobs.reverse()
            wanted = [
                job
                for job in jobs
                if parameters.get("Status", job.status) == job.status
                and parameters.get("Queue", job.parameters.get("Queue"))
                == job.parameters.get("Queue")
            ]
            first = _first_of_page(parameters.get("NextToken", "0"))
            last = first + parameters.get("MaxResults", _PAGE_SIZE)
            answer: _Json = {"Jobs": [self._shown(job) for job in wanted[first:last]]}
            if last < len(wanted):
                answer["NextToken"] = str(last)
            return answer

    def _cancel_job(self, parameters: _Json) -> _Json:
        with self._lock:
            job = self._get(parameters["Id"])
            if job.status not in UNFINISHED:
                raise RefusedError(
                    HTTPStatus.CONFLICT,
                    "ConflictException",
                    f"The job has the status {job.status} and cannot be canceled.",
                )
            self._jobs[job.id] = replace(job, status=CANCELED, finished=time.time())
            process = self._running.get(job.id)
        if process:
            process.kill()
        self._changed(job.id)
        self._tell(self._jobs[job.id])
        return {}

    def _describe_endpoints(self, parameters: _Json) -> _Json:
        del parameters
        return {"Endpoints": [{"Url": self._url}]}

    def _get(self, job_id: str) -> Job:
        if job_id not in self._jobs:
            raise not_found(f"There is no job {job_id!r}.")
        return self._jobs[job_id]

    def _shown(self, job: Job) -> _Json:
        arn = f"arn:aws:mediaconvert:{self._region}:{self._account_id}:jobs/{job.id}"
        fraction = self._progress.get(job.id)
        return job.shown(arn=arn, percent=None if fraction is None else round(100 * fraction))

    # --- the work ---

    def _work(self) -> None:
        while (job_id := self._queue.get()) is not None:
            try:
                self._step(job_id)
            except Exception:
                # If this thread ended, no later job would be done.
                logger.exception("mediaconvert job=%s", job_id)

    def _step(self, job_id: str) -> None:
        with self._lock:
            queued = self._jobs[job_id]
            if self._closed.is_set() or queued.status not in UNFINISHED:
                return  # canceled while it waited
            job = replace(queued, status=PROGRESSING, started=time.time())
            self._jobs[job_id] = job
            self._progress[job_id] = 0.0
        self._changed(job_id)
        self._tell(job)
        try:
            done = self._done(job)
        finally:
            with self._lock:
                self._progress.pop(job_id, None)
                self._running.pop(job_id, None)
        done = replace(done, finished=time.time())
        with self._lock:
            if self._closed.is_set() or self._jobs[job_id] is not job:
                return
            self._jobs[job_id] = done
        self._changed(job_id)
        self._tell(done)

    def _done(self, job: Job) -> Job:
        """Do a job and return it in its final state."""
        for attempt in range(1, _ATTEMPTS + 1):
            process = TranscoderProcess()
            with self._lock:
                self._running[job.id] = process
            if not self._is_wanted(job):
                break
            try:
                return transcoded(
                    job,
                    self._s3,
                    process,
                    wanted=lambda: self._is_wanted(job),
                    on_progress=lambda fraction: self._note_progress(job, fraction),
                )
            except TranscoderDiedError:
                if self._closed.is_set():
                    break  # it was ended on purpose; it did not crash
                logger.warning("mediaconvert job=%s transcoder_died attempt=%d", job.id, attempt)
        return failed(job, FAULT, "Unexpected error: the transcoder's process ended")

    def _is_wanted(self, job: Job) -> bool:
        with self._lock:
            return self._jobs[job.id] is job and not self._closed.is_set()

    def _note_progress(self, job: Job, fraction: float) -> None:
        with self._lock:
            before = self._progress.get(job.id, 0.0)
            self._progress[job.id] = fraction
        if int(fraction / _TELL_STEP) > int(before / _TELL_STEP):
            self._put(
                progress_event(job, fraction, queue=self._default, account_id=self._account_id)
            )

    @property
    def _default(self) -> str:
        return f"arn:aws:mediaconvert:{self._region}:{self._account_id}:queues/Default"

    def _tell(self, job: Job) -> None:
        self._put(job.event(queue=self._default, account_id=self._account_id))

    def _put(self, detail: _Json) -> None:
        self._put_event("aws.mediaconvert", "MediaConvert Job State Change", detail)

    def _changed(self, job_id: str) -> None:
        if self._on_change:
            self._on_change(job_id)


def _first_of_page(token: str) -> int:
    if not token.isdecimal():
        raise bad_request("The nextToken is not from a page of this list.")
    return int(token)

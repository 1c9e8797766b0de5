"""The share of a recording that is done, by services and parts, and how long the rest takes."""

import time
from collections.abc import Sequence
from typing import Any, Protocol

from chalicelib.core import keys
from chalicelib.core.recording import Branch

LEAST_SHARE = 0.03  # below this share, an estimate of the remaining time would be poor


class Service(Protocol):
    """A stand-in that knows the progress of its jobs."""

    def progress(self) -> dict[str, float]:
        """Return the progress of each running job, 0 to 1."""


class HeardParts:
    """The progress of Earshot's own recogniser, which hears the parts of a recording one by one.

    The names of the stage's jobs begin with ``job_prefix``.
    """

    def __init__(self, job_prefix: str) -> None:
        self._job_prefix = job_prefix
        self._cut: dict[str, set[str]] = {}
        self._heard: dict[str, set[str]] = {}

    def note(self, _bucket: str, key: str) -> None:
        """Note that an object was written."""
        job = keys.job_of(key, self._job_prefix)
        if job is None or job.kind != keys.RECOGNISER:
            return
        if key.endswith(".wav") and key.startswith(job.speech):
            self._cut.setdefault(job.name, set()).add(keys.stem(key))
        elif key.endswith(".words"):
            self._heard.setdefault(job.name, set()).add(keys.stem(key))
        elif key == job.transcript():
            self._cut.pop(job.name, None)
            self._heard.pop(job.name, None)

    def progress(self) -> dict[str, float]:
        """Return the share of each job's parts that are heard, 0 to 1."""
        return {
            name: len(self._heard.get(name, ())) / len(parts)
            for name, parts in list(self._cut.items())
        }


class Shares:
    """The share of each recording that is done. AWS does not report this.

    Parameters
    ----------
    transcribers : sequence of Service
        every service that transcribes; its progress is by the job's name
    mediaconvert : Service
        the stand-in; its progress is by the recording's id
    job_prefix : str
        the beginning of the names of the stage's jobs
    """

    def __init__(
        self, transcribers: Sequence[Service], mediaconvert: Service, job_prefix: str
    ) -> None:
        self._transcribers = transcribers
        self._mediaconvert = mediaconvert
        self._job_prefix = job_prefix
        self._begun: dict[tuple[str, Branch], tuple[float, float]] = {}

    def by_branch(self) -> dict[Branch, dict[str, float]]:
        """Return the share of each recording in work, 0 to 1, by branch and id."""
        heard = {
            job.recording_id: share
            for transcriber in self._transcribers
            for name, share in transcriber.progress().items()
            if (job := keys.job(name, self._job_prefix))
        }
        return {Branch.TRANSCRIPTION: heard, Branch.RENDITIONS: self._mediaconvert.progress()}

    def described(self) -> dict[str, dict[str, Any]]:
        """Return the share and the seconds left (or None), by the recording's id and branch."""
        now = time.monotonic()
        told = {
            (recording_id, branch): share
            for branch, shares in self.by_branch().items()
            for recording_id, share in shares.items()
        }
        # Forget the work that has ended.
        self._begun = {key: self._begun.get(key, (now, share)) for key, share in told.items()}
        found: dict[str, dict[str, Any]] = {}
        for (recording_id, branch), share in told.items():
            left = seconds_left(*self._begun[recording_id, branch], now=now, share=share)
            found.setdefault(recording_id, {})[branch] = {"share": share, "left_s": left}
        return found


def seconds_left(begun_s: float, first_share: float, *, now: float, share: float) -> float | None:
    """Return the seconds left at the pace so far, or None while the pace is not known."""
    passed = share - first_share
    return None if passed < LEAST_SHARE else (now - begun_s) / passed * (1 - share)

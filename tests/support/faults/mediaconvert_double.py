"""MediaConvert in memory; the world decides when jobs begin and end."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from support.faults.refusals import refuse
from support.faults.s3_double import Bucket, Response, md5
from support.faults.transcribe_double import place_of

REMEMBERED_S = 60
"""Seconds for which a ClientRequestToken returns the same job.

https://docs.aws.amazon.com/mediaconvert/latest/apireference/jobs.html
"""

UNFINISHED = ("SUBMITTED", "PROGRESSING")


@dataclass
class MediaConvertDouble:
    """The account's transcoding jobs."""

    buckets: Mapping[str, Bucket]
    put_event: Callable[[dict[str, Any]], object]
    clock: Callable[[], datetime]
    pictures_fail: bool = False
    """Every job with pictures fails, because of the file."""

    jobs: dict[str, dict[str, Any]] = field(default_factory=dict)
    read: dict[str, bytes | None] = field(default_factory=dict)

    def create_job(self, **request: Any) -> Response:
        for job in self.jobs.values():
            age = (self.clock() - job["Created"]).total_seconds()
            if job["ClientRequestToken"] == request["ClientRequestToken"] and age < REMEMBERED_S:
                return {"Job": job}
        # The id does not depend on other recordings' jobs, so it is the same in a shorter history.
        whose = request["UserMetadata"]["recording_id"]
        n_before = sum(job["UserMetadata"]["recording_id"] == whose for job in self.jobs.values())
        job_id = f"{md5(whose.encode())[:8]}-{n_before + 1}"
        now = self.clock()
        self.jobs[job_id] = {"Id": job_id, "Status": "SUBMITTED", "Created": now, **request}
        return {"Job": self.jobs[job_id]}

    def list_jobs(self, *, MaxResults: int, **_: Any) -> Response:
        return {"Jobs": list(reversed(self.jobs.values()))[:MaxResults]}

    def get_job(self, *, Id: str) -> Response:
        if Id not in self.jobs:
            raise refuse("GetJob", "NotFoundException", 404)
        return {"Job": self.jobs[Id]}

    def cancel_job(self, *, Id: str) -> Response:
        if Id not in self.jobs:
            raise refuse("CancelJob", "NotFoundException", 404)
        if self.jobs[Id]["Status"] not in UNFINISHED:
            raise refuse("CancelJob", "ConflictException", 409)
        self.jobs[Id]["Status"] = "CANCELED"
        self._tell(Id)
        return {}

    # --- changes without a request ---

    def unfinished(self) -> list[str]:
        """Return the ids of the waiting and running jobs."""
        return [job_id for job_id, job in self.jobs.items() if job["Status"] in UNFINISHED]

    def advance(self, job_id: str, *, fails: bool) -> None:
        """Start or end a job."""
        job = self.jobs[job_id]
        if job["Status"] == "SUBMITTED":
            job["Status"] = "PROGRESSING"
            bucket, key = place_of(job["Settings"]["Inputs"][0]["FileInput"])
            found = self.buckets[bucket].objects.get(key)
            self.read[job_id] = found[0] if found else None
            return
        body = self.read[job_id]
        if self.pictures_fail and any(
            "VideoDescription" in output
            for group in job["Settings"]["OutputGroups"]
            for output in group["Outputs"]
        ):
            job |= {"Status": "ERROR", "ErrorCode": 1010, "ErrorMessage": "Unreadable pictures"}
            self._tell(job_id)
            return
        if fails or body is None:
            job |= {"Status": "ERROR", "ErrorCode": 1999, "ErrorMessage": "Unexpected error"}
            self._tell(job_id)
            return
        job["Status"] = "COMPLETE"
        groups = []
        for group in job["Settings"]["OutputGroups"]:
            base = group["OutputGroupSettings"]["FileGroupSettings"]["Destination"]
            (output,) = group["Outputs"]
            extension = output.get("Extension", output["ContainerSettings"]["Container"].lower())
            numbers = (".0000000", ".0000001") if extension == "jpg" else ("",)
            for number in numbers:
                path = f"{base}{number}.{extension}"
                bucket, key = place_of(path)
                self.buckets[bucket].put_object(Key=key, Body=body)
            groups.append({"outputDetails": [{"outputFilePaths": [path], "durationInMs": 2000}]})
        job["OutputGroupDetails"] = [{"OutputDetails": [{"DurationInMs": 2000}]} for _ in groups]
        self._tell(job_id, outputGroupDetails=groups)

    def _tell(self, job_id: str, **more: Any) -> None:
        job = self.jobs[job_id]
        detail = {"jobId": job_id, "status": job["Status"], "userMetadata": job["UserMetadata"]}
        if "ErrorCode" in job:
            detail |= {"errorCode": job["ErrorCode"], "errorMessage": job["ErrorMessage"]}
        self.put_event(detail | more)

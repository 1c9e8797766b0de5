"""Renditions: choice of presets, start of the job, and its outcome."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from chalicelib.core import keys
from chalicelib.core.audio.source import BufferedSource
from chalicelib.core.jobs import gif, mediaconvert, mediaconvert_events
from chalicelib.core.jobs.ladder import Preset
from chalicelib.core.probe.contents import Contents, look_into
from chalicelib.core.probe.formats import CONTAINERS, extension, needs_audio_track
from chalicelib.core.probe.headers import read_header
from chalicelib.core.recording import DONE, ENDED, Branch, BranchState, Recording, Status
from chalicelib.core.results import Rendition, RenditionSet
from chalicelib.core.upload import Upload
from chalicelib.errors import JobRejectedError, MediaError, RecordingNotFoundError
from chalicelib.pipeline.branches import begin, fail, input_of, job_of, move
from chalicelib.pipeline.removal import delete_job_objects

if TYPE_CHECKING:
    from chalicelib.services import Services

ALONE = "The audio track is made alone."
SWITCHED_OFF = "Renditions are switched off: no MediaConvert role is set."


def contents_of(upload: Upload, media_format: str, services: "Services") -> Contents:
    """Return the contents of an upload, from its header. Some formats can only have sound."""
    with services.media.open(upload) as source:
        buffered = BufferedSource(source)
        if media_format in CONTAINERS:
            contents = look_into(buffered)
        elif media_format == "m4a":
            contents = replace(look_into(buffered), picture=None, has_sound=True)
        else:
            contents = read_header(buffered)
        buffered.raise_failure()
    return contents


def presets_for(media_format: str, contents: Contents, services: "Services") -> tuple[Preset, ...]:
    """Return the presets for a recording: all that fit a video, or the audio track for sound."""
    ladder = services.settings.ladder
    if contents.picture:
        return ladder.fitting(picture=True, sound=contents.has_sound)
    if contents.has_sound and needs_audio_track(media_format):
        return (ladder.audio_track,)
    return ()


def start_renditions(
    recording: Recording,
    upload: Upload,
    contents: Contents,
    presets: Sequence[Preset],
    services: "Services",
) -> Recording:
    """Start a recording's job: one for each attempt, however often this is called.

    The job reads a copy of the upload, which no other function or user changes. An original is read
    where it lies.
    """
    if not services.settings.mediaconvert_role_arn:
        return move(recording, Branch.RENDITIONS, Status.SKIPPED, services, reason=SWITCHED_OFF)
    track = services.settings.ladder.audio_track

    def announced(attempt: int) -> RenditionSet:
        # Written before the job exists, because the job's events look for this.
        key = keys.rendition(recording.id, attempt, track.file)
        return RenditionSet(audio_track_key=key if track in presets else None)

    begun, is_first = begin(recording, Branch.RENDITIONS, services, result_of=announced)
    return _start_job(begun, upload, contents, presets, services, is_first=is_first)


def _start_job(
    recording: Recording,
    upload: Upload,
    contents: Contents,
    presets: Sequence[Preset],
    services: "Services",
    *,
    is_first: bool,
) -> Recording:
    if recording.renditions.status != Status.IN_PROGRESS or recording.renditions.job_id:
        return recording
    job = job_of(recording, Branch.RENDITIONS, services)
    track = services.settings.ladder.audio_track
    if recording.renditions.track_alone:
        presets = (track,)
    reason = recording.renditions.reason
    try:
        try:
            job_id = _start_or_find(job, upload, contents, presets, services, is_first=is_first)
        except (MediaError, JobRejectedError) as exc:
            if track not in presets or not needs_audio_track(extension(upload.key)):
                raise
            # Without the track there would be no transcript either.
            reason = f"The renditions cannot be made: {exc}. {ALONE}"
            job_id = _start_or_find(job, upload, contents, (track,), services, is_first=is_first)
    except (MediaError, JobRejectedError) as exc:
        reason = f"The renditions cannot be made: {exc}."
        recording = fail(recording, Branch.RENDITIONS, reason, services)
        delete_job_objects(job.folder, services)
        return recording
    try:
        noted = move(
            recording,
            Branch.RENDITIONS,
            Status.IN_PROGRESS,
            services,
            reason=reason,
            state=replace(recording.renditions, job_id=job_id),
        )
    except RecordingNotFoundError:
        services.transcoder.cancel(job_id)
        raise
    if noted.renditions.job_id != job_id and noted.renditions.status not in ENDED:
        services.transcoder.cancel(job_id)  # another attempt has begun meanwhile
    if noted.renditions.status in ENDED:
        delete_job_objects(job.folder, services)  # copied after its job had ended
    return noted


def _start_or_find(
    job: keys.Job,
    upload: Upload,
    contents: Contents,
    presets: Sequence[Preset],
    services: "Services",
    *,
    is_first: bool,
) -> str:
    """Return the id of an attempt's job, which is started if there is none."""
    source = input_of(job, upload, extension(upload.key), services)
    request = _request(job, source, contents, presets, services)
    # The first call has not recorded a job, and may have ended before it could. Within a minute
    # the token leads to its job; after that, the list of the latest jobs does.
    token = request["ClientRequestToken"]
    job_id = None if is_first else services.transcoder.find(token)
    return job_id or services.transcoder.start(request)


def _request(
    job: keys.Job,
    source: str,
    contents: Contents,
    presets: Sequence[Preset],
    services: "Services",
) -> dict[str, Any]:
    settings = services.settings
    target = mediaconvert.JobTarget(
        source_uri=services.media.uri(source),
        destination_uri=services.results.uri(keys.rendition(job.recording_id, job.attempt, "")),
        role_arn=settings.mediaconvert_role_arn,
        queue_arn=settings.mediaconvert_queue_arn,
    )
    return mediaconvert.job_request(job, contents, presets, target)


def store_outcome(
    recording: Recording, detail: Mapping[str, Any], services: "Services"
) -> Recording:
    """Write the outcome of the present attempt's job to its recording."""
    job_id = recording.renditions.job_id or detail.get("jobId")
    if detail.get("jobId") != job_id or recording.renditions.status in DONE:
        return recording
    # Read before it is moved, because another attempt may have begun since.
    job = job_of(recording, Branch.RENDITIONS, services)
    if detail.get("status") == "COMPLETE":
        recording = _complete(recording, detail, services)
    elif detail.get("status") == "CANCELED" and recording.renditions.may_be_remade:
        # By a clean-up that has not ended yet, or never will. The one retry is for failures.
        state = replace(recording.renditions, remade=recording.renditions.remade + 1)
        return _begin_anew(recording, state, services)
    elif detail.get("status") in ("ERROR", "CANCELED"):
        reason = f"{mediaconvert_events.failure(detail)}."
        internal = mediaconvert_events.is_internal(detail)
        may_be_repeated = internal and not recording.renditions.retried
        if not may_be_repeated and _makes_more_than_the_track(recording, detail, services):
            return _ask_for_track_alone(recording, f"{reason} {ALONE}", services)
        recording = fail(recording, Branch.RENDITIONS, reason, services, internal=internal)
    else:
        return recording
    delete_job_objects(job.folder, services)
    return recording


def _makes_more_than_the_track(
    recording: Recording, detail: Mapping[str, Any], services: "Services"
) -> bool:
    """Return whether a job makes the audio track, which is needed, and something else."""
    track = services.settings.ladder.audio_track.name
    presets = mediaconvert_events.presets_of(detail)
    is_needed = needs_audio_track(extension(recording.source_key))
    return is_needed and track in presets and len(presets) > 1


def _ask_for_track_alone(recording: Recording, reason: str, services: "Services") -> Recording:
    """Let the next attempt make the audio track alone.

    It is started by the features queue, because copying a large upload may take longer than the
    function for MediaConvert's events has.
    """
    state = replace(recording.renditions, track_alone=True)
    recording = _begin_anew(recording, state, services, reason=reason)
    services.features_queue.send(recording.id)
    return recording


def _begin_anew(
    recording: Recording, state: BranchState, services: "Services", *, reason: str | None = None
) -> Recording:
    """Make the branch PENDING, without the outputs of its attempt, and due for a look."""
    attempt = recording.renditions.attempt
    recording = move(
        recording, Branch.RENDITIONS, Status.PENDING, services, reason=reason, state=state
    )
    delete_attempt(recording.id, attempt, services)
    services.watchlist.put_off(recording.id, services.clock())
    return recording


def _complete(recording: Recording, detail: Mapping[str, Any], services: "Services") -> Recording:
    attempt = recording.renditions.attempt
    told = {output.stem: output for output in mediaconvert_events.outputs(detail)}
    files: dict[str, Rendition] = {}
    missing = []
    for preset in services.settings.ladder.presets:
        output = told.get(preset.stem)
        if output is None:
            continue
        key = keys.rendition(recording.id, attempt, preset.file)
        duration_s = output.duration_s
        if preset.codec == "FRAME_CAPTURE":
            # A still picture has no duration; the event has that of the captured part.
            duration_s = None
            _rename_captured(output.uri, key, services)
        elif preset.codec == "GIF":
            duration_s = _pace(key, preset, services)
        found = services.results.find(key)
        if found is None:
            missing.append(key)
            continue
        files[preset.name] = Rendition(
            key=key,
            size=found.size,
            width=output.size.width if output.size else None,
            height=output.size.height if output.size else None,
            duration_s=duration_s,
        )
    if missing and recording.renditions.may_be_remade:
        # The clean-up of an earlier upload of the same bytes has removed them.
        state = replace(recording.renditions, remade=recording.renditions.remade + 1)
        recording = move(recording, Branch.RENDITIONS, Status.PENDING, services, state=state)
        delete_attempt(recording.id, attempt, services)
        services.watchlist.put_off(recording.id, services.clock())
        return recording
    if not files:
        reason = "MediaConvert completed, but there is no rendition."
        return fail(recording, Branch.RENDITIONS, reason, services, internal=True)
    durations = [file.duration_s for file in files.values() if file.duration_s]
    is_silent = recording.features.status == Status.SKIPPED
    return move(
        recording,
        Branch.RENDITIONS,
        Status.COMPLETED,
        services,
        reason=f"Not found: {', '.join(missing)}." if missing else recording.renditions.reason,
        result=RenditionSet(
            audio_track_key=recording.rendered.audio_track_key,
            poster_key=files["poster"].key if "poster" in files else None,
            rendition_files=files,
            duration_s=max(durations) if is_silent and durations else None,
        ),
    )


def _pace(key: str, preset: Preset, services: "Services") -> float | None:
    """Set the pace of the preview, and return its duration."""
    body = services.results.read(key)
    if body is None:
        return None
    animation = gif.paced(body, pictures_per_s=preset.values["max_frames_per_s"])
    if animation.body != body:
        services.results.write(key, animation.body)
    return animation.duration_s


def _rename_captured(uri: str, key: str, services: "Services") -> None:
    """Rename the last captured frame, because MediaConvert numbers its captured frames."""
    last = uri.removeprefix(services.results.uri(""))
    stem, _, extension = key.rpartition(".")
    for captured in (last, f"{stem}.{0:07}.{extension}"):
        if services.results.copy(captured, key):
            # The earlier frames have the same name except for the number.
            services.results.remove(f"{stem}.0")
            return


def delete_attempt(recording_id: str, attempt: int, services: "Services") -> None:
    """Delete the input and the outputs of an attempt's job. Safe to repeat."""
    job = keys.Job(services.settings.job_prefix, recording_id, Branch.RENDITIONS[0], attempt)
    delete_job_objects(job.folder, services)
    services.results.remove(keys.rendition(recording_id, attempt, ""))

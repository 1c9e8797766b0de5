"""Renditions: choice of presets, start of the job, and its outcome."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from chalicelib.core import keys
from chalicelib.core.audio.source import BufferedSource
from chalicelib.core.jobs import gif, mediaconvert, mediaconvert_events
from chalicelib.core.jobs.ladder import Preset
from chalicelib.core.probe.contents import Contents, look_into
from chalicelib.core.probe.formats import CONTAINERS, needs_audio_track
from chalicelib.core.probe.headers import read_header
from chalicelib.core.recording import (
    ENDED,
    Branch,
    Recording,
    Rendition,
    RenditionSet,
    Status,
    Upload,
)
from chalicelib.errors import JobRejectedError, MediaError, RecordingNotFoundError
from chalicelib.pipeline.branches import fail, may_be_of_others, move

if TYPE_CHECKING:
    from chalicelib.services import Services

SWITCHED_OFF = "Renditions are switched off: no MediaConvert role is set."


def contents_of(upload: Upload, media_format: str, services: "Services") -> Contents:
    """Look what an upload holds, by its header. A format that has no pictures is sound alone."""
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
    """Return the renditions that a recording gets: all that fit a video, a stand-in for sound."""
    ladder = services.settings.ladder
    if contents.picture:
        return ladder.fitting(picture=True, sound=contents.has_sound)
    if contents.has_sound and needs_audio_track(media_format):
        return (ladder.audio_track,)
    return ()


def start_renditions(
    recording: Recording, contents: Contents, presets: Sequence[Preset], services: "Services"
) -> Recording:
    """Start a recording's job, once however often this is called: the item is the guard."""
    if not services.settings.mediaconvert_role_arn:
        return move(recording, Branch.RENDITIONS, Status.SKIPPED, services, reason=SWITCHED_OFF)
    recording, is_first = _begin(recording, presets, services)
    if recording.renditions.status != Status.IN_PROGRESS or recording.renditions.job_id:
        return recording
    try:
        request = _request(recording, contents, presets, services)
        # Whoever came first has not noted a job, and may have ended before it could. Within a
        # minute the token leads to its job; after that, the list of the latest jobs does.
        token = request["ClientRequestToken"]
        job_id = None if is_first else services.transcoder.find(token)
        job_id = job_id or services.transcoder.start(request)
    except (MediaError, JobRejectedError) as exc:
        reason = f"The renditions cannot be made: {exc}."
        return fail(recording, Branch.RENDITIONS, reason, services)
    state = replace(recording.renditions, job_id=job_id)
    try:
        return move(recording, Branch.RENDITIONS, Status.IN_PROGRESS, services, state=state)
    except RecordingNotFoundError:
        services.transcoder.cancel(job_id)
        raise


def _begin(
    recording: Recording, presets: Sequence[Preset], services: "Services"
) -> tuple[Recording, bool]:
    """Write that a job is about to be started; return whether nobody has before."""
    # The result is announced before there is a job whose events could look for it. Of all who
    # try, the first says when the work was begun: so there is one token, and one job.
    track = services.settings.ladder.audio_track
    started_at = services.clock().isoformat()
    begun = move(
        recording,
        Branch.RENDITIONS,
        Status.IN_PROGRESS,
        services,
        state=replace(recording.renditions, started_at=started_at),
        result=RenditionSet(
            audio_track_key=keys.rendition(recording.id, track.file) if track in presets else None
        ),
        unless=ENDED | {Status.IN_PROGRESS},
    )
    return begun, begun.renditions.started_at == started_at


def _request(
    recording: Recording, contents: Contents, presets: Sequence[Preset], services: "Services"
) -> dict[str, Any]:
    settings = services.settings
    target = mediaconvert.JobTarget(
        source_uri=services.media.uri(recording.source_key),
        destination_uri=services.results.uri(keys.rendition(recording.id, "")),
        role_arn=settings.mediaconvert_role_arn,
        queue_arn=settings.mediaconvert_queue_arn,
    )
    return mediaconvert.job_request(
        recording.id,
        contents,
        presets,
        target,
        started_at=recording.renditions.started_at or "",
    )


def store_outcome(
    recording: Recording, upload: Upload, detail: Mapping[str, Any], services: "Services"
) -> Recording:
    """Write the outcome of a job on its recording; an older job's changes nothing."""
    state = recording.renditions
    job_id = state.job_id or detail.get("jobId")
    started_at = mediaconvert_events.started_at(detail)
    if detail.get("jobId") != job_id or started_at != state.started_at:
        return recording
    if detail.get("status") == "COMPLETE":
        return _complete(recording, upload, detail, services)
    if detail.get("status") in ("ERROR", "CANCELED"):
        reason = f"{mediaconvert_events.failure(detail)}."
        internal = mediaconvert_events.is_internal(detail)
        return fail(recording, Branch.RENDITIONS, reason, services, internal=internal)
    return recording


def _complete(
    recording: Recording, upload: Upload, detail: Mapping[str, Any], services: "Services"
) -> Recording:
    if recording.renditions.status == Status.COMPLETED:
        return recording
    if may_be_of_others(recording, Branch.RENDITIONS, upload):
        recording = move(recording, Branch.RENDITIONS, Status.PENDING, services)
        services.watchlist.put_off(recording.id, services.clock())
        return recording
    told = {output.stem: output for output in mediaconvert_events.outputs(detail)}
    files: dict[str, Rendition] = {}
    missing = []
    for preset in services.settings.ladder.presets:
        output = told.get(preset.stem)
        if output is None:
            continue
        key = keys.rendition(recording.id, preset.file)
        duration_s = output.duration_s
        if preset.codec == "FRAME_CAPTURE":
            # A still has no duration; the event's is that of the captured part.
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
        reason=f"Not found: {', '.join(missing)}." if missing else None,
        result=RenditionSet(
            audio_track_key=recording.rendered.audio_track_key,
            poster_key=files["poster"].key if "poster" in files else None,
            rendition_files=files,
            duration_s=max(durations) if is_silent and durations else None,
        ),
    )


def _pace(key: str, preset: Preset, services: "Services") -> float | None:
    """Let the preview run at its own pace, and return how long it runs."""
    body = services.results.read(key)
    if body is None:
        return None
    animation = gif.paced(body, pictures_per_s=preset.values["max_frames_per_s"])
    if animation.body != body:
        services.results.write(key, animation.body)
    return animation.duration_s


def _rename_captured(uri: str, key: str, services: "Services") -> None:
    """Give the last captured frame its name; MediaConvert numbers what it captures."""
    last = uri.removeprefix(services.results.uri(""))
    stem, _, extension = key.rpartition(".")
    for captured in (last, f"{stem}.{0:07}.{extension}"):
        if services.results.copy(captured, key):
            # The earlier frames have the same name up to the number.
            services.results.remove(f"{stem}.0")
            return

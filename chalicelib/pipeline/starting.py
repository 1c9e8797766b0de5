"""Starting of a recording's branches: which of them an upload has, and their first steps.

An upload is refused, or its features are measured, its renditions made and its words transcribed.
A video that Transcribe cannot read waits for the audio track among its renditions.
"""

from typing import TYPE_CHECKING

from chalicelib.core.audio.formats import HEAD_BYTES
from chalicelib.core.probe import formats, limits
from chalicelib.core.probe.contents import Contents
from chalicelib.core.recording import ENDED, Branch, Recording, Status
from chalicelib.core.upload import Upload
from chalicelib.errors import MediaError, UploadChangedError
from chalicelib.pipeline import quotas, renditions, transcription
from chalicelib.pipeline.branches import fail, move
from chalicelib.pipeline.removal import LATEST_LOOK_S

if TYPE_CHECKING:
    from chalicelib.services import Services

SPEECH = (Branch.TRANSCRIPTION, Branch.FEATURES)
NO_PICTURE = "Renditions are made of video."
NO_SOUND = "The video has no sound."


def start_branches(recording: Recording, upload: Upload, services: "Services") -> Recording:
    """Start the branches of an upload, or end those that it cannot have. Safe to repeat.

    Raise ServiceBusyError if a quota is used up, and UploadChangedError or RecordingNotFoundError
    if the upload or the recording is gone.
    """
    media_format, contents, reason = look_into(upload, services)
    reason = reason or quotas.refusal(recording, upload, contents, services)
    if media_format is None or reason:
        may_show = contents.picture or media_format in formats.CONTAINERS
        none_made = reason if may_show else NO_PICTURE
        # The reason is written first: if this is interrupted, the next call finds the reason.
        ends = [(branch, Status.FAILED, reason) for branch in SPEECH]
        ends.append((Branch.RENDITIONS, Status.SKIPPED, none_made))
        began_at = recording.restarted_at
        for branch, status, why in ends:
            recording = _end(recording, branch, status, why, services)
            was_begun = recording.status_of(branch) not in ENDED
            if was_begun or recording.restarted_at != began_at:
                # An administrator, or a function that found room in the quota, was faster.
                return recording
        # A clean-up may come before the item is in its index, and nothing that is started here
        # would notice that the upload is gone.
        if services.media.find_source(recording) is None:
            raise UploadChangedError(upload.key)
        services.features_queue.send_look(recording.id, delay_s=LATEST_LOOK_S)
        return recording
    if contents.picture and not contents.has_sound:
        for branch in SPEECH:
            recording = _end(recording, branch, Status.SKIPPED, NO_SOUND, services)
    elif reason := limits.speech_refusal(contents):
        recording = _end(recording, Branch.TRANSCRIPTION, Status.FAILED, reason, services)
    return _start_jobs(recording, upload, media_format, contents, services)


def look_into(upload: Upload, services: "Services") -> tuple[str | None, Contents, str | None]:
    """Return the format and the contents of an upload, and why it is refused."""
    try:
        head = services.media.read_head(upload, HEAD_BYTES)
    except MediaError as exc:
        return None, Contents(), f"{exc}"
    media_format, reason = formats.media_format(upload.key, head)
    # The size is known without reading the file, which may consist of headers.
    reason = reason or limits.refusal(upload.size, Contents())
    contents = Contents()
    if media_format and not reason:
        contents = renditions.contents_of(upload, media_format, services)
    return media_format, contents, reason or limits.refusal(upload.size, contents)


def _start_jobs(
    recording: Recording,
    upload: Upload,
    media_format: str,
    contents: Contents,
    services: "Services",
) -> Recording:
    if recording.features.status == Status.PENDING:
        services.features_queue.send(recording.id)
    if presets := renditions.presets_for(media_format, contents, services):
        recording = renditions.start_renditions(recording, upload, contents, presets, services)
    else:
        recording = _end(recording, Branch.RENDITIONS, Status.SKIPPED, NO_PICTURE, services)
    if formats.needs_audio_track(media_format):
        return go_on_with_audio_track(recording, upload, services, is_needed=True)
    if recording.transcription.status not in ENDED:
        return transcription.start_transcription(recording, upload, media_format, services)
    return recording


def _end(
    recording: Recording, branch: Branch, status: Status, reason: str | None, services: "Services"
) -> Recording:
    if recording.status_of(branch) in ENDED:
        return recording
    return move(recording, branch, status, services, reason=reason)


def go_on_with_audio_track(
    recording: Recording, upload: Upload, services: "Services", *, is_needed: bool
) -> Recording:
    """Start the branches that wait for the audio track, or end them if there will be none."""
    if recording.renditions.status not in ENDED:
        return recording
    key = recording.rendered.audio_track_key
    track = services.results.find(key) if key else None
    if recording.features.status == Status.PENDING:
        services.features_queue.send(recording.id)
    if recording.transcription.status in ENDED:
        return recording
    if track:
        return transcription.start_transcription(recording, upload, "mp3", services, track=track)
    if not is_needed:
        return recording
    state, files = recording.renditions, recording.rendered.rendition_files
    if any(file.key == key for file in files.values()):
        ask_again_soon(recording, services)  # a late clean-up has removed it, and it is made again
        return recording
    reason = f"Amazon Transcribe needs an audio track, and there is none. {state.reason or ''}"
    # A retry may help as long as the track's own retry is still to come.
    internal = state.is_worth_a_retry
    return fail(recording, Branch.TRANSCRIPTION, reason.strip(), services, internal=internal)


def ask_again_soon(recording: Recording, services: "Services") -> None:
    """Let reconcile start PENDING branches, so that no event is lost when a quota is used up."""
    services.watchlist.put_off(recording.id, services.clock())

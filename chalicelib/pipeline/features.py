"""The features of a recording, from its upload, or from the audio track if necessary."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import TYPE_CHECKING, BinaryIO

from chalicelib import journal
from chalicelib.core import keys
from chalicelib.core.probe.limits import LONGEST_S
from chalicelib.core.recording import ENDED, Branch, Recording, Status
from chalicelib.core.results import Measurement
from chalicelib.core.upload import Upload
from chalicelib.errors import MediaError, ParameterError, UploadChangedError
from chalicelib.pipeline.branches import fail, move
from chalicelib.pipeline.removal import delete_outputs_jobs_and_item

if TYPE_CHECKING:
    from chalicelib.core.features.extract import FeatureParameters
    from chalicelib.services import Services

LEAST_S = 0.001
"""Shortest duration with a speed in the journal; in less time a clock may not advance."""

READING_LASTS = timedelta(minutes=10)
"""Time in which a recording must be read and its tables written.

Four hours of speech take a minute and a half. A file that takes ten minutes is hostile: many
channels at an absurd rate, compressed to almost nothing, or a table of a billion numbers. The time
is checked between blocks and between rows, so that the recording fails and the function ends
normally. If a decoder hangs, Lambda ends the function.
"""


def measure(recording: Recording, upload: Upload, services: "Services") -> Recording:
    """Write a recording's tables, or the reason if there are none.

    If the upload cannot be decoded and its audio track is still being made, the branch is
    PENDING again: ``store_renditions`` sends the recording back here.
    """
    # numpy, soundfile and soxr take longer to import than an HTTP request takes to answer.
    from chalicelib.core.features import extract  # noqa: PLC0415  # needs numpy, which most events do not

    ends_at = services.clock() + READING_LASTS

    def is_late() -> bool:
        return services.clock() > ends_at

    try:
        parameters = extract.FeatureParameters.parse(
            services.settings.feature_parameters, upload.metadata
        )
        try:
            with services.media.open(upload) as source:
                return _extract(recording, source, upload, parameters, services, is_late=is_late)
        except MediaError as exc:
            recording, track = _audio_track(recording, exc, services)
            if track is None:
                return recording
            with services.results.open(track) as source:
                return _extract(
                    recording,
                    source,
                    upload,
                    parameters,
                    services,
                    is_late=is_late,
                    measured_key=track.key,
                )
    except UploadChangedError:
        if services.media.find_source(recording):
            # The upload was put back, and is measured from its start.
            services.features_queue.send(recording.id)
        else:
            delete_outputs_jobs_and_item(recording, services)
        return recording
    except (MediaError, ParameterError) as exc:
        return _fail(recording, exc, services)


def _fail(recording: Recording, exc: Exception, services: "Services") -> Recording:
    # Some decoders' messages end with a full stop, others do not.
    reason = f"{exc}".rstrip(".") + "."
    return fail(recording, Branch.FEATURES, reason, services)


def _audio_track(
    recording: Recording, exc: MediaError, services: "Services"
) -> tuple[Recording, Upload | None]:
    """Return the audio track, or None while it is being made, or if there will be none.

    If there will be none, the branch has failed.
    """
    if recording.renditions.status not in ENDED:
        recording = move(recording, Branch.FEATURES, Status.PENDING, services)
        if recording.renditions.status not in ENDED and recording.rendered.audio_track_key:
            return recording, None
        # The job ended before this was written, so its event may have found no waiting branch.
        recording = move(recording, Branch.FEATURES, Status.IN_PROGRESS, services)
    key = recording.rendered.audio_track_key
    track = services.results.find(key) if key else None
    if track is None:
        # Not raised: the recording that was read before is of an earlier attempt by now.
        return _fail(recording, exc, services), None
    return recording, track


def _extract(
    recording: Recording,
    source: BinaryIO,
    upload: Upload,
    parameters: "FeatureParameters",
    services: "Services",
    *,
    is_late: Callable[[], bool],
    measured_key: str | None = None,
) -> Recording:
    from chalicelib.core.features import extract  # noqa: PLC0415  # as above

    def open_table(name: str) -> AbstractContextManager[BinaryIO]:
        return services.results.create(keys.features(recording.id, name))

    began = services.clock()
    summary = extract.extract(
        source,
        parameters,
        open_table,
        provenance={
            "recording_id": recording.id,
            "source_key": upload.key,
            "etag": upload.etag,
        },
        remarks=parameters.misspelt(upload.metadata),
        longest_s=LONGEST_S,
        is_late=is_late,
    )
    took_s = (services.clock() - began).total_seconds()
    journal.note(
        audio_seconds=round(summary.duration_s, 3),
        times_real_time=round(summary.duration_s / max(took_s, LEAST_S), 1),
    )
    return move(
        recording,
        Branch.FEATURES,
        Status.COMPLETED,
        services,
        reason=summary.remark,
        result=Measurement(
            duration_s=summary.duration_s,
            sample_rate_hz=summary.sample_rate_hz,
            source_sample_rate_hz=summary.source_sample_rate_hz,
            channels=summary.channels,
            n_frames=summary.n_frames,
            feature_parameters=summary.parameters.to_dict(),
            feature_keys={
                keys.table_name(name): keys.features(recording.id, name) for name in summary.tables
            },
            display_key=keys.features(recording.id, summary.display),
            measured_key=measured_key,
        ),
    )

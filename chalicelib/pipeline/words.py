"""What needs transcript and tables alike: the features of every word."""

import gzip
from contextlib import ExitStack
from typing import TYPE_CHECKING, BinaryIO, cast

from chalicelib.core import keys
from chalicelib.core.transcripts.parsing import load_transcript
from chalicelib.errors import UploadChangedError

if TYPE_CHECKING:
    from chalicelib.core.recording import Recording
    from chalicelib.services import Services


def join_words(recording_id: str, services: "Services") -> None:
    """Write a recording's words, segments and speakers with what each sounds like.

    Does nothing until transcript and tables are both there, so whichever comes first calls in
    vain. Safe to repeat, even at the same time: the same is written under the same names.
    """
    recording = services.recordings.find(recording_id)
    if recording is None or not recording.awaits_words:
        return
    document = services.results.read(recording.attributes["transcript_key"])
    if document is None:
        return  # removed meanwhile, and the recording with it
    # numpy takes longer to import than most events take to handle.
    from chalicelib.core.features.frames import read_frames  # noqa: PLC0415
    from chalicelib.core.features.words import join_voices, write_voices  # noqa: PLC0415

    hop_length = recording.attributes["feature_parameters"]["hop_length"]
    with ExitStack() as stack:
        frames = read_frames(
            *(_open_table(recording, name, stack, services) for name in keys.JOINED_TABLES),
            frame_s=hop_length / recording.attributes["sample_rate_hz"],
        )
        voices = join_voices(load_transcript(document), frames)
    written = {}
    for name, label, rows in (
        ("words", "word", voices.words),
        ("segments", "segment", voices.segments),
        ("speakers", "words", voices.speakers),
    ):
        written[name] = keys.features(recording_id, f"{name}.csv")
        with services.results.create(written[name]) as table:
            table.write(write_voices(label, rows).encode())
    services.recordings.note(recording_id, {"word_table_keys": written})


def _open_table(
    recording: "Recording", name: str, stack: ExitStack, services: "Services"
) -> BinaryIO:
    key = recording.attributes["feature_keys"][name]
    table = services.results.find(key)
    if table is None:
        raise UploadChangedError(key)
    opened = stack.enter_context(services.results.open(table))
    if key.endswith(".gz"):
        return cast("BinaryIO", stack.enter_context(gzip.open(opened)))
    return opened

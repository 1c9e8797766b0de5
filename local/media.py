"""Safe opening of media files: a hostile file cannot make FFmpeg open other files."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import av

from chalicelib.errors import MediaError


@contextmanager
def open_media(path: Path, demuxers: str, *, refusal: str) -> Iterator[av.container.InputContainer]:
    """Open a media file in one of the formats that a service takes.

    Parameters
    ----------
    path : Path
        the file
    demuxers : str
        FFmpeg's names of the formats, separated by commas
    refusal : str
        the message of the MediaError if the file refers to another file, as playlists do
    """

    def refuse(url: str, flags: int, options: dict[str, str]) -> NoReturn:
        del url, flags, options
        raise MediaError(refusal)

    with (
        # A file object has no path, so no other file can be found relative to it.
        path.open("rb") as file,
        av.open(
            file,
            mode="r",
            container_options={"format_whitelist": demuxers},
            metadata_errors="ignore",
            io_open=refuse,
        ) as container,
    ):
        yield container

"""Opens media files that come from anywhere, and no other file through them."""

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
        FFmpeg's names of the formats, by comma
    refusal : str
        the message of the MediaError raised where the file names another, as playlists do
    """

    def refuse(url: str, flags: int, options: dict[str, str]) -> NoReturn:
        del url, flags, options
        raise MediaError(refusal)

    with (
        # A file object has no name, so that nothing can be resolved beside it.
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

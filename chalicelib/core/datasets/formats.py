"""The writer of each format, imported only when a data set has this format."""

from chalicelib.core.datasets.batches import MakeWriter


def writer_of(form: str) -> MakeWriter:
    """Return the function that makes a format's writers."""
    # pyarrow has 170 MB, and soundfile is not needed where there is no sound.
    if form == "parquet":
        from chalicelib.core.datasets.parquet import ParquetWriter  # noqa: PLC0415  # as above

        return ParquetWriter
    if form == "kaldi":
        from chalicelib.core.datasets.kaldi import KaldiWriter  # noqa: PLC0415  # as above

        return KaldiWriter
    if form == "lhotse":
        from chalicelib.core.datasets.lhotse import LhotseWriter  # noqa: PLC0415  # as above

        return LhotseWriter
    if form == "shar":
        from chalicelib.core.datasets.shar import SharWriter  # noqa: PLC0415  # as above

        return SharWriter
    from chalicelib.core.datasets.webdataset import WebDatasetWriter  # noqa: PLC0415  # as above

    return WebDatasetWriter

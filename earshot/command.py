"""The command ``earshot``: features of files, and local mode if its packages are installed."""

import argparse
import sys
from collections import ChainMap
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from chalicelib.core.dsp.parameters import options_of
from chalicelib.core.features.bounds import OpenTable
from chalicelib.core.features.extract import FeatureParameters, extract
from chalicelib.core.registry import TABLES
from chalicelib.errors import MediaError, ParameterError
from earshot.features import opened

LOCAL_COMMANDS = {
    "process": "transcribe and measure files, as the deployed application does",
    "run": "start local mode with its page, and wait for recordings",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if given and given[0] in LOCAL_COMMANDS:
        return _in_local_mode(given)
    options = _parser().parse_args(given)
    try:
        return _features(options)
    except ParameterError as exc:
        print(exc, file=sys.stderr)
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="earshot", description="Speech features of recordings, with librosa's numbers."
    )
    commands = parser.add_subparsers(
        dest="name", metavar="COMMAND", title="commands", required=True
    )
    features = commands.add_parser(
        "features", help="write the tables of files", description="Write the tables of files."
    )
    features.add_argument("files", nargs="+", type=Path, metavar="FILE", help="a recording")
    features.add_argument(
        "--out",
        type=Path,
        default=Path("out"),
        help="folder for the tables, with a folder for each file (default: %(default)s)",
    )
    for name, value in _defaults().items():
        features.add_argument(
            f"--{name.replace('_', '-')}",
            dest=name,
            metavar="VALUE",
            default=argparse.SUPPRESS,
            help=f"(default: {_shown(value)})",
        )
    for name, text in LOCAL_COMMANDS.items():
        commands.add_parser(name, help=f"{text}; needs the extra 'local'", add_help=False)
    return parser


def _defaults() -> dict[str, Any]:
    """Return the parameters of all tables, and their own options, with the defaults."""
    common = FeatureParameters()
    own = [one().to_dict() for one in options_of(f"{table}_" for table in TABLES)]
    return {name: getattr(common, name) for name in common.names()} | dict(ChainMap(*own))


def _shown(value: object) -> str:
    return ",".join(value) if isinstance(value, tuple) else str(value).lower()


def _features(options: argparse.Namespace) -> int:
    given = vars(options)
    texts = {name: given[name] for name in _defaults().keys() & given.keys()}
    parameters = FeatureParameters.parse(texts)
    folders = {path: options.out / path.stem for path in options.files}
    if len(set(folders.values())) < len(folders):
        raise ParameterError(
            "out", "two of the files have the same name: give each a command with its own --out"
        )
    status = 0
    for path, folder in folders.items():
        try:
            with opened(path) as source:
                summary = extract(source, parameters, _opener(folder))
        except MediaError as exc:
            print(f"{path}: {exc}", file=sys.stderr)
            status = 1
            continue
        print(f"{path}: {summary.duration_s:.2f} s, {summary.n_frames} frames")
        if summary.remark:
            print(f"  {summary.remark}")
        for name in (*summary.tables, "features.json"):
            print(f"  {folder / name}")
    return status


def _opener(folder: Path) -> OpenTable:
    @contextmanager
    def open_table(name: str) -> Iterator[BinaryIO]:
        folder.mkdir(parents=True, exist_ok=True)
        # A table that is left by an exception is not complete, so it has another name until then.
        part = folder / f"{name}.part"
        with part.open("wb") as stream:
            yield stream
        part.replace(folder / name)

    return open_table


def _in_local_mode(arguments: list[str]) -> int:
    try:
        from local.__main__ import main as local  # noqa: PLC0415  # needs the extra packages
    except ModuleNotFoundError as exc:
        print(
            f"earshot {arguments[0]} needs {exc.name}, which is not installed: "
            "install Earshot with its extra 'local', as in pip install '.[local]'.",
            file=sys.stderr,
        )
        return 2
    return local(arguments, prog="earshot")

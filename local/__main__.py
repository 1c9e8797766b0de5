"""``python -m local``: all of Earshot on one machine, without an AWS account."""

import argparse
import gc
import logging
import os
import shlex
import signal
import socket
import sys
from pathlib import Path

from rich.console import Console

from chalicelib.errors import ParameterError
from chalicelib.variables import SettingError
from local import stack
from local.dataset_options import DATASET_OPTIONS, add_dataset_options

DEFAULT_PORT = 4747
"""Default port of the page and of the stand-ins for AWS."""

SAMPLE = stack.ROOT / "samples" / "sample.wav"

_PORTS = range(65_536)


MODULE = "python -m local"


def main(arguments: list[str] | None = None, *, prog: str = MODULE) -> int:
    """Run one command and return its exit status; ``prog`` is how the user calls it."""
    options = _parser(prog).parse_args(arguments)
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    # Many threads share each client, so warnings about dropped connections do not help.
    logging.getLogger("urllib3.connectionpool").setLevel(logging.ERROR)
    try:
        return int(options.command(options))
    except (ParameterError, SettingError) as exc:
        print(exc, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nStopped.", file=sys.stderr)
        return 128 + signal.SIGINT
    finally:
        # At its end Python would search all objects of the stand-ins for cycles, several times. For
        # 5,000 items of a table this took 5.5 s.
        gc.freeze()


def _parser(prog: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=prog, description="All of Earshot on one machine, without an AWS account."
    )
    parser.set_defaults(prog=prog)
    commands = parser.add_subparsers(dest="name", metavar="COMMAND", title="commands")
    run = commands.add_parser("run", help="start and wait for recordings (the default)")
    _add_place(parser, port=DEFAULT_PORT, data=None)
    # Without defaults here, because they would replace the options before `run`.
    _add_place(run, port=argparse.SUPPRESS, data=argparse.SUPPRESS)
    for target in (parser, run):
        target.set_defaults(command=_run)
    process = commands.add_parser("process", help="process files and end")
    process.add_argument(
        "files",
        nargs="*",
        metavar="FILE",
        default=[os.path.relpath(SAMPLE)],
        help="a recording, a folder of recordings or a pattern such as 'talks/*.wav' "
        "(default: the sample)",
    )
    process.add_argument(
        "--out",
        type=Path,
        default=Path("out"),
        help="folder for the results (default: %(default)s)",
    )
    process.add_argument(
        "--format",
        type=_names,
        default=[],
        metavar="NAMES",
        help="further formats for each transcript, separated by commas: text, srt, vtt, textgrid, "
        "ctm, audacity, audacity-words or elan (default: none)",
    )
    process.add_argument(
        "--table",
        type=Path,
        metavar="FILE",
        help="a .csv or .parquet for all words of all recordings (default: none)",
    )
    process.add_argument(
        "--dataset",
        type=_names,
        default=[],
        metavar="FORMATS",
        help="formats of data sets to make from all recordings, separated by commas: parquet, "
        "lhotse, shar, webdataset or kaldi (default: none)",
    )
    add_dataset_options(process)
    process.add_argument("--json", action="store_true", help="print one line of JSON for each file")
    process.set_defaults(command=_process)
    compare = commands.add_parser("compare", help="compare Earshot with librosa on recordings")
    compare.add_argument("files", nargs="+", metavar="FILE", help="a recording")
    compare.set_defaults(command=_compare)
    chart = commands.add_parser("chart", help="draw the words of a folder of results")
    chart.add_argument("folder", type=Path, help="what process has written for a recording")
    chart.add_argument(
        "picture", type=Path, nargs="?", help="the PNG (default: words.png in the folder)"
    )
    chart.set_defaults(command=_chart)
    variables = commands.add_parser(
        "variables", help="print the variables with which chalice local uses a running local mode"
    )
    variables.add_argument(
        "--port", type=_port, default=DEFAULT_PORT, help="its port (default: %(default)s)"
    )
    variables.set_defaults(command=_variables)
    return parser


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def _add_place(parser: argparse.ArgumentParser, *, port: int | str, data: str | None) -> None:
    parser.add_argument(
        "--port",
        type=_port,
        default=port,
        help=f"loopback port, 0 for any free one (default: {DEFAULT_PORT})",
    )
    parser.add_argument(
        "--data",
        type=Path,
        default=data,
        help="folder to keep everything in across restarts (default: nothing is kept)",
    )


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) not in _PORTS:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port: use 0 to {_PORTS[-1]}.")
    return int(text)


# Each command imports its own modules, so that --help does not wait for moto.


def _run(options: argparse.Namespace) -> int:
    from local.data_folder import StoreError  # noqa: PLC0415  # only this command needs it
    from local.gateway import PortError  # noqa: PLC0415  # only this command needs it
    from local.progress import Progress  # noqa: PLC0415  # only this command needs it
    from local.runtime import run  # noqa: PLC0415  # only this command needs it

    if options.data and (trouble := _trouble_with(options.data)):
        print(f"{options.data} cannot be used as the data folder: {trouble}.", file=sys.stderr)
        return 1
    console = Console()
    # A pipe and not a lock: if a signal came just before the main thread waits for a lock, it
    # would be noticed only after the lock is released.
    interrupted, wake = socket.socketpair()
    wake.setblocking(False)
    signal.set_wakeup_fd(wake.fileno())
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: None)
    try:
        with run(port=options.port, data=options.data) as runtime:
            console.print(
                _welcome(runtime.url, str(runtime.engine)),
                markup=False,
                highlight=False,
                soft_wrap=True,
            )
            with Progress(runtime, console):
                interrupted.recv(1)
                # A function may fail because local mode stops. The next start begins it again.
                logging.disable()
    except StoreError as exc:
        print(exc, file=sys.stderr)
        return 1
    except PortError as exc:
        port = "PORT=" if options.prog == MODULE else "--port "
        command = "make run" if options.prog == MODULE else f"{options.prog} run"
        print(
            f"{exc} Name another: {command} {port}{options.port + 1}, or {port}0 for any free one.",
            file=sys.stderr,
        )
        return 1
    console.print("Stopped.")
    return 0


def _trouble_with(folder: Path) -> str | None:
    """Create the data folder; return why it cannot be used, or None."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except FileExistsError:
        return "it is a file, not a folder"
    except OSError as exc:
        return str(exc.strerror).lower()
    return None if os.access(folder, os.W_OK) else "nothing can be written there"


def _welcome(url: str, recogniser: str) -> str:
    return f"""\
Earshot listens on {url} and keeps recordings in s3://{stack.BUCKET}.
{recogniser}

Open {url}/api/ in a browser, or in another terminal:

  export {_assignments(stack.CREDENTIALS)}
  aws --endpoint-url {url} s3 cp {SAMPLE.relative_to(stack.ROOT)} s3://{stack.BUCKET}/uploads/me/
  aws --endpoint-url {url} dynamodb scan --table-name {stack.TABLE}
  aws --endpoint-url {url} s3 ls --recursive s3://{stack.BUCKET}

Ctrl-C stops it.
"""


def _assignments(variables: dict[str, str]) -> str:
    return " ".join(f"{name}={shlex.quote(value)}" for name, value in variables.items())


def _process(options: argparse.Namespace) -> int:
    from chalicelib.core.datasets.parameters import DatasetParameters  # noqa: PLC0415  # as below
    from local.process import process  # noqa: PLC0415  # only this command needs it

    given = {
        name: getattr(options, name)
        for name in DATASET_OPTIONS
        if getattr(options, name) is not None
    }
    if given and not options.dataset:
        raise ParameterError(next(iter(given)), "it is an option of --dataset: add --dataset too")
    datasets = [DatasetParameters.parse({**given, "format": form}) for form in options.dataset]
    # At a desk the tables are read one by one, so each has its times.
    os.environ.setdefault("FEATURE_MFCC_TIMES", "yes")
    completed = process(
        options.files,
        out=options.out,
        as_json=options.json,
        formats=options.format,
        table=options.table,
        datasets=datasets,
    )
    return 0 if completed else 1


def _compare(options: argparse.Namespace) -> int:
    from local.desk.compare import main as compare  # noqa: PLC0415  # only this command needs it

    return compare(options.files)


def _chart(options: argparse.Namespace) -> int:
    try:
        from local.desk.chart import main as chart  # noqa: PLC0415  # only this command needs it
    except ModuleNotFoundError as exc:
        print(
            f"Drawing needs {exc.name}, which is not installed: "
            f"make chart FILE={shlex.quote(str(options.folder))} installs it.",
            file=sys.stderr,
        )
        return 1
    return chart(options.folder, options.picture)


def _variables(options: argparse.Namespace) -> int:
    from botocore.exceptions import BotoCoreError  # noqa: PLC0415  # only this command needs it

    from local.api_gateway import LOCAL_USER  # noqa: PLC0415  # only this command needs it

    url = f"http://127.0.0.1:{options.port}"
    stack.isolate(url)
    try:
        found = stack.environment()
    except BotoCoreError:
        print(
            f"No local mode answers on port {options.port}: start it with make run, "
            "or name its port with --port.",
            file=sys.stderr,
        )
        return 1
    shown = stack.CREDENTIALS | {"AWS_ENDPOINT_URL": url, "CALLER_ARN": LOCAL_USER} | found
    print(f"export {_assignments(shown)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""``python -m local``: Earshot whole, on one machine, with no AWS account."""

import argparse
import logging
import os
import signal
import socket
import sys
from pathlib import Path

from rich.console import Console

from chalicelib.errors import ParameterError
from local import stack

DEFAULT_PORT = 4747
"""Where the page and AWS's stand-ins are."""

SAMPLE = stack.ROOT / "samples" / "sample.wav"


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return its exit status."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    # Many threads share each client here; that a spare connection is dropped is no news.
    logging.getLogger("urllib3.connectionpool").setLevel(logging.ERROR)
    try:
        return int(options.command(options))
    except ParameterError as exc:
        print(exc, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nStopped.", file=sys.stderr)
        return 128 + signal.SIGINT


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m local", description=__doc__)
    commands = parser.add_subparsers(dest="name")
    run = commands.add_parser("run", help="start and wait for recordings (the default)")
    for target in (parser, run):
        target.add_argument(
            "--port", type=int, default=DEFAULT_PORT, help="loopback port; 0 for any free one"
        )
        target.add_argument(
            "--data", type=Path, help="folder to keep everything in across restarts"
        )
        target.set_defaults(command=_run)
    process = commands.add_parser("process", help="process files and end")
    process.add_argument("files", nargs="*", metavar="FILE", default=[os.path.relpath(SAMPLE)])
    process.add_argument("--out", type=Path, default=Path("out"), help="folder for the results")
    process.add_argument("--json", action="store_true", help="one JSON object a file and line")
    process.set_defaults(command=_process)
    compare = commands.add_parser("compare", help="hold recordings against librosa")
    compare.add_argument("files", nargs="+", metavar="FILE")
    compare.set_defaults(command=_compare)
    chart = commands.add_parser("chart", help="draw the words of a folder of results")
    chart.add_argument("folder", type=Path, help="what process wrote for one recording")
    chart.add_argument("picture", type=Path, nargs="?", help="the PNG; words.png in the folder")
    chart.set_defaults(command=_chart)
    return parser


# The commands import what they need themselves: --help should not wait for moto.


def _run(options: argparse.Namespace) -> int:
    from local.progress import Progress  # noqa: PLC0415
    from local.runtime import run  # noqa: PLC0415

    console = Console()
    # A byte waits where a lock would not: a signal that comes just before the main thread blocks
    # on a lock is seen only once the lock is released.
    interrupted, wake = socket.socketpair()
    wake.setblocking(False)
    signal.set_wakeup_fd(wake.fileno())
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: None)
    try:
        with run(port=options.port, data=options.data) as runtime:
            console.print(_welcome(runtime.url), markup=False, highlight=False, soft_wrap=True)
            with Progress(runtime, console):
                interrupted.recv(1)
    except OSError as exc:
        print(f"Port {options.port} cannot be used: {exc.strerror}. Try --port 0.", file=sys.stderr)
        return 1
    console.print("Stopped.")
    return 0


def _welcome(url: str) -> str:
    credentials = " ".join(f"{name}={value}" for name, value in stack.CREDENTIALS.items())
    return f"""\
Earshot listens on {url} and keeps recordings in s3://{stack.BUCKET}.

Open {url}/api/ in a browser, or in another terminal:

  export {credentials}
  aws --endpoint-url {url} s3 cp {SAMPLE.relative_to(stack.ROOT)} s3://{stack.BUCKET}/uploads/me/
  aws --endpoint-url {url} dynamodb scan --table-name {stack.TABLE}
  aws --endpoint-url {url} s3 ls --recursive s3://{stack.BUCKET}

Ctrl-C stops it.
"""


def _process(options: argparse.Namespace) -> int:
    from local.process import process  # noqa: PLC0415

    return 0 if process(options.files, out=options.out, as_json=options.json) else 1


def _compare(options: argparse.Namespace) -> int:
    from local.desk.compare import main as compare  # noqa: PLC0415

    return compare(options.files)


def _chart(options: argparse.Namespace) -> int:
    from local.desk.chart import main as chart  # noqa: PLC0415

    return chart(options.folder, options.picture)


if __name__ == "__main__":
    sys.exit(main())

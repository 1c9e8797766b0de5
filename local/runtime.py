"""All of local mode: the stand-ins, the application, and the connections between them."""

import gc
import importlib
import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3

from chalicelib.core.recording import Recording
from chalicelib.services import Services, services
from local import stack
from local.api_gateway import Api
from local.bulk import moto_in_bulk
from local.changes import Changes
from local.direct import answered_directly
from local.gateway import Gateway
from local.mediaconvert.service import MediaConvertService
from local.shares import HeardParts, Shares
from local.store import MEDIACONVERT, TRANSCRIBE, Store
from local.transcribe.engines import EngineChoice, is_installed
from local.transcribe.service import TranscribeService
from local.transcribe.sphinx import PocketSphinx
from local.transcribe.vocabulary import VARIABLE
from local.triggers import Triggers

APPLICATION = f"{__name__.removesuffix('local.runtime')}app"
"""The application's module: beside local mode, and in the library's wheel inside ``earshot``."""

ALIGNER = f"{__name__.removesuffix('runtime')}transcribe.aligning:align"
"""The function that finds the times of corrected words."""


@dataclass(frozen=True, slots=True)
class Runtime:
    """A running local mode."""

    url: str
    engine: EngineChoice
    services: Services
    transcribe: TranscribeService
    mediaconvert: MediaConvertService
    shares: Shares
    _changes: Changes
    _on_given_up: list[Callable[[str], object]]

    def observe(self, observer: Callable[[str, Recording | None], None]) -> None:
        """Add a function that is called with a recording's id and state, or None, on a change."""
        self._changes.observe(observer)

    def observe_failures(self, observer: Callable[[str], object]) -> None:
        """Add an observer. It gets the name of each function that has given up an event."""
        self._on_given_up.append(observer)


@contextmanager
def run(*, port: int = 0, data: Path | None = None) -> Iterator[Runtime]:
    """Start local mode, and stop it when the block ends.

    Parameters
    ----------
    port : int
        the loopback port to listen on; any free one if 0
    data : Path or None
        the data folder, kept across restarts; None keeps everything in memory

    Raises
    ------
    PortError
        if the port is taken
    StoreError
        if the folder is in use, damaged, or cannot be written
    ParameterError
        if the environment names a recogniser that cannot be used
    """
    engine = EngineChoice.from_environ(os.environ)
    with ExitStack() as cleanup:
        gateway = Gateway(port=port, is_open=False)
        cleanup.callback(gateway.stop)
        gateway.start()
        stack.isolate(gateway.url)
        cleanup.enter_context(answered_directly(gateway))
        cleanup.enter_context(moto_in_bulk())
        os.environ |= stack.create()
        # The terminal is for the user's messages; LOG_FILE names a file for the functions' log.
        os.environ.setdefault("LOG_FILE", os.devnull)
        os.environ["EARSHOT_STAND_IN"] = engine.name
        if engine.vocabulary:
            # Jobs ask for a vocabulary by its name.
            cleanup.callback(os.environ.__setitem__, VARIABLE, os.environ[VARIABLE])
            os.environ[VARIABLE] = engine.vocabulary.name
        if is_installed(PocketSphinx.name):
            os.environ.setdefault("EARSHOT_ALIGNER", ALIGNER)
        services.cache_clear()
        on_given_up: list[Callable[[str], object]] = []
        triggers = Triggers(lambda name: [observer(name) for observer in on_given_up])
        application = _application()
        triggers.add_application(application)
        gateway.api = Api(application.app)
        store = _keep(data, gateway, cleanup) if data else None
        transcribe = TranscribeService(
            boto3.client("s3"),
            put_event=_put_event,
            # The lambda looks the service up later, because it does not exist yet.
            on_change=_keeper(store, TRANSCRIBE, lambda name: transcribe.job(name)),  # noqa: PLW0108  # the service is created later
            engine=engine,
            n_workers=os.cpu_count() or 1,
        )
        mediaconvert = MediaConvertService(
            boto3.client("s3"),
            url=gateway.url,
            put_event=_put_event,
            on_change=_keeper(store, MEDIACONVERT, lambda name: mediaconvert.job(name)),  # noqa: PLW0108  # the service is created later
        )
        for service in (transcribe, mediaconvert):
            cleanup.callback(service.close)
            service.start()
        gateway.transcribe, gateway.mediaconvert = transcribe, mediaconvert
        job_prefix = services().settings.job_prefix
        heard_parts = HeardParts(job_prefix)
        gateway.observe_objects(heard_parts.note)
        gateway.shares = Shares((transcribe, heard_parts), mediaconvert, job_prefix)
        # Ends before the store and the services, which its functions use.
        cleanup.callback(triggers.stop)
        triggers.start()
        if store:
            _restore(store, transcribe, mediaconvert, triggers)
        changes = Changes(services().recordings.find)
        cleanup.callback(changes.stop)
        gateway.observe_items(lambda key: changes.note(Path(key).stem))
        # AWS's service models stay in memory, so Python's garbage collector need not scan them.
        gc.collect()
        gc.freeze()
        cleanup.callback(gc.unfreeze)
        cleanup.callback(gc.set_threshold, *gc.get_threshold())
        gc.set_threshold(20_000, 20, 20)
        gateway.open()
        yield Runtime(
            gateway.url,
            engine,
            services(),
            transcribe,
            mediaconvert,
            gateway.shares,
            changes,
            on_given_up,
        )


def _application() -> Any:
    # The module reads its settings when it is imported, and they are this run's settings.
    if APPLICATION in sys.modules:
        return importlib.reload(sys.modules[APPLICATION])
    return importlib.import_module(APPLICATION)


def _keep(data: Path, gateway: Gateway, cleanup: ExitStack) -> Store:
    store = Store(data, services().settings.metadata_table)
    cleanup.callback(store.close)
    gateway.observe_items(store.keep_item)
    gateway.observe_objects(store.keep_object)
    gateway.bound_objects(store.refusal)
    return store


def _restore(
    store: Store,
    transcribe: TranscribeService,
    mediaconvert: MediaConvertService,
    triggers: Triggers,
) -> None:
    """Put back what an earlier run has kept, and let all that it has left undone be done."""
    # In this order: the jobs' inputs, the jobs, and the events, which need both.
    has_earlier = store.restore()
    transcribe.restore(store.jobs(TRANSCRIBE))
    mediaconvert.restore(store.jobs(MEDIACONVERT))
    store.tell_again(services().settings.media_bucket)
    if has_earlier:
        triggers.run_schedules()


def _keeper(
    store: Store | None, service: str, job: Callable[[str], dict[str, Any] | None]
) -> Callable[[str], None] | None:
    """Return a function that stores a service's job at each change, if there is a data folder."""
    return (lambda name: store.keep_job(service, name, job(name))) if store else None


def _put_event(source: str, detail_type: str, detail: dict[str, Any]) -> None:
    boto3.client("events").put_events(
        Entries=[{"Source": source, "DetailType": detail_type, "Detail": json.dumps(detail)}]
    )

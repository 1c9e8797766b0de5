"""Local mode with the deployed packages in place of its functions."""

import os
import queue
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from types import SimpleNamespace
from typing import Any

import boto3

from chalicelib.services import Services, services
from local import runtime, stack
from local.gateway import Gateway
from local.mediaconvert.service import MediaConvertService
from local.transcribe.service import TranscribeService
from local.triggers import Triggers
from support.deploy.lambda_runtime import Function, RuntimeApi, running

PATIENCE_S = 180


@dataclass
class Deployment:
    """The packages, each in a separate process, and a list of their work."""

    services: Services
    functions: dict[str, RuntimeApi]
    invoked: set[str] = field(default_factory=set)
    given_up: list[str] = field(default_factory=list)
    changes: queue.SimpleQueue[str] = field(default_factory=queue.SimpleQueue)

    def invoke(self, name: str, event: Any, _context: Any = None) -> Any:
        self.invoked.add(name)
        return self.functions[name].invoke(event)

    def wait(self, look: Callable[[], Any]) -> Any:
        """Check again at every change of the table or the bucket, until a condition holds."""
        while not (found := look()):
            assert self.given_up == []
            self.changes.get(timeout=PATIENCE_S)
        return found


@contextmanager
def deployed(
    make: Callable[[str, dict[str, str]], Function], names: list[str]
) -> Iterator[Deployment]:
    """Start local mode with packages as functions; ``make`` takes a name and variables."""
    with ExitStack() as cleanup:
        gateway = Gateway()
        cleanup.callback(gateway.stop)
        gateway.start()
        os.environ |= stack.CREDENTIALS | {"AWS_ENDPOINT_URL": gateway.url}
        variables = stack.create()
        os.environ |= variables
        services.cache_clear()
        cleanup.callback(services.cache_clear)
        environment = stack.CREDENTIALS | {"AWS_ENDPOINT_URL": gateway.url} | variables
        deployment = Deployment(
            services(),
            {name: cleanup.enter_context(running(make(name, environment))) for name in names},
        )
        gateway.observe_items(deployment.changes.put)
        gateway.observe_objects(lambda _, key: deployment.changes.put(key))
        triggers = Triggers(deployment.given_up.append)
        cleanup.callback(triggers.stop)
        application = runtime._application().app
        handlers = {name: partial(deployment.invoke, name) for name in names}
        triggers.add_application(SimpleNamespace(app=application, **handlers))
        s3, put_event = boto3.client("s3"), runtime._put_event
        gateway.transcribe = TranscribeService(s3, put_event=put_event)
        gateway.mediaconvert = MediaConvertService(s3, url=gateway.url, put_event=put_event)
        for service in (gateway.transcribe, gateway.mediaconvert):
            cleanup.callback(service.close)
            service.start()
        triggers.start()
        triggers.run_schedules()
        yield deployment

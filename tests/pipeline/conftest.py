"""Fixtures of the pipeline's tests: an account in memory, and the application on it."""

import importlib
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import ModuleType

import pytest
from support.account import Account
from support.faults.connecting import ENVIRONMENT

from chalicelib.aws.dynamodb import RecordingTable
from chalicelib.services import Services


@pytest.fixture
def account() -> Account:
    return Account()


@pytest.fixture
def services(account) -> Services:
    return account.services


@pytest.fixture
def put(account) -> Callable[..., str]:
    return account.put


@pytest.fixture
def later(account, services) -> Callable[..., Services]:
    """Give back the services as they are some time from now."""

    def services_later(**span: float) -> Services:
        def clock() -> datetime:
            return datetime.now(UTC) + timedelta(**span)

        return replace(services, clock=clock, recordings=RecordingTable(account.table, clock))

    return services_later


@pytest.fixture
def application(services, monkeypatch) -> ModuleType:
    """The module ``app`` on these services, imported again, because it reads its settings then."""
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delitem(sys.modules, "app", raising=False)
    module = importlib.import_module("app")
    monkeypatch.setattr(module, "services", lambda: services)
    return module

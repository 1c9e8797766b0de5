"""Fixtures of the pipeline's tests."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import boto3
import pytest

from chalicelib.aws.dynamodb import RecordingTable
from chalicelib.services import Services


@pytest.fixture
def later(services) -> Callable[..., Services]:
    """Give back the services as they are some time from now."""

    def services_later(**span: float) -> Services:
        def clock() -> datetime:
            return datetime.now(UTC) + timedelta(**span)

        table = boto3.resource("dynamodb").Table(services.settings.metadata_table)
        return replace(services, clock=clock, recordings=RecordingTable(table, clock))

    return services_later

"""The OpenAPI document describes exactly the routes of the API."""

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator
from support.asking import ADMINISTRATOR, Asker

from chalicelib.api.openapi import document

PAGES_OWN = {"/", "/web/{version}/{name}"}


def operations() -> dict[tuple[str, str], dict]:
    return {
        (method.upper(), path): operation
        for path, methods in document()["paths"].items()
        for method, operation in methods.items()
    }


@pytest.fixture
def ask(application):
    return Asker(application)


def test_it_is_an_openapi_document_and_is_served(ask):
    OpenAPIV31SpecValidator(document()).validate()

    assert ask("/openapi.json").json == document()


def test_every_route_is_described_and_nothing_else(application):
    routes = {
        (method, route)
        for route, views in application.app.routes.items()
        for method in views
        if route not in PAGES_OWN
    }

    assert set(operations()) == routes


@pytest.mark.parametrize(("method", "path"), operations())
def test_a_paths_parameters_are_described(method, path):
    described = [one["name"] for one in operations()[method, path]["parameters"]]

    in_path = [part[1:-1] for part in path.split("/") if part.startswith("{")]
    assert described[: len(in_path)] == in_path


@pytest.mark.parametrize(
    ("path", "query"),
    [("/recordings", ""), ("/search", "q=a&"), ("/manifests/recordings", "")],
)
def test_the_described_limits_are_the_real_limits(ask, path, query):
    template = path.replace("manifests/recordings", "manifests/{kind}")
    (limit,) = (
        one["schema"]["maximum"]
        for one in operations()["GET", template]["parameters"]
        if one["name"] == "limit"
    )

    assert ask(f"{path}?{query}limit={limit}", by=ADMINISTRATOR).status == 200
    assert ask(f"{path}?{query}limit={limit + 1}", by=ADMINISTRATOR).status == 400

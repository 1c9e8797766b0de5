"""The documented costs are those that the figures and the prices come to."""

import json
from pathlib import Path

import pytest

from scripts import cost

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "costs.md").read_text()
PRICES = json.loads((ROOT / "benchmarks/prices.json").read_text())["prices"]


@pytest.mark.parametrize("table", [cost.cost_table, cost.memory_table, cost.start_table])
def test_the_page_of_costs_shows_what_is_computed(table):
    assert table() in PAGE, f"run `make cost`:\n{table()}"


def test_the_readme_shows_what_a_thousand_hours_cost():
    assert cost.cost_table() in (ROOT / "README.md").read_text()


def test_every_price_has_a_source_and_is_used():
    assert all(price["source"] for price in PRICES.values())
    assert [name for name in PRICES if name not in Path(cost.__file__).read_text()] == []


def test_half_the_memory_takes_twice_the_time_up_to_one_processor():
    assert cost.duration_s(10.0, cost.VCPU_MB) == 10.0
    assert cost.duration_s(10.0, cost.VCPU_MB // 2) == pytest.approx(20.0, rel=1e-2)
    assert cost.duration_s(10.0, 2 * cost.VCPU_MB) == 10.0


def test_up_to_one_processor_memory_changes_no_cost():
    assert cost.gb_s(10.0, 512) == pytest.approx(cost.gb_s(10.0, cost.VCPU_MB))
    assert cost.gb_s(10.0, 2 * cost.VCPU_MB) == pytest.approx(2 * cost.gb_s(10.0, cost.VCPU_MB))


def test_what_is_charged_grows_with_what_is_asked():
    measured = {
        "ten_minutes": {
            "cpu_s": {"extract_features": 4.0},
            "requests": {"S3 PUT": 2, "S3 POST": 1, "S3 GET": 5, "S3 HEAD": 5}
            | {"DynamoDB search units": 0},
            "item_bytes": 2000,
            "derived_bytes": 2**30,
        }
    }
    prices = dict.fromkeys(PRICES, 0.0) | {"s3_put": 0.001, "s3_get": 0.0001, "s3_gb_month": 1.0}
    config = {"lambda_functions": {}, "lambda_memory_size": 512}

    found = {name: usd for name, _, usd in cost.costs(measured, prices, config)}

    assert found["S3 requests"] == pytest.approx(cost.RECORDINGS * (3 * 0.001 + 10 * 0.0001))
    assert found["S3, a month of what is made"] == pytest.approx(cost.RECORDINGS)

"""The documented costs follow from the measured figures and the prices."""

import json
from pathlib import Path

import pytest
from support.deploy import calls

from scripts import archive_cost, cost
from scripts.record_outputs import read_config

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "costs.md").read_text()
PRICES = json.loads((ROOT / "benchmarks/prices.json").read_text())["prices"]


TABLES = [cost.cost_table, cost.own_table, cost.memory_table, cost.longest_table, cost.start_table]


@pytest.mark.parametrize("table", TABLES)
def test_the_page_of_costs_shows_the_computed_tables(table):
    assert table() in PAGE, f"run `make cost`:\n{table()}"


def test_the_readme_rounds_what_a_thousand_hours_cost():
    """Its sentence has the sum and Transcribe's part; the table is on the page of costs."""
    measured = json.loads((ROOT / "benchmarks/deployed.json").read_text())
    prices = {name: price["usd"] for name, price in PRICES.items()}
    found = cost.costs(measured, prices, read_config(ROOT))
    services = {name: usd for name, _, usd in found}
    readme = (ROOT / "README.md").read_text()

    assert f"about ${sum(services.values()):,.0f}" in readme
    assert f"${services['Transcribe']:,.0f} are Amazon Transcribe's" in readme


def test_the_page_of_costs_counts_the_alarms_that_there_are():
    template = (ROOT / "cloudformation/resources.yml").read_text()

    assert f"| Alarms | {template.count('MetricName:')} metrics at 0.10 |" in PAGE


def test_functions_have_three_times_what_the_longest_recording_takes():
    rows = [row.split(" | ") for row in cost.longest_table().splitlines()[2:]]

    assert {row[0].removeprefix("| ") for row in rows} == calls.deployed_functions().keys()
    for row in rows:
        peak, memory = row[4].removesuffix(" |").split(" of ")
        assert float(row[3]) >= 3
        assert int(memory) >= 3 * int(peak)


def test_every_price_has_a_source_and_is_used():
    assert all(price["source"] for price in PRICES.values())
    code = "".join(Path(module.__file__).read_text() for module in (cost, archive_cost))
    assert [name for name in PRICES if name not in code] == []


def test_half_the_memory_takes_twice_the_time_up_to_one_processor():
    assert cost.duration_s(10.0, cost.VCPU_MB) == 10.0
    assert cost.duration_s(10.0, cost.VCPU_MB // 2) == pytest.approx(20.0, rel=1e-2)
    assert cost.duration_s(10.0, 2 * cost.VCPU_MB) == 10.0


def test_up_to_one_processor_memory_changes_no_cost():
    assert cost.gb_s(10.0, 512) == pytest.approx(cost.gb_s(10.0, cost.VCPU_MB))
    assert cost.gb_s(10.0, 2 * cost.VCPU_MB) == pytest.approx(2 * cost.gb_s(10.0, cost.VCPU_MB))


def test_the_cost_grows_with_the_number_of_requests():
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

"""The plan: hours, dollars and days from the list and the headers of a sample."""

import io

import pytest
from botocore.exceptions import ClientError
from support.archive import entry, planned

from scripts.archive_cost import Amount, Prices
from scripts.backfill import pace, plan
from scripts.backfill.telling import Telling, line_of
from scripts.backfill.work import Progress

PRICES = Prices.read()


def make(tally: plan.Tally, seconds_of, *, only=None, quotas=None) -> plan.Plan:
    def read(one):
        return plan.Header(one.key.rpartition(".")[2], one.size, *seconds_of(one))

    return plan.make_plan(tally, read, prices=PRICES, quotas=quotas or pace.Quotas(), only=only)


def test_hours_follow_from_the_bytes_of_each_format():
    tally = plan.Tally(sample_size=50)
    tally.count(
        [entry(f"{n}.wav", size=32_000 * (1 + n % 5)) for n in range(400)]
        + [entry(f"{n}.mp3", size=2_000 * 60) for n in range(200)]
    )
    rates = {"wav": 32_000, "mp3": 2_000}

    made = make(tally, lambda one: (one.size / rates[one.key.rpartition(".")[2]],))

    true_hours = (400 * 3 + 200 * 60) / 3600
    assert made.hours == pytest.approx(true_hours)
    assert made.hours_error == pytest.approx(0, abs=1e-6)
    assert made.formats == {"wav": 400, "mp3": 200}


def test_an_estimate_says_how_far_it_may_be_off():
    tally = plan.Tally(sample_size=100)
    tally.count(entry(f"{n}.mp3", size=100_000 + n) for n in range(5_000))
    lengths = {one.key: 10.0 + int(one.key.rpartition("/")[2][:-4]) % 20 for one in tally.sample}

    made = make(tally, lambda one: (lengths[one.key],))

    assert abs(made.hours - 5_000 * 19.5 / 3600) < made.hours_error
    assert 0.05 < made.hours_error / made.hours < 0.1


def test_short_clips_are_charged_as_fifteen_seconds():
    tally = plan.Tally()
    tally.count(entry(f"{n}.wav") for n in range(100))

    made = make(tally, lambda _: (1.0,))

    assert made.charged_hours == pytest.approx(100 * 15 / 3600)
    assert made.usd["Transcribe"] == pytest.approx(25 * PRICES.prices["transcribe_minute"])
    assert make(tally, lambda _: (1.0,), only="features").usd["Transcribe"] == 0


def test_refusals_are_counted_by_their_reasons():
    tally = plan.Tally(sample_size=10)
    tally.count(
        [entry(f"{n}.txt", refusal="Not supported: .txt.") for n in range(7)]
        + [entry(f"{n}.wav") for n in range(20)]
    )

    made = make(tally, lambda _: (99_999.0, "It is too long."))

    told = "\n".join(plan.lines(made))
    assert (made.n, made.n_listed, made.refusals) == (20, 27, {"Not supported: .txt.": 7})
    assert "10 of the 10 looked into would fail: It is too long." in told


@pytest.mark.parametrize(
    ("name", "only", "is_said"),
    [("a.mp4", None, True), ("a.mp4", "features", False), ("a.wav", None, False)],
)
def test_the_plan_says_that_renditions_are_not_counted(name, only, is_said):
    tally = plan.Tally()
    tally.count([entry(name)])

    made = make(tally, lambda _: (60.0,), only=only)

    assert ("MediaConvert" in "\n".join(plan.lines(made))) == is_said


def test_ten_minutes_cost_what_the_page_of_costs_says():
    """Beside the waiting that docs/costs.md leaves out, a thousand hours are its thousand hours."""
    costs = PRICES.costs(Amount(6_000, 3_600_000, 3_600_000))

    assert costs["Transcribe"] == pytest.approx(1_440)
    assert costs["S3 requests"] == pytest.approx(0.46, abs=0.01)
    assert costs["DynamoDB, the search table"] == pytest.approx(0.84, abs=0.01)
    assert costs["DynamoDB"] == pytest.approx(1.43, rel=0.1)  # there units are rounded up


@pytest.mark.parametrize(
    ("minutes", "usd"), [(250_000, 6_000), (1_000_000, 17_250), (6_000_000, 65_850)]
)
def test_very_many_minutes_are_charged_by_tiers(minutes, usd):
    assert PRICES.transcribing(minutes) == pytest.approx(usd)


def test_the_time_is_that_of_the_part_that_the_others_wait_for():
    clips = Amount(200_000, 2e6, 3e6)
    few = plan.times_h(clips, pace.Quotas(measured_at_once=5))
    many = plan.times_h(clips, pace.Quotas(measured_at_once=100))

    assert max(few, key=few.get) == "MEASURING_CONCURRENCY=5"
    assert max(many, key=many.get) == "Transcribe's jobs at once (250)"
    assert many["Transcribe's jobs at once (250)"] == pytest.approx(17 / 200 * 200_000 / 3600)


def test_an_empty_archive_has_a_plan():
    assert planned(0).total_usd == 0


class Pages:
    def __init__(self, quotas=None):
        self._quotas = quotas

    def get_paginator(self, _):
        return self

    def paginate(self, **_):
        if self._quotas is None:
            raise ClientError({"Error": {"Code": "AccessDeniedException"}}, "ListServiceQuotas")
        return [{"Quotas": [{"QuotaName": name, "Value": value} for name, value in self._quotas]}]


def test_quotas_are_the_accounts_own_where_it_tells_them():
    told = pace.ask(
        Pages(
            [
                ("Number of concurrent batch transcription jobs", 1_000.0),
                ("Transactions per second, StartTranscriptionJob operation", 50.0),
            ]
        ),
        pace.Quotas(),
    )

    assert (told.at_once(None), told.a_second(None), told.told_by) == (800, 40, "Service Quotas")
    assert pace.ask(Pages(), pace.Quotas()) == pace.Quotas()
    assert pace.ask(Pages([("Vocabularies", 100.0)]), pace.Quotas()) == pace.Quotas()


def test_progress_is_a_line_from_time_to_time_without_a_terminal():
    now = [0.0]
    out = io.StringIO()
    telling = Telling(out, lambda: now[0])
    progress = Progress(total=3_600, in_flight=100)
    for second in range(61):
        now[0] = float(second)
        progress.ended = 10 * second
        telling.tell(progress)

    lines = out.getvalue().splitlines()
    assert len(lines) == 3
    assert lines[2] == "600 of 3,600, 10.0 a second, 5.0 min left, 100 in flight, 0.00 USD"


def test_the_rate_is_that_of_this_run_alone():
    progress = Progress(total=1_000, ended=900, ended_before=890)

    assert "10.0 a minute" in line_of(progress, 60.0)

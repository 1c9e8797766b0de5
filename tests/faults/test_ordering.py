"""A property: the contents of the bucket decide, not the order of events."""

from datetime import timedelta

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from support.faults.checking import violations
from support.faults.connecting import ENVIRONMENT
from support.faults.histories import application, bodies, remembered
from support.faults.moves import Move
from support.faults.performing import perform
from support.faults.plan import Plan
from support.faults.telling import settle
from support.faults.world import World

from chalicelib.config import Settings
from chalicelib.core.features import extract

WAVS = [key for key in bodies() if key.endswith(".wav")]
ANY = st.integers(0, 1_000)


class Arrivals(RuleBasedStateMachine):
    """Uploads, replacements and removals, and their events in any order, twice or never."""

    def __init__(self) -> None:
        super().__init__()
        extract.extract = remembered
        plan = Plan(0)
        plan.left = 0
        found = bodies()
        self.world = World(
            plan, Settings.from_env(ENVIRONMENT), application(), {key: found[key] for key in WAVS}
        )

    @rule(key=st.sampled_from(WAVS), number=ANY)
    def put(self, key, number):
        versions = self.world.bodies[key]
        self.world.bucket.put_object(Key=key, Body=versions[number % len(versions)])

    @rule(key=st.sampled_from(WAVS))
    def remove(self, key):
        self.world.bucket.delete_object(Key=key)

    @precondition(lambda self: self.world.pending)
    @rule(number=ANY, fate=st.sampled_from(["", "", "comes twice", "is lost"]))
    def deliver(self, number, fate):
        pending = self.world.pending
        perform(self.world, Move("deliver", pending[number % len(pending)].name, fate))

    @precondition(lambda self: self.world.visible())
    @rule(number=ANY)
    def receive(self, number):
        visible = self.world.visible()
        perform(self.world, Move("receive", visible[number % len(visible)]["name"]))

    @precondition(lambda self: self.world.tasks)
    @rule(number=ANY, n_requests=st.integers(1, 60))
    def go_on(self, number, n_requests):
        task = self.world.tasks[number % len(self.world.tasks)]
        for _ in range(n_requests):
            perform(self.world, Move("run", task.name))

    @precondition(lambda self: self.world.unfinished())
    @rule(number=ANY)
    def advance(self, number):
        unfinished = self.world.unfinished()
        perform(self.world, Move("advance", unfinished[number % len(unfinished)]))

    @rule()
    def catch_up(self):
        perform(self.world, Move("catch up"))

    @rule(minutes=st.sampled_from([1, 30, 120]))
    def wait(self, minutes):
        self.world.let_pass(timedelta(minutes=minutes))

    @invariant()
    def nothing_is_told_twice_of_one_recording(self):
        told = self.world.messages.published
        for recording_id, outcome in told:
            n_told = told.count((recording_id, outcome))
            unsure = self.world.unsure[recording_id, outcome]
            assert n_told <= self.world.lives(recording_id) + unsure

    def teardown(self):
        settle(self.world)
        assert violations(self.world) == []


def test_the_contents_of_the_bucket_decide():
    run_state_machine_as_test(
        Arrivals,
        settings=settings(
            max_examples=60,
            stateful_step_count=40,
            suppress_health_check=list(HealthCheck),
        ),
    )

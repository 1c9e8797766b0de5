"""What is in the bucket decides, not the order of arrival: as a property."""

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
from support.faults.histories import ENVIRONMENT, application, bodies, remembered
from support.faults.plan import Plan
from support.faults.world import Delivery, World

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
    @rule(number=ANY, fate=st.sampled_from(["once", "once", "twice", "never"]))
    def deliver(self, number, fate):
        pending = self.world.pending
        delivery = pending.pop(number % len(pending))
        if fate == "twice":
            pending.append(Delivery(delivery.function, delivery.event))
        if fate != "never":
            self.world.deliver(delivery)

    @precondition(lambda self: self.world.messages.waiting)
    @rule(number=ANY)
    def receive(self, number):
        waiting = self.world.messages.waiting
        self.world.receive(waiting.pop(number % len(waiting)))

    @precondition(lambda self: self.world.tasks)
    @rule(number=ANY, n_requests=st.integers(1, 60))
    def go_on(self, number, n_requests):
        task = self.world.tasks[number % len(self.world.tasks)]
        for _ in range(n_requests):
            if task in self.world.tasks:
                task.run.switch()

    @precondition(lambda self: self.world.transcribe.unfinished())
    @rule(number=ANY)
    def advance(self, number):
        unfinished = self.world.transcribe.unfinished()
        self.world.transcribe.advance(unfinished[number % len(unfinished)], fails=False)

    @rule()
    def catch_up(self):
        self.world.table.catch_up()

    @rule(minutes=st.sampled_from([1, 30, 120]))
    def wait(self, minutes):
        self.world.let_pass(minutes)

    @invariant()
    def nothing_is_told_twice_of_one_recording(self):
        told = self.world.messages.published
        created = self.world.table.n_created

        for recording_id, outcome in told:
            n_told = told.count((recording_id, outcome))
            assert n_told <= created[f"transcripts/{recording_id}.json"] + self.world.unsure.get(
                (recording_id, outcome), 0
            )

    def teardown(self):
        self.world.settle()
        assert violations(self.world) == []


def test_what_is_in_the_bucket_decides():
    run_state_machine_as_test(
        Arrivals,
        settings=settings(
            max_examples=60,
            stateful_step_count=40,
            suppress_health_check=list(HealthCheck),
        ),
    )

"""Runs a history: chooses moves while people act, then does all remaining work."""

import random
from datetime import timedelta

from chalicelib.core import keys
from chalicelib.pipeline import reconciliation
from support.faults.moves import ACTS, Move
from support.faults.performing import perform
from support.faults.world import World

AT_ONCE = 4
A_LONG_WHILE = timedelta(hours=25)
"""Time after which every look is due, because looks are at most a day apart."""

ROUNDS = 20
MOST_MOVES = 8000
A_ROUND = 1000
"""More pages than the walk of any history has."""


def choose(world: World, rng: random.Random, n_acts: int, *, can_reconcile: bool) -> Move:
    """Choose the next move at random."""
    has_room = len(world.tasks) < AT_ONCE
    visible, unfinished = world.visible(), world.unfinished()
    weights = {
        "run": 12 * bool(world.tasks),
        "deliver": 3 * bool(world.pending and has_room),
        "receive": 2 * bool(visible and has_room),
        "advance": 2 * bool(unfinished),
        "catch up": 1,
        "act": n_acts > 0 and has_room,
        "reconcile": 0.1 * has_room * can_reconcile,
    }
    if not any(weights[kind] for kind in ("run", "deliver", "receive", "advance", "act")):
        weights["wait"] = 1 * bool(world.messages.waiting)
    (kind,) = rng.choices(list(weights), list(weights.values()))
    plan = world.plan
    if kind == "run":
        task = rng.choice(world.tasks)
        return Move("run", task.name, plan.fate(task.asks))
    if kind == "deliver":
        fate = rng.choice(("is lost", "comes twice")) if plan.strikes() else ""
        return Move("deliver", rng.choice(world.pending).name, fate)
    if kind == "receive":
        return Move("receive", rng.choice(visible)["name"], "comes twice" * plan.strikes())
    if kind == "advance":
        return Move("advance", rng.choice(unfinished), "fails" * plan.strikes())
    if kind == "catch up" and plan.strikes():
        return Move("wait", str(rng.choice((2, 20, 120))), "slow")
    if kind == "catch up" and n_acts:
        # Later the indexes show everything, so that the end of a shorter history stays the same.
        return Move("catch up", plan.lag())
    if kind == "wait":
        return Move("wait", "90")
    return choose_act(world, rng) if kind == "act" else Move(kind)


def choose_act(world: World, rng: random.Random) -> Move:
    """Choose an act of a user."""
    rules, whole = world.plan.rules, world.plan.whole
    if rules.whole_api and rules.by_api and whole.random() < 1 / 4:
        return choose_whole_act(world, whole)
    key = rng.choice(list(world.bodies))
    number = rng.randrange(len(world.bodies[key]))
    if (begun := list(world.parts)) and rng.random() < 1 / 2:
        return Move("end parts", rng.choice(begun))
    if world.plan.rules.by_api and world.recording_of(key) and rng.random() < 1 / 3:
        return Move(rng.choice(("delete by API", "reprocess by API", "search")), key)
    if key in world.bucket.objects and rng.random() < 2 / 5:
        return Move("remove", key)
    return Move(rng.choice(("put", "put", "put", "begin parts")), f"{key} {number}")


def choose_whole_act(world: World, whole: random.Random) -> Move:
    """Choose an act that only histories with the whole API have."""
    key = whole.choice(list(world.bodies))
    if whole.random() < 1 / 3:
        return Move(whole.choice(("make data set", "make data set", "delete data set")), "mine")
    if world.recording_of(key) is None:
        return Move("put", f"{key} {whole.randrange(len(world.bodies[key]))}")
    return Move(whole.choice(("correct", "correct", "reprocess as owner")), key)


def tell(world: World) -> None:
    """Let people act and faults happen. Then end the faults, and let the world come to rest."""
    plan, n_moves = world.plan, 0
    n_acts = plan.n_acts
    while n_acts or (world.is_busy and n_moves < MOST_MOVES):
        move = choose(world, plan.rng, n_acts, can_reconcile=True)
        perform(world, move)
        n_acts -= move.kind in ACTS
        n_moves += 1
    settle(world)


def replay(world: World, moves: list[Move]) -> None:
    """Perform the moves that can be performed, then come to rest as ``tell`` does."""
    for move in moves:
        perform(world, move)
    settle(world)


def settle(world: World) -> None:
    """Run reconcile without faults until nothing changes, and note the violations after a run."""
    from support.faults.checking import violations  # noqa: PLC0415  # it looks at worlds

    world.told = list(world.moves)
    world.plan.left = 0
    world.is_over = True
    world.log.append("from here on there are no more faults, and reconcile runs")
    come_to_rest(world)
    world.wrong_before = violations(world)
    before = None
    for round_ in range(ROUNDS):
        if before == (before := _state(world)):
            return
        world.let_pass(A_LONG_WHILE)
        _reconcile(world)
        come_to_rest(world)
        if round_ == 0:
            world.wrong_after_one = violations(world)
    world.never_ended = f"reconcile still changes something in its run {ROUNDS}"


def _state(world: World) -> tuple[object, ...]:
    items = {key: dict(item) for key, item in world.table.items.items()}
    return (
        items,
        dict(world.bucket.objects),
        dict(world.results.objects),
        len(world.messages.published),
    )


def come_to_rest(world: World) -> None:
    """Do all work that needs no further act of people."""
    for _ in range(MOST_MOVES):
        if not world.is_busy:
            world.catch_up()
            return
        perform(world, choose(world, world.plan.rest, 0, can_reconcile=False))
    world.never_ended = f"no rest after {MOST_MOVES} moves"
    world.catch_up()


def _reconcile(world: World) -> None:
    """Run ``make reconcile``, which has no time limit; sometimes two at the same time."""
    world.results.objects.pop(keys.BOOKMARK, None)

    def work() -> None:
        findings = reconciliation.reconcile(world.services, pages=0)
        for _ in range(A_ROUND):
            walked = reconciliation.reconcile(world.services, pages=1)
            findings.failures += walked.failures
            if walked.is_round:
                break
        else:
            world.never_ended = f"the walk does not come around in {A_ROUND} pages"
        findings.raise_failures()

    outcomes: list[str] = []
    for number in range(world.plan.n_reconciles):
        name = f"the last reconcile {number}"
        world.start(name, "reconcile", work, outcomes.append, life=timedelta.max)
    while len(outcomes) < world.plan.n_reconciles:
        perform(world, choose(world, world.plan.rest, 0, can_reconcile=False))
    world.failed_runs += [outcome for outcome in outcomes if outcome != "ended"]

"""Moves performed: one function for each kind, which returns False if it is not possible."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial

import greenlet

from support.asking import Asker
from support.faults.moves import Move
from support.faults.s3_double import halves
from support.faults.transcribe_double import words_of
from support.faults.world import A_MOVE, ADMINISTRATOR, TICK, Delivery, World


def perform(world: World, move: Move) -> bool:
    """Perform a move; return whether it was possible."""
    is_done = _PERFORM[move.kind](world, move)
    if is_done:
        world.moves.append(move)
        if not world.is_over:
            world.log.append(str(move))
        world.let_pass(A_MOVE)
    return is_done


def _run(world: World, move: Move) -> bool:
    task = next((task for task in world.tasks if task.name == move.target), None)
    if task is None:
        return False
    if move.fate:
        world.plan.spend(f"{task.name}: {task.asks} {move.fate}")
        task.n_faults += 1
    task.fate = move.fate
    task.run.switch()
    return True


def _deliver(world: World, move: Move) -> bool:
    delivery = next((one for one in world.pending if one.name == move.target), None)
    if delivery is None:
        return False
    world.pending.remove(delivery)
    if move.fate:
        world.plan.spend(f"{delivery.name} {move.fate}")
    if move.fate == "is lost":
        return True
    if move.fate == "comes twice":
        again = Delivery(world.name(delivery.name), delivery.function, delivery.event)
        world.pending.append(again)
    world.deliver(delivery)
    return True


def _receive(world: World, move: Move) -> bool:
    message = next((one for one in world.visible() if one["name"] == move.target), None)
    if message is None:
        return False
    world.messages.waiting.remove(message)
    if move.fate:
        world.plan.spend(f"the message {message['name']} {move.fate}")
        twin = {**message, "name": world.name(message["name"])}
        world.messages.waiting.append(twin)
    world.receive(message)
    return True


def _advance(world: World, move: Move) -> bool:
    if move.target not in world.unfinished():
        return False
    if move.fate:
        world.plan.spend(f"the job {move.target} {move.fate}")
    is_transcription = move.target in world.transcribe.jobs
    service = world.transcribe if is_transcription else world.mediaconvert
    service.advance(move.target, fails=bool(move.fate))
    return True


def _wait(world: World, move: Move) -> bool:
    if move.fate:
        world.plan.spend(f"{move.target} minutes pass")
    world.let_pass(timedelta(minutes=int(move.target)))
    return True


def _catch_up(world: World, _: Move) -> bool:
    world.catch_up()
    return True


def _reconcile(world: World, _: Move) -> bool:
    work = partial(world.application.reconcile, {**TICK}, None)
    world.start(world.name("reconcile"), "reconcile", work)
    return True


def _put(world: World, move: Move) -> bool:
    key, _, number = move.target.rpartition(" ")
    world.bucket.put_object(Key=key, Body=world.bodies[key][int(number)])
    return True


def _begin_parts(world: World, move: Move) -> bool:
    key, _, number = move.target.rpartition(" ")
    upload_id = world.bucket.create_multipart_upload()["UploadId"]
    world.parts[key] = (upload_id, int(number))
    return True


def _end_parts(world: World, move: Move) -> bool:
    if move.target not in world.parts:
        return False
    upload_id, number = world.parts.pop(move.target)
    body = world.bodies[move.target][number]
    parts = [
        {
            "PartNumber": n,
            **world.bucket.upload_part(UploadId=upload_id, PartNumber=n, Body=part),
        }
        for n, part in enumerate(halves(body), start=1)
    ]
    world.bucket.complete_multipart_upload(
        Key=move.target, UploadId=upload_id, MultipartUpload={"Parts": parts}
    )
    if not world.plan.rules.old_parts:
        world.bucket.touch(move.target)
    return True


def _remove(world: World, move: Move) -> bool:
    if move.target not in world.bucket.objects:
        return False
    world.bucket.delete_object(Key=move.target)
    return True


def _delete_by_api(world: World, move: Move) -> bool:
    return _ask(world, "DELETE", move, "")


def _reprocess_by_api(world: World, move: Move) -> bool:
    return _ask(world, "POST", move, "/reprocess")


def _ask(world: World, method: str, move: Move, action: str) -> bool:
    recording_id = world.recording_of(move.target)
    if recording_id is None:
        return False
    world.restarts[recording_id] += bool(action)
    _start_api(world, method, f"/recordings/{recording_id}{action}", recording_id)
    return True


def _search(world: World, move: Move) -> bool:
    word = words_of(world.bodies[move.target][0])[0]
    _start_api(world, "GET", f"/search?q={word}", "")
    return True


def _start_api(world: World, method: str, target: str, about: str) -> None:
    def work() -> None:
        task = world.by_greenlet[greenlet.getcurrent()]
        answer = Asker(world.application)(target, by=ADMINISTRATOR, method=method)
        world.watch.look_at_answer(task, answer)

    world.start(world.name(f"{method} {target}"), "api", work, about=about)


_PERFORM: dict[str, Callable[[World, Move], bool]] = {
    "run": _run,
    "deliver": _deliver,
    "receive": _receive,
    "advance": _advance,
    "wait": _wait,
    "catch up": _catch_up,
    "reconcile": _reconcile,
    "put": _put,
    "begin parts": _begin_parts,
    "end parts": _end_parts,
    "remove": _remove,
    "delete by API": _delete_by_api,
    "reprocess by API": _reprocess_by_api,
    "search": _search,
}

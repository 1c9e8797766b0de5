"""Perform moves: one function for each kind. It returns False if the move is not possible."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import greenlet

from chalicelib.core import keys
from support.asking import Answered, Asker
from support.faults.connecting import ADMINISTRATOR
from support.faults.moves import Move
from support.faults.s3_double import halves, md5
from support.faults.transcribe_double import START_S, STEP_S, words_of
from support.faults.world import A_MOVE, TICK, Corrected, Delivery, World

OK = 200


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


def _catch_up(world: World, move: Move) -> bool:
    world.catch_up(move.target)
    return True


def _reconcile(world: World, _: Move) -> bool:
    work = partial(world.application.reconcile, {**TICK}, None)
    world.start(world.name("reconcile"), "reconcile", work)
    return True


def _put(world: World, move: Move) -> bool:
    key, _, number = move.target.rpartition(" ")
    body = world.bodies[key][int(number)]
    found = world.bucket.objects.get(key)
    world.changed[key] += found is None or found[1] != md5(body)
    world.bucket.put_object(Key=key, Body=body)
    return True


def _begin_parts(world: World, move: Move) -> bool:
    key, _, number = move.target.rpartition(" ")
    upload_id = world.bucket.create_multipart_upload(Key=key)["UploadId"]
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
    world.changed[move.target] += 1
    world.bucket.complete_multipart_upload(
        Key=move.target, UploadId=upload_id, MultipartUpload={"Parts": parts}
    )
    if not world.plan.rules.old_parts:
        world.bucket.touch(move.target)
    return True


def _remove(world: World, move: Move) -> bool:
    if move.target not in world.bucket.objects:
        return False
    world.changed[move.target] += 1
    world.bucket.delete_object(Key=move.target)
    return True


def _delete_by_api(world: World, move: Move) -> bool:
    world.changed[move.target] += 1
    return _ask(world, "DELETE", move, "")


def _reprocess_by_api(world: World, move: Move) -> bool:
    return _ask(world, "POST", move, "/reprocess")


def _reprocess_as_owner(world: World, move: Move) -> bool:
    return _ask(world, "POST", move, "/reprocess", by=keys.owner(move.target))


def _ask(world: World, method: str, move: Move, action: str, *, by: str = ADMINISTRATOR) -> bool:
    recording_id = world.recording_of(move.target)
    if recording_id is None:
        return False
    world.restarts[recording_id] += bool(action)
    target = f"/recordings/{recording_id}{action}"
    _start_api(
        world, f"{method} {target}", partial(_request, world, method, target, by=by), recording_id
    )
    return True


def _correct(world: World, move: Move) -> bool:
    recording_id = world.recording_of(move.target)
    if recording_id is None:
        return False
    target = f"/recordings/{recording_id}/corrections"
    number = len(world.corrected)
    world.corrected.append(Corrected(recording_id, f"c{number}", None, world.changed[move.target]))
    work = partial(_correct_a_word, world, world.corrected[-1], target, number % 2)
    _start_api(world, f"correct {target}", work, recording_id)
    return True


def _correct_a_word(world: World, asked: Corrected, target: str, place: int) -> None:
    """Read the corrections, and write them with one word changed, as the page does."""
    shown = _request(world, "GET", target)
    if shown.status != OK:
        return
    word = words_of(world.watch.bodies[asked.recording_id])[place]
    kept = []
    for one in shown.json["corrections"]:
        if one["words"] == [word]:
            asked.replaced = one["text"]
        else:
            kept.append({name: one[name] for name in ("kind", "words", "start_s", "text")})
    start_s = START_S + STEP_S * place
    new = {"kind": "words", "words": [word], "start_s": start_s, "text": asked.text}
    body, seen = {"corrections": [*kept, new]}, shown.headers["ETag"]
    answer = _request(world, "PUT", target, body=body, **{"If-Match": seen})
    asked.is_accepted = answer.status == OK


def _make_dataset(world: World, move: Move) -> bool:
    body = {"name": move.target, "format": "kaldi", "frames": "f0"}
    work = partial(_request, world, "POST", "/datasets", body=body)
    _start_api(world, f"POST /datasets {move.target}", work, "")
    return True


def _delete_dataset(world: World, move: Move) -> bool:
    target = f"/datasets/{move.target}"
    _start_api(world, f"DELETE {target}", partial(_request, world, "DELETE", target), "")
    return True


def _search(world: World, move: Move) -> bool:
    word = words_of(world.bodies[move.target][0])[0]
    target = f"/search?q={word}"
    _start_api(world, f"GET {target}", partial(_request, world, "GET", target), "")
    return True


def _start_api(world: World, name: str, work: Callable[[], object], about: str) -> None:
    world.start(world.name(name), "api", work, about=about)


def _request(
    world: World, method: str, target: str, *, by: str = ADMINISTRATOR, **more: Any
) -> Answered:
    task = world.by_greenlet[greenlet.getcurrent()]
    answer = Asker(world.application)(target, by=by, method=method, **more)
    world.watch.look_at_answer(task, answer)
    return answer


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
    "correct": _correct,
    "reprocess as owner": _reprocess_as_owner,
    "make data set": _make_dataset,
    "delete data set": _delete_dataset,
}

"""Corrections, data sets and quotas among the acts of others, each order written by hand."""

import json
from dataclasses import replace

from support.faults.checking import violations
from support.faults.scenes import Scene, item_of

from chalicelib.core import keys
from chalicelib.core.probe.quotas import Quotas
from chalicelib.pipeline.datasets import take_dataset_step

TALK = "uploads/alice/my talk.wav"
CLIP = "uploads/bob/clip.mp4"
NOTES = "uploads/notes.txt"


def settled(*keys_):
    """Return a scene in which these uploads are complete."""
    scene = Scene(*keys_)
    for key in keys_:
        scene.put(key)
    scene.come_to_rest()
    return scene


def no_longer_watched():
    """Return a scene whose upload is complete, and on which reconcile will not look again."""
    scene = settled(TALK)
    scene.move("wait", "90")
    scene.move("reconcile")
    scene.run(scene.world.tasks[-1])
    assert "look_at" not in item_of(scene.world, TALK)
    return scene


def receive(scene, name):
    """Deliver the oldest message of a name; its function stops before its first request."""
    message = next(one for one in scene.world.visible() if one["name"].startswith(name))
    scene.move("receive", message["name"])
    return scene.world.tasks[-1]


def of_datasets(scene):
    return [key for key in scene.world.results.objects if key.startswith(keys.DATASETS)]


def test_a_correction_whose_message_was_never_sent_is_in_all_outputs_after_a_look():
    scene = no_longer_watched()
    correcting = scene.ask_api("correct", TALK)
    scene.run(correcting, until="send_message")
    scene.move("run", correcting.name, "killed")

    assert scene.end() == []
    assert item_of(scene.world, TALK)["transcript"].startswith("c0 ")


def test_a_correction_that_misses_a_table_has_it_made_again():
    scene = settled(TALK)
    scene.run(scene.ask_api("correct", TALK))
    (table,) = [key for key in scene.world.results.objects if key.endswith("/pitch.csv")]
    scene.world.results.delete_object(Key=table)
    scene.come_to_rest()

    assert violations(scene.world) == []
    assert item_of(scene.world, TALK)["transcript"].startswith("c0 ")


def test_two_people_who_correct_at_once_lose_nothing():
    scene = settled(TALK)
    first, second = scene.ask_api("correct", TALK), scene.ask_api("correct", TALK)
    scene.run(first, until="put_object")
    scene.run(second)
    scene.run(first)

    assert scene.end() == []
    accepted = [one.text for one in scene.world.corrected if one.is_accepted]
    assert accepted == ["c1"]
    assert item_of(scene.world, TALK)["transcript"].endswith(" c1")


def test_a_correction_by_somebody_who_has_not_seen_another_is_refused():
    scene = settled(TALK)
    first, second = scene.ask_api("correct", TALK), scene.ask_api("correct", TALK)
    scene.move("run", first.name)
    scene.run(first, until="get_item")  # the corrections were shown, and are sent next
    scene.run(second)
    scene.run(first)

    assert scene.end() == []
    assert [one.text for one in scene.world.corrected if one.is_accepted] == ["c1"]


def test_a_data_set_that_is_deleted_while_it_is_joined_does_not_come_back():
    scene = settled(TALK)
    scene.run(scene.ask_api("make data set", "mine"))
    scene.run(receive(scene, "mine"))
    scene.run(receive(scene, "mine"))
    joining = receive(scene, "mine")
    scene.run(joining, until="delete_objects")
    scene.run(scene.ask_api("delete data set", "mine"))
    scene.run(joining)

    assert scene.end() == []
    assert of_datasets(scene) == []


def planned_twice():
    """Return a scene with a joined data set, and a second plan of it that now writes its parts."""
    scene = settled(TALK)
    scene.run(scene.ask_api("make data set", "mine"))
    (message,) = scene.world.visible()
    scene.move("receive", message["name"], "comes twice")
    late = scene.world.tasks[-1]
    scene.run(late, until="put_object")
    while scene.world.visible():
        scene.run(receive(scene, "mine"))
    return scene, late


def test_a_data_set_that_is_planned_twice_at_once_leaves_no_parts():
    scene, late = planned_twice()
    scene.run(late)

    assert scene.end() == []
    assert not [key for key in of_datasets(scene) if "/parts/" in key]


def test_parts_of_a_second_plan_that_could_not_be_removed_go_with_its_next_delivery():
    scene, late = planned_twice()
    scene.run(late, until="head_object")
    scene.move("run", late.name, "throttled")

    assert scene.end() == []
    assert not [key for key in of_datasets(scene) if "/parts/" in key]


def test_a_message_of_an_earlier_request_does_nothing_to_a_later_one_of_the_same_name():
    scene = Scene(TALK, CLIP)
    scene.put(TALK)
    scene.come_to_rest()
    scene.run(scene.ask_api("make data set", "mine"))
    scene.run(receive(scene, "mine"))
    late = json.loads(scene.world.visible()[0]["body"]) | {"step": "join"}
    scene.put(CLIP)
    scene.come_to_rest()
    scene.run(scene.ask_api("make data set", "mine"))
    scene.run(receive(scene, "mine"))

    take_dataset_step(late, scene.world.services)

    assert scene.end() == []


def test_a_step_of_a_data_set_that_was_deleted_leaves_no_files():
    scene = settled(TALK)
    scene.run(scene.ask_api("make data set", "mine"))
    scene.run(receive(scene, "mine"))
    making = receive(scene, "mine")
    scene.run(making, until="get_item")
    scene.run(scene.ask_api("delete data set", "mine"))
    scene.run(making)

    assert scene.end() == []
    assert of_datasets(scene) == []


def test_a_message_of_a_deleted_request_deletes_nothing_of_a_later_one():
    scene = settled(TALK)
    scene.run(scene.ask_api("make data set", "mine"))
    scene.run(scene.ask_api("delete data set", "mine"))
    late = receive(scene, "mine")
    scene.move("run", late.name)  # there is no request
    scene.run(scene.ask_api("make data set", "mine"))
    scene.run(receive(scene, "mine"))
    scene.run(late)

    assert scene.end() == []
    assert [key for key in of_datasets(scene) if key.endswith("/dataset.json")]


def test_a_data_set_of_nothing_that_is_joined_twice_at_once_says_what_was_left_out():
    scene = settled(NOTES)
    scene.run(scene.ask_api("make data set", "mine"))
    scene.run(receive(scene, "mine"))
    (message,) = scene.world.visible()
    scene.move("receive", message["name"], "comes twice")
    late = scene.world.tasks[-1]
    scene.move("run", late.name)  # it has read the request, and reads the plan next
    while scene.world.visible():
        scene.run(receive(scene, "mine"))
    scene.run(late)

    assert scene.end() == []
    (left_out,) = [key for key in of_datasets(scene) if key.endswith("/left-out.jsonl")]
    assert b"notes-txt" in scene.world.results.objects[left_out][0]


def test_a_plan_that_meets_a_deletion_whose_end_is_not_reached_leaves_no_files():
    scene = settled(TALK)
    scene.run(scene.ask_api("make data set", "mine"))
    planning = receive(scene, "mine")
    scene.run(planning, until="put_object")
    deleting = scene.ask_api("delete data set", "mine")
    scene.run(deleting, until="delete_objects")
    scene.run(planning)
    scene.move("run", deleting.name, "takes effect unheard")

    assert scene.end() == []
    assert of_datasets(scene) == []


def test_a_step_of_an_earlier_request_writes_nothing_into_a_later_one_with_the_same_plan():
    scene = settled(TALK, CLIP)
    scene.run(scene.ask_api("make data set", "mine"))
    scene.run(receive(scene, "mine"))
    late = receive(scene, "mine")
    scene.run(late, until="put_object")
    scene.run(scene.ask_api("delete data set", "mine"))
    scene.run(scene.ask_api("make data set", "mine"))
    scene.run(receive(scene, "mine"))
    scene.move("remove", CLIP)
    scene.deliver_all()
    while scene.world.visible():
        scene.run(receive(scene, "mine"))
    scene.run(late)

    assert scene.end() == []


def test_a_reprocessing_that_ends_halfway_loses_nothing():
    scene = no_longer_watched()
    asking = scene.ask_api("reprocess by API", TALK)
    scene.run(asking, until="delete_objects")
    scene.move("run", asking.name)
    scene.move("run", asking.name, "killed")

    assert scene.end() == []


def test_an_upload_that_is_replaced_while_its_hours_are_counted_is_no_error_of_the_server():
    scene = Scene(TALK)
    world = scene.world
    world.settings = replace(world.settings, quotas=Quotas(owner_hours=1))
    world.services = replace(world.services, settings=world.settings)
    scene.put(TALK, 0)
    scene.come_to_rest()
    asking = scene.ask_api("reprocess as owner", TALK)
    scene.run(asking, until="get_object")
    scene.put(TALK, 1)
    scene.run(asking)

    assert scene.end() == []


def test_what_is_over_the_hours_of_a_day_is_refused_once_and_counted_once():
    scene = Scene(TALK)
    world = scene.world
    world.settings = replace(world.settings, quotas=Quotas(owner_hours=1 / 3600))
    world.services = replace(world.services, settings=world.settings)
    scene.put(TALK, 0)
    scene.move("deliver", world.pending[0].name, "comes twice")
    first = world.tasks[-1]
    scene.run(first, until="transact_write_items")
    scene.run(scene.begin("receive_upload"))
    scene.run(first)
    scene.come_to_rest()
    assert item_of(world, TALK)["features"] == "COMPLETED"
    scene.put(TALK, 1)

    assert scene.end() == []
    assert item_of(world, TALK)["transcription_reason"].startswith("The recording was not")


def test_a_deletion_of_a_data_set_that_was_done_in_part_can_be_repeated():
    scene = settled(TALK)
    scene.run(scene.ask_api("make data set", "mine"))
    scene.come_to_rest()
    deleting = scene.ask_api("delete data set", "mine")
    while deleting in scene.world.tasks:
        is_batch = deleting.asks == "delete_objects"
        scene.move("run", deleting.name, "partly" if is_batch else "")
    (request,) = [key for key in of_datasets(scene) if "/requests/" in key]
    assert b"Delete it again." in scene.world.results.objects[request][0]
    scene.run(scene.ask_api("delete data set", "mine"))

    assert of_datasets(scene) == []


def test_a_refusal_that_was_written_in_part_is_not_forgotten():
    scene = Scene(TALK)
    world = scene.world
    world.settings = replace(world.settings, quotas=Quotas(owner_hours=0.5 / 3600))
    world.services = replace(world.services, settings=world.settings)
    scene.put(TALK)
    refusing = scene.begin("receive_upload")
    scene.run(refusing, until="update_item")
    scene.move("run", refusing.name)
    scene.move("run", refusing.name, "killed")

    assert scene.end() == []
    assert item_of(world, TALK)["features_reason"].startswith("The recording was not processed")


def test_a_refusal_that_meets_an_administrators_reprocessing_ends_nothing_of_it():
    scene = Scene(CLIP)
    world = scene.world
    world.settings = replace(world.settings, quotas=Quotas(owner_hours=0.5 / 3600))
    world.services = replace(world.services, settings=world.settings)
    scene.put(CLIP)
    refusing = scene.begin("receive_upload")
    scene.run(refusing, until="update_item")
    scene.run(scene.ask_api("reprocess by API", CLIP))
    scene.run(refusing)

    assert scene.end() == []
    assert item_of(world, CLIP)["renditions"] == "COMPLETED"


def test_a_refusal_that_meets_a_function_for_which_there_was_room_ends_nothing_of_it():
    scene = Scene(CLIP)
    world = scene.world
    without = world.services
    world.settings = replace(world.settings, quotas=Quotas(owner_hours=0.5 / 3600))
    world.services = replace(world.services, settings=world.settings)
    scene.put(CLIP)
    scene.move("deliver", world.pending[0].name, "comes twice")
    refusing = world.tasks[-1]
    scene.run(refusing, until="update_item")
    world.services = without
    scene.run(scene.begin("receive_upload"))
    scene.run(refusing)

    assert scene.end() == []
    assert item_of(world, CLIP)["renditions"] == "COMPLETED"

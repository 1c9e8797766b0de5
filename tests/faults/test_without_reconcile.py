"""Orders of events, without any fault, after which all is right before reconcile runs."""

from support.faults.checking import violations
from support.faults.scenes import Scene, item_of

TALK = "uploads/alice/my talk.wav"
CLIP = "uploads/bob/clip.mp4"
NOTES = "uploads/notes.txt"


def test_an_upload_that_is_put_back_while_it_is_removed_is_processed():
    scene = Scene(TALK)
    scene.put(TALK)
    scene.deliver_all("receive_upload")
    scene.move("remove", TALK)
    removing = scene.begin("remove_recording")
    scene.run(removing, until="delete_item")
    scene.put(TALK)
    scene.deliver_all("receive_upload")
    scene.run(removing)
    scene.receive_all()

    assert item_of(scene.world, TALK)["transcription"] == "IN_PROGRESS"
    scene.come_to_rest()
    assert violations(scene.world) == []


def test_what_is_measured_while_its_recording_is_removed_is_not_left():
    scene = Scene(TALK)
    scene.put(TALK)
    scene.deliver_all("receive_upload")
    scene.move("receive", scene.world.visible()[0]["name"])
    measuring = scene.world.tasks[-1]
    scene.run(measuring, until="put_object")
    scene.move("remove", TALK)
    scene.move("catch up")
    removing = scene.begin("remove_recording")
    scene.run(removing, until="delete_item")
    scene.run(measuring)
    scene.run(removing)
    scene.come_to_rest()

    assert violations(scene.world) == []


def test_an_upload_that_is_put_back_while_it_is_measured_is_measured_again():
    scene = Scene(TALK)
    scene.put(TALK)
    scene.deliver_all("receive_upload")
    scene.move("receive", scene.world.visible()[0]["name"])
    measuring = scene.world.tasks[-1]
    scene.run(measuring, until="get_object")
    scene.move("remove", TALK)
    scene.move("run", measuring.name)
    scene.put(TALK)
    scene.run(measuring)
    scene.come_to_rest()

    assert violations(scene.world) == []


def test_a_recording_whose_removal_came_before_it_was_in_the_index_is_removed():
    scene = Scene(NOTES)
    scene.put(NOTES)
    scene.run(scene.begin("receive_upload"))
    scene.move("remove", NOTES)
    scene.run(scene.begin("remove_recording"))  # the index does not have the item yet
    scene.come_to_rest()

    assert violations(scene.world) == []


def test_a_video_whose_removal_came_before_it_was_in_the_index_is_removed():
    scene = Scene(CLIP)
    scene.put(CLIP)
    scene.run(scene.begin("receive_upload"))
    scene.move("remove", CLIP)
    scene.world.pending.clear()  # the event of the removal is lost
    scene.come_to_rest()

    assert [wrong for wrong in violations(scene.world) if "no upload" in wrong] == []


def test_a_table_that_a_late_clean_up_removed_is_made_again():
    scene = Scene(TALK)
    scene.put(TALK)
    scene.deliver_all("receive_upload")
    scene.receive_all()
    (job,) = scene.transcription_jobs
    scene.move("advance", job)
    scene.move("advance", job)
    storing = scene.begin("store_transcript")
    (key,) = [key for key in scene.world.results.objects if key.endswith("/pitch.csv")]
    scene.world.results.delete_object(Key=key)
    scene.run(storing)
    scene.come_to_rest()

    assert violations(scene.world) == []


def test_the_event_of_an_earlier_attempt_leaves_the_input_of_the_next():
    scene = Scene(CLIP)
    scene.put(CLIP)
    scene.deliver_all("receive_upload")
    scene.receive_all()
    (job,) = scene.world.mediaconvert.unfinished()
    scene.move("advance", job)
    scene.move("advance", job, "fails")
    late = scene.begin("store_renditions")
    scene.run(late, until="update_item")
    scene.run(scene.ask_api("reprocess by API", CLIP))
    scene.run(late)
    scene.come_to_rest()

    assert violations(scene.world) == []


def test_a_copy_that_was_made_after_the_transcription_is_not_left():
    scene = Scene(TALK)
    scene.move("put", f"{TALK} 0")
    scene.move("deliver", scene.world.pending[0].name, "comes twice")
    first = scene.world.tasks[-1]
    scene.run(first, until="start_transcription_job")
    second = scene.begin("receive_upload")
    scene.run(second, until="copy_object")
    scene.run(first)
    (job,) = scene.transcription_jobs
    scene.move("advance", job)
    scene.move("advance", job)
    scene.run(scene.begin("store_transcript"))
    scene.run(second)
    scene.come_to_rest()

    assert violations(scene.world) == []


def test_a_copy_that_was_made_after_the_renditions_is_not_left():
    scene = Scene(CLIP)
    scene.move("put", f"{CLIP} 0")
    scene.move("deliver", scene.world.pending[0].name, "comes twice")
    first = scene.world.tasks[-1]
    scene.run(first, until="create_job")
    second = scene.begin("receive_upload")
    scene.run(second, until="copy_object")
    scene.run(first)
    (job,) = scene.world.mediaconvert.unfinished()
    scene.move("advance", job)
    scene.move("advance", job)
    scene.run(scene.begin("store_renditions"))
    scene.run(second)
    scene.come_to_rest()

    assert violations(scene.world) == []


def test_whoever_starts_a_job_for_an_upload_that_is_gone_removes_the_recording():
    scene = Scene(TALK)
    scene.put(TALK)
    starting = scene.begin("receive_upload")
    scene.run(starting, until="copy_object")
    scene.move("remove", TALK)
    scene.run(scene.begin("remove_recording"))  # the index does not have the item yet
    scene.run(starting)

    assert scene.world.recordings == []


def test_what_is_measured_after_its_recording_was_removed_is_not_left():
    scene = Scene(TALK)
    scene.put(TALK)
    scene.deliver_all("receive_upload")
    scene.move("receive", scene.world.visible()[0]["name"])
    measuring = scene.world.tasks[-1]
    scene.run(measuring, until="put_object")  # the upload has been read to its end
    scene.move("remove", TALK)
    scene.deliver_all("remove_recording")
    scene.run(measuring)

    assert [key for key in scene.world.results.objects if key.startswith("features/")] == []


def test_whoever_cleans_up_lets_be_what_was_put_since():
    """It would be made again, but paid for twice."""
    scene = Scene(TALK)
    scene.put(TALK, 0)
    slow = scene.begin("receive_upload")
    scene.run(slow, until="query")
    scene.put(TALK, 1)
    scene.deliver_all()
    scene.run(slow)
    scene.come_to_rest()

    assert violations(scene.world) == []
    newest = item_of(scene.world, TALK)["recording_id"]
    assert len([name for name in scene.world.transcribe.jobs if newest in name]) == 1

"""Orders of events that once ended wrong, each written by hand.

The numbers V1 to V9 are those of docs/faults.md.
"""

from dataclasses import replace

from support.faults.checking import violations
from support.faults.s3_double import halves
from support.faults.scenes import Scene, item_of
from support.faults.transcribe_double import words_of

TALK = "uploads/alice/my talk.wav"
CLIP = "uploads/bob/clip.mp4"
MOV = "uploads/alice/clip.mov"


def advance(scene, job, n_times=1):
    for _ in range(n_times):
        scene.move("advance", job)


def test_a_job_that_read_other_bytes_does_not_count():
    scene = Scene(TALK)
    scene.put(TALK, 0)
    scene.deliver_all()
    (job,) = scene.transcription_jobs
    scene.put(TALK, 1)
    scene.deliver_all()
    advance(scene, job)
    scene.put(TALK, 0)
    advance(scene, job)

    assert scene.end() == []


def test_a_video_that_is_reprocessed_twice_at_once_gets_its_renditions():
    scene = Scene(CLIP)
    scene.put(CLIP)
    scene.come_to_rest()
    slow = scene.ask_api("reprocess by API", CLIP)
    scene.run(slow, until="create_job")
    scene.run(scene.ask_api("reprocess by API", CLIP))

    assert scene.end() == []


def test_a_video_that_is_uploaded_again_while_its_job_starts_gets_its_renditions():
    scene = Scene(CLIP)
    scene.put(CLIP)
    slow = scene.begin("receive_upload")
    scene.run(slow, until="create_job")
    scene.move("remove", CLIP)
    scene.deliver_all()
    scene.move("wait", "2")
    scene.put(CLIP)
    scene.deliver_all("receive_upload")
    scene.run(slow)

    assert scene.end() == []


def test_an_audio_track_that_a_late_clean_up_removed_is_made_again():
    scene = Scene(MOV)
    scene.put(MOV)
    scene.deliver_all()
    (job,) = scene.world.mediaconvert.unfinished()
    advance(scene, job, 2)
    (track,) = [key for key in scene.world.results.objects if key.endswith("/audio.mp3")]
    scene.world.results.delete_object(Key=track)

    assert scene.end() == []


def test_a_ladder_that_fails_leaves_the_audio_track_and_the_transcript():
    scene = Scene(MOV)
    scene.world.plan.pictures_fail = scene.world.mediaconvert.pictures_fail = True
    scene.put(MOV)
    scene.deliver_all()
    (ladder,) = scene.world.mediaconvert.unfinished()
    advance(scene, ladder, 2)
    scene.come_to_rest()

    item = item_of(scene.world, MOV)
    assert (item["transcription"], item["renditions"]) == ("COMPLETED", "COMPLETED")
    assert item["rendition_files"].keys() == {"audio"}
    assert scene.end() == []


def test_a_transcript_waits_for_an_audio_track_that_is_made_again_whoever_looks_meanwhile():
    scene = Scene(MOV)
    scene.put(MOV)
    scene.deliver_all()
    (ladder,) = scene.world.mediaconvert.unfinished()
    advance(scene, ladder)
    scene.move("advance", ladder, "fails")
    rid = item_of(scene.world, MOV)["recording_id"]
    # The job's event has not come, and two looks find its end. Each has put the next look off.
    slow, other = (look(scene, rid) for _ in range(2))
    for task in (slow, other):
        scene.run(task, until="update_item")
        scene.move("run", task.name)
        scene.run(task, until="update_item")
    # One of them lets one of the two branches begin again.
    retried = {"transcription_retried", "renditions_retried"}
    while not retried & item_of(scene.world, MOV).keys():
        scene.move("run", slow.name)
    scene.run(other)
    scene.run(slow)

    assert scene.end() == []


def look(scene, recording_id):
    """Begin a look that was asked for by a message."""
    scene.world.services.features_queue.send_look(recording_id, delay_s=0)
    scene.move("receive", scene.world.visible()[-1]["name"])
    return scene.world.tasks[-1]


def test_a_job_whose_copy_a_late_clean_up_removed_has_its_one_retry_still():
    scene = Scene(TALK)
    scene.put(TALK)
    scene.deliver_all()
    (first,) = scene.transcription_jobs
    (copy,) = [key for key in scene.world.bucket.objects if key.endswith("/input.wav")]
    scene.world.bucket.delete_object(Key=copy)
    advance(scene, first, 2)
    scene.deliver_all()
    scene.receive_all()
    (second,) = scene.transcription_jobs
    advance(scene, second)
    scene.move("advance", second, "fails")

    assert scene.end() == []


def test_search_rows_that_a_late_clean_up_removed_are_written_again():
    scene = Scene(TALK)
    scene.put(TALK)
    scene.come_to_rest()
    rid = item_of(scene.world, TALK)["recording_id"]
    for row in [row for row in scene.world.search.items if row[0] == rid]:
        scene.world.search.delete_item(Key={"recording_id": row[0], "term": row[1]})

    assert scene.end() == []


def test_an_upload_that_is_overwritten_within_a_moment_has_its_recording_at_once():
    scene = Scene(TALK)
    scene.put(TALK, 0)
    slow = scene.begin("receive_upload")
    scene.run(slow, until="query")
    scene.put(TALK, 1)
    scene.deliver_all()
    scene.run(slow)
    scene.come_to_rest()

    assert violations(scene.world) == []


def test_reprocessing_makes_the_transcript_with_the_present_settings():
    scene = Scene(TALK)
    scene.put(TALK)
    scene.deliver_all()
    (job,) = scene.transcription_jobs
    advance(scene, job)
    world = scene.world
    options = replace(world.settings.transcription, languages=("de-DE",))
    settings = replace(world.settings, transcription=options)
    world.services = replace(world.services, settings=settings)
    scene.run(scene.ask_api("reprocess by API", TALK))

    assert scene.end() == []
    asked = [job.request["LanguageCode"] for job in world.transcribe.jobs.values()]
    assert item_of(world, TALK)["language_code"] == "de-DE"
    assert asked[-1] == "de-DE"


def test_a_job_for_replaced_bytes_leaves_nothing():
    """The worked example of docs/faults.md."""
    scene = Scene(TALK)
    scene.put(TALK, 0)
    slow = scene.begin("receive_upload")
    scene.run(slow, until="start_transcription_job")
    scene.put(TALK, 1)
    scene.deliver_all("receive_upload")
    scene.run(slow)

    assert scene.end() == []


def test_a_notice_whose_answer_was_lost_is_sent_again_and_names_the_recording():
    """V8: nobody can know better, so docs/reliability.md says it; there is no third one."""
    scene = Scene(TALK)
    scene.put(TALK)
    scene.deliver_all("receive_upload")
    scene.receive_all()
    (job,) = scene.transcription_jobs
    advance(scene, job, 2)
    last = scene.begin("store_transcript")
    scene.run(last, until="publish")
    scene.move("run", last.name, "asked twice")

    assert scene.end() == []
    rid = item_of(scene.world, TALK)["recording_id"]
    assert scene.world.messages.published == [(rid, "done")] * 2


def test_an_upload_in_parts_that_was_begun_long_ago_gets_its_own_transcript():
    scene = Scene(TALK)
    bucket, body = scene.world.bucket, scene.bodies[TALK][0]
    begun = [bucket.create_multipart_upload(Key=TALK)["UploadId"] for _ in range(2)]

    def complete(upload_id):
        for number, part in enumerate(halves(body), start=1):
            bucket.upload_part(UploadId=upload_id, PartNumber=number, Body=part)
        bucket.complete_multipart_upload(
            Key=TALK, UploadId=upload_id, MultipartUpload={"Parts": [1, 2]}
        )

    complete(begun[0])
    scene.deliver_all()
    (job,) = scene.transcription_jobs
    scene.put(TALK, 1)
    advance(scene, job)
    complete(begun[1])
    advance(scene, job)

    assert scene.end() == []
    assert item_of(scene.world, TALK)["transcript"] == " ".join(words_of(body))


def test_renditions_whose_starter_died_and_whose_event_was_lost_are_stored_in_one_run():
    scene = Scene(CLIP)
    scene.put(CLIP)
    starter = scene.begin("receive_upload")
    scene.run(starter, until="create_job")
    scene.move("run", starter.name)
    scene.move("run", starter.name, "killed")
    (job,) = scene.world.mediaconvert.unfinished()
    advance(scene, job, 2)
    scene.world.pending.clear()

    assert scene.end() == []


def test_a_refused_upload_that_is_removed_before_its_item_is_in_the_index_leaves_none():
    scene = Scene("uploads/notes.txt")
    scene.put("uploads/notes.txt")
    slow = scene.begin("receive_upload")
    scene.run(slow, until="update_item")
    scene.move("remove", "uploads/notes.txt")
    scene.run(scene.begin("remove_recording"))  # the index does not have the item yet
    scene.run(slow)
    scene.come_to_rest()

    assert violations(scene.world) == []


def test_a_transcript_that_is_indexed_while_its_recording_is_removed_cannot_be_found():
    scene = Scene(TALK)
    scene.put(TALK)
    scene.deliver_all("receive_upload")
    scene.receive_all()
    (job,) = scene.transcription_jobs
    advance(scene, job, 2)
    storing = scene.begin("store_transcript")
    scene.run(storing, until="copy_object")
    scene.move("remove", TALK)
    scene.move("catch up")
    removing = scene.begin("remove_recording")
    scene.run(removing, until="delete_item")
    scene.run(storing)
    scene.run(removing)

    assert scene.end() == []


def test_a_recording_that_transcribe_refused_for_a_missing_copy_keeps_its_retry():
    scene = Scene(TALK)
    scene.put(TALK)
    starting = scene.begin("receive_upload")
    scene.run(starting, until="start_transcription_job")
    (copy,) = [key for key in scene.world.bucket.objects if "/input." in key]
    scene.world.bucket.delete_object(Key=copy)
    scene.run(starting)
    scene.receive_all()
    (job,) = scene.world.unfinished()
    scene.move("advance", job)
    scene.move("advance", job, "fails")

    assert scene.end() == []
    assert item_of(scene.world, TALK)["transcription"] == "COMPLETED"


def test_an_answer_that_two_late_clean_ups_took_is_asked_for_again():
    scene = Scene(TALK)
    scene.put(TALK)
    scene.deliver_all()
    for _ in range(2):
        (job,) = scene.world.unfinished()
        scene.move("advance", job)
        scene.move("advance", job)
        for key in [key for key in scene.world.results.objects if job in key]:
            scene.world.results.delete_object(Key=key)
        scene.come_to_rest()
        scene.move("wait", "90")
        scene.move("reconcile")
        scene.run(scene.world.tasks[-1])

    assert scene.end() == []

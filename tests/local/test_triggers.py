"""Local mode's triggers start, deliver events to functions, and stop."""

import queue
import threading
from types import SimpleNamespace

import boto3
import pytest
from chalice import Chalice, Rate

from local import triggers as under_test
from local.triggers import Triggers

WAIT_S = 60
EVERYTHING = ["s3:ObjectCreated:*", "s3:ObjectRemoved:*"]


@pytest.fixture
def bucket(services):
    return services.media.bucket


def put(bucket):
    boto3.client("s3").put_object(Bucket=bucket, Key="uploads/a.wav", Body=b"")


def threads_of(name):
    return [thread for thread in threading.enumerate() if thread.name.startswith(f"{name}-")]


def test_an_event_is_delivered_and_no_thread_is_left(bucket):
    seen = queue.Queue()
    triggers = Triggers()
    triggers.add_bucket("see", bucket, seen.put, events=EVERYTHING)

    triggers.start()
    put(bucket)
    event = seen.get(timeout=WAIT_S)
    triggers.stop()

    assert event["Records"][0]["s3"]["object"]["key"] == "uploads%2Fa.wav"
    assert threads_of("see") == []


def test_long_work_does_not_delay_the_end_of_the_program(bucket, monkeypatch):
    monkeypatch.setattr(under_test, "STOP_S", 0.1)
    begun, end = queue.Queue(), threading.Event()
    triggers = Triggers()

    def handle(_event):
        begun.put(threading.current_thread())
        end.wait(WAIT_S)

    triggers.add_bucket("slow", bucket, handle, events=EVERYTHING)
    triggers.start()
    put(bucket)
    working = begun.get(timeout=WAIT_S)

    triggers.stop()

    assert working.is_alive()
    assert working.daemon
    end.set()
    for thread in threads_of("slow"):
        thread.join(WAIT_S)
    assert threads_of("slow") == []


class TimedOutError(Exception):
    """An error as botocore's for a time-out: it has a response, which is None."""

    response = None


def test_a_function_that_times_out_is_called_again_by_a_living_thread(bucket):
    calls = queue.Queue()
    triggers = Triggers()

    def handle(event):
        calls.put(event)
        raise TimedOutError

    triggers.add_bucket("late", bucket, handle, events=EVERYTHING)
    triggers.start()
    put(bucket)

    assert calls.get(timeout=WAIT_S) == calls.get(timeout=WAIT_S)
    assert len(threads_of("late")) == under_test.THREADS
    triggers.stop()


@pytest.mark.usefixtures("services")
def test_a_schedule_begins_after_its_period_or_when_it_is_told_to():
    seen = queue.Queue()
    app = Chalice("clock")

    @app.schedule(Rate(1, Rate.DAYS))
    def look(event):
        seen.put(event.detail_type)

    triggers = Triggers()
    triggers.add_application(SimpleNamespace(app=app, look=look))
    triggers.start()
    triggers.run_schedules()

    assert seen.get(timeout=WAIT_S) == "Scheduled Event"
    triggers.stop()
    assert seen.empty()

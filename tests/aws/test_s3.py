import boto3
import pytest
from botocore.exceptions import ClientError
from moto.s3.models import s3_backends
from support.media import wav

from chalicelib.errors import TooLargeError, UploadChangedError
from chalicelib.pipeline import events

KEY = "uploads/alice/a.wav"


def unfinished_uploads(services) -> list[dict]:
    found = boto3.client("s3").list_multipart_uploads(Bucket=services.media.bucket)
    return found.get("Uploads", [])


def test_a_missing_object_is_not_found(services):
    assert services.media.find("uploads/nothing.wav") is None
    assert services.media.read("uploads/nothing.wav") is None


def test_an_upload_is_found_with_its_own_metadata(services, put):
    put(KEY, b"hello", **{"n-mfcc": "20"})

    found = services.media.find(KEY)

    assert (found.size, dict(found.metadata)) == (5, {"n-mfcc": "20"})
    assert '"' not in found.etag


def test_an_opened_upload_is_read_and_sought_like_a_file(services, put):
    body = bytes(range(256)) * 100
    put(KEY, body)

    with services.media.open(services.media.find(KEY)) as source:
        source.seek(-10, 2)
        end = source.read()
        source.seek(5)
        middle = source.read(7)

    assert (end, middle) == (body[-10:], body[5:12])


def test_an_upload_that_was_replaced_is_not_read(services, put):
    put(KEY, b"one")
    before = services.media.find(KEY)
    put(KEY, b"two")

    with pytest.raises(UploadChangedError), services.media.open(before) as source:
        source.read()
    with pytest.raises(UploadChangedError):
        services.media.read_head(before, 10)


def test_an_upload_that_is_replaced_during_reading_ends_the_reading(services, put):
    put(KEY, bytes(20_000_000))

    with (
        pytest.raises(UploadChangedError),
        services.media.open(services.media.find(KEY)) as source,
    ):
        source.read(10)
        put(KEY, bytes(20_000_001))
        source.seek(15_000_000)
        source.read(10)


def test_a_recording_replaced_during_decoding_is_not_called_damaged(services, put):
    recording_id = put(KEY, wav(400.0))
    events.receive_upload(KEY, services)
    opened = services.media.open

    def open_and_replace(upload):
        put(KEY, wav(1.0))
        return opened(upload)

    services.media.open = open_and_replace
    events.extract_features(recording_id, services)

    assert services.recordings.find(recording_id) is None
    assert services.media.find(f"features/{recording_id}/mfcc.csv") is None


def test_an_object_that_is_left_by_an_error_never_appears(services):
    with pytest.raises(RuntimeError), services.media.create("features/a/mfcc.csv") as table:
        table.write(bytes(10_000_000))
        raise RuntimeError

    assert services.media.find("features/a/mfcc.csv") is None
    assert unfinished_uploads(services) == []


def test_a_large_object_is_written_in_parts(services):
    with services.media.create("features/a/mfcc.csv") as table:
        for _ in range(20):
            table.write(bytes(1_000_000))

    found = services.media.find("features/a/mfcc.csv")
    assert found.size == 20_000_000
    assert found.etag.endswith("-3")


def test_an_object_that_cannot_be_removed_is_an_error(services, put, monkeypatch):
    put("features/a/mfcc.csv", b"1")
    error = {"Key": "features/a/mfcc.csv", "Code": "InternalError", "Message": "Try again."}
    client = services.media._client
    monkeypatch.setattr(client, "delete_objects", lambda **_: {"Errors": [error]})

    with pytest.raises(ClientError, match=r"InternalError.*DeleteObjects.*Try again"):
        services.media.remove("features/a/")


def test_everything_below_a_prefix_is_removed_and_nothing_beside_it(services, put):
    # More objects than one page; creating them through the API would take a minute.
    backend = s3_backends["123456789012"]["aws"]
    for number in range(1005):
        backend.put_object(services.media.bucket, f"features/a/{number}", b"")
    put("features/ab/1", b"")

    for _ in range(2):
        services.media.remove("features/a/")

    assert services.media.keys("features/a") == {"features/ab/1"}


def test_a_small_object_is_written_at_once_or_not_at_all(services):
    with pytest.raises(RuntimeError), services.media.create("features/a/b.json") as body:
        body.write(b"{}")
        raise RuntimeError

    assert services.media.find("features/a/b.json") is None
    with services.media.create("features/a/b.json") as body:
        body.write(b"{}")
    assert services.media.read("features/a/b.json") == b"{}"


@pytest.fixture
def asked(services):
    """The operations that the bucket is asked for from here on."""
    operations: list[str] = []
    events_of = services.results._client.meta.events
    events_of.register("before-call.s3.*", lambda model, **_: operations.append(model.name))
    return operations


def test_a_small_new_object_takes_one_request(services, asked):
    with services.results.create("features/a/mfcc.csv") as stream:
        stream.write(b"frame")
        stream.write(bytearray(b",mfcc_0\n"))
        assert stream.tell() == 13

    assert asked == ["PutObject"]
    assert services.results.read("features/a/mfcc.csv") == b"frame,mfcc_0\n"


def test_a_small_object_whose_writing_fails_does_not_appear(services):
    with pytest.raises(RuntimeError), services.results.create("features/a/mfcc.csv") as stream:
        stream.write(b"frame")
        raise RuntimeError

    assert services.results.read("features/a/mfcc.csv") is None


def test_a_document_over_the_limit_is_not_read(services):
    services.results.write("transcripts/a.json", b"12345")

    assert services.results.read("transcripts/a.json", most=5) == b"12345"
    with pytest.raises(TooLargeError):
        services.results.read("transcripts/a.json", most=4)

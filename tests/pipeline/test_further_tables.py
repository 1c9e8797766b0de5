"""Further tables go the way of the others: from an upload's metadata to words and downloads."""

import csv
import io
import json

import pytest
from support.answers import conversation, put_answer
from support.asking import Asker
from support.media import wav

from chalicelib.core import keys
from chalicelib.core.recording import Branch, Status
from chalicelib.pipeline import events

KEY = "uploads/alice/talk.wav"
TABLES = "mfcc,pitch,energy,formants,spectral,loudness,quality"
SAID = [("spk_0", 0.0, "Hello"), ("spk_0", 0.5, "there")]


@pytest.fixture
def finished(services, put):
    def finish(**metadata):
        recording_id = put(KEY, wav(1.0, f0_hz=220), **metadata)
        events.receive_upload(KEY, services)
        events.extract_features(recording_id, services)
        events.store_transcript(put_answer(services, recording_id, conversation(SAID)), services)
        return recording_id

    return finish


@pytest.mark.parametrize("metadata", [{}, {"gzip": "true", "npz": "true"}])
def test_words_have_the_medians_of_further_tables(services, finished, metadata):
    recording_id = finished(tables=TABLES, **metadata)

    recording = services.recordings.get(recording_id)
    assert recording.is_settled
    assert set(TABLES.split(",")) <= set(recording.measurement.feature_keys)
    for name in ("words", "segments", "speakers"):
        body = services.results.read(keys.features(recording_id, f"{name}.csv"))
        rows = list(csv.DictReader(io.StringIO(body.decode())))
        assert list(rows[0])[-1] == "recording_id"
        assert 0 < float(rows[0]["formants_f1_hz_median"]) < float(rows[0]["formants_f2_hz_median"])
        assert float(rows[0]["loudness_momentary_lufs_median"]) < 0
        assert float(rows[0]["spectral_centroid_hz_std"]) >= 0
    summary = json.loads(services.results.read(keys.features(recording_id, "summary.json")))
    assert summary["quality_clipped_share"] == 0
    assert summary["loudness_integrated_lufs"] < 0
    assert summary["formants_f1_hz_median"] > 0


def test_a_further_table_is_downloaded_by_its_name(application, finished):
    recording_id = finished(tables="mfcc,formants,mfcc_kaldi")
    ask = Asker(application)

    listed = ask(f"/recordings/{recording_id}").json["feature_keys"]
    assert set(listed) == {"mfcc", "formants", "mfcc_kaldi"}
    for table in listed:
        answer = ask(f"/recordings/{recording_id}/features/{table}")
        assert answer.status == 302
        assert f"features/{recording_id}/{table}.csv" in answer.headers["Location"]


def test_a_table_is_deleted_with_its_recording(account, services, finished):
    recording_id = finished(tables=TABLES)
    assert services.results.find(keys.features(recording_id, "formants.csv"))

    account.remove(KEY)
    events.remove_recording(KEY, services)

    assert services.results.keys(keys.features(recording_id, "")) == set()


def test_the_recordings_item_has_the_options_of_its_tables(services, finished):
    recording_id = finished(tables="mfcc,formants", **{"formants-max-formant": "5000"})

    used = services.recordings.get(recording_id).measurement.feature_parameters
    assert used["formants_max_formant"] == 5000
    assert used["formants_window_length"] == pytest.approx(0.025)
    assert "fbank_num_mel_bins" not in used


@pytest.mark.parametrize(
    ("metadata", "reason"),
    [
        ({"formants-max-formant": "500"}, "formants_max_formant: 500 is not between 1000 and"),
        ({"tables": "mfcc,formant"}, "tables: 'mfcc,formant' is not some of mfcc, energy, pitch"),
    ],
)
def test_an_unusable_option_fails_the_recording_with_the_reason(
    services, finished, metadata, reason
):
    recording_id = finished(**{"tables": "formants"} | metadata)

    recording = services.recordings.get(recording_id)
    assert recording.status_of(Branch.FEATURES) == Status.FAILED
    assert reason in recording.features.reason


def test_a_misspelt_option_is_remarked(services, finished):
    recording_id = finished(tables="formants", **{"formants-max-formnat": "5000"})

    reason = services.recordings.get(recording_id).features.reason
    assert "formants-max-formnat is no parameter; did you mean formants_max_formant?" in reason

"""``make replay`` does the missing work of one recording."""

from dataclasses import replace

from support.media import flac_lasting

from chalicelib.core.probe.quotas import Quotas
from chalicelib.pipeline import events
from scripts import replay, stage


def test_a_replay_lifts_a_refusal_by_a_quota(services, put, monkeypatch, capsys):
    monkeypatch.setenv("OWNER_HOURS_PER_DAY", "2")
    settings = replace(services.settings, quotas=Quotas(owner_hours=2))
    limited = replace(services, settings=settings)
    variables = {"MEDIA_BUCKET_NAME": services.media.bucket}
    config = {"stages": {"dev": {"environment_variables": variables}}}
    monkeypatch.setattr(stage, "read_config", lambda _: config)
    key = "uploads/alice/1.flac"
    refused = put(key, flac_lasting(3))
    events.receive_upload(key, limited)
    assert "at most 2 hours" in services.recordings.get(refused).reason

    assert replay.main(["dev", refused]) == 0

    assert "after:  transcription IN_PROGRESS" in capsys.readouterr().out
    assert services.recordings.get(refused).reason is None

"""A recording's metadata sets options of Amazon Transcribe for this recording alone."""

import pytest
from support.answers import job_name, put_answer
from support.asking import Asker
from support.media import wav

from chalicelib.core.recording import Branch, Status
from chalicelib.pipeline import events

KEY = "uploads/alice/talk.wav"
OWN = {"language": "de-DE", "max-speakers": "2", "channels": "each"}
WORD = {
    "type": "pronunciation",
    "start_time": "0.1",
    "end_time": "0.4",
    "alternatives": [{"confidence": "0.9", "content": "Hallo"}],
}


def upload(account, metadata) -> str:
    recording_id = account.put(KEY, wav(), **metadata)
    events.receive_upload(KEY, account.services)
    return recording_id


def job_of(account, recording_id: str) -> dict:
    return account.job(job_name(account.services, recording_id)).request


def test_the_options_are_asked_for_shown_and_kept_when_it_is_processed_again(account, application):
    recording_id = upload(account, OWN)
    first = job_of(account, recording_id)

    Asker(application)(f"/recordings/{recording_id}/reprocess", method="POST")
    shown = Asker(application)(f"/recordings/{recording_id}").json

    again = job_of(account, recording_id)
    assert first["TranscriptionJobName"] != again["TranscriptionJobName"]
    for job in (first, again):
        assert job["LanguageCode"] == "de-DE"
        assert job["Settings"] == {
            "ShowSpeakerLabels": True,
            "MaxSpeakerLabels": 2,
            "ChannelIdentification": True,
        }
    assert shown["transcription_options"] == {
        "language": "de-DE",
        "max_speakers": "2",
        "channels": "each",
    }


def test_the_language_of_its_own_is_that_of_the_transcript(account, services):
    recording_id = upload(account, OWN)
    document = {"results": {"transcripts": [{"transcript": "Hallo"}], "items": [WORD]}}

    events.store_transcript(put_answer(services, recording_id, document), services)

    assert services.recordings.get(recording_id).transcript.language_code == "de-DE"


@pytest.mark.parametrize(
    ("metadata", "reason"),
    [
        ({"language": "klingon"}, "no language klingon"),
        ({"max-speakers": "31"}, "max-speakers: must be 0 (none) or 2 to 30, not '31'."),
        ({"language": "de-DE", "toxicity": "yes"}, "Toxic speech is found in en-US alone."),
        ({"multilingual": "yes"}, "several codes of languages"),
        ({"language": "auto", "vocabulary": "names"}, "name one for each"),
        ({"tags": "study"}, "tags: must be tags such as study=a,place=b, not 'study'."),
    ],
)
def test_options_that_transcribe_would_refuse_are_refused_with_a_sentence(
    account, services, metadata, reason
):
    recording_id = upload(account, metadata)

    recording = services.recordings.get(recording_id)
    assert recording.transcription.status == Status.FAILED
    assert reason in recording.transcription.reason
    assert "TRANSCRIBE_" not in recording.transcription.reason
    assert recording.transcription.job_id is None
    assert recording.status_of(Branch.FEATURES) == Status.PENDING

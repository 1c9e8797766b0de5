import pytest

from chalicelib.config import SettingError, Settings

REQUIRED = {
    "MEDIA_BUCKET_NAME": "media",
    "METADATA_TABLE_NAME": "metadata",
    "SEARCH_TABLE_NAME": "search",
    "FEATURES_QUEUE_URL": "https://queues.example/1/earshot-dev-features",
}


@pytest.mark.parametrize("name", REQUIRED)
def test_a_missing_variable_fails_by_its_name(name):
    with pytest.raises(SettingError, match=name):
        Settings.from_env({key: value for key, value in REQUIRED.items() if key != name})


def test_results_go_to_the_media_bucket_unless_another_is_named():
    assert Settings.from_env(REQUIRED).results_bucket == "media"
    assert Settings.from_env(REQUIRED | {"RESULTS_BUCKET_NAME": "r"}).results_bucket == "r"


def test_the_queues_name_is_the_end_of_its_url():
    assert Settings.from_env(REQUIRED).features_queue == "earshot-dev-features"


@pytest.mark.parametrize(
    ("text", "languages"),
    [("", ("en-US",)), ("de-DE", ("de-DE",)), ("auto", ()), ("en-US, de-DE", ("en-US", "de-DE"))],
)
def test_the_language_is_one_or_several_or_found_out(text, languages):
    settings = Settings.from_env(REQUIRED | {"TRANSCRIBE_LANGUAGE": text})

    assert settings.transcription.languages == languages


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TRANSCRIBE_MAX_SPEAKERS", "1"),
        ("TRANSCRIBE_MAX_SPEAKERS", "31"),
        ("TRANSCRIBE_MAX_SPEAKERS", "many"),
        ("TRANSCRIBE_REDACTION", "yes"),
        ("TRANSCRIBE_SUBTITLES", "srt,ass"),
        ("TRANSCRIBE_VOCABULARY_FILTER_METHOD", "hide"),
    ],
)
def test_an_unusable_value_fails_by_its_variables_name(name, value):
    with pytest.raises(SettingError, match=name):
        Settings.from_env(REQUIRED | {name: value})


def test_feature_parameters_are_handed_on_by_librosas_names():
    settings = Settings.from_env(REQUIRED | {"FEATURE_N_MFCC": "20", "FEATURES_QUEUE": "x"})

    assert settings.feature_parameters == {"n_mfcc": "20"}


def test_the_ladder_is_read_with_the_settings():
    ladder = Settings.from_env(REQUIRED).ladder

    assert {preset.name for preset in ladder.presets} >= {"web", "phone", "audio", "gif", "poster"}

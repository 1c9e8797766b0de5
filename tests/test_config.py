import re

import pytest
from support.running import ROOT

from chalicelib.config import Settings
from chalicelib.variables import SettingError
from local.transcribe.engines import EngineChoice

REQUIRED = {
    "MEDIA_BUCKET_NAME": "media",
    "METADATA_TABLE_NAME": "metadata",
    "SEARCH_TABLE_NAME": "search",
    "FEATURES_QUEUE_URL": "https://queues.example/1/earshot-dev-features",
    "DATASETS_QUEUE_URL": "https://queues.example/1/earshot-dev-datasets",
    "SPEECH_QUEUE_URL": "https://queues.example/1/earshot-dev-speech",
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
        ("TRANSCRIBE_MAX_ALTERNATIVES", "11"),
        ("TRANSCRIBE_CHANNELS", "left"),
        ("TRANSCRIBE_TOXICITY", "true"),
        ("TRANSCRIBE_MULTILINGUAL", "maybe"),
        ("TRANSCRIBE_SUBTITLES", "srt,ass"),
        ("TRANSCRIBE_VOCABULARY_FILTER_METHOD", "hide"),
        ("OWNER_HOURS_PER_DAY", "many"),
        ("OWNER_HOURS_PER_DAY", "-1"),
        ("STAGE_HOURS_PER_DAY", "nan"),
        ("STAGE_HOURS_PER_DAY", "1e9"),
        ("SOURCE_BUCKETS", "s3://archive"),
        ("SOURCE_BUCKETS", "archive,my/calls"),
    ],
)
def test_an_unusable_value_fails_by_its_variables_name(name, value):
    with pytest.raises(SettingError, match=name):
        Settings.from_env(REQUIRED | {name: value})


def test_only_chalices_own_command_is_told_who_asks():
    named = REQUIRED | {"CALLER_ARN": "arn:aws:iam::123456789012:user/ada"}

    assert Settings.from_env(named).caller_arn == ""
    assert Settings.from_env(named | {"AWS_CHALICE_CLI_MODE": "true"}).caller_arn != ""


POOL = {
    "COGNITO_USER_POOL_ARN": "arn:aws:cognito-idp:us-east-1:123456789012:userpool/us-east-1_a",
    "COGNITO_DOMAIN": "https://example.auth.us-east-1.amazoncognito.com/",
    "COGNITO_CLIENT_ID": "the-page",
}


def test_a_user_pools_pages_have_an_origin_without_a_slash():
    domain = Settings.from_env(REQUIRED | POOL).cognito_domain

    assert domain == "https://example.auth.us-east-1.amazoncognito.com"


def test_a_pool_is_never_open_to_all_its_app_clients():
    with pytest.raises(SettingError, match="COGNITO_CLIENT_ID is not set"):
        Settings.from_env(REQUIRED | POOL | {"COGNITO_DOMAIN": "", "COGNITO_CLIENT_ID": " , "})


@pytest.mark.parametrize("name", ["COGNITO_USER_POOL_ARN", "COGNITO_CLIENT_ID"])
def test_nobody_can_sign_in_with_half_of_it(name):
    with pytest.raises(SettingError, match=f"{name} is not set"):
        Settings.from_env(REQUIRED | POOL | {name: ""})


@pytest.mark.parametrize(
    "domain",
    ["example.com", "http://example.com", "https://a.example; script-src *", "https://a.example/x"],
)
def test_what_is_no_origin_becomes_no_part_of_a_header(domain):
    with pytest.raises(SettingError, match="COGNITO_DOMAIN"):
        Settings.from_env(REQUIRED | POOL | {"COGNITO_DOMAIN": domain})


def test_feature_parameters_are_handed_on_by_librosas_names():
    settings = Settings.from_env(REQUIRED | {"FEATURE_N_MFCC": "20", "FEATURES_QUEUE": "x"})

    assert settings.feature_parameters == {"n_mfcc": "20"}


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("FEATURE_NMFCC", "20", "is not a parameter of the tables.*Did you mean FEATURE_N_MFCC"),
        ("FEATURE_SPEED", "2", "is not a parameter of the tables; these are channels, deltas"),
        ("FEATURE_N_MFCC", "999", "is unusable: 999 is not between 1 and 512"),
    ],
)
def test_a_feature_parameter_that_cannot_be_used_is_refused_at_the_start(name, value, told):
    with pytest.raises(SettingError, match=f"^{name} {told}") as caught:
        Settings.from_env(REQUIRED | {name: value})

    assert caught.value.name == name


def test_the_ladder_is_read_with_the_settings():
    ladder = Settings.from_env(REQUIRED).ladder

    assert {preset.name for preset in ladder.presets} >= {"web", "phone", "audio", "gif", "poster"}


def test_a_vocabulary_is_for_the_one_language_or_named_for_each():
    one = Settings.from_env(
        REQUIRED | {"TRANSCRIBE_LANGUAGE": "de-DE", "TRANSCRIBE_VOCABULARY": "namen"}
    )
    several = Settings.from_env(
        REQUIRED
        | {
            "TRANSCRIBE_LANGUAGE": "de-DE,en-US",
            "TRANSCRIBE_VOCABULARY": "de-DE=namen, en-US=names",
            "TRANSCRIBE_LANGUAGE_MODEL": "en-US=law",
        }
    )

    assert one.transcription.vocabularies == {"de-DE": "namen"}
    assert several.transcription.vocabularies == {"de-DE": "namen", "en-US": "names"}
    assert several.transcription.language_models == {"en-US": "law"}


@pytest.mark.parametrize("language", ["auto", "de-DE,en-US"])
def test_one_vocabulary_for_several_languages_is_refused(language):
    with pytest.raises(SettingError, match=r"TRANSCRIBE_VOCABULARY is 'names'.*de-DE=names"):
        Settings.from_env(
            REQUIRED | {"TRANSCRIBE_LANGUAGE": language, "TRANSCRIBE_VOCABULARY": "names"}
        )


def test_options_that_do_not_go_together_are_refused_before_anything_is_asked():
    with pytest.raises(SettingError, match="Redaction needs one language"):
        Settings.from_env(
            REQUIRED | {"TRANSCRIBE_LANGUAGE": "auto", "TRANSCRIBE_REDACTION": "redacted"}
        )


class Listening(dict):
    """An environment that takes down the names that are asked for."""

    def __init__(self, given):
        super().__init__(given)
        self.asked = set()

    def get(self, name, default=None):
        self.asked.add(name)
        return super().get(name, default)

    def __getitem__(self, name):
        self.asked.add(name)
        return super().__getitem__(name)


def test_the_page_of_settings_has_exactly_the_variables_that_are_read():
    page = (ROOT / "docs/settings.md").read_text()
    table = page.partition("| Variable |")[2].partition("\n\n")[0]
    documented = set(re.findall(r"^\| `([A-Z_0-9]+)`", table, re.MULTILINE))
    environ = Listening(REQUIRED | {"AWS_CHALICE_CLI_MODE": "true"})

    Settings.from_env(environ)
    EngineChoice.from_environ(environ)

    assert documented == environ.asked

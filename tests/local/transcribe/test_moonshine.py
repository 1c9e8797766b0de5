from types import SimpleNamespace

import pytest

from local.transcribe.moonshine import Moonshine
from local.transcribe.recogniser import RecognisedWord


@pytest.fixture
def moonshine():
    return Moonshine(SimpleNamespace(Transcriber=lambda **_: None, get_model_path=str,
                                     ModelArch=SimpleNamespace(TINY=0)), None)  # fmt: skip


def words(text, confidence):
    return [
        RecognisedWord(word, i / 2, i / 2 + 0.5, confidence) for i, word in enumerate(text.split())
    ]


ENGLISH = "Good morning everybody, I would like to talk about the weather today because it rains."
LOOP = "The first one is the first one. The second one is the second one. The second one is."


@pytest.mark.parametrize(
    ("text", "confidence", "expected"),
    [
        (ENGLISH, 0.95, True),
        (ENGLISH, 0.5, True),
        (ENGLISH, 0.1, False),
        (LOOP, 0.95, True),
        (LOOP, 0.47, False),
        (LOOP, 0.1, False),
        ("The first one.", 0.1, True),
        ("", 0.0, True),
    ],
)
def test_words_that_fit_no_sound_are_not_taken_for_english(moonshine, text, confidence, expected):
    assert moonshine.is_understood(words(text, confidence)) is expected

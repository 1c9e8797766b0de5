import csv
import re
import sys
import types
import wave
from contextlib import suppress
from pathlib import Path

import av
import numpy as np
import pytest

from chalicelib.core.speech.recogniser import (
    MAX_UTTERANCE_S,
    Engine,
    RecognisedWord,
    recognise,
    utterances,
)
from chalicelib.errors import MediaError, ParameterError
from local.transcribe.decoding import TOO_SHORT, inspect, samples
from local.transcribe.engines import EngineChoice, load_engine
from local.transcribe.vocabulary import Vocabulary

SR = 16_000
ROOT = Path(__file__).parents[3]
SPEECH = ROOT / "../shared/speech"


def noise(seconds, level=0.1, seed=0):
    """Return a sound with the rhythm of speech: noise that swells four times a second."""
    t = np.arange(int(seconds * SR)) / SR
    y = np.random.default_rng(seed).normal(0, level, len(t))
    return (y * np.abs(np.sin(4 * np.pi * t))).astype(np.float32)


def silence(seconds):
    return np.zeros(int(seconds * SR), np.float32)


def wav(path, y, sr=SR):
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, sr, 0, "NONE", ""))
        file.writeframes((np.clip(y, -1, 1) * 32767).astype("<i2").tobytes())
    return path


class Parrot(Engine):
    """An engine that returns one word, as long as the utterance."""

    name = "parrot"
    languages = frozenset({"en", "fr"})

    def __init__(self):
        self.heard = []

    def begin(self):
        self.heard.clear()

    def identify(self, _y):
        return "fr", 0.75

    def recognise(self, y, *, language):
        self.heard.append((len(y) / SR, language))
        return [RecognisedWord("mot", 0.0, len(y) / SR, 0.5)]


def test_silence_holds_no_utterance():
    assert list(utterances([silence(40)])) == []


def test_steady_noise_holds_no_utterance():
    y = np.random.default_rng(0).normal(0, 0.1, 10 * SR).astype(np.float32)

    assert list(utterances([y])) == []


def test_an_utterance_starts_where_the_sound_starts():
    y = np.concatenate([silence(3), noise(2), silence(3)])

    [(start_s, utterance)] = utterances([y])

    assert start_s == pytest.approx(3 - 0.3, abs=0.05)
    assert len(utterance) / SR == pytest.approx(2 + 2 * 0.3, abs=0.1)


@pytest.mark.parametrize(("seconds", "n_utterances"), [(0.25, 0), (0.45, 1)])
def test_a_sound_shorter_than_a_third_of_a_second_is_not_an_utterance(seconds, n_utterances):
    t = np.arange(int(seconds * SR)) / SR
    y = np.concatenate([silence(2), np.sin(440 * 2 * np.pi * t).astype(np.float32), silence(2)])

    assert len(list(utterances([y]))) == n_utterances


def test_a_long_pause_separates_two_utterances():
    y = np.concatenate([noise(3), silence(4), noise(3)])

    starts = [start_s for start_s, _ in utterances([y])]

    assert starts == pytest.approx([0.0, 7 - 0.3], abs=0.05)


def test_speech_without_pauses_is_cut_into_utterances():
    pieces = list(utterances([noise(120)]))

    assert max(len(y) for _, y in pieces) <= MAX_UTTERANCE_S * SR
    assert sum(len(y) for _, y in pieces) == pytest.approx(120 * SR, rel=0.05)


def test_the_size_of_the_blocks_makes_no_difference():
    y = np.concatenate([noise(12), silence(1), noise(9), silence(3), noise(20)])

    whole = [(s, len(u)) for s, u in utterances([y])]
    in_pieces = [(s, len(u)) for s, u in utterances(np.array_split(y, 777))]

    assert in_pieces == whole


def test_word_times_count_from_the_start_of_the_recording():
    y = np.concatenate([noise(3), silence(4), noise(3)])

    words = recognise([y], Parrot()).words

    assert [w.start_s for w in words] == pytest.approx([0.0, 6.7], abs=0.05)


def test_the_first_utterance_decides_the_language():
    engine = Parrot()
    y = np.concatenate([noise(3), silence(4), noise(3)])

    recognition = recognise([y], engine)

    assert (recognition.language, recognition.language_score) == ("fr", 0.75)
    assert [language for _, language in engine.heard] == ["fr", "fr"]


def test_progress_comes_with_each_utterance_and_grows():
    done = []

    recognise([noise(60)], Parrot(), on_progress=done.append)

    assert len(done) > 1
    assert done == sorted(done)
    assert done[-1] == pytest.approx(60, abs=0.5)


def test_silence_is_an_empty_transcript_with_a_duration():
    recognition = recognise([silence(5)], Parrot())

    assert recognition.words == ()
    assert recognition.duration_s == 5.0


@pytest.mark.parametrize("sr", [8000, 16_000, 44_100, 48_000])
def test_media_is_decoded_to_16_khz(tmp_path, sr):
    path = wav(tmp_path / "tone.wav", 0.5 * np.sin(np.arange(2 * sr) * 2 * np.pi * 440 / sr), sr)

    y = np.concatenate(list(samples(path)))

    assert len(y) == pytest.approx(2 * SR, abs=64)
    assert np.argmax(np.abs(np.fft.rfft(y[:SR]))) == 440


def test_a_truncated_recording_is_decoded_up_to_its_end(tmp_path):
    path = wav(tmp_path / "cut.wav", noise(4))
    path.write_bytes(path.read_bytes()[: 44 + 2 * SR * 2])

    assert sum(map(len, samples(path))) == pytest.approx(2 * SR, abs=64)


def test_another_format_than_the_named_one_is_refused_with_the_services_message(tmp_path):
    path = wav(tmp_path / "really.wav", noise(1))

    with pytest.raises(MediaError, match="does not match the detected media format"):
        inspect(path, "mp3")


def test_more_than_the_longest_recording_is_refused_while_it_is_decoded(tmp_path):
    path = wav(tmp_path / "long.wav", silence(20))

    with pytest.raises(MediaError, match="file size too large"):
        list(samples(path, max_duration_s=10))


PICTURE = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108000000003a7e9b55"
    "0000000a49444154789c6360000000020001e221bc330000000049454e44ae426082"
)


@pytest.mark.parametrize(
    "content", [b"", b"RIFF", b"no sound here " * 99, bytes(10_000), PICTURE], ids=len
)
def test_a_file_that_is_not_media_is_refused(tmp_path, content):
    path = tmp_path / "not.wav"
    path.write_bytes(content)

    with pytest.raises(MediaError, match="isn't valid"):
        inspect(path, "wav")


@pytest.mark.parametrize(
    "content",
    [
        b"#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\nother.wav\n#EXT-X-ENDLIST\n",
        b"ffconcat version 1.0\nfile other.wav\n",
        b"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nm=audio 5004 RTP/AVP 0\n",
    ],
    ids=["playlist", "concatenation", "session"],
)
def test_a_file_that_points_to_another_is_refused(tmp_path, content):
    wav(tmp_path / "other.wav", noise(2))
    path = tmp_path / "pointer.wav"
    path.write_bytes(content)

    with pytest.raises(MediaError, match="isn't valid"):
        inspect(path, None)


def encoded(path, codec, sr):
    """Write three seconds of speech-like noise with FFmpeg's ``codec``."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=sr, layout="mono")
        frame = av.AudioFrame.from_ndarray(noise(3)[None], format="flt", layout="mono")
        frame.sample_rate = SR
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            container.mux(packet)
    return path


@pytest.mark.parametrize(
    ("media_format", "codec", "sr"),
    [
        ("flac", "flac", SR),
        ("mp3", "libmp3lame", 44_100),
        ("mp4", "aac", 44_100),
        ("m4a", "aac", SR),
        ("ogg", "libopus", 48_000),
        ("webm", "libopus", 48_000),
        ("amr", "libopencore_amrnb", 8000),
    ],
)
def test_every_format_of_the_service_is_decoded(tmp_path, media_format, codec, sr):
    path = encoded(tmp_path / f"a.{media_format}", codec, sr)

    media = inspect(path, media_format)

    assert media.sample_rate_hz == sr
    assert sum(map(len, samples(path))) / SR == pytest.approx(3, abs=0.15)


@pytest.mark.parametrize(("media_format", "codec"), [("m4a", "aac"), ("webm", "libopus")])
def test_a_damaged_container_is_decoded_or_refused_and_nothing_else(tmp_path, media_format, codec):
    whole = encoded(tmp_path / f"whole.{media_format}", codec, 48_000).read_bytes()
    rng = np.random.default_rng(0)
    path = tmp_path / "damaged"

    for _ in range(40):
        damaged = bytearray(whole)
        for position in rng.integers(0, len(whole), 20):
            damaged[position] = rng.integers(256)
        path.write_bytes(damaged)
        with suppress(MediaError):
            inspect(path, media_format)
            assert sum(map(len, samples(path))) < 60 * SR


def test_less_than_half_a_second_is_refused_with_the_services_message(tmp_path):
    path = wav(tmp_path / "short.wav", noise(0.4))

    with pytest.raises(MediaError) as refusal:
        list(samples(path))

    assert str(refusal.value) == TOO_SHORT


def test_moonshine_is_used_by_default():
    assert EngineChoice.from_environ({"EARSHOT_RECOGNISER": ""}) == EngineChoice("moonshine")


def test_pocketsphinx_is_used_if_moonshine_is_not_installed(monkeypatch):
    monkeypatch.setattr(sys, "path", [])
    monkeypatch.setattr(sys, "path_importer_cache", {})
    monkeypatch.delitem(sys.modules, "moonshine_voice", raising=False)

    assert EngineChoice() == EngineChoice("pocketsphinx")


def test_an_unknown_engine_is_refused_by_its_setting():
    with pytest.raises(ParameterError, match="EARSHOT_RECOGNISER: 'siri' is not one of"):
        EngineChoice("siri")


@pytest.mark.parametrize("name", ["faster-whisper", "vosk"])
def test_an_engine_that_is_not_installed_is_refused_by_its_name(name, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, name.replace("-", "_"), None)

    with pytest.raises(ParameterError, match=f"{name} is not installed"):
        load_engine(EngineChoice(name, tmp_path))


@pytest.fixture
def installed(monkeypatch):
    """Return a function that makes a module importable, as if it had been installed."""

    def install(name, **contents):
        module = types.ModuleType(name)
        vars(module).update(contents)
        monkeypatch.setitem(sys.modules, name, module)

    return install


def test_an_engine_that_needs_a_model_says_so():
    with pytest.raises(ParameterError, match="EARSHOT_RECOGNISER_MODEL"):
        EngineChoice("faster-whisper")


def test_a_model_that_is_not_there_is_named():
    with pytest.raises(ParameterError, match="there is no file or folder '/no/such/model'"):
        EngineChoice.from_environ(
            {"EARSHOT_RECOGNISER": "vosk", "EARSHOT_RECOGNISER_MODEL": "/no/such/model"}
        )


class FakeWhisperModel:
    supported_languages = ("en", "de")

    def __init__(self, path, *, device):
        assert Path(path).is_dir()
        assert device == "auto"

    def detect_language(self, _y):
        return "de", 0.9, [("de", 0.9), ("en", 0.1)]

    def transcribe(self, _y, *, language, word_timestamps, condition_on_previous_text, hotwords):
        assert (word_timestamps, condition_on_previous_text) == (True, False)
        assert hotwords == "Los Angeles, Earshot"
        word = types.SimpleNamespace
        words = [
            word(word=" Guten", start=0.1, end=0.4, probability=0.9),
            word(word=" Tag.", start=0.4, end=0.8, probability=1.1),
        ]
        segments = (types.SimpleNamespace(words=w) for w in (words, None))
        return segments, types.SimpleNamespace(language=language)


def test_faster_whisper_is_loaded_with_the_users_model(installed, tmp_path):
    installed("faster_whisper", WhisperModel=FakeWhisperModel)

    vocabulary = Vocabulary("names", ("Los Angeles", "Earshot"))
    engine = load_engine(EngineChoice("faster-whisper", tmp_path, vocabulary))

    assert engine.languages == {"en", "de"}
    assert engine.identify(silence(1)) == ("de", 0.9)
    assert engine.recognise(silence(1), language="de") == [
        RecognisedWord("Guten", 0.1, 0.4, 0.9),
        RecognisedWord("Tag.", 0.4, 0.8, 1.0),
    ]


class FakeKaldiRecognizer:
    def __init__(self, _model, sr):
        assert sr == SR

    def SetWords(self, wanted):  # noqa: N802  # Vosk's own name
        self.wanted = wanted

    def AcceptWaveform(self, pcm):  # noqa: N802  # Vosk's own name
        assert len(pcm) == 2 * SR
        return True

    def Result(self):  # noqa: N802  # Vosk's own name
        return '{"result": [{"word": "bonjour", "start": 0.2, "end": 0.7, "conf": 0.8}]}'

    def FinalResult(self):  # noqa: N802  # Vosk's own name
        return '{"text": ""}'


def test_vosk_is_loaded_with_the_users_model_and_its_language(installed, tmp_path):
    folder = tmp_path / "vosk-model-small-fr-0.22"
    folder.mkdir()
    installed("vosk", Model=str, KaldiRecognizer=FakeKaldiRecognizer, SetLogLevel=lambda _: None)

    engine = load_engine(EngineChoice("vosk", folder))

    assert engine.languages == {"fr"}
    assert engine.recognise(silence(1), language="fr") == [RecognisedWord("bonjour", 0.2, 0.7, 0.8)]


def word_errors(reference, hypothesis):
    """Return the least number of words to insert, delete or replace."""
    reference, hypothesis = reference.split(), hypothesis.split()
    costs = list(range(len(hypothesis) + 1))
    for i, said in enumerate(reference, 1):
        diagonal, costs[0] = costs[0], i
        for j, heard in enumerate(hypothesis, 1):
            diagonal, costs[j] = (
                costs[j],
                min(costs[j] + 1, costs[j - 1] + 1, diagonal + (said != heard)),
            )
    return costs[-1]


@pytest.fixture(scope="module")
def pocketsphinx():
    return load_engine(EngineChoice("pocketsphinx"))


@pytest.fixture(scope="module")
def moonshine():
    return load_engine(EngineChoice("moonshine"))


@pytest.fixture(scope="module", params=["moonshine", "pocketsphinx"])
def engine(request):
    return request.getfixturevalue(request.param)


def heard(path, engine):
    return recognise(samples(path), engine)


def plain(text):
    """Return a text's words in lower case, without punctuation and with hyphens as spaces."""
    return " ".join(re.findall(r"[a-z0-9']+", text.lower().replace("mr.", "mister")))


def text_of(recognition):
    return " ".join(word.content for word in recognition.words)


@pytest.mark.slow
def test_the_sample_is_recognised(engine):
    said = plain((ROOT / "samples/sample.txt").read_text())

    recognition = heard(ROOT / "samples/sample.wav", engine)

    assert word_errors(said, plain(text_of(recognition))) <= 0.15 * len(said.split())
    assert recognition.language == "en"
    assert all(0 <= word.confidence <= 1 for word in recognition.words)
    times = [t for word in recognition.words for t in (word.start_s, word.end_s)]
    assert times == sorted(times)


@pytest.mark.slow
def test_moonshine_writes_capitals_and_punctuation(moonshine):
    words = [word.content for word in heard(ROOT / "samples/sample.wav", moonshine).words]

    assert words[0] == "Good"
    assert words[-1] == "trees."
    assert "river," in words


@pytest.mark.slow
@pytest.mark.skipif(not SPEECH.exists(), reason="the shared recordings are not here")
@pytest.mark.parametrize(("name", "most"), [("moonshine", 0.06), ("pocketsphinx", 0.35)])
def test_most_words_of_real_voices_are_recognised(name, most, request):
    engine = request.getfixturevalue(name)
    with (SPEECH / "references.tsv").open() as table:
        references = {
            row["file"]: row["reference"] for row in csv.DictReader(table, delimiter="\t")
        }

    errors = {
        name: word_errors(plain(said), plain(text_of(heard(SPEECH / name, engine))))
        for name, said in references.items()
    }

    n_words = {name: len(plain(said).split()) for name, said in references.items()}
    assert sum(errors.values()) <= most * sum(n_words.values())
    assert errors["jfk.flac"] < 0.5 * n_words["jfk.flac"]


def slower(path, to):
    """Write the recording at ``path`` as another voice: a quarter slower, and so deeper."""
    y = np.concatenate(list(samples(path)))
    times = np.arange(0, len(y) - 1, 0.8)
    return wav(to, np.interp(times, np.arange(len(y)), y))


@pytest.mark.slow
def test_the_same_bytes_give_the_same_words_whatever_was_heard_before(engine, tmp_path):
    sample = ROOT / "samples/sample.wav"
    others = [slower(sample, tmp_path / "slower.wav"), wav(tmp_path / "noise.wav", noise(5, 0.3))]

    first = heard(sample, load_engine(EngineChoice(engine.name)))

    for other in others:
        heard(other, engine)
        assert heard(sample, engine) == first


@pytest.mark.slow
def test_nothing_is_heard_in_silence(engine, tmp_path):
    assert heard(wav(tmp_path / "silence.wav", silence(10)), engine).words == ()


@pytest.mark.slow
def test_an_empty_utterance_has_no_words(engine):
    assert engine.recognise(silence(0), language="en") == []

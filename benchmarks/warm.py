"""Time of one kind of work, repeated in one process: warm.py WORK WAV RUNS [SHORT_WAV].

Prints the CPU seconds of each run, after a first run on the short recording, which does not count.
This is the cost in a warm container, and leaves out librosa's compiler.
"""

import inspect
import json
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, BinaryIO

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

# Runs of this length vary little.
LONG_S, RUNS_WHEN_LONG = 15.0, 3
VAMP_HOST = "vamp-simple-host"
Work = Callable[[Path, Path], Any]


def original(wav: Path, folder: Path) -> None:
    from original_recipe import main

    main(str(wav), str(folder / "original.csv"))


def earshot(*tables: str, fmax: float = 500.0) -> Work:
    def work(wav: Path, folder: Path) -> None:
        from chalicelib.core.features.extract import FeatureParameters, extract

        @contextmanager
        def open_table(name: str) -> Iterator[BinaryIO]:
            with (folder / name).open("wb") as stream:
                yield stream

        with wav.open("rb") as source:
            extract(source, FeatureParameters(tables=tables, f0_max=fmax), open_table)

    return work


def by_numpy(work: Work) -> Work:
    def alone(wav: Path, folder: Path) -> None:
        from chalicelib.core.dsp import kernels

        kernels.library = None
        work(wav, folder)

    return alone


def floor(wav: Path, _folder: Path) -> None:
    """Decode, resample and transform, with the same libraries and no other work."""
    import numpy as np
    import soundfile
    import soxr

    n_fft, hop, at_once = 2048, 512, 32
    with soundfile.SoundFile(wav) as media:
        stream = soxr.ResampleStream(media.samplerate, 22050, 1)
        pcm = np.empty((1 << 16, media.channels), np.int16)
        windowed = np.empty((at_once, n_fft))
        spectrum = np.empty((at_once, 1 + n_fft // 2), np.complex128)
        rest = np.zeros(0, np.float32)
        while n := media.buffer_read_into(pcm.data.cast("B"), "int16"):
            y = pcm[:n, 0] * np.float32(2.0**-15)
            rest = np.concatenate([rest, stream.resample_chunk(y)])
            frames = np.lib.stride_tricks.sliding_window_view(rest, n_fft)[::hop]
            for start in range(0, len(frames), at_once):
                part = frames[start : start + at_once]
                windowed[: len(part)] = part
                np.fft.rfft(windowed[: len(part)], out=spectrum[: len(part)])
            rest = rest[len(frames) * hop :]


def decode_and_resample(wav: Path, _folder: Path) -> None:
    from chalicelib.core.audio.decoding import DecodedAudio

    with wav.open("rb") as source:
        for _ in DecodedAudio(source).blocks(22050):
            pass


def librosa_pyin(fmax: float, *, least: float | None = None) -> Work:
    def work(wav: Path, _folder: Path) -> Any:
        import librosa

        y, sr = librosa.load(wav)
        if "transition_min_prob" in inspect.signature(librosa.pyin).parameters:
            # 0.11 searches all moves; 1.0 does on request, and leaves the unlikely out by default.
            return librosa.pyin(y, sr=sr, fmin=65, fmax=fmax, transition_min_prob=least)
        return librosa.pyin(y, sr=sr, fmin=65, fmax=fmax)

    return work


def librosa_mfcc(wav: Path, _folder: Path) -> None:
    import librosa

    y, sr = librosa.load(wav)
    librosa.feature.mfcc(y=y, sr=sr, n_mfcc=13)


def kaldi(wav: Path, _folder: Path) -> None:
    import kaldi_native_fbank
    import soundfile

    y, sr = soundfile.read(wav, dtype="float32")
    options = kaldi_native_fbank.MfccOptions()
    options.frame_opts.samp_freq = sr
    options.frame_opts.dither = 0
    mfcc = kaldi_native_fbank.OnlineMfcc(options)
    mfcc.accept_waveform(sr, y)
    mfcc.input_finished()
    for i in range(mfcc.num_frames_ready):
        mfcc.get_frame(i)


def torchaudio(wav: Path, _folder: Path) -> None:
    import soundfile
    import torch
    from torchaudio.transforms import MFCC

    torch.set_num_threads(1)
    y, sr = soundfile.read(wav, dtype="float32")
    recipe = {"n_fft": 2048, "hop_length": 512, "n_mels": 128}
    MFCC(sample_rate=sr, n_mfcc=13, melkwargs=recipe)(torch.from_numpy(y))


def speech_features(wav: Path, _folder: Path) -> None:
    import python_speech_features
    import soundfile

    y, sr = soundfile.read(wav, dtype="int16")
    python_speech_features.mfcc(y, sr, nfft=2048)


def opensmile(wav: Path, _folder: Path) -> None:
    import opensmile as smile

    level = smile.FeatureLevel.LowLevelDescriptors
    smile.Smile(feature_set=smile.FeatureSet.eGeMAPSv02, feature_level=level).process_file(wav)


def praat_pitch(wav: Path, _folder: Path) -> Any:
    import parselmouth

    return parselmouth.Sound(str(wav)).to_pitch_ac(pitch_floor=65, pitch_ceiling=500)


def pyin_vamp(wav: Path, folder: Path) -> None:
    """The authors' pYIN, in Vamp's host, which looks for plugins in VAMP_PATH."""
    if not shutil.which(VAMP_HOST):
        raise ModuleNotFoundError(VAMP_HOST)
    listed = _run(VAMP_HOST, "--list-outputs").split()
    found = [name for name in listed if name.endswith(":pyin:smoothedpitchtrack")]
    if not found:
        raise ModuleNotFoundError("the pYIN Vamp plugin")
    _run(VAMP_HOST, found[0].removeprefix("vamp:"), str(wav), "-o", str(folder / "vamp.txt"))


def _run(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout  # noqa: S603  # our own command


WORKS: dict[str, Work] = {
    "original": original,
    "mfcc": earshot("mfcc"),
    "energy": earshot("energy"),
    "pitch": earshot("pitch"),
    "pitch-2093": earshot("pitch", fmax=2093.0),
    "mfcc-numpy": by_numpy(earshot("mfcc")),
    "pitch-numpy": by_numpy(earshot("pitch")),
    "pitch-2093-numpy": by_numpy(earshot("pitch", fmax=2093.0)),
    "together": earshot("mfcc", "energy", "pitch"),
    "floor": floor,
    "decode": decode_and_resample,
    "librosa-mfcc": librosa_mfcc,
    "librosa-pyin": librosa_pyin(500.0),
    "librosa-pyin-2093": librosa_pyin(2093.0),
    "librosa-pyin-default": librosa_pyin(500.0, least=1e-4),
    "librosa-pyin-default-2093": librosa_pyin(2093.0, least=1e-4),
    "kaldi": kaldi,
    "torchaudio": torchaudio,
    "python_speech_features": speech_features,
    "opensmile": opensmile,
    "praat": praat_pitch,
    "pyin-vamp": pyin_vamp,
}


def cpu_s() -> float:
    """Return the CPU seconds of this process and of its finished children."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def main(work: str, wav: str, runs: str, short_wav: str | None = None) -> None:
    seconds: list[float] = []
    with TemporaryDirectory() as folder:
        WORKS[work](Path(short_wav or wav), Path(folder))
        while len(seconds) < int(runs):
            start = cpu_s()
            WORKS[work](Path(wav), Path(folder))
            seconds.append(cpu_s() - start)
            if seconds[-1] > LONG_S and len(seconds) == RUNS_WHEN_LONG:
                break
    print(json.dumps(seconds))


if __name__ == "__main__":
    main(*sys.argv[1:5])

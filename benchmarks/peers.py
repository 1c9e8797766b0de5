"""Other programs that are compared with Earshot: each takes a WAV, and returns its frames.

Each function imports its own package, so a package that is not installed affects no other.
"""

import inspect
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

SPEECH_SR = 16_000
"""The rate that Kaldi, openSMILE and Praat are mostly used at."""
SHORT_CENTRE_S, SHORT_HOP_S = 0.0125, 0.01  # frames of 25 ms, 100 of them in a second
VAMP_HOST = "vamp-simple-host"

Track = tuple[Any, Any]
"""Times of frames in seconds, and their f0 in Hz (NaN where unvoiced) or their coefficients."""
Peer = Callable[[Path, Path], Track]


def librosa_pyin(fmax: float, *, least: float | None = None) -> Peer:
    def work(wav: Path, _folder: Path) -> Track:
        import librosa

        y, sr = librosa.load(wav)
        # librosa 0.11 searches all moves; 1.0 leaves out unlikely ones, except on request.
        prunes = "transition_min_prob" in inspect.signature(librosa.pyin).parameters
        options = {"transition_min_prob": least} if prunes else {}
        f0, _, _ = librosa.pyin(y, sr=sr, fmin=65, fmax=fmax, **options)
        return librosa.times_like(f0), f0

    return work


def librosa_mfcc(wav: Path, _folder: Path) -> Track:
    import librosa

    y, sr = librosa.load(wav)
    mfcc = librosa.feature.mfcc(y=y, sr=sr, n_mfcc=13).T
    return librosa.times_like(mfcc.T), mfcc


def kaldi(wav: Path, _folder: Path) -> Track:
    import kaldi_native_fbank
    import numpy as np
    import soundfile

    y, sr = soundfile.read(wav, dtype="float32")
    options = kaldi_native_fbank.MfccOptions()
    options.frame_opts.samp_freq = sr
    options.frame_opts.dither = 0
    mfcc = kaldi_native_fbank.OnlineMfcc(options)
    mfcc.accept_waveform(sr, y)
    mfcc.input_finished()
    rows = np.stack([mfcc.get_frame(i) for i in range(mfcc.num_frames_ready)])
    return SHORT_CENTRE_S + SHORT_HOP_S * np.arange(len(rows)), rows


def torchaudio(wav: Path, _folder: Path) -> Track:
    import numpy as np
    import soundfile
    import torch
    from torchaudio.transforms import MFCC

    torch.set_num_threads(1)
    y, sr = soundfile.read(wav, dtype="float32")
    recipe = {"n_fft": 2048, "hop_length": 512, "n_mels": 128}
    rows = MFCC(sample_rate=sr, n_mfcc=13, melkwargs=recipe)(torch.from_numpy(y)).numpy().T
    return np.arange(len(rows)) * 512 / sr, rows


def speech_features(wav: Path, _folder: Path) -> Track:
    import numpy as np
    import python_speech_features
    import soundfile

    y, sr = soundfile.read(wav, dtype="int16")
    rows = python_speech_features.mfcc(y, sr, nfft=2048 if sr > SPEECH_SR else 512)
    return SHORT_CENTRE_S + SHORT_HOP_S * np.arange(len(rows)), rows


def opensmile(wav: Path, _folder: Path) -> Track:
    import numpy as np
    import opensmile as smile

    level = smile.FeatureLevel.LowLevelDescriptors
    found = smile.Smile(feature_set=smile.FeatureSet.eGeMAPSv02, feature_level=level).process_file(
        wav
    )
    rows = found.filter(regex=r"^mfcc\d").to_numpy()
    # openSMILE has no coefficient of the level, which is the first one in other programs.
    rows = np.concatenate([np.zeros((len(rows), 1)), rows], axis=1)
    return SHORT_HOP_S * np.arange(len(rows)), rows


def praat_pitch(wav: Path, _folder: Path) -> Track:
    import numpy as np
    import parselmouth

    pitch = parselmouth.Sound(str(wav)).to_pitch_ac(pitch_floor=65, pitch_ceiling=500)
    f0 = pitch.selected_array["frequency"]
    return pitch.xs(), np.where(f0 > 0, f0, np.nan)


def pyin_vamp(wav: Path, folder: Path) -> Track:
    """The authors' pYIN, in Vamp's host, which looks for plugins in VAMP_PATH.

    The plugin returns voiced frames only, so frames are added in the gaps, and one at each end.
    """
    import numpy as np

    if not shutil.which(VAMP_HOST):
        raise ModuleNotFoundError(VAMP_HOST)
    listed = _run(VAMP_HOST, "--list-outputs").split()
    found = [name for name in listed if name.endswith(":pyin:smoothedpitchtrack")]
    if not found:
        raise ModuleNotFoundError("the pYIN Vamp plugin")
    written = folder / "vamp.txt"
    _run(VAMP_HOST, found[0].removeprefix("vamp:"), str(wav), "-o", str(written))
    voiced_s, voiced_f0 = np.loadtxt(written, delimiter=":", unpack=True)
    hop_s = np.diff(voiced_s).min()
    frames = 1 + np.rint((voiced_s - voiced_s[0]) / hop_s).astype(int)
    f0 = np.full(frames[-1] + 2, np.nan)
    f0[frames] = voiced_f0
    return voiced_s[0] + hop_s * (np.arange(len(f0)) - 1), f0


def _run(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout  # noqa: S603  # our own command


PEERS: dict[str, Peer] = {
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

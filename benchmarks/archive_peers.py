"""The work of each peer on a folder of recordings: ``archive_peers.py PEER FOLDER MADE``.

Uses two processes. Only the peer ``earshot`` imports modules of Earshot, so ``lhotse`` can run in
another Python that has PyTorch.
"""

import multiprocessing
import sys
from collections.abc import Callable
from pathlib import Path

WORKERS = 2


def librosa_mfcc(path: Path, folder: Path) -> None:
    import librosa
    import numpy as np

    y, sr = librosa.load(path)
    np.save(folder / f"{path.stem}.npy", librosa.feature.mfcc(y=y, sr=sr, n_mfcc=13))


def kaldi_mfcc(path: Path, folder: Path) -> None:
    import kaldi_native_fbank
    import numpy as np
    import soundfile

    y, sr = soundfile.read(path, dtype="float32")
    options = kaldi_native_fbank.MfccOptions()
    options.frame_opts.samp_freq = sr
    options.frame_opts.dither = 0
    mfcc = kaldi_native_fbank.OnlineMfcc(options)
    mfcc.accept_waveform(sr, (y * 32768).tolist())
    mfcc.input_finished()
    frames = [mfcc.get_frame(number) for number in range(mfcc.num_frames_ready)]
    np.save(folder / f"{path.stem}.npy", np.array(frames))


def earshot_mfcc(path: Path, folder: Path) -> None:
    import numpy as np

    import earshot

    np.save(folder / f"{path.stem}.npy", earshot.extract(path, tables="mfcc")["mfcc"])


LOOPS: dict[str, Callable[[Path, Path], None]] = {
    "librosa": librosa_mfcc,
    "kaldi": kaldi_mfcc,
    "earshot": earshot_mfcc,
}


def loop(work: Callable[[Path, Path], None], folder: Path, made: Path) -> None:
    """Do one peer's work on every file, in a pool of processes, as people write it."""
    paths = sorted(folder.glob("*.wav"))
    with multiprocessing.get_context("spawn").Pool(WORKERS) as pool:
        pool.starmap(work, [(path, made) for path in paths], chunksize=16)


def lhotse_fbank(folder: Path, made: Path) -> None:
    from lhotse import CutSet, Fbank, NumpyFilesWriter, RecordingSet

    recordings = RecordingSet.from_dir(folder, pattern="*.wav")
    cuts = CutSet.from_manifests(recordings=recordings)
    cuts.compute_and_store_features(
        extractor=Fbank(),
        storage_path=made / "fbank",
        num_jobs=WORKERS,
        storage_type=NumpyFilesWriter,
    )


def main() -> None:
    peer, folder, made = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    if peer == "earshot":
        sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
    if peer == "lhotse":
        lhotse_fbank(folder, made)
    else:
        loop(LOOPS[peer], folder, made)


if __name__ == "__main__":
    main()

"""Record what transformers' extractor gives for Whisper: `python record_whisper.py`.

Recorded with transformers 5.24.0 and numpy 2.4.6; transformers is too large for the tests' own
environment (200 MB). Every seventh frame is kept.
"""

import sys
from pathlib import Path

import numpy as np
from transformers import WhisperFeatureExtractor

HERE = Path(__file__).parent
sys.path.append(str(HERE.parents[1]))

from support.signals import vowel  # noqa: E402  # after its path

if __name__ == "__main__":
    y = vowel(1.23, 16_000).astype(np.float32)
    arrays = {
        f"mel_{n_mels}": WhisperFeatureExtractor(feature_size=n_mels)(
            y, sampling_rate=16_000
        ).input_features[0][:, :123:7]
        for n_mels in (80, 128)
    }
    np.savez_compressed(HERE / "whisper.npz", **arrays)

"""``formants.csv``: F1 to F4 and their bandwidths, as in Praat's ``To Formant (burg)``."""

from contextlib import ExitStack
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from chalicelib.core.dsp.parameters import FeatureParameters
from chalicelib.core.features.tracks.track import FrameTrack, Source
from chalicelib.core.options import Options, option
from chalicelib.core.voice.formants import FormantAnalyser
from chalicelib.core.voice.resampling import SincResampler

N_COLUMNS = 4
COLUMNS = tuple(f"{kind}{i}_hz" for kind in "fb" for i in range(1, 1 + N_COLUMNS))


@dataclass(frozen=True, slots=True, kw_only=True)
class FormantOptions(Options):
    """Options of the table ``formants``: Praat's, in hertz and seconds.

    ``n_formants`` is how many are fitted up to ``max_formant``; it may end in a half, as 4.5.
    """

    table: ClassVar[str] = "formants"

    max_formant: int = option(5500, low=1000, high=20_000)
    n_formants: float = option(5.0, low=1, high=10)
    window_length: float = option(0.025, low=0.005, high=0.5)
    preemphasis_from: float = option(50.0, low=0, high=20_000)
    time_step: float = option(0.01, low=0.001, high=10)


class FormantTrack(FrameTrack):
    """Formants of the mix, or of each channel, at their own step.

    As in Praat, there are frames of pauses and of voiceless sounds too, whose formants mean little.
    """

    options = FormantOptions
    word_columns = COLUMNS
    words_voiced = True

    def __init__(self, parameters: FeatureParameters, source: Source, stack: ExitStack) -> None:
        own = parameters.of(FormantOptions)
        if own.n_formants * 2 % 1:
            raise own.error("n_formants", f"{own.n_formants:g} is neither whole nor a half")
        analyser = FormantAnalyser(
            sr=2 * own.max_formant,
            step_s=own.time_step,
            window_length=own.window_length,
            n_poles=int(2 * own.n_formants),
            preemphasis_hz=own.preemphasis_from,
            n_columns=N_COLUMNS,
        )
        super().__init__(
            _Resampled(SincResampler(source.native_sr, 2 * own.max_formant), analyser),
            "formants",
            COLUMNS,
            sr=source.native_sr,
            frame_s=own.time_step,
            stack=stack,
            has_times=True,
        )


class _Resampled:
    """An analyser of a signal at another rate."""

    def __init__(self, resampler: SincResampler, analyser: FormantAnalyser) -> None:
        self._resampler, self._analyser = resampler, analyser

    def push(self, y: np.ndarray) -> np.ndarray:
        return self._analyser.push(self._resampler.push(y))

    def finish(self) -> np.ndarray:
        rows = self._analyser.push(self._resampler.finish())
        return np.concatenate([rows, self._analyser.finish()])

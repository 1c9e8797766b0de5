"""Building blocks of the MFCC and energy tables, each fed by blocks of samples.

Belongs here: framing, spectra, mel bands, cepstra and their slopes, with librosa's names.
Does not belong here: pitch (``pitch``), files and tables (``audio``, ``features``).

In the order in which a sample passes them:

1. ``parameters`` names and checks the parameters.
2. ``framing`` cuts the signal into centred frames.
3. ``mel_spectrum`` computes the power in the bands of ``mel`` (``compiled_mel`` with kernels).
4. ``spill`` keeps rows until the whole recording has been read, on disk if necessary.
5. ``mfcc`` clamps at ``top_db`` and transforms; ``deltas`` takes the slopes.
6. ``energy`` measures RMS and zero crossings, independently of the others.

``kernels`` finds the compiled loops, ``memory`` lays arrays out for the processor.
"""

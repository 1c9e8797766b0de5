"""Voices as phoneticians measure them: formants, and the regularity of the vocal folds.

Belongs here: measurements with Praat's names and definitions, fed by blocks of samples. Does not
belong here: f0 by pYIN (``pitch``), tables (``features``).

``resampling`` limits the band, ``preemphasis`` raises its upper end, ``framing`` cuts frames at
any step, ``windows`` has their weights, and ``formants`` fits linear prediction to them by Burg's
method and takes its poles.

``harmonicity`` measures how periodic a frame is, ``cepstrum`` how prominent its cepstral peak.
``periods`` finds voiced stretches, ``pulses`` the pulses in them, ``perturbation`` has the
definitions of jitter and shimmer, and ``regularity`` measures them around each moment.
"""

"""Voices as phoneticians measure them: formants, and the regularity of the vocal folds.

Belongs here: measurements with Praat's names and definitions, fed by blocks of samples. Does not
belong here: f0 by pYIN (``pitch``), tables (``features``).

``resampling`` limits the band, ``preemphasis`` raises its upper end, ``framing`` cuts frames at
any step, ``windows`` has the weights of a frame, and ``formants`` fits linear prediction to frames
by Burg's method and takes the poles.

``harmonicity`` measures how periodic a frame is, ``cepstrum`` how prominent its cepstral peak is.
``periods`` finds voiced stretches, ``pulses`` the pulses in them, ``perturbation`` has the
definitions of jitter and shimmer, and ``regularity`` measures them around each moment.
"""

"""Amazon Transcribe on one machine: its API, with a local recogniser.

In the order in which they act: ``service`` takes requests that ``requests`` has checked, ``jobs``
holds the jobs, ``work`` does one job in a ``worker`` process: ``decoding`` to 16 kHz, and one of
the ``engines``: Moonshine (``chalicelib/core/speech``), ``sphinx`` or the user's own, which may
prefer the words of a ``vocabulary``. ``aligning`` finds the times of corrected words.
"""

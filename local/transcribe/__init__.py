"""Amazon Transcribe on one machine: its API and its output, with a local recogniser.

In the order in which they act: ``service`` takes requests that ``requests`` has checked, ``jobs``
holds the jobs, ``work`` does one job in a ``worker`` process: ``decoding`` to 16 kHz,
``recogniser`` with one of the ``engines`` (``moonshine``, ``sphinx`` or the user's own), ``output``
in Transcribe's format. Moonshine gives text without times: ``alignment`` finds the times, with the
``spoken`` form of numbers and abbreviations and a ``pronunciation`` for unknown words.
"""

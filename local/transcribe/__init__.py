"""Amazon Transcribe on one machine: its API and its output, with a local recogniser.

In the order in which they act: ``service`` takes requests that ``requests`` has checked, ``jobs``
is the book of them, ``work`` does one in a ``worker`` process: ``decoding`` to 16 kHz,
``recogniser`` with one of the ``engines`` (``moonshine``, ``sphinx`` or the user's own), ``output``
in Transcribe's own shape. Moonshine gives text without times: ``alignment`` finds them, with
numbers and abbreviations as they are ``spoken`` and a ``pronunciation`` for unknown words.
"""

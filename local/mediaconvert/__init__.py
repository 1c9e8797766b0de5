"""AWS Elemental MediaConvert on one machine: its API, jobs and events, with a real encoder.

In the order in which they act: ``service`` takes requests that ``requests`` has checked, ``jobs``
is the book of them, ``work`` does one in a ``worker`` process: ``transcoder`` feeds every output
in one pass, through ``scaling``, ``soundtrack`` and ``encoders``.
"""

"""AWS Elemental MediaConvert on one machine: its API, jobs and events, with a real encoder.

In the order in which they act: ``service`` takes requests that ``requests`` has checked, ``jobs``
holds the jobs, ``work`` does one job in a ``worker`` process: ``transcoder`` feeds every output
in one pass, through ``scaling``, ``soundtrack`` and ``encoders``.
"""

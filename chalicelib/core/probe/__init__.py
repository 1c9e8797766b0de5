"""Facts about a file from its header alone, without decoding.

Belongs here: format, duration, channels and tracks, and whether a service would take the file.
Does not belong here: samples (``audio``), the requests themselves (``jobs``).

``formats`` looks at the name and the first bytes, ``headers`` and ``contents`` read duration and
tracks, ``limits`` compares them with what Amazon Transcribe takes, and ``quotas`` with the hours
that a stage accepts in a day.
"""

"""Transcripts: read from Amazon Transcribe's JSON, held as values, written for other programs.

Belongs here: the shapes of a transcript and their conversion.
Does not belong here: requests for a transcript (``jobs``), and search (``search``).

``parsing`` reads (with ``document`` and ``segments``), ``models`` are the values, ``exports``,
``subtitles``, ``textgrid``, ``columns`` and ``manifests`` write. ``corrections`` are people's
changes, and ``correcting`` applies them.
"""

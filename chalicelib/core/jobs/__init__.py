"""Requests to Amazon Transcribe and MediaConvert, and their answers.

Belongs here: requests as data, and the reading of events.
Does not belong here: sending requests (``aws``), and deciding when to send (``pipeline``).

``transcribe`` builds a transcription job; ``ladder`` reads the presets, ``mediaconvert`` builds
the one job that makes a video's renditions (``gif`` paces its animation), and
``mediaconvert_events`` reads how the job ended.
"""

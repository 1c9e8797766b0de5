"""What Amazon Transcribe and MediaConvert are asked, and what they answer.

Belongs here: requests as data, and the reading of events.
Does not belong here: sending them (``aws``), and when to (``pipeline``).

``transcribe`` builds a transcription job; ``ladder`` reads the presets, ``mediaconvert`` builds
the one job that makes a video's renditions (``gif`` paces its animation), and
``mediaconvert_events`` reads what became of it.
"""

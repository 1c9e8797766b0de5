"""Speech to timed words, in Amazon Transcribe's format.

Belongs here: what is recognised in samples, and its format. Does not belong here: decoding of files
(``audio``), reading of a transcript (``transcripts``), the choice of an engine.

In the order in which they act: ``recogniser`` cuts a recording at its pauses and gives each
utterance to an engine; ``parts`` does this for each part of a long recording apart, and joins the
words. ``moonshine`` is the engine of the deployed functions. It gives text without times:
``alignment`` finds the times, with the ``spoken`` form of numbers and abbreviations and a
``pronunciation`` for unknown words. ``output`` writes words in Transcribe's format.
"""

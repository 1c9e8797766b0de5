"""Feature tables: written in one pass over a recording, and read back for its words.

Belongs here: which tables there are, how they are written and joined.
Does not belong here: the measurements themselves (``dsp``, ``pitch``).

In the order in which they act:

1. ``extract`` makes one pass over the samples.
2. ``bounds`` limits how much is written, and for how long.
3. ``tracks`` get the samples, one for each table; ``summary`` says how the tables were made.
4. ``tables`` writes rows as CSV or as NumPy archive, ``display`` a small picture of them.
5. ``frames`` reads the tables back, ``voices`` summarises stretches of them.
6. ``words`` joins them with the transcript: one row for each word, segment and speaker.
"""

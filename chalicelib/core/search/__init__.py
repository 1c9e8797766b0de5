"""Words and phrases found in transcripts.

Belongs here: what is indexed, how it is matched and ranked.
Does not belong here: the table that holds the index (``aws``), the route (``api``).

``terms`` turns text into what it is found by, ``postings`` packs places, ``matching`` finds and
ranks.
"""

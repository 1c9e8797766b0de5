"""Words and phrases found in transcripts.

Belongs here: the contents of the index, matching and ranking.
Does not belong here: the table that holds the index (``aws``), the route (``api``).

``terms`` turns text into the terms of the index, ``layout`` says which row has which term,
``matching`` finds and ranks.
"""

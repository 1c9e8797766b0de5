"""Work that an event sets going: read, compute, write.

Belongs here: the steps of a recording from its upload to its notice, and the rules that keep its
branches correct when events are lost or come twice.
Does not belong here: answers to requests (``api``), calls to AWS (``aws``), arithmetic (``core``).

In the order in which they act:

1. ``events`` is called by ``app.py``, once for each event.
2. ``transcription``, ``features`` and ``renditions`` start and finish one branch each.
3. ``quotas`` refuses what is over the hours of a day; ``branches`` changes the status of a branch.
4. ``transcripts`` reads a transcript with its corrections.
5. ``words`` joins the transcript with the tables; ``notices`` publishes the outcome, once.
6. ``clips`` cuts a part of the sound, when it is asked for.
7. ``removal`` deletes the outputs of an upload that is gone.
8. ``reconciliation`` finds, every quarter of an hour, work that lost events have left undone.
"""

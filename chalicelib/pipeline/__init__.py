"""Work that an event sets going: read, compute, write.

Belongs here: the steps of one recording's way from its upload to its notice, and what keeps a
recording's branches true when events are lost or come twice.
Does not belong here: answers to requests (``api``), calls to AWS (``aws``), arithmetic (``core``).

In the order in which they act:

1. ``events`` is called by ``app.py``, once for each event.
2. ``transcription``, ``features`` and ``renditions`` start and finish one branch each.
3. ``branches`` changes the status of a branch.
4. ``words`` joins the transcript with the tables; ``notices`` publishes the outcome, once.
5. ``removal`` deletes what was derived from an upload that is gone.
6. ``reconciliation`` finds, every quarter of an hour, what events have left undone.
"""

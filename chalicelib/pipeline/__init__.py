"""Work that an event sets going: read, compute, write.

Belongs here: the steps of a recording from its upload to its notice, and the rules that keep its
branches correct when events are lost or come twice.
Does not belong here: answers to requests (``api``), calls to AWS (``aws``), arithmetic (``core``).

In the order in which they act:

1. ``events`` is called by ``app.py``, once for each event, and ``messages`` for each message;
   ``retries`` says when a message comes back. ``archives`` receives objects that lay in a bucket
   before there were events.
2. ``starting`` decides which branches an upload has, and starts them.
3. ``transcription``, ``features`` and ``renditions`` start and finish one branch each.
   ``recognition`` is Earshot's own recogniser, which can replace Amazon Transcribe.
4. ``quotas`` refuses recordings over the hours of a day; ``branches`` changes the status of a
   branch.
5. ``transcripts`` reads a transcript with its corrections; ``alignment`` finds the times of
   corrected words.
6. ``words`` joins the transcript with the tables; ``notices`` publishes the outcome, once.
7. ``clips`` cuts a part of the sound, when it is asked for.
8. ``removal`` deletes the outputs of an upload that is gone.
9. ``reconciliation`` finds, every quarter of an hour, work that lost events have left undone; its
   ``walk`` goes through everything that there is.
10. ``datasets`` makes data sets of many recordings, step by step: ``dataset_requests`` keeps what
    was asked for, ``dataset_sources`` reads the recordings.
"""

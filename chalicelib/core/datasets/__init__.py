"""Data sets: the utterances of many recordings, in the formats that training programs read.

Belongs here: which utterances a data set has, how they are divided, and one writer for each format.
Does not belong here: where recordings are read from and files are written to.

In the order in which they act:

1. ``parameters`` says what a data set should be, ``planning`` which recordings it has, in batches.
2. ``sources`` reads a recording's utterances, ``cutting`` their frames and samples.
3. ``splits`` says which part of the data set an utterance belongs to.
4. ``batches`` gives a batch's utterances to one writer for each split.
5. ``parquet``, ``kaldi``, ``lhotse``, ``shar`` and ``webdataset`` write them, through ``outputs``.
6. ``assembly`` joins what the batches have written, with a manifest and a ``card``.
"""

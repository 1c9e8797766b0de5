"""Bytes to samples: media files to blocks of mono or multi-channel samples.

Belongs here: decoders, and the reading and resampling around them. Does not belong here: facts
about a file without decoding (``probe``), features (``dsp``, ``pitch``).

In the order in which they act:

1. ``source`` reads a file in S3 by ranges.
2. ``formats`` finds the decoder for a file from its first bytes.
3. ``wav``, ``soundfiles`` and ``containers`` are the decoders; ``ogg`` reads an Ogg file's pages.
4. ``decoding`` chooses one, mixes channels and resamples.
"""

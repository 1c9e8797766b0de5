"""Bytes to samples: a media file becomes blocks of mono or multi-channel samples.

Belongs here: decoders, and the reading and resampling around them.
Does not belong here: what a file is without decoding it (``probe``), features (``dsp``, ``pitch``).

In the order in which they act:

1. ``source`` reads a distant file by ranges.
2. ``formats`` tells by the first bytes which decoder a file needs.
3. ``wav``, ``soundfiles`` and ``containers`` are the decoders; ``ogg`` reads an Ogg file's pages.
4. ``decoding`` chooses one, mixes channels and resamples.
"""

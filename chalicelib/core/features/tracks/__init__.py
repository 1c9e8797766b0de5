"""Tracks: one module for each table, or for some of one family, fed by blocks of samples.

Belongs here: the columns of a table, its options, and the object that fills it.
Does not belong here: the measurements themselves (``dsp``, ``pitch``, ``voice``), files
(``features``).

``track`` has the interface, and a base class for tables with a row for each frame;
``making`` makes those of a recording. ``chalicelib.core.registry`` has a line for each table.
"""

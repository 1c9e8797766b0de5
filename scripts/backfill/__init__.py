"""Process a whole archive in the same way as uploads: ``python -m scripts.backfill``.

In the order in which they act:

1. ``listing`` and ``inventory`` say which objects there are, page by page.
2. ``state`` keeps the list, and the outcome of each object, in the stage's bucket.
3. ``plan`` counts, reads the headers of a sample, and estimates hours, costs and time.
4. ``work`` asks the queue for the objects, no faster than ``pace`` allows, and looks at their
   outcomes; ``telling`` prints the progress.
"""

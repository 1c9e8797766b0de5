"""Answers to requests: the routes of the API, and the page.

Belongs here: reading a request, checking its caller's rights, and the shape of the answer.
Does not belong here: work that outlives the request (``pipeline``), calls to AWS (``aws``).

In the order in which they act:

1. ``requests`` reads and checks the caller, the query and the body.
2. ``recordings``, ``search``, ``uploads``, ``downloads``, ``corrections`` and ``datasets`` answer.
3. ``schemas``, ``operations`` and ``openapi`` describe every route to programs.
4. ``page`` serves the files of the page, which are in ``web``.
"""

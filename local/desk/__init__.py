"""Tools for one's own desk, beside local mode: pictures, and comparisons with librosa.

``compare`` and ``comparison_plot`` hold a recording against librosa, ``chart`` draws its words,
``screenshots`` takes the README's pictures of the page.
"""

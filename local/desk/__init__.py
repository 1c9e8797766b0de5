"""Tools beside local mode: pictures, and comparisons with librosa.

``compare`` and ``comparison_plot`` compare a recording's tables with librosa's, ``chart`` draws its
words, ``screenshots`` takes the README's pictures of the page.
"""

"""The page in a browser, and a pretended API that answers it."""

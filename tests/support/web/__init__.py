"""The page in a browser: opening it, and answering it in the API's place."""

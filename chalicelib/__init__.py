"""Earshot: transcripts and speech features of recordings in an S3 bucket."""

__version__ = "0.1.0"

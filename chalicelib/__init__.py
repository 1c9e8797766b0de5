"""Earshot: recordings in an S3 bucket become text and speech features."""

__version__ = "0.1.0"

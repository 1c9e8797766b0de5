"""The options of a command line that say what a data set should be."""

import argparse

DATASET_OPTIONS = {
    "frames": "columns of each utterance's frames, separated by commas: mfcc, f0, voiced, rms; "
    "or none (default: mfcc, in Parquet none)",
    "dtype": "type of the frames: float32 or float16 (default: float32)",
    "splits": "shares of the splits (default: train=0.8,dev=0.1,test=0.1)",
    "split_by": "recording or speaker: each stays within one split (default: recording)",
    "longest_s": "longest utterance in seconds, up to 600 (default: 60)",
    "shard_mb": "largest file in megabytes, up to 1000 (default: 250)",
}
"""Help for each option, by the name of its parameter."""


def add_dataset_options(parser: argparse.ArgumentParser) -> None:
    """Add the options as texts. ``DatasetParameters.parse`` checks them."""
    group = parser.add_argument_group("data sets")
    for name, text in DATASET_OPTIONS.items():
        group.add_argument(f"--{name.replace('_', '-')}", dest=name, metavar="VALUE", help=text)

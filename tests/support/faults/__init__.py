"""Histories of faults: how they are made up, played and checked."""

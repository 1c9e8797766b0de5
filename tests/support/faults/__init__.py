"""Histories of faults: making, running and checking them."""

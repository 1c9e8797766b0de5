"""Deliberate faults, one at a time: do the tests and the histories notice them?"""

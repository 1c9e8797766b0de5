"""The examples in the docstrings of the signal modules give what they show."""

import doctest
import importlib
import pkgutil

import pytest

from chalicelib.core import dsp, pitch

MODULES = [
    f"{package.__name__}.{found.name}"
    for package in (dsp, pitch)
    for found in pkgutil.iter_modules(package.__path__)
]
# What is used from outside has to show how.
FACES = {
    "chalicelib.core.dsp.deltas",
    "chalicelib.core.dsp.energy",
    "chalicelib.core.dsp.framing",
    "chalicelib.core.dsp.mel",
    "chalicelib.core.dsp.mfcc",
    "chalicelib.core.dsp.spill",
    "chalicelib.core.pitch.candidates",
    "chalicelib.core.pitch.priors",
    "chalicelib.core.pitch.tracker",
}


@pytest.mark.parametrize("name", MODULES)
def test_examples_give_what_they_show(name):
    failed, attempted = doctest.testmod(importlib.import_module(name))

    assert failed == 0
    assert attempted or name not in FACES


def test_every_face_is_a_module():
    assert set(MODULES) >= FACES

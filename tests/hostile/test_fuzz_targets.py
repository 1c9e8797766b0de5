"""The fuzz targets accept their first inputs, and the inputs that once failed."""

import pytest
from support.fuzz.targets import TARGETS


@pytest.mark.parametrize("name", sorted(TARGETS.keys() - {"api"}))
def test_each_target_takes_its_seeds(name):
    target = TARGETS[name]

    for seed in target.seeds():
        target.feed(seed)

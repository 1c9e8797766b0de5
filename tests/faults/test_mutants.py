"""The list of deliberate faults keeps up with the code."""

import pytest
from support.mutants.measure import ROOT, applies
from support.mutants.mutants import MUTANTS


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.sentence)
def test_a_deliberate_fault_can_still_be_put_into_the_code(mutant):
    assert applies(mutant, ROOT)
    assert mutant.new != mutant.old


def test_there_are_enough_of_them():
    assert len({mutant.sentence for mutant in MUTANTS}) == len(MUTANTS) >= 60

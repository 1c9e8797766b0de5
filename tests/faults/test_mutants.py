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


@pytest.mark.slow
def test_a_sample_of_a_tools_faults_can_be_put_into_the_code():
    """Of another seed there are others; each is a program and not the present one."""
    pytest.importorskip("cosmic_ray", reason="it is installed by `make mutants SAMPLED=…`")
    from support.mutants.sampled import sample  # noqa: PLC0415  # as above

    found = sample(ROOT, 5)

    assert len({mutant.sentence for mutant in found}) == 5
    for mutant in found:
        assert applies(mutant, ROOT)
        whole = (ROOT / mutant.file).read_text()
        compile(whole.replace(mutant.old, mutant.new), mutant.file, "exec")

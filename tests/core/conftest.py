"""Fixtures for the tests of the arithmetic."""

import pytest

from chalicelib.core.dsp import kernels


@pytest.fixture(scope="module", params=["numpy", "compiled"])
def each_path(request):
    """Run a module's tests with numpy alone, and with the compiled kernels."""
    with pytest.MonkeyPatch.context() as patch:
        if request.param == "numpy":
            patch.setattr(kernels, "library", None)
        elif kernels.library is None:
            pytest.skip("the kernels are not compiled here: `make kernels`")
        yield request.param

"""The priors equal scipy's, which librosa uses and the deployed app does not contain."""

import numpy as np
import pytest
import scipy.stats

from chalicelib.core.pitch.priors import beta_cdf, trough_prior


def test_the_default_beta_distribution_is_that_of_scipy_to_the_last_bit():
    x = np.linspace(0, 1, 101)

    ours = [beta_cdf(each, 2, 18) for each in x.tolist()]

    assert ours == scipy.stats.beta.cdf(x, 2, 18).tolist()


@pytest.mark.parametrize(("a", "b"), [(1, 1), (1, 18), (18, 2), (3, 7), (40, 40)])
@pytest.mark.parametrize("n", [1, 7, 100, 1000])
def test_a_beta_distribution_is_that_of_scipy(a, b, n):
    x = np.linspace(0, 1, n + 1)

    ours = [beta_cdf(each, a, b) for each in x.tolist()]

    np.testing.assert_allclose(ours, scipy.stats.beta.cdf(x, a, b), rtol=0, atol=1e-14)


@pytest.mark.parametrize("boltzmann_parameter", [0.05, 2.0, 30.0])
def test_the_prior_over_troughs_is_that_of_scipy(boltzmann_parameter):
    n = np.arange(1, 201)[:, None]
    k = np.arange(200)

    prior = trough_prior(200, boltzmann_parameter)

    expected = scipy.stats.boltzmann.pmf(k, boltzmann_parameter, n)
    np.testing.assert_allclose(prior[1:, 1:], expected, rtol=1e-15)


def test_a_trough_that_is_not_below_has_no_prior():
    prior = trough_prior(5, 2.0)

    assert not prior[0].any()
    assert not prior[:, 0].any()

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import false_discovery_control

from analytics.fdr import adjust_fdr


@pytest.mark.parametrize("procedure", ["bh", "by"])
def test_q_values_are_those_of_scipy(procedure):
    p = np.random.default_rng(4).beta(0.5, 2, 500)
    p[10:20] = p[10]
    expected = false_discovery_control(p, method=procedure)
    np.testing.assert_allclose(adjust_fdr(p, procedure=procedure), expected, atol=1e-12)


def test_a_unit_without_a_test_counts_for_nothing():
    q = adjust_fdr(np.array([0.01, np.nan, 0.02]))
    np.testing.assert_allclose(q, [0.02, np.nan, 0.02])


def test_no_tests_give_no_q_values():
    assert adjust_fdr(np.array([])).shape == (0,)

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.bias.sensitivity import share_out, sweep_reporting
from geo.errors import InputError


def test_one_of_three_that_reports_half_as_often_lacks_what_the_sweep_says():
    """Equal truth of 100 each; the third reports half: it gets 20 % instead of a third."""
    found = sweep_reporting(np.array([100.0, 100.0, 50.0])).set_index("row")
    assert found.loc[2, "hours"] == pytest.approx(0.2)
    assert found.loc[2, "hours_if_mended"] == pytest.approx(1 / 3)
    assert found.loc[2, "lack"] == pytest.approx(1 / 3 - 0.2)
    assert found.loc[2, "moved_share"] == pytest.approx(1 / 3 - 0.2)
    assert found.loc[0, "hours_if_silenced"] == pytest.approx(50 / 200)
    assert found.loc[0, "loss"] == pytest.approx(0.4 - 0.25)


def test_the_sweep_uses_the_rule_that_is_handed_in():
    everyone_alike = sweep_reporting(np.array([9.0, 1.0]), lambda need: np.full(len(need), 4.0))
    assert (everyone_alike[["loss", "lack", "moved_share"]] == 0).all(axis=None)
    assert (everyone_alike["hours"] == 4.0).all()


def test_rates_are_swept_for_each_place():
    found = sweep_reporting(np.array([4.0, 4.0]), rates=(1.0, 0.5, 0.25))
    assert found["row"].tolist() == [0, 0, 0, 1, 1, 1]
    assert found["rate"].tolist() == [1.0, 0.5, 0.25] * 2
    assert found["lack"].tolist()[0] == 0.0
    assert (np.diff(found["lack"].to_numpy()[:3]) > 0).all()


@given(st.lists(st.integers(0, 1000), min_size=2, max_size=8).filter(any), st.floats(0.05, 1.0))
def test_silence_never_gains_and_mending_never_costs(reported, rate):
    need = np.array(reported, dtype=float)
    found = sweep_reporting(need, lambda n: share_out(n, total=40.0), rates=(rate,))
    assert (found["loss"] >= -1e-9).all()
    assert (found["lack"] >= -1e-9).all()
    # What one place gains all others lose.
    np.testing.assert_allclose(found["moved_share"] * 40.0, found["lack"], atol=1e-9)


def test_no_need_is_shared_evenly_and_no_place_gives_no_row():
    assert share_out(np.zeros(4), total=2.0).tolist() == [0.5] * 4
    assert sweep_reporting(np.zeros(0)).empty


def test_impossible_rates_and_needs_are_refused():
    for rate in (0.0, 1.5):
        with pytest.raises(InputError, match="reporting rate"):
            sweep_reporting(np.ones(2), rates=(rate,))
    with pytest.raises(InputError, match="finite"):
        sweep_reporting(np.array([1.0, np.nan]))

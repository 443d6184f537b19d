"""What was planned beside what was done: by shift and area, with nobody's name in it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.errors import InputError
from patrol.tracks.conformance import ConformanceParams, compare_effort, compare_stops

MINUTE = 60_000_000
NOTHING = pd.DataFrame({"shift_no": [], "area_id": [], "starts_us": [], "ends_us": []})


def minutes(rows: list[tuple[int, int, float]]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["shift_no", "area_id", "minutes"])


def test_labels_follow_the_share_and_unplanned_effort_is_no_fault() -> None:
    table = compare_effort(
        minutes([(1, 10, 60), (1, 11, 60), (1, 12, 60), (1, 13, 0)]),
        minutes([(1, 10, 50), (1, 11, 20), (1, 14, 5)]), NOTHING,
    ).set_index("area_id")  # fmt: skip
    assert table["label"].to_dict() == {10: "served", 11: "short", 12: "missed", 14: "unplanned"}
    assert np.isnan(table.loc[14, "share"])
    assert table.loc[11, "share"] == pytest.approx(1 / 3)


def test_revisits_are_from_one_visits_end_to_the_next_ones_start() -> None:
    visits = pd.DataFrame(
        {"shift_no": 1, "area_id": 10, "starts_us": np.array([0, 30, 100]) * MINUTE,
         "ends_us": np.array([10, 45, 112]) * MINUTE}
    )  # fmt: skip
    row = compare_effort(minutes([(1, 10, 30)]), minutes([(1, 10, 37)]), visits).iloc[0]
    assert (row["visits"], row["dwell_min"], row["revisit_min"]) == (3, 12, (20 + 55) / 2)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 100_000))
def test_minutes_are_conserved_whatever_the_order(seed: int) -> None:
    rng = np.random.default_rng(seed)
    planned, done = (
        minutes([(int(rng.integers(1, 4)), int(rng.integers(1, 6)), float(rng.uniform(0, 90)))
                 for _ in range(12)])
        for _ in range(2)
    )  # fmt: skip
    table = compare_effort(planned, done.sample(frac=1, random_state=seed), NOTHING)
    assert table["planned_min"].sum() == pytest.approx(planned["minutes"].sum())
    assert table["done_min"].sum() == pytest.approx(done["minutes"].sum())
    assert not table.duplicated(["shift_no", "area_id"]).any()


def test_a_stop_is_kept_by_a_long_enough_stay_nearby_within_the_shift() -> None:
    stops = pd.DataFrame(
        {"x": [0.0, 500.0, 900.0], "y": [0.0, 0.0, 0.0], "opens_us": 0, "closes_us": 480 * MINUTE,
         "dwell_s": 900.0}
    )  # fmt: skip
    stays = pd.DataFrame(
        {"x": [20.0, 510.0, 905.0], "y": [0.0, 5.0, 0.0],
         "starts_us": np.array([10, 20, 475]) * MINUTE, "ends_us": np.array([25, 25, 500]) * MINUTE}
    )  # fmt: skip
    found = compare_stops(stops, stays)
    assert found["kept"].tolist() == [True, False, False]
    assert found["stayed_s"].tolist() == [900, 300, 300]


def test_shares_that_cannot_be_are_refused() -> None:
    with pytest.raises(InputError, match="shares"):
        ConformanceParams(least_share=0.0)

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.cube import DISCOVERED, REPORTED, Cube, Units, cube_from_events
from analytics.cube_fill import count_into
from analytics.steps import make_steps
from geo.errors import InputError
from geo.models.base import FOUND_BY

UNITS = Units("cell", np.array([7, 3, 9]))
STEPS = make_steps(date(2026, 1, 5), date(2026, 1, 19), step="week", time_zone="Asia/Shanghai")


def events(rows):
    frame = pd.DataFrame(rows, columns=["unit_id", "occurred_at", "category", "found_by"])
    frame["occurred_at"] = pd.to_datetime(frame["occurred_at"]).dt.tz_localize("Asia/Shanghai")
    return frame


def test_each_event_falls_into_its_unit_step_class_and_source():
    cube = cube_from_events(
        events(
            [
                (3, "2026-01-05 00:00", "dump", "resident"),
                (3, "2026-01-18 23:59", "dump", "sensor"),
                (9, "2026-01-12 00:00", "noise", "resident"),
                (9, "2026-01-12 00:00", "noise", "resident"),
            ]
        ),
        UNITS,
        STEPS,
    )
    assert cube.counts.shape == (3, 2, 2, 3)
    assert cube.classes == ("dump", "noise")
    assert cube.counts[1, 0, 0, 0] == 1
    assert cube.counts[1, 1, 0, 1] == 1
    assert cube.counts[2, 1, 1, 0] == 2
    assert cube.counts.sum() == 4
    assert cube.series().tolist() == [[0, 0], [1, 1], [0, 2]]
    assert cube.totals(classes=["noise"]).tolist() == [0, 0, 2]


def test_what_patrols_cameras_and_drones_found_is_no_default_signal():
    rows = [(3, "2026-01-06", "dump", source) for source in FOUND_BY]
    cube = cube_from_events(events(rows), UNITS, STEPS)
    assert cube.totals().tolist() == [0, len(REPORTED), 0]
    assert cube.left_out["other_source"] == len(DISCOVERED)
    both = cube_from_events(events(rows), UNITS, STEPS, found_by=FOUND_BY)
    assert both.totals().sum() == len(REPORTED)
    assert both.totals(found_by=DISCOVERED).sum() == len(DISCOVERED)
    assert both.totals(found_by=FOUND_BY).sum() == len(FOUND_BY)


def test_reported_and_discovered_together_are_all_sources():
    assert sorted(REPORTED + DISCOVERED) == sorted(FOUND_BY)


def test_a_cube_of_patrol_finds_is_not_used_as_need_unless_named():
    found = events([(3, "2026-01-06", "dump", "patrol")])
    cube = cube_from_events(found, UNITS, STEPS, found_by=["patrol"])
    with pytest.raises(InputError, match="name the sources"):
        cube.series()
    assert cube.series(found_by=["patrol"]).sum() == 1


@settings(max_examples=50, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from([7, 3, 9, 4, -1]),
            st.integers(0, 24 * 28),
            st.sampled_from(["dump", "noise", "park", None]),
            st.sampled_from([*FOUND_BY, None]),
        ),
        max_size=60,
    )
)
def test_no_event_is_lost_or_counted_twice(rows):
    start = pd.Timestamp("2026-01-01")
    frame = events(
        [(unit, start + pd.Timedelta(hours=hour), kind, by) for unit, hour, kind, by in rows]
    )
    cube = cube_from_events(frame, UNITS, STEPS, classes=["dump", "noise"])
    assert int(cube.counts.sum()) + sum(cube.left_out.values()) == len(rows)
    assert cube.totals().sum() == cube.counts.sum()


def test_missing_time_or_unit_is_left_out_and_told():
    cube = cube_from_events(
        events([(3, None, "dump", "resident"), (None, "2026-01-06", "dump", "resident")]),
        UNITS,
        STEPS,
    )
    assert cube.counts.sum() == 0
    assert (cube.left_out["outside_window"], cube.left_out["no_unit"]) == (1, 1)


def test_no_events_give_a_cube_of_zeros():
    cube = cube_from_events(events([]), UNITS, STEPS, classes=["dump"])
    assert cube.counts.shape == (3, 2, 1, len(REPORTED))
    assert cube.series().tolist() == [[0, 0]] * 3


def test_weights_are_added_as_parts_of_incidents():
    index = [np.array([0, 0, 1]), np.zeros(3, int), np.zeros(3, int), np.zeros(3, int)]
    counts = count_into((2, 1, 1, 1), index, np.array([0.25, 0.5, 1.0]))
    assert counts[:, 0, 0, 0].tolist() == [0.75, 1.0]
    whole = count_into((2, 1, 1, 1), index, np.array([2, 3, 70_000]))
    assert whole[:, 0, 0, 0].tolist() == [5, 70_000]


def test_the_cube_cannot_be_written_to():
    cube = cube_from_events(events([]), UNITS, STEPS, classes=["dump"])
    with pytest.raises(ValueError, match="read-only"):
        cube.counts[0, 0, 0, 0] = 1


def test_errors_name_what_does_not_fit():
    plain = events([(3, "2026-01-06", "dump", "resident")])
    with pytest.raises(InputError, match=r"found_by.*assign"):
        cube_from_events(plain.drop(columns="found_by"), UNITS, STEPS)
    cube = cube_from_events(plain, UNITS, STEPS)
    with pytest.raises(InputError, match="'theft' is not in the cube; it has dump"):
        cube.series(classes=["theft"])
    with pytest.raises(InputError, match="would take 44 GB; take larger cells"):
        count_into((1_000_000, 365, 30, 1), [np.empty(0, dtype=np.int64)] * 4)
    with pytest.raises(InputError, match="repeat"):
        Units("cell", np.array([1, 1]))
    with pytest.raises(InputError, match="households"):
        Units("area", np.array([1, 2]), {"households": np.ones(3)})
    with pytest.raises(InputError, match="ask for"):
        Cube(np.zeros((1, 1, 1, 1)), UNITS, STEPS, ("dump",), ("resident",))

"""How clusters and discs of a scan are told on one line."""

from __future__ import annotations

from web.commands.clusters import extent
from web.commands.scan import reach


def test_a_cluster_of_one_address_has_no_density():
    row = {"observed": 27.0, "score": 38_259.0}
    assert "one place" in extent(row | {"radius_m": 0.0})
    assert "38,259" not in extent(row | {"radius_m": 0.0})
    assert extent(row | {"radius_m": 181.2}).split() == ["38,259", "181", "m"]
    assert len({len(extent(row | {"radius_m": r})) for r in (150.0, 9_999.0)}) == 1


def test_a_disc_of_a_single_cell_is_not_said_to_reach_0_metres():
    assert reach({"radius_m": 0.0, "n_cells": 1}) == "one cell"
    assert reach({"radius_m": 400.0, "n_cells": 48}) == "400 m"

"""Every kind of question is answered, stored, read back, and comes out the same bit by bit."""

from __future__ import annotations

from datetime import date

import pytest

from analytics.adjusted_trends import AdjustedTrendParams
from analytics.answers import ASKED, answer
from analytics.area_rates import RateParams
from analytics.backtest_design import BacktestDesign
from analytics.bias.listing import EquityParams
from analytics.cell_association import AssociationParams
from analytics.cluster_zones import ClusterParams
from analytics.cube_store import read_lattice
from analytics.density import DensityParams
from analytics.effect import EffectParams
from analytics.emerging import EmergingParams
from analytics.hot_streets import StreetParams
from analytics.hotspots import HotspotParams
from analytics.join_rows import JoinParams
from analytics.latest_changes import LatestParams
from analytics.outlook import OutlookParams
from analytics.profile_rows import ProfileParams
from analytics.recompute import compare, recompute
from analytics.repeat_bands import RepeatParams
from analytics.scan_params import ScanParams
from analytics.store import Origin, read_result, write_found
from analytics.street_store import read_streets
from analytics.trends import TrendParams
from geo.models.base import FOUND_BY
from tests.analytics.test_store import request_of
from web.commands.results import KINDS

pytestmark = pytest.mark.db

AUTUMN = {"start": date(2020, 9, 28), "end": date(2020, 12, 28)}
DAYS = {"start": date(2020, 12, 1), "end": date(2020, 12, 29), "step": "day"}
QUESTIONS = {
    "hotspots": [
        (HotspotParams(chance="simulated", permutations=99), "cells", {}),
        (HotspotParams(near="rook", star=False, fdr="by"), "grids", {}),
        (HotspotParams(near="nearest", near_k=3, weights="row"), "hexagons", {}),
        (HotspotParams(near="distance", near_m=300.0), "streets", {}),
    ],
    "trends": [
        (TrendParams(), "grids", {}),
        (AdjustedTrendParams(method="hamed-rao"), "hexagons", AUTUMN),
    ],
    "density": [(DensityParams(bandwidth_m=500.0), "cells", {})],
    "emerging": [(EmergingParams(), "cells", {"step": "month"}), (EmergingParams(), "grids", {})],
    "association": [(AssociationParams(), "cells", {})],
    "streets": [(StreetParams(), "streets", {})],
    "joins": [(JoinParams(), "grids", {"by_class": True})],
    "profile": [
        (ProfileParams(), "grids", {"step": "hour_of_week", "by_class": True}),
        (ProfileParams(by="area"), "grids", {"step": "hour_of_week"}),
    ],
    "rates": [(RateParams(), "grids", {}), (RateParams(per="street_km"), "streets", {})],
    "changes": [(LatestParams(), "grids", {**AUTUMN, "by_class": True})],
    "clusters": [(ClusterParams(fewest=5, smallest=5), "nowhere", DAYS)],
    "scan": [(ScanParams(replicates=99, radius_cells=2), "cells", DAYS)],
    "near_repeat": [(RepeatParams(permutations=99), "nowhere", AUTUMN)],
    "effect": [(EffectParams("2020-11-02", ("w1",), ("w2",)), "grids", {**AUTUMN, "step": "day"})],
    "bias": [
        (EquityParams(), "grids", {"found_by": FOUND_BY}),
        (EquityParams(effort_h={"w1": 30.0, "w2": 2.0}), "grids", {"found_by": FOUND_BY}),
    ],
    "backtest": [
        (BacktestDesign(n_origins=4, suite="light"), "grids", {**AUTUMN, "by_class": True})
    ],
    "forecast": [(OutlookParams(), "grids", {**AUTUMN, "by_class": True})],
}


def origin_of(db, roaded, where, changes):
    ground = {}
    if where == "cells":
        ground = {"lattice": read_lattice(db, roaded["id"], cell_size_m=250.0)}
    elif where == "hexagons":
        ground = {"lattice": read_lattice(db, roaded["id"], cell_size_m=250.0, kind="hexagon")}
    elif where == "streets":
        ground = {"streets": read_streets(db, roaded["id"])}
    elif where == "grids":
        ground = {"level": "grid"}
    return Origin(request_of(roaded, **changes), "0.1.0", seed=11, **ground)


def test_no_kind_is_forgotten_here_or_has_no_name():
    assert set(QUESTIONS) == set(ASKED) <= set(KINDS)
    for kind, (classes, _) in ASKED.items():
        assert {type(params) for params, _, _ in QUESTIONS[kind]} == set(classes)


@pytest.mark.parametrize(
    ("kind", "number"), [(kind, n) for kind, asked in QUESTIONS.items() for n in range(len(asked))]
)
def test_a_stored_answer_of_any_kind_comes_out_identical(db, roaded, kind, number):
    params, where, changes = QUESTIONS[kind][number]
    origin = origin_of(db, roaded, where, changes)
    stored = read_result(db, write_found(db, answer(db, kind, origin, params), origin))
    assert stored.run["kind"] == kind
    compared = compare(stored.rows, recompute(db, stored))
    assert compared.identical, compared.differences
    assert compared.n_rows == len(stored.rows)
    # What is compared is not empty, but for what honestly finds nothing in scattered dots.
    assert len(stored.rows) or kind in {"clusters", "changes"}

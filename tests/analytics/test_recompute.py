from __future__ import annotations

import json
from datetime import UTC, date, datetime

import numpy as np
import pytest
from sqlalchemy import text

from analytics.adjusted_trends import AdjustedTrendParams, find_adjusted_trends
from analytics.cube_store import read_area_cube, read_cell_cube, read_lattice
from analytics.density import DensityParams
from analytics.emerging import EmergingParams, find_emerging
from analytics.hotspots import HotspotParams, find_hotspots
from analytics.nightly import NightlyParams, run_night
from analytics.queries import CubeRequest
from analytics.recompute import compare, read_request, recompute
from analytics.result_queries import select_imports_since, select_sources
from analytics.store import Origin, read_result, write_result
from geo.errors import ConflictError, InputError
from geo.lattice.lattice import neighbours

pytestmark = pytest.mark.db


@pytest.fixture
def request_(district):
    return CubeRequest(district["id"], date(2020, 1, 1), date(2021, 1, 1), step="month")


@pytest.fixture
def night(db, request_):
    """A night with nothing at its default: rook, simulated chances, another seed."""
    params = NightlyParams(
        contiguity="rook",
        hotspots=HotspotParams(chance="simulated", permutations=199, star=False, alpha=0.2),
        density=DensityParams(bandwidth_m=250.0, kernel="gaussian"),
        seed=77,
    )
    return run_night(db, request_, params, code_version="0.1.0")


@pytest.mark.parametrize("name", ["hotspots", "trends", "density", "area_trends"])
def test_a_night_comes_out_the_same_again_row_by_row(db, night, name):
    stored = read_result(db, night.run_ids[name])
    compared = compare(stored.rows, recompute(db, stored))
    assert compared.identical
    assert (compared.n_rows, compared.n_differing) == (len(stored.rows), 0)


def test_results_that_no_night_makes_come_out_the_same_again_too(db, request_):
    lattice = read_lattice(db, request_.jurisdiction_id, cell_size_m=250.0)
    cells = read_cell_cube(db, request_, lattice)
    areas, touching = read_area_cube(db, request_, level="grid")
    of_cells = Origin(request_, "0.1.0", lattice=lattice, contiguity="rook")
    of_areas = Origin(request_, "0.1.0", level="grid")
    rook = neighbours(lattice, contiguity="rook")
    hamed_rao = AdjustedTrendParams(method="hamed-rao", lags=3, fewest=1)
    emerging = EmergingParams(lag_steps=0, reference="window", alpha=0.2)
    numbers = [
        write_result(db, find_hotspots(cells, rook), of_cells),
        write_result(db, find_emerging(cells, rook, emerging).result, of_cells),
        write_result(db, find_adjusted_trends(areas, hamed_rao), of_areas),
        write_result(db, find_hotspots(areas, touching), of_areas),
    ]
    for number in numbers:
        stored = read_result(db, number)
        assert compare(stored.rows, recompute(db, stored)).identical


def test_what_was_asked_is_read_back_whole(db, district, night, request_):
    request = CubeRequest(
        district["id"], date(2020, 1, 5), date(2020, 8, 2), step="week",
        found_by=("resident", "patrol"), classes=("dump", "park"), by_class=True,
    )  # fmt: skip
    cube, _ = read_area_cube(db, request)
    found = find_hotspots(cube, read_area_cube(db, request)[1])
    number = write_result(db, found, Origin(request, "0.1.0", level="grid"))
    parameters = read_result(db, number).run["parameters"]
    assert read_request(json.loads(json.dumps(parameters))["request"]) == request
    assert parameters["versions"]["numpy"] == np.__version__
    stored = read_result(db, night.run_ids["hotspots"])
    assert read_request(stored.run["parameters"]["request"]) == request_
    assert stored.run["parameters"]["neighbours"] == {"contiguity": "rook"}


def test_another_seed_contiguity_or_border_rule_would_be_noticed(db, night):
    stored = read_result(db, night.run_ids["hotspots"])
    for change in (
        {"seed": 78},
        {"neighbours": {"contiguity": "queen"}},
        {"method": {"share": False}},
    ):
        run = json.loads(json.dumps(dict(stored.run), default=str))
        run["seed"] = change.get("seed", run["seed"])
        run["parameters"]["neighbours"] |= change.get("neighbours", {})
        run["parameters"]["method"] |= change.get("method", {})
        other = type(stored)(run=run, rows=stored.rows)
        compared = compare(stored.rows, recompute(db, other))
        assert not compared.identical
        assert compared.n_differing > 0


def test_one_incident_less_is_noticed_and_said_where(db, district, night):
    rows = read_result(db, night.run_ids["area_trends"]).rows
    gone = db.execute(
        text(
            "DELETE FROM incident WHERE (occurred_at, incident_id) = (SELECT occurred_at, "
            "incident_id FROM incident WHERE area_id = :area AND found_by = 'resident' LIMIT 1)"
        ),
        {"area": district["areas"]["w1"]},
    )
    assert gone.rowcount == 1
    compared = compare(rows, recompute(db, read_result(db, night.run_ids["area_trends"])))
    assert not compared.identical
    observed = compared.differences.query("column == 'observed'")
    assert observed["unit"].tolist() == [district["areas"]["w1"]]
    assert (observed["stored"] - observed["now"]).tolist() == [1.0]


def test_grids_drawn_anew_are_rows_of_one_side_only(db, district, night):
    db.execute(
        text("UPDATE area SET valid_to = '2020-12-01' WHERE area_id = :area"),
        {"area": district["areas"]["e2"]},
    )
    stored = read_result(db, night.run_ids["area_trends"])
    compared = compare(stored.rows, recompute(db, stored))
    assert compared.only_stored == (district["areas"]["e2"],)
    assert compared.only_now == ()
    assert not compared.identical


def test_a_moved_boundary_makes_other_cells_and_is_said(db, district, night):
    db.execute(
        text(
            "UPDATE jurisdiction SET geom = ST_Multi(ST_Translate(geom, 0.01, 0)) "
            "WHERE jurisdiction_id = :j"
        ),
        {"j": district["id"]},
    )
    with pytest.raises(ConflictError, match="boundary"):
        recompute(db, read_result(db, night.run_ids["trends"]))
    areas = read_result(db, night.run_ids["area_trends"])
    assert compare(areas.rows, recompute(db, areas)).identical


def test_a_kind_of_another_version_is_refused(db, night):
    stored = read_result(db, night.run_ids["trends"])
    other = type(stored)(run={**stored.run, "kind": "oracle"}, rows=stored.rows)
    with pytest.raises(InputError, match="cannot compute oracle over cells again"):
        recompute(db, other)


def test_imports_after_a_result_are_told_even_if_they_began_before_it(db, district):
    add = text(
        "INSERT INTO import_run (feed_id, kind, file_name, file_sha256, mapping, crs, status, "
        "code_version, finished_at) VALUES (:f, 'incidents', :name, 'x', '{}', 'wgs84', :status, "
        "'0.1.0', :at) RETURNING import_run_id"
    )

    def run(name, hour, status="finished"):
        at = datetime(2024, 1, 1, hour, tzinfo=UTC)
        values = {"f": district["feed"], "name": name, "status": status, "at": at}
        return db.execute(add, values).scalar_one()

    before, slow, seen = run("before", 1), run("slow", 9), run("seen", 2)
    after, _ = run("after", 8), run("failed", 9, "failed")
    moment = datetime(2024, 1, 1, 5, tzinfo=UTC)
    query = select_imports_since(district["id"], last_import_run_id=seen, moment=moment)
    assert [row.import_run_id for row in db.execute(query)] == [slow, after]
    everything = select_imports_since(
        district["id"], last_import_run_id=None, moment=datetime(2023, 1, 1, tzinfo=UTC)
    )
    assert [row.import_run_id for row in db.execute(everything)] == [before, slow, seen, after]
    sources = db.execute(select_sources(district["id"], last_import_run_id=seen)).all()
    assert [row.file_name for row in sources] == ["seen"]

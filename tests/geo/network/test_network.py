"""Roads become a network, and ways along it are the fastest."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import LineString, Point
from sqlalchemy import text

from geo.errors import CrsError, GeometryError, InputError, NotFoundError
from geo.formats.osm import open_osm
from geo.network.build import make_network
from geo.network.speeds import Speeds
from geo.network.store import read_network
from geo.network.travel import find_ways, place_on_network, trace_way

SRID = 4549
X, Y = 500_000.0, 3_460_000.0
OSM = (("osm/helsinki_centre.osm.pbf", 32635), ("osm/monaco.osm.gz", 32632),
       ("chicago/logan_square.osm", 32616))  # fmt: skip


def roads(*lines, **columns):
    moved = [LineString([(X + x, Y + y) for x, y in line]) for line in lines]
    columns = {"kind": ["residential"] * len(lines)} | columns
    return gpd.GeoDataFrame(columns, geometry=moved, crs=SRID)


def at(*points):
    return np.array(points, dtype=float) + np.array([X, Y])


CROSS = ([(0, 0), (200, 0)], [(100, -100), (100, 100)])


class TestSegments:
    def test_roads_that_cross_on_one_level_are_split_there(self):
        network = make_network(roads(*CROSS))
        assert len(network.segments) == 4
        assert len(network.nodes) == 5
        assert network.segments["length_m"].tolist() == pytest.approx([100] * 4)

    @pytest.mark.parametrize(
        "levels", [{"bridge": [None, "yes"]}, {"tunnel": ["yes", None]}, {"layer": ["1", None]}]
    )
    def test_a_bridge_or_tunnel_does_not_meet_what_it_crosses(self, levels):
        assert len(make_network(roads(*CROSS, **levels)).segments) == 2

    def test_a_bridge_meets_the_ramp_that_shares_its_end(self):
        network = make_network(roads([(0, 0), (50, 0)], [(50, 0), (90, 0)], bridge=[None, "yes"]))
        assert network.segments["end"].iloc[0] == network.segments["start"].iloc[1]

    def test_common_vertices_alone_split_when_crossings_are_not_trusted(self):
        assert len(make_network(roads(*CROSS), split_crossings=False).segments) == 2

    def test_a_side_street_that_ends_on_a_road_meets_it(self):
        network = make_network(roads([(0, 0), (100, 0)], [(40, 0), (40, 60)]))
        assert sorted(network.segments["segment_id"]) == ["0#0", "0#1", "1#0"]

    def test_a_loop_and_a_repeated_vertex_are_kept_sound(self):
        network = make_network(roads([(0, 0), (0, 0), (50, 0), (50, 50), (0, 0)]))
        assert network.segments["length_m"].sum() == pytest.approx(100 + np.hypot(50, 50))

    def test_no_roads_are_an_empty_network(self):
        network = make_network(roads().set_crs(SRID))
        assert len(network.segments) == 0
        with pytest.raises(NotFoundError, match="import roads"):
            place_on_network(network, at((0, 0)), mode="foot")

    def test_degrees_points_and_double_names_are_refused(self):
        with pytest.raises(CrsError):
            make_network(roads(*CROSS).to_crs(4326))
        with pytest.raises(GeometryError, match="row 1"):
            make_network(
                gpd.GeoDataFrame(
                    {"kind": ["a", "b"]}, geometry=[LineString([(0, 0), (1, 1)]), Point(0, 0)],
                    crs=SRID,
                )
            )  # fmt: skip
        with pytest.raises(InputError, match="twice"):
            make_network(roads(*CROSS, road_id=["a", "a"]))

    @settings(max_examples=30, deadline=None)
    @given(st.lists(st.tuples(*[st.integers(0, 40)] * 4), min_size=1, max_size=8, unique=True))
    def test_splitting_keeps_every_metre(self, ends):
        lines = [[(a, b), (c, d)] for a, b, c, d in ends if (a, b) != (c, d)]
        frame = roads(*lines)
        network = make_network(frame)
        assert network.segments["length_m"].sum() == pytest.approx(frame.length.sum(), abs=0.2)


class TestWays:
    def test_a_way_goes_from_road_to_road_and_includes_the_walk_to_them(self):
        network = make_network(roads(*CROSS))
        places = place_on_network(network, at((10, 5), (100, 60)), mode="foot")
        ways = find_ways(places)
        assert ways.metres[0, 1] == pytest.approx(5 + 90 + 60)
        assert ways.seconds[0, 1] == pytest.approx((5 + 90 + 60) / (4.5 / 3.6))
        assert trace_way(places, np.array([0, 1])).length == pytest.approx(155)

    def test_two_places_on_one_segment_do_not_go_round_by_its_ends(self):
        network = make_network(roads([(0, 0), (1000, 0)]))
        places = place_on_network(network, at((400, 0), (450, 0), (450, 0)), mode="vehicle")
        assert find_ways(places).metres[0] == pytest.approx([0, 50, 50])

    def test_cars_keep_one_way_streets_and_walkers_need_not(self):
        ring = ([(0, 0), (100, 0)], [(100, 0), (100, 100), (0, 100), (0, 0)])
        network = make_network(roads(*ring, oneway=["yes", "yes"]))
        spots = at((25, 0), (75, 0))
        by_car = find_ways(place_on_network(network, spots, mode="vehicle"))
        on_foot = find_ways(place_on_network(network, spots, mode="foot"))
        assert by_car.metres[0, 1] == pytest.approx(50)
        assert by_car.metres[1, 0] == pytest.approx(350)
        assert on_foot.metres[1, 0] == pytest.approx(50)

    def test_a_street_against_its_line_is_one_way_the_other_way(self):
        ring = ([(0, 0), (100, 0)], [(100, 0), (100, 100), (0, 100), (0, 0)])
        network = make_network(roads(*ring, oneway=["-1", "-1"]))
        ways = find_ways(place_on_network(network, at((25, 0), (75, 0)), mode="vehicle"))
        assert ways.metres[1, 0] == pytest.approx(50)

    def test_the_faster_of_two_parallel_roads_is_taken(self):
        network = make_network(
            roads([(0, 0), (100, 0)], [(0, 0), (50, 20), (100, 0)], kind=["service", "primary"])
        )
        places = place_on_network(network, at((0, 0), (100, 0)), mode="vehicle")
        assert find_ways(places).metres[0, 1] == pytest.approx(2 * np.hypot(50, 20))

    def test_islands_and_dead_pockets_are_left_out_and_counted(self):
        lines = ([(0, 0), (500, 0)], [(0, 300), (50, 300)], [(500, 0), (600, 0)])
        network = make_network(roads(*lines, oneway=[None, None, "yes"]))
        places = place_on_network(network, at((10, 290), (590, 2)), mode="vehicle")
        assert places.n_cut_off == 2
        assert network.segments["road_id"].iloc[places.segment].tolist() == [0, 0]

    def test_a_point_out_of_reach_is_told_and_has_no_ways(self):
        network = make_network(roads(*CROSS))
        places = place_on_network(network, at((0, 0), (0, 900)), mode="foot")
        assert places.unreached.tolist() == [1]
        assert np.isinf(find_ways(places).seconds[0, 1])
        with pytest.raises(NotFoundError, match="place 1"):
            trace_way(places, np.array([0, 1]))

    def test_footways_are_for_walkers_and_motorways_are_not(self):
        network = make_network(roads(*CROSS, kind=["footway", "motorway"]))
        for mode, road in (("foot", 0), ("vehicle", 1)):
            places = place_on_network(network, at((99, 1)), mode=mode)
            assert set(network.segments["road_id"][places.usable]) == {road}

    def test_speeds_that_cannot_be_are_refused(self):
        with pytest.raises(InputError, match="0 km/h"):
            Speeds(foot_kmh=0)

    def test_points_that_are_no_numbers_are_refused(self):
        with pytest.raises(InputError, match="finite"):
            place_on_network(make_network(roads(*CROSS)), at((np.nan, 0)), mode="foot")


def osm_roads(path, srid):
    frame = pd.concat(
        [batch.columns.to_pandas() for batch in open_osm(path, theme="roads").batches]
    )
    shapes = shapely.from_wkb(frame.pop("geometry"))
    frame = frame.rename(columns={"osm_id": "road_id"}).reset_index(drop=True)
    return gpd.GeoDataFrame(frame, geometry=shapes, crs=4326).to_crs(srid)


@pytest.mark.data
class TestRealTowns:
    @pytest.mark.parametrize(("name", "srid"), OSM)
    def test_lengths_are_kept_and_ways_are_as_long_as_their_lines(self, shared_data, name, srid):
        frame = osm_roads(shared_data / name, srid)
        network = make_network(frame)
        assert network.length_km == pytest.approx(frame.length.sum() / 1000, rel=1e-6)
        assert network.segments["segment_id"].is_unique
        rng = np.random.default_rng(4)
        spots = network.nodes[rng.integers(0, len(network.nodes), 40)] + rng.normal(0, 15, (40, 2))
        for mode in ("foot", "vehicle"):
            places = place_on_network(network, spots, mode=mode)
            ways = find_ways(places)
            there = np.flatnonzero(places.segment >= 0)
            assert np.isfinite(ways.seconds[np.ix_(there, there)]).all()
            order = there[:12]
            total = ways.metres[order[:-1], order[1:]].sum()
            assert trace_way(places, order).length == pytest.approx(total, abs=1e-6)
            crow = np.hypot(*(spots[there, None] - spots[None, there]).transpose(2, 0, 1))
            assert (ways.metres[np.ix_(there, there)] >= crow - 1e-6).all()

    def test_few_roads_of_a_mapped_town_cross_without_a_common_point(self, shared_data):
        frame = osm_roads(shared_data / "osm/monaco.osm.gz", 32632)
        split = len(make_network(frame).segments)
        trusted = len(make_network(frame, split_crossings=False).segments)
        assert trusted <= split < 1.01 * trusted


@pytest.mark.db
def test_stored_roads_become_a_network_with_their_levels(db):
    number = db.execute(
        text(
            "INSERT INTO jurisdiction (code, name, name_en, geom, metric_srid, time_zone) VALUES "
            "('t', '甲', 'A', ST_Multi(ST_MakeEnvelope(120, 31, 121, 32, 4326)), 4549, 'UTC') "
            "RETURNING jurisdiction_id"
        )
    ).scalar_one()
    feed = db.execute(
        text("INSERT INTO feed (jurisdiction_id, source) VALUES (:n, 'roads') "
             "RETURNING feed_id"), {"n": number},
    ).scalar_one()  # fmt: skip
    lines = ("120.5 31.5, 120.502 31.5", "120.501 31.499, 120.501 31.501")
    for i, line in enumerate(lines):
        db.execute(
            text(
                "INSERT INTO road (feed_id, source_ref, content_hash, kind, attributes, geom) "
                "VALUES (:f, :r, 0, 'residential', CAST(:a AS jsonb), "
                "ST_GeomFromText(:g, 4326))"
            ),
            {
                "f": feed,
                "r": str(i),
                "g": f"LINESTRING({line})",
                "a": '{"bridge": "yes"}' if i else "{}",
            },
        )
    network = read_network(db, number)
    assert network.srid == 4549
    assert len(network.segments) == 2
    db.execute(text("UPDATE road SET attributes = '{}'"))
    assert len(read_network(db, number).segments) == 4

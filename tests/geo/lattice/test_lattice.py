"""The lattice covers its boundary without overlap, and each point is in one cell."""

from __future__ import annotations

import math
import pickle
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from libpysal.graph import Graph
from sqlalchemy import Connection, text

from geo.errors import CrsError, GeometryError, InputError
from geo.lattice.lattice import (
    Lattice,
    cell_centres,
    cell_of,
    cell_polygons,
    from_grid,
    make_lattice,
    neighbours,
    to_grid,
)

UTM = 32650
KINDS = ("square", "hexagon")


@st.composite
def boundaries(draw: st.DrawFn) -> shapely.Polygon | shapely.MultiPolygon:
    """Stars and boxes joined, with holes cut out, some hundred metres wide."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    shapes = []
    for _ in range(draw(st.integers(1, 4))):
        turn = np.sort(rng.uniform(0, 2 * np.pi, rng.integers(3, 40)))
        reach = rng.uniform(20, 300, turn.size)
        x, y = rng.uniform(-400, 400, 2)
        rim = np.c_[x + reach * np.cos(turn), y + reach * np.sin(turn)]
        shapes.append(shapely.make_valid(shapely.Polygon(rim)))
    whole = shapely.union_all(shapes)
    hole = shapely.box(*rng.uniform(-50, 0, 2), *rng.uniform(1, 50, 2))
    rest = shapely.set_precision(whole - hole, 1e-6)
    areas = [p for p in shapely.get_parts(rest) if p.geom_type == "Polygon"]
    boundary = shapely.MultiPolygon(areas) if areas else shapely.box(0, 0, 10, 10)
    return shapely.transform(boundary, lambda xy: xy + np.array([5e5, 4.4e6]))


@settings(max_examples=60, deadline=None)
@given(
    boundary=boundaries(),
    kind=st.sampled_from(KINDS),
    size=st.sampled_from([7.3, 25.0, 100.0, 333.3, 5000.0]),
)
def test_cells_cover_the_boundary_without_overlap(boundary, kind, size):
    lattice = make_lattice(boundary, cell_size_m=size, srid=UTM, kind=kind)
    inside = lattice.share * lattice.cell_area_m2
    assert math.isclose(inside.sum(), boundary.area, rel_tol=1e-9)
    assert ((lattice.share > 0) & (lattice.share <= 1)).all()
    assert (np.diff(lattice.cells) > 0).all()
    clipped = cell_polygons(lattice, clipped_to=boundary)
    np.testing.assert_allclose(shapely.area(clipped), inside, rtol=1e-6, atol=1e-6)
    assert math.isclose(shapely.union_all(clipped).area, boundary.area, rel_tol=1e-9)


@settings(max_examples=30, deadline=None)
@given(boundary=boundaries(), kind=st.sampled_from(KINDS), size=st.sampled_from([25.0, 100.0]))
def test_share_agrees_with_shapely_for_each_cell(boundary, kind, size):
    lattice = make_lattice(boundary, cell_size_m=size, srid=UTM, kind=kind)
    whole = cell_polygons(lattice)
    expected = shapely.area(shapely.intersection(whole, boundary)) / shapely.area(whole)
    np.testing.assert_allclose(lattice.share, expected, rtol=0, atol=1e-8)
    np.testing.assert_allclose(shapely.area(whole), lattice.cell_area_m2, rtol=1e-6)


@settings(max_examples=60, deadline=None)
@given(
    boundary=boundaries(),
    kind=st.sampled_from(KINDS),
    size=st.sampled_from([7.3, 50.0, 400.0]),
    seed=st.integers(0, 2**32),
)
def test_each_point_inside_is_in_one_active_cell_and_counts_are_conserved(
    boundary, kind, size, seed
):
    lattice = make_lattice(boundary, cell_size_m=size, srid=UTM, kind=kind)
    rng = np.random.default_rng(seed)
    xmin, ymin, xmax, ymax = boundary.bounds
    x, y = rng.uniform(xmin - size, xmax + size, 4000), rng.uniform(ymin - size, ymax + size, 4000)
    found = cell_of(lattice, x, y)
    points = shapely.points(x, y)
    shapely.prepare(boundary)
    assert (found[shapely.contains_properly(boundary, points)] >= 0).all()
    cells = cell_polygons(lattice)
    assert shapely.dwithin(cells[found[found >= 0]], points[found >= 0], 1e-6).all()
    counts = np.bincount(found[found >= 0], minlength=lattice.n_cells)
    union = shapely.coverage_union_all(cells)
    shapely.prepare(union)
    surely, perhaps = shapely.contains_properly(union, points), shapely.covers(union, points)
    assert surely.sum() <= counts.sum() <= perhaps.sum()
    tree = shapely.STRtree(points)
    np.testing.assert_array_equal(
        counts, np.bincount(tree.query(cells, "contains")[0], minlength=lattice.n_cells)
    )


@pytest.mark.parametrize("kind", KINDS)
def test_corner_and_edge_points_are_in_exactly_one_cell_that_touches_them(kind):
    # Cells of 64 m at the origin: corners and middles of square sides are exact numbers.
    lattice = make_lattice(shapely.box(-400, -400, 400, 400), cell_size_m=64, srid=UTM, kind=kind)
    cells = cell_polygons(lattice)
    xy = shapely.get_coordinates(shapely.segmentize(cells, 17))
    xy = xy[(np.abs(xy) < 300).all(axis=1)]
    found = cell_of(lattice, *xy.T)
    assert (found >= 0).all()
    assert (shapely.distance(cells[found], shapely.points(xy)) < 1e-9).all()


def test_square_owns_its_lower_and_left_edges():
    lattice = make_lattice(shapely.box(0, 0, 300, 200), cell_size_m=100, srid=UTM)
    x, y = [0, 100, 200, 99.99999, 100, 0, 300, 0], [0, 0, 50, 99.99999, 100, 100, 0, 200]
    assert cell_of(lattice, x, y).tolist() == [0, 1, 2, 0, 4, 3, -1, -1]


def test_hexagon_ties_go_to_the_upper_then_the_right_cell():
    lattice = make_lattice(shapely.box(0, 0, 400, 400), cell_size_m=64, srid=UTM, kind="hexagon")
    cx, cy = cell_centres(lattice)
    middle = int(np.argmin(np.hypot(cx - 200, cy - 200)))
    right_side = cell_of(lattice, [cx[middle] + 32.0], [cy[middle]])[0]
    assert (cx[right_side], cy[right_side]) == (cx[middle] + 64, cy[middle])
    assert cell_of(lattice, [cx[middle] - 32.0], [cy[middle]])[0] == middle


@settings(max_examples=100, deadline=None)
@given(
    x=st.floats(0, 1000),
    y=st.floats(0, 1000),
    size=st.sampled_from([0.1 * 7, 10.0, 33.3, 100.0]),
    shift=st.floats(-1e6, 1e6),
)
def test_square_index_is_the_documented_formula_bit_by_bit(x, y, size, shift):
    boundary = shapely.box(shift, shift, shift + 1000, shift + 1000)
    lattice = make_lattice(boundary, cell_size_m=max(size, 5), srid=UTM)
    x, y = x + shift, y + shift
    column = math.floor((x - lattice.x0) / lattice.cell_size_m)
    row = math.floor((y - lattice.y0) / lattice.cell_size_m)
    found = cell_of(lattice, [x], [y])[0]
    if found >= 0:
        assert lattice.cells[found] == row * lattice.n_columns + column
    else:
        assert row * lattice.n_columns + column not in lattice.cells


@pytest.mark.db
def test_database_finds_the_same_square_bit_by_bit(db: Connection):
    lattice = make_lattice(shapely.box(1e5, 2e5, 101e3, 201e3), cell_size_m=33.3, srid=UTM)
    rng = np.random.default_rng(5)
    borders = lattice.x0 + rng.integers(0, 31, 4000) * 33.3
    x = np.concatenate((borders, np.nextafter(borders, 0), np.nextafter(borders, 1e9)))
    y = rng.permutation(x) - lattice.x0 + lattice.y0
    query = text(
        "SELECT (floor((y - :y0) / :size) * :columns + floor((x - :x0) / :size))::bigint"
        " FROM unnest(CAST(:x AS float8[]), CAST(:y AS float8[])) WITH ORDINALITY AS p (x, y, i)"
        " ORDER BY i"
    )
    values = {"x0": lattice.x0, "y0": lattice.y0, "size": lattice.cell_size_m}
    values |= {"columns": lattice.n_columns, "x": x.tolist(), "y": y.tolist()}
    index = np.array(db.execute(query, values).scalars().all())
    found = cell_of(lattice, x, y)
    np.testing.assert_array_equal(index[found >= 0], lattice.cells[found[found >= 0]])
    assert (found >= 0).mean() > 0.9


@settings(max_examples=60, deadline=None)
@given(boundary=boundaries(), kind=st.sampled_from(KINDS), seed=st.integers(0, 2**32))
def test_hexagon_or_square_of_a_point_has_the_nearest_centre(boundary, kind, seed):
    lattice = make_lattice(boundary, cell_size_m=60, srid=UTM, kind=kind)
    cx, cy = cell_centres(lattice)
    x, y = np.random.default_rng(seed).uniform(-300, 300, (2, 500)) + np.array([[5e5], [4.4e6]])
    found = cell_of(lattice, x, y)
    x, y, found = x[found >= 0], y[found >= 0], found[found >= 0]
    away = np.hypot(cx[None] - x[:, None], cy[None] - y[:, None])
    np.testing.assert_allclose(away[np.arange(x.size), found], away.min(axis=1), atol=1e-6)


@settings(max_examples=30, deadline=None)
@given(
    boundary=boundaries(),
    kind=st.sampled_from(KINDS),
    columns=st.integers(-50, 50),
    rows=st.integers(-50, 50),
)
def test_lattice_moves_with_its_boundary_by_whole_cells(boundary, kind, columns, rows):
    here = make_lattice(boundary, cell_size_m=64, srid=UTM, kind=kind)
    dx, dy = 64 * columns, 2 * rows * here.row_height_m
    moved = shapely.transform(boundary, lambda xy: xy + np.array([dx, dy]))
    there = make_lattice(moved, cell_size_m=64, srid=UTM, kind=kind)
    assert (here.n_columns, here.n_rows) == (there.n_columns, there.n_rows)
    assert here.x0 + dx == pytest.approx(there.x0, abs=1e-6)
    assert here.y0 + dy == pytest.approx(there.y0, abs=1e-6)
    one = dict(zip(here.cells, here.share, strict=True))
    two = dict(zip(there.cells, there.share, strict=True))
    for cell in one.keys() | two.keys():
        assert one.get(cell, 0) == pytest.approx(two.get(cell, 0), abs=1e-8)


@pytest.mark.parametrize("kind", KINDS)
def test_two_lattices_of_one_jurisdiction_have_the_same_cells(kind):
    west, both = shapely.box(511, 733, 1500, 1777), shapely.box(-211, -133, 2500, 1999)
    small, large = (make_lattice(b, cell_size_m=100, srid=UTM, kind=kind) for b in (west, both))
    x, y = cell_centres(small)
    twin = cell_of(large, x, y)
    assert (twin >= 0).all()
    np.testing.assert_allclose(np.array(cell_centres(large))[:, twin], (x, y), atol=1e-9)


@pytest.mark.parametrize("kind", KINDS)
def test_cells_are_aligned_to_a_given_origin(kind):
    lattice = make_lattice(
        shapely.box(511, 733, 1500, 1777), cell_size_m=100, srid=UTM, kind=kind, origin=(7.0, 3.0)
    )
    assert (lattice.x0 - 7) % 100 == 0
    rows = (lattice.y0 - 3) / lattice.row_height_m
    assert rows == pytest.approx(round(rows))
    assert kind == "square" or round(rows) % 2 == 0


@settings(max_examples=25, deadline=None)
@given(boundary=boundaries(), contiguity=st.sampled_from(["queen", "rook"]))
def test_square_neighbours_agree_with_libpysal(boundary, contiguity):
    lattice = make_lattice(boundary, cell_size_m=64, srid=UTM)
    indptr, indices = neighbours(lattice, contiguity=contiguity)
    cells = gpd.GeoSeries(cell_polygons(lattice))
    peer = Graph.build_contiguity(cells, rook=contiguity == "rook")
    for i in range(lattice.n_cells):
        mine = indices[indptr[i] : indptr[i + 1]]
        assert mine.tolist() == sorted(k for k in peer[i].index if peer[i][k] != 0)


@settings(max_examples=25, deadline=None)
@given(boundary=boundaries())
def test_hexagon_neighbours_are_the_cells_one_width_away(boundary):
    lattice = make_lattice(boundary, cell_size_m=64, srid=UTM, kind="hexagon")
    indptr, indices = neighbours(lattice)
    x, y = cell_centres(lattice)
    near = np.hypot(x[:, None] - x, y[:, None] - y) < 65
    np.fill_diagonal(near, False)
    assert indptr.tolist() == [0, *np.cumsum(near.sum(axis=1))]
    assert indices.tolist() == np.nonzero(near)[1].tolist()


@pytest.mark.parametrize("kind", KINDS)
def test_neighbouring_cells_share_their_corners_exactly(kind):
    lattice = make_lattice(
        shapely.box(123.4, 567.8, 1500, 1777), cell_size_m=33.3, srid=UTM, kind=kind
    )
    cells = cell_polygons(lattice)
    assert shapely.coverage_is_valid(cells)
    merged = shapely.coverage_union_all(cells)
    assert merged.geom_type == "Polygon"
    assert len(merged.interiors) == 0


def test_grid_of_values_goes_back_to_the_cells():
    boundary = shapely.Point(1000, 1000).buffer(450)
    lattice = make_lattice(boundary, cell_size_m=100, srid=UTM)
    values = np.arange(lattice.n_cells)
    grid = to_grid(lattice, values)
    assert grid.shape == (lattice.n_rows, lattice.n_columns)
    assert np.isnan(grid).sum() == grid.size - lattice.n_cells
    np.testing.assert_array_equal(from_grid(lattice, grid), values)
    whole = to_grid(lattice, np.c_[values, -values], fill=0)
    assert whole.dtype == values.dtype
    np.testing.assert_array_equal(from_grid(lattice, whole), np.c_[values, -values])
    row, column = divmod(int(lattice.cells[5]), lattice.n_columns)
    assert grid[row, column] == 5


def test_hexagons_have_no_grid_and_wrong_lengths_are_refused():
    hexagons = make_lattice(shapely.box(0, 0, 9, 9), cell_size_m=3, srid=UTM, kind="hexagon")
    with pytest.raises(InputError, match="hexagonal"):
        to_grid(hexagons, np.zeros(hexagons.n_cells))
    with pytest.raises(InputError, match="hexagonal"):
        from_grid(hexagons, np.zeros((hexagons.n_rows, hexagons.n_columns)))
    squares = make_lattice(shapely.box(0, 0, 9, 9), cell_size_m=3, srid=UTM)
    with pytest.raises(InputError, match="9 cells"):
        to_grid(squares, np.zeros(8))
    with pytest.raises(InputError, match="rows"):
        from_grid(squares, np.zeros((2, 2)))


def test_points_that_are_nowhere_are_in_no_cell():
    for kind in KINDS:
        lattice = make_lattice(shapely.box(0, 0, 9, 9), cell_size_m=3, srid=UTM, kind=kind)
        nowhere = [np.nan, np.inf, -np.inf, 1e300, -1e300, 4.0]
        assert (cell_of(lattice, nowhere, [4.0, 4, 4, 4, 4, np.nan]) == -1).all()
        assert cell_of(lattice, [], []).size == 0
        with pytest.raises(InputError, match="one length"):
            cell_of(lattice, [1.0], [1.0, 2.0])


def test_holes_and_islands_have_no_cells_between_them():
    ring = shapely.box(0, 0, 900, 900) - shapely.box(300, 300, 600, 600)
    island = shapely.box(1500, 0, 1600, 100)
    both = shapely.MultiPolygon([ring, island])
    lattice = make_lattice(both, cell_size_m=100, srid=UTM)
    assert lattice.n_cells == 81 - 9 + 1
    assert (lattice.share == 1).all()
    assert cell_of(lattice, [450, 1550, 1200], [450, 50, 50]).tolist() == [-1, 9, -1]


def test_boundary_smaller_than_a_cell_gets_one_cell():
    for kind in KINDS:
        dot = shapely.box(500_500, 4_400_500, 500_500.01, 4_400_500.01)
        lattice = make_lattice(dot, cell_size_m=5000, srid=UTM, kind=kind)
        assert lattice.n_cells == 1
        assert lattice.share[0] * lattice.cell_area_m2 == pytest.approx(dot.area, rel=1e-6)


def test_a_million_cells_can_be_made_and_survive_pickling():
    disc = shapely.Point(5e5, 4.4e6).buffer(12_000, quad_segs=500)
    lattice = make_lattice(disc, cell_size_m=20, srid=UTM)
    assert lattice.n_cells > 1_000_000
    assert lattice.share.sum() * lattice.cell_area_m2 == pytest.approx(disc.area, rel=1e-9)
    copy: Lattice = pickle.loads(pickle.dumps(lattice))
    assert cell_of(copy, *cell_centres(lattice))[-1] == lattice.n_cells - 1


@pytest.mark.parametrize(
    ("changed", "error", "message"),
    [
        ({"srid": 4326}, CrsError, "4326"),
        ({"cell_size_m": 0}, InputError, "more than 0"),
        ({"cell_size_m": -5}, InputError, "more than 0"),
        ({"cell_size_m": math.nan}, InputError, "more than 0"),
        ({"cell_size_m": 0.001}, InputError, "50,000,000"),
        ({"kind": "triangle"}, InputError, "triangle"),
        ({"origin": (0.0, math.inf)}, InputError, "origin"),
        ({"boundary": shapely.Polygon()}, GeometryError, "empty"),
        ({"boundary": shapely.LineString([(0, 0), (1, 1)])}, GeometryError, "no polygon"),
        (
            {"boundary": shapely.Polygon([(0, 0), (1, 1), (1, 0), (0, 1)])},
            GeometryError,
            "Self-intersection",
        ),
    ],
)
def test_lattice_that_cannot_be_made_says_why(changed, error, message):
    usual = {"boundary": shapely.box(0, 0, 100, 100), "cell_size_m": 10, "srid": UTM}
    options = usual | changed
    with pytest.raises(error, match=message):
        make_lattice(options.pop("boundary"), **options)


def test_unknown_contiguity_is_refused():
    lattice = make_lattice(shapely.box(0, 0, 9, 9), cell_size_m=3, srid=UTM)
    with pytest.raises(InputError, match="bishop"):
        neighbours(lattice, contiguity="bishop")


@pytest.mark.data
@pytest.mark.parametrize("kind", KINDS)
def test_chicago_is_covered_to_a_billionth(shared_data: Path, kind):
    areas = gpd.read_file(shared_data / "chicago/community_areas.geojson").to_crs(26971)
    city = shapely.make_valid(shapely.union_all(areas.geometry.to_numpy()))
    lattice = make_lattice(city, cell_size_m=100, srid=26971, kind=kind)
    assert lattice.share.sum() * lattice.cell_area_m2 == pytest.approx(city.area, rel=1e-9)
    assert 60_000 < lattice.n_cells < 75_000

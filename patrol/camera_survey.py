"""A survey of a jurisdiction's cameras: what they watch, miss and should look at next."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from sqlalchemy import Connection

from analytics.listing import Listing
from geo.camera_store import read_buildings, read_cameras
from geo.crs.systems import unproject
from geo.errors import InputError, NotFoundError
from geo.lattice.lattice import make_lattice
from geo.visibility.cameras import LookParams
from geo.visibility.placed import place_shapes
from geo.visibility.views import Views, view_polygons
from geo.visibility.walls import Walls, make_walls
from patrol.camera_store import read_incident_points, read_minutes_since_look, read_streets
from patrol.coverage.blind_spots import BlindParams, find_blind_spots
from patrol.coverage.cameras import (
    Watch,
    cover_grids,
    cover_incidents,
    is_working,
    see,
    watch_points,
)
from patrol.coverage.samples import Samples, place_samples, sample_ground, sample_streets
from patrol.rounds.needs import camera_needs, main_classes
from patrol.rounds.schedule import RoundParams, plan_round, round_table
from patrol.siting.cover import Siting, SitingParams, choose_sites
from patrol.siting.places import aim_sites, reach_by_sight, reach_within
from patrol.store import read_planning_grids


@dataclass(frozen=True, eq=False)
class Survey:
    """Cameras, what they could see, and what there is to be seen.

    Attributes
    ----------
    cameras, grids
        EPSG:4326; grids in the order that samples count.
    walls
        Buildings, in the jurisdiction's metric CRS.
    views
        What all cameras see, offline ones too.
    samples
        ``area``, ``street`` (where there are roads) and ``incident``.
    incidents
        One row a point of ``samples["incident"]``: classes and hour.
    weeks
        Length of the incidents' window.
    params
        How far cameras are taken to see.
    """

    cameras: gpd.GeoDataFrame
    grids: gpd.GeoDataFrame
    walls: Walls
    views: Views
    samples: dict[str, Samples]
    incidents: pd.DataFrame
    weeks: float
    params: LookParams

    @property
    def srid(self) -> int:
        """The metric CRS."""
        return self.walls.srid

    def with_cameras(self, cameras: gpd.GeoDataFrame) -> Survey:
        """Return the same survey with another register of cameras."""
        return replace(self, cameras=cameras, views=see(cameras, self.walls, self.params))

    def watch(self, kind: str) -> Watch:
        """Return which cameras see which samples of a kind."""
        return watch_points(self.views, self.samples[kind], n_cameras=len(self.cameras))


@dataclass(frozen=True)
class SurveyRequest:
    """What a survey is of.

    Attributes
    ----------
    jurisdiction_id, srid, time_zone
        The jurisdiction.
    first, end
        Days of the incidents, the end not part of them; grids are those of the last day.
    spacing_m
        Distance of the points that stand for open ground.
    """

    jurisdiction_id: int
    srid: int
    time_zone: str
    first: date
    end: date
    spacing_m: float = 5.0


def read_survey(connection: Connection, request: SurveyRequest, params: LookParams) -> Survey:
    """Read cameras, buildings, streets and reported incidents, and find what is seen.

    Raises
    ------
    NotFoundError
        There are no cameras, or no grids on the last day.
    """
    number, srid = request.jurisdiction_id, request.srid
    cameras = read_cameras(connection, number)
    if cameras.empty:
        raise NotFoundError(
            "there are no cameras yet: `gridbeat import cameras FILE` takes them in"
        )
    last_day = request.end - timedelta(days=1)
    grids = read_planning_grids(connection, number, day=last_day)
    walls = make_walls(read_buildings(connection, number), srid=srid, storey_m=params.storey_m)
    found = read_incident_points(
        connection, number, first=request.first, end=request.end, time_zone=request.time_zone
    )
    at_x, at_y = (found[name].to_numpy(dtype=np.float64) for name in ("x_m", "y_m"))
    incident, rows = place_samples(grids, at_x, at_y, srid=srid)
    samples = {"area": sample_ground(grids, walls, spacing_m=request.spacing_m)}
    streets = read_streets(connection, number)
    if len(streets):
        samples["street"] = sample_streets(streets, grids, srid=srid)
    return Survey(
        cameras=cameras, grids=grids, walls=walls, views=see(cameras, walls, params),
        samples=samples | {"incident": incident},
        incidents=found.iloc[rows].reset_index(drop=True),
        weeks=(request.end - request.first).days / 7, params=params,
    )  # fmt: skip


def survey_coverage(survey: Survey) -> pd.DataFrame:
    """Return coverage by grid, see `patrol.coverage.cameras.cover_grids`."""
    return cover_grids(survey.views, survey.cameras, survey.grids, survey.samples)


def survey_incidents(survey: Survey) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return which share of incidents working cameras see, by class and by hour of the day.

    Classes are in both languages, "zh en"; incidents of unknown hour count by class alone.
    """
    watch, working = survey.watch("incident"), is_working(survey.cameras)
    names = survey.incidents["category_zh"] + " " + survey.incidents["category_en"]
    by_class = cover_incidents(watch, working, names)
    seen = watch.times_seen(working) > 0
    timed = survey.incidents["hour"].notna().to_numpy()
    hours = survey.incidents["hour"][timed].astype(np.int64)
    grouped = pd.Series(seen[timed], dtype=float).groupby(hours.to_numpy())
    return by_class, pd.DataFrame({"incidents": grouped.size(), "seen": grouped.mean()})


def survey_blind_spots(
    survey: Survey, *, cell_size_m: float, params: BlindParams
) -> gpd.GeoDataFrame:
    """Return the blind spots by expected reports, cut to ground that no working camera sees."""
    working = is_working(survey.cameras)
    whole = _whole(survey)
    lattice = make_lattice(whole, cell_size_m=cell_size_m, srid=survey.srid)
    seen = survey.watch("area").times_seen(working) > 0
    polygons = view_polygons(survey.views)[working[survey.views.looks.camera]]
    hidden = shapely.union_all([*polygons, *survey.walls.buildings])
    names = survey.incidents["category_zh"] + " " + survey.incidents["category_en"]
    return find_blind_spots(
        lattice, survey.samples["area"], seen, survey.incidents.assign(category=names),
        weeks=survey.weeks, params=params, unseen=shapely.difference(whole, hidden),
    )  # fmt: skip


def blind_listing(
    spots: gpd.GeoDataFrame, request: SurveyRequest, *, cell_m: float, params: BlindParams
) -> Listing:
    """Return blind spots as a list to store; a spot is the unseen ground of a cell."""
    zone = ZoneInfo(request.time_zone)
    first, end = (
        datetime(day.year, day.month, day.day, tzinfo=zone) for day in (request.first, request.end)
    )
    shapes = np.empty(len(spots), dtype=object)
    for row, shape in enumerate(spots.geometry):
        parts = [part for part in shapely.get_parts(shape) if part.geom_type == "Polygon"]
        shapes[row] = shapely.MultiPolygon(parts)
    rows = pd.DataFrame(spots.drop(columns="geometry")).assign(
        label="blind", observed=spots["reports"], score=spots["need"], geometry=shapes
    )
    rows = rows[~shapely.is_empty(shapes)].drop(columns=["reports", "need"])
    described = {"method": asdict(params) | {"cell_m": cell_m, "spacing_m": request.spacing_m}}
    return Listing("blind_spots", "zone", (first, end), rows, described, srid=request.srid)


@dataclass(frozen=True)
class SiteWish:
    """What shall be put up.

    Attributes
    ----------
    kind
        ``camera``: reaches what it sees past buildings. ``post``: a station or patrol post,
        reaches all within `range_m`.
    range_m, fov_deg, height_m
        Of one camera; a field of view below 360 degrees is tried in eight directions.
    spacing_m
        Candidates stand every so many metres along the streets.
    """

    kind: str = "camera"
    range_m: float = 80.0
    fov_deg: float = 360.0
    height_m: float = 5.0
    spacing_m: float = 50.0

    def __post_init__(self) -> None:
        if self.kind not in ("camera", "post"):
            raise InputError(f"a site is a camera or a post, not {self.kind!r}")
        if self.range_m <= 0 or self.height_m <= 0 or self.spacing_m <= 0:
            raise InputError("range, height and spacing of sites must be over 0 m")


def survey_sites(
    survey: Survey, wish: SiteWish, params: SitingParams
) -> tuple[gpd.GeoDataFrame, Siting]:
    """Choose where new cameras or posts would see most reports that no camera sees yet.

    Returns
    -------
    tuple
        One row a site by falling gain, EPSG:4326: ``rank``, ``azimuth_deg``, ``reports_week``
        (that it adds); and the choice with its proved gap.

    Raises
    ------
    NotFoundError
        There are no roads to stand at.
    """
    if "street" not in survey.samples:
        raise NotFoundError("sites stand along roads: import roads first (`gridbeat import roads`)")
    street = survey.samples["street"]
    step = max(round(wish.spacing_m / max(float(np.median(street.weight)), 0.1)), 1)
    x, y = street.x[::step], street.y[::step]
    demand = survey.samples["incident"]
    looks = aim_sites(
        x, y, srid=survey.srid, range_m=wish.range_m, height_m=wish.height_m,
        fov_deg=wish.fov_deg if wish.kind == "camera" else 360.0,
        target_height_m=survey.params.target_height_m,
    )  # fmt: skip
    reach = (
        reach_by_sight(looks, survey.walls, demand.x, demand.y)
        if wish.kind == "camera"
        else reach_within(x, y, demand.x, demand.y, radius_m=wish.range_m)
    )
    unseen = survey.watch("incident").times_seen(is_working(survey.cameras)) == 0
    weight = np.where(unseen | (wish.kind == "post"), demand.weight, 0.0) / survey.weeks
    found = choose_sites(reach, weight, params)
    lon, lat = unproject(looks.x[found.sites], looks.y[found.sites], srid=survey.srid)
    table = pd.DataFrame(
        {
            "rank": np.arange(1, len(found.sites) + 1),
            "azimuth_deg": np.where(
                looks.fov_deg[found.sites] < 360, looks.azimuth_deg[found.sites], np.nan
            ),
            "reports_week": found.gain,
        }
    )
    return gpd.GeoDataFrame(table, geometry=gpd.points_from_xy(lon, lat), crs=4326), found


def survey_round(
    connection: Connection,
    survey: Survey,
    params: RoundParams,
    *,
    starts_at: datetime,
    hours: float,
    seed: int,
) -> pd.DataFrame:
    """Plan the looks of a desk from `starts_at` on, after those that were really done.

    Returns
    -------
    DataFrame
        ``due_at``, ``watcher``, ``screen``, ``camera_id``, ``camera_name``, ``look_for``.

    Raises
    ------
    InputError
        The shift has no length, or its start no time zone.
    NotFoundError
        No working camera has a view.
    """
    if not 0 < hours <= 24:
        raise InputError("a round lasts over 0 and at most 24 hours")
    timed = survey.incidents["hour"].notna().to_numpy()
    watch = survey.watch("incident")
    kept = timed[watch.point]
    watch = replace(watch, camera=watch.camera[kept], point=watch.point[kept])
    hour = survey.incidents["hour"].fillna(0).to_numpy(dtype=np.int64)
    useful = is_working(survey.cameras) & np.isin(
        np.arange(len(survey.cameras)), survey.views.looks.camera
    )
    rows = np.flatnonzero(useful)
    if not len(rows):
        raise NotFoundError(
            "no working camera has a view: give azimuth, field of view and range", code="no-view"
        )
    need = camera_needs(watch, hour, weeks=survey.weeks)[rows]
    ids = survey.cameras["camera_id"].to_numpy(dtype=np.int64)[rows]
    since = read_minutes_since_look(connection, ids.tolist(), now=starts_at)
    slots = _slot_hours(starts_at, hours, params)
    order = plan_round(need, slots, params, last_look_min=since, rng=np.random.default_rng(seed))
    table = round_table(order, starts_at=starts_at, params=params)
    names = survey.incidents["category_zh"] + " " + survey.incidents["category_en"]
    seek = np.array(main_classes(watch, names), dtype=object)[rows]
    title = survey.cameras["name"].fillna(survey.cameras["source_ref"]).to_numpy()[rows]
    camera = table.pop("camera").to_numpy()
    return table.assign(camera_id=ids[camera], camera_name=title[camera], look_for=seek[camera])


def describe_round(params: RoundParams, survey: Survey, seed: int) -> dict[str, object]:
    """Return what a round followed from, to store beside it."""
    return {"round": asdict(params), "looks": asdict(survey.params), "seed": seed,
            "weeks": survey.weeks}  # fmt: skip


def _slot_hours(starts_at: datetime, hours: float, params: RoundParams) -> NDArray[np.int64]:
    if starts_at.tzinfo is None or not isinstance(starts_at.tzinfo, ZoneInfo):
        raise InputError("the start of a round needs the jurisdiction's time zone")
    n_slots = max(int(hours * 60 / params.slot_min), 1)
    minutes = np.arange(n_slots) * params.slot_min
    return np.array([(starts_at + timedelta(minutes=int(m))).hour for m in minutes])


def _whole(survey: Survey) -> shapely.MultiPolygon:
    shapes = place_shapes(survey.grids, srid=survey.srid)
    parts = shapely.get_parts(shapely.union_all(shapes))
    return shapely.MultiPolygon([part for part in parts if part.area > 0])

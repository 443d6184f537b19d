"""`gridbeat export`: what may leave the house, with small numbers and homes protected."""

from __future__ import annotations

from datetime import timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import geopandas as gpd
import numpy as np
import pandas as pd
import typer
from numpy.typing import NDArray
from sqlalchemy import Connection

from analytics.answers import SEED
from analytics.cube_store import read_area_cube, units_of_areas
from analytics.fetch import fetch
from analytics.point_export import count_publicly, mask_incidents
from analytics.point_store import read_points
from analytics.privacy.geomask import DonutParams
from analytics.queries import CubeRequest, select_area_codes
from geo.crs.systems import convert_geometries
from geo.errors import InputError
from geo.ground import read_homes
from web.asking import make_request
from web.geojson import write_geojson
from web.grids.office import open_office
from web.opening import begin, open_database
from web.options import Category, Jurisdiction, Level, Seed, Until, Weeks
from web.subject import About, read_about
from web.write_file import write_whole

app = typer.Typer(
    help="Write what may leave the house: public counts, points for research.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
)
BYTE_ORDER_MARK = "\ufeff"  # by it spreadsheets know UTF-8
ABOVE = {"grid": "community", "community": "street", "street": "district", "district": None}


@app.command()
def counts(
    out: Annotated[Path, typer.Option(help="The CSV file to write.")] = Path("counts.csv"),
    k: Annotated[int, typer.Option(min=2, help="Numbers below are withheld.")] = 5,
    jurisdiction: Jurisdiction = None,
    until: Until = None,
    weeks: Weeks = 26,
    level: Level = "grid",
    category: Category = None,
    approval_no: Annotated[str | None, typer.Option(help="Map approval number 审图号.")] = None,
) -> None:
    """Write counts by area for publication: no number below k can be worked out from them.

    Refused without a map approval number, of the jurisdiction or by --approval-no.
    """
    with begin(open_database()) as connection:
        about = read_about(connection, jurisdiction)
        number = require_approval(about, approval_no)
        request = make_request(
            connection, about, until=until and until.date(), weeks=weeks, step="day",
            classes=category,
        )  # fmt: skip
        cube, _ = read_area_cube(connection, request, level=level)
        ids = cube.units.ids
        areas = fetch(connection, select_area_codes(ids.tolist())).set_index("area_id").loc[ids]
        groups = _groups(connection, about, ids, level)
        public = count_publicly(cube, areas, groups, k=k)
    legend = f"{public.published.legend('zh')}; {public.published.legend('en')}"
    head = "\n".join(f"# {line}" for line in (*_said(about, request, number), legend))
    write_whole(out, BYTE_ORDER_MARK + head + "\n" + public.rows.to_csv(index=False))
    sums = out.with_name(f"{out.stem}_totals.csv")
    write_whole(sums, BYTE_ORDER_MARK + head + "\n" + public.totals.to_csv(index=False))
    hidden = int(np.isnan(public.published.cells).sum())
    typer.echo(f"wrote {out} and {sums}: {len(public.rows)} areas, {hidden} withheld 未公布")
    typer.echo(legend)


@app.command()
def points(
    out: Annotated[Path, typer.Option(help="The GeoJSON file to write.")] = Path("points.geojson"),
    nearest: Annotated[float, typer.Option(help="Move each point at least so far, m.")] = 50.0,
    farthest: Annotated[float, typer.Option(help="And at most so far, m.")] = 250.0,
    least_k: Annotated[
        int, typer.Option(min=2, help="Households that must be as likely as the true one.")
    ] = 20,
    jurisdiction: Jurisdiction = None,
    until: Until = None,
    weeks: Weeks = 26,
    category: Category = None,
    seed: Seed = SEED,
    approval_no: Annotated[str | None, typer.Option(help="Map approval number 审图号.")] = None,
) -> None:
    """Write incidents for research, each moved at random, and print how well that hides them.

    Months instead of days, classes, no numbers of incidents. Points that too few households hide
    are withheld. Keep the file: points masked again and again average out to the truth.
    """
    params = DonutParams(nearest_m=nearest, farthest_m=farthest, least_k=least_k)
    with open_office(jurisdiction) as office:
        connection, about = office.session, office.about
        number = require_approval(about, approval_no)
        request = make_request(
            connection, about, until=until and until.date(), weeks=weeks, step="day",
            classes=category,
        )  # fmt: skip
        inside = convert_geometries([office.place.boundary], crs="wgs84", to=about.srid)
        outline = gpd.GeoDataFrame(geometry=inside, crs=about.srid)
        homes = read_homes(office.connection, office.place, areas=outline)
        if homes.empty:
            raise InputError(
                "nobody knows where people live here, so no point can be hidden: import "
                "household points first (`gridbeat import households`)"
            )
        masked, summary = mask_incidents(
            read_points(connection, request), homes, params=params, rng=np.random.default_rng(seed)
        )
    said = _said(about, request, number)
    write_geojson(out, masked, srid=4326, about={"notice": said, "summary": summary})
    typer.echo(
        f"wrote {out}: {summary['points']:,.0f} points, {summary['withheld']:,.0f} withheld "
        f"未公布; hidden among at least {summary['smallest_k']:,.0f} households, half among "
        f"{summary['median_k']:,.0f} or more 至少与这么多户不可区分"
    )


def require_approval(about: About, given: str | None) -> str:
    """Return the map approval number, or refuse.

    Raises
    ------
    InputError
        There is none.
    """
    number = (given or about.approval_no or "").strip()
    if not number:
        raise InputError(
            "what is published needs a map approval number (审图号): set it for the jurisdiction, "
            "or give it by --approval-no"
        )
    return number


def _said(about: About, request: CubeRequest, number: str) -> list[str]:
    simulated = ["SIMULATED data 模拟数据"] if about.simulated else []
    return [
        f"{about.name_zh} {about.name_en}: reported incidents 上报事件 "
        f"{request.start} .. {request.end - timedelta(days=1)}",
        *simulated,
        f"审图号 map approval no. {number}; Gridbeat 巡格 {version('gridbeat')}",
    ]


def _groups(
    connection: Connection, about: About, ids: NDArray[np.int64], level: str
) -> NDArray[np.object_]:
    """Return the code of the area that each area lies in; one group for areas without."""
    above = ABOVE[level]
    if above is None:
        return np.full(len(ids), about.code, dtype=object)
    parents = units_of_areas(connection, about.number, level=above).reindex(ids)
    known = parents.dropna().astype(int)
    codes = fetch(connection, select_area_codes(known.unique().tolist()))
    named = parents.map(dict(zip(codes["area_id"], codes["code"], strict=True)))
    return np.asarray(named.where(pd.notna(named), about.code), dtype=object)

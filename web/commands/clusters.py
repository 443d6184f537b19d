"""`gridbeat clusters`: dense knots of incidents, in space or in space and time."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Annotated, Any

import typer

from analytics.cluster_zones import ClusterParams, Method
from geo.crs.systems import unproject
from web.asking import Told, ask, make_request
from web.opening import begin, open_database
from web.options import Category, Jurisdiction, Top, Until, Weeks
from web.subject import read_about

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def clusters(
    jurisdiction: Jurisdiction = None,
    until: Until = None,
    weeks: Weeks = 26,
    method: Annotated[
        Method, typer.Option(help="dbscan, hdbscan (no radius), space-time (ST-DBSCAN).")
    ] = "dbscan",
    radius: Annotated[float, typer.Option(min=1, help="Reach of an incident in metres.")] = 100.0,
    reach_days: Annotated[float, typer.Option(min=1, help="Reach in days, space-time.")] = 7.0,
    fewest: Annotated[int, typer.Option(min=2, help="Incidents that make a place dense.")] = 10,
    smallest: Annotated[int, typer.Option(min=2, help="Fewest incidents of a cluster.")] = 20,
    together: Annotated[bool, typer.Option(help="All classes together, not each alone.")] = False,
    category: Category = None,
    top: Top = 15,
) -> None:
    """Find dense knots of incidents of each class, without a lattice.

    They describe and do not test: `gridbeat hotspots` and `gridbeat scan` say what chance explains.
    """
    params = ClusterParams(
        method=method, radius_m=radius, reach_days=reach_days, fewest=fewest, smallest=smallest,
        by_class=not together,
    )  # fmt: skip
    with begin(open_database()) as connection:
        about = read_about(connection, jurisdiction)
        request = make_request(
            connection, about, until=until and until.date(), weeks=weeks, step="day",
            classes=category,
        )  # fmt: skip
        told = ask(connection, about, "clusters", request, params)
    lines = [*told.head(f"Clusters 聚集 ({method})"), *describe(told, top=top), *told.tail()]
    typer.echo("\n".join(lines))


def describe(told: Told, *, top: int) -> list[str]:
    """Say where the largest clusters are, since when, and how dense."""
    rows = told.stored.rows.head(top)
    if rows.empty:
        return ["  none 无: a smaller --smallest or --fewest finds weaker ones"]
    lon, lat = unproject(rows["x_m"].to_numpy(), rows["y_m"].to_numpy(), srid=told.about.srid)
    head = f"  {'lon':>11} {'lat':>10} {'incidents':>9} {'per km2':>8} {'radius':>10}  days, class"
    return [head] + [
        f"  {lon[i]:>11.5f} {lat[i]:>10.5f} {row['observed']:>9.0f} {extent(row)}  "
        f"{row['first_day']} .. {row['last_day']}  {told.class_name(row['category'])}"
        for i, row in enumerate(rows.to_dict("records"))
    ]


def extent(row: Mapping[Hashable, Any]) -> str:
    """Say how dense and how wide a cluster is; one of a single address has no density."""
    if row["radius_m"] < 1:
        return f"{'-':>8} {'one place 同址':>8}"
    return f"{row['score']:>8,.0f} {row['radius_m']:>8.0f} m"

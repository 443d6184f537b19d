"""`gridbeat streets`: which streets have more incidents than their length explains."""

from __future__ import annotations

from typing import Annotated

import typer

from analytics.answers import SEED
from analytics.hot_streets import Method, StreetParams
from analytics.network_density import Split
from geo.network.streets import REACH_M
from web.asking import Told, ask, both, chance, make_request, place_of
from web.opening import begin, open_database
from web.options import Category, Jurisdiction, Seed, Top, Until, Weeks
from web.subject import read_about

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def streets(
    jurisdiction: Jurisdiction = None,
    until: Until = None,
    weeks: Weeks = 26,
    method: Annotated[
        Method,
        typer.Option(
            help="poisson: each street by itself against its length; gi: a street with those "
            "that meet it (Gi* of the excess over length, permutations)."
        ),
    ] = "poisson",
    reach: Annotated[
        float, typer.Option(min=1, help="How far from a street an incident may lie, metres.")
    ] = REACH_M,
    bandwidth: Annotated[
        float | None,
        typer.Option(min=5, help="Of the density along streets, metres; default: chosen."),
    ] = None,
    split: Annotated[
        Split, typer.Option(help="How density divides at junctions (equal split).")
    ] = "continuous",
    permutations: Annotated[int, typer.Option(min=99, help="Of gi.")] = 9999,
    category: Category = None,
    seed: Seed = SEED,
    top: Top = 10,
) -> None:
    """Find hot streets between junctions, and the density of incidents along the network.

    Only what was reported counts. How many incidents lie on no street is said, not hidden.
    """
    params = StreetParams(
        method=method, bandwidth_m=bandwidth, split=split, permutations=permutations
    )
    with begin(open_database()) as connection:
        about = read_about(connection, jurisdiction)
        request = make_request(
            connection, about, until=until and until.date(), weeks=weeks, classes=category
        )
        told = ask(connection, about, "streets", request, params, streets_m=reach, seed=seed)
    lines = [*told.head(f"Streets 街段 ({method}, FDR)"), *describe(told, top=top), *told.tail()]
    typer.echo("\n".join(lines))


def describe(told: Told, *, top: int) -> list[str]:
    """Say how many incidents lie on no street, and which streets stand out most."""
    parameters = told.stored.run["parameters"]
    how, where = parameters["method"], parameters["streets"]
    lines = [
        f"{how['unsnapped']:,.0f} incidents 事件 ({how['unsnapped_share']:.1%}) farther than "
        f"{where['reach_m']:g} m from every street, not counted 距街道过远，未计入",
        f"density along streets 沿街密度: {how['split']}, bandwidth 带宽 "
        f"{how['bandwidth_used_m']:g} m" + ("" if how["bandwidth_m"] else " (chosen 自动选取)"),
    ]
    rows = told.stored.rows
    hot = rows[rows["label"] == "hot"].sort_values("score", ascending=False, kind="stable")
    if hot.empty:
        return [*lines, "  no hot streets 无热点街段"]
    head = f"  {'incidents':>9} {'by length':>9} {'length':>8} {'per km':>8} {'z':>7} {'q':>8}"
    return [*lines, head] + [
        f"  {row['observed']:>9,.0f} {row['expected']:>9.1f} {row['length_m']:>6.0f} m "
        f"{row['density']:>8,.0f} {row['score']:>7.2f} {chance(row['q_value']):>8}  "
        f"{both(row['label'])}  {place_of(row)}"
        for row in hot.head(top).to_dict("records")
    ]

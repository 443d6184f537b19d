"""Responsibility grids: see them with households and codes, check them, split and merge them."""

from __future__ import annotations

import json
from datetime import date
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from geo.errors import ConflictError, InputError
from geo.grids.store import read_grids
from geo.ground import read_policy
from web.answers import JSON, kept
from web.audit.log import entry_of, write_entry_of_store
from web.auth.permissions import Permission
from web.auth.principal import Identified, Principal, ScopedStore, needs
from web.errors import ForbiddenError
from web.grids.desk import (
    Wish,
    do_change,
    grid_features,
    office_of,
    plan_change,
    view_finding,
    view_preview,
)
from web.grids.office import check_grids
from web.language import Language
from web.routes.plans import Code, Words, read_shape

router = APIRouter(prefix="/api/v1", tags=["grids"])
GridCode = Annotated[str, Field(min_length=1, max_length=40, pattern=r"^[^\x00]*$")]
Day = Annotated[date | None, Query(description="Default: today.")]


class ChangeIn(BaseModel):
    """A split of one grid by drawn lines or polygons, or a merge of two or more."""

    model_config = ConfigDict(extra="forbid")

    kind: Literal["split", "merge"]
    codes: Annotated[list[GridCode], Field(min_length=1, max_length=50)]
    on: Annotated[date, Field(description="The day that the new grids begin.")]
    geometries: Annotated[
        list[dict[str, Any]], Field(max_length=50, description="GeoJSON lines or polygons.")
    ] = []

    def wish(self) -> Wish:
        """Return it as the office takes it."""
        shapes = tuple(read_shape(one) for one in self.geometries)
        wanted = ("LineString", "MultiLineString", "Polygon", "MultiPolygon")
        for shape in shapes:
            if shape is None or shape.geom_type not in wanted or shape.is_empty:
                raise InputError("a grid is parted by lines or polygons", code="bad-shape")
            west, south, east, north = shape.bounds
            if not (-180 <= west <= east <= 180 and -90 <= south <= north <= 90):
                raise InputError("draw in longitudes and latitudes", code="bad-shape")
        return Wish(self.kind, tuple(self.codes), self.on, shapes)  # type: ignore[arg-type]


class ConfirmIn(ChangeIn):
    """The same, confirmed."""

    reason: Words
    retag: Annotated[bool, Field(description="Give incidents from that day on their new grid.")] = (
        False
    )


@router.get("/grids", dependencies=[needs(Permission.MAP_READ)], summary="Grids of a day",
            response_class=Response, responses={200: {"content": {JSON: {}}}})  # fmt: skip
def show_grids(
    request: Request, connection: ScopedStore, on: Day = None, jurisdiction: Code = None
) -> Response:
    """Return the grids of a day as GeoJSON with code, households and community."""
    office = office_of(connection, jurisdiction)
    grids = read_grids(office.connection, office.place, on=on or office.today())
    policy = read_policy(office.connection, office.place)
    found = {
        "type": "FeatureCollection", "on": (on or office.today()).isoformat(),
        "today": office.today().isoformat(),
        "policy": {"minimum": policy.minimum, "target": policy.target, "maximum": policy.maximum},
        "features": grid_features(grids, office),
    }  # fmt: skip
    return kept(request, json.dumps(found, ensure_ascii=False), media_type=JSON)


@router.get("/grids/findings", dependencies=[needs(Permission.MAP_READ)], summary="Check of grids")
def show_findings(
    connection: ScopedStore, principal: Identified, lang: Language, on: Day = None,
    jurisdiction: Code = None,
) -> dict[str, Any]:  # fmt: skip
    """Check the grids of a day against their communities, households and codes."""
    require_everywhere(principal)
    office = office_of(connection, jurisdiction)
    policy = read_policy(office.connection, office.place)
    checked = check_grids(office, on=on or office.today(), policy=policy)
    return {"findings": [view_finding(one, lang) for one in checked.findings],
            "notes": list(checked.notes)}  # fmt: skip


@router.post("/grids/preview", dependencies=[needs(Permission.GRIDS_WRITE)],
             summary="What a change would lead to")  # fmt: skip
def preview(
    connection: ScopedStore, principal: Identified, lang: Language, given: ChangeIn,
    jurisdiction: Code = None,
) -> dict[str, Any]:  # fmt: skip
    """Return the new grids with codes and households, and what a check finds; nothing is kept."""
    require_everywhere(principal)
    office = office_of(connection, jurisdiction)
    return view_preview(office, plan_change(office, given.wish()), lang)


@router.post("/grids/changes", dependencies=[needs(Permission.GRIDS_WRITE)], status_code=201,
             summary="Split or merge")  # fmt: skip
def change(
    request: Request, connection: ScopedStore, principal: Identified, lang: Language,
    given: ConfirmIn, jurisdiction: Code = None,
) -> dict[str, Any]:  # fmt: skip
    """Carry a change out: old codes end and are never used again; refused if it makes errors."""
    require_everywhere(principal)
    office = office_of(connection, jurisdiction)
    done, retagged = do_change(office, given.wish(), tag_anew=given.retag)
    errors = [one for one in done.findings if one.severity == "error"]
    if errors:
        raise ConflictError(
            f"nothing was written: {view_finding(errors[0], lang)['words']}", code="grid-errors"
        )
    entry = entry_of(
        request, principal, f"grids {given.kind}", about=", ".join(given.codes),
        begun=done.change.begun["code"].tolist(), on=given.on.isoformat(), reason=given.reason,
        retagged=retagged,
    )  # fmt: skip
    write_entry_of_store(connection, entry)
    return {**view_preview(office, done, lang), "retagged": retagged}


def require_everywhere(principal: Principal) -> None:
    """Refuse who sees a part of the ground: grids are checked against all their neighbours."""
    if not principal.scope.sees_all:
        raise ForbiddenError(
            "grids are checked as a whole: the account needs every area", code="every-area"
        )

"""Routes planned anew around an incident: looked at by planners, put into force by who approves."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request

from patrol.planning.states import Act
from patrol.routes.proposals import confirm_routes
from web.auth.permissions import Permission
from web.auth.principal import Identified, ScopedStore, needs
from web.language import Language
from web.plans.replans import view_replan
from web.routes.plans import PlanId, StepIn, log, name_of, require_everywhere

router = APIRouter(prefix="/api/v1/plans/{plan_id}/replans", tags=["plans"])
RunId = Annotated[int, Path(ge=1, lt=2**63, examples=[2])]


@router.get(
    "/{routes}", dependencies=[needs(Permission.PLANS_READ)],
    summary="What re-planned routes change",
)  # fmt: skip
def show_replan(
    connection: ScopedStore, principal: Identified, lang: Language, plan_id: PlanId, routes: RunId
) -> dict[str, Any]:
    """Return who goes to the incident, and for each unit its visits before and after."""
    require_everywhere(principal)
    return view_replan(connection, plan_id, routes, lang)


@router.post(
    "/{routes}/confirm", dependencies=[needs(Permission.PLANS_APPROVE)],
    summary="Put re-planned routes into force",
)  # fmt: skip
def confirm_replan(
    request: Request, connection: ScopedStore, principal: Identified, lang: Language,
    plan_id: PlanId, routes: RunId, given: StepIn,
) -> dict[str, Any]:  # fmt: skip
    """Put a proposal into force in the caller's name, who says why: tablets show it from now on."""
    require_everywhere(principal)
    view_replan(connection, plan_id, routes, lang)
    confirm_routes(connection, routes, Act(name_of(principal), given.reason, datetime.now(UTC)))
    log(request, connection, principal, "routes confirmed", plan_id, routes=routes)
    return view_replan(connection, plan_id, routes, lang)

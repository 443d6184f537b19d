"""The methods that are run beside each other when nobody asks for less."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from analytics.cube import Cube
from analytics.forecast.baselines import (
    all_history,
    ewma,
    kernel,
    last_window,
    long_ewmas,
    promap,
)
from analytics.forecast.blend import Blend, BlendParams
from analytics.forecast.boosting import Boosting, BoostingParams
from analytics.forecast.cox import Cox, CoxParams
from analytics.forecast.exciting import SelfExciting
from analytics.forecast.exciting_fit import ExcitingParams
from analytics.forecast.kept import Kept
from analytics.forecast.loglinear import LogLinear
from analytics.forecast.protocol import Method, Places, Target
from analytics.forecast.stack import Stack, StackParams
from analytics.forecast.surfaces import Memory, Surface

HALF_LIVES_DAYS = (14.0, 45.0, 130.0, 400.0)
NEAR_HALF_LIVES_DAYS = (14.0, 130.0, 400.0)
REACHES_M = (120.0, 250.0, 500.0)
KNOTS = (0.5, 2.0, 8.0, 32.0, 128.0)
"""From units whose own past says nothing to those whose own past says all."""


def own_surfaces() -> tuple[Surface, ...]:
    """Return views of the target's own past: five memories in place, three at three reaches.

    All history is among them, so that what is learnt can fall back on plain counting.
    """
    here = [Surface(Memory("decay", days)) for days in HALF_LIVES_DAYS]
    here.append(Surface(Memory("all")))
    near = [
        Surface(Memory("decay", days), reach)
        for reach in REACHES_M
        for days in NEAR_HALF_LIVES_DAYS
    ]
    return (*here, *near)


def other_surfaces(classes: Sequence[str], target: Target) -> tuple[Surface, ...]:
    """Return two views of each other class: in place, and among its neighbours."""
    views = ((200.0, 0.0), (400.0, 200.0))
    return tuple(
        Surface(Memory("decay", days), reach, of=Target((code,), target.found_by))
        for code in classes
        for days, reach in views
    )


def largest_classes(
    cube: Cube, target: Target, *, before_step: int, most: int = 10
) -> tuple[str, ...]:
    """Return the codes outside the target with most incidents before a step, largest first."""
    others = [code for code in cube.classes if code not in (target.classes or cube.classes)]
    counts = {
        code: int(cube.series(classes=[code], found_by=target.found_by)[:, :before_step].sum())
        for code in others
    }
    return tuple(sorted(others, key=lambda code: (-counts[code], code))[:most])


def standard_methods(
    target: Target,
    places: Places,
    *,
    other_classes: Sequence[str] = (),
    params: BlendParams | None = None,
    boosting: BoostingParams | None = None,
) -> tuple[Method, ...]:
    """Return counting in seven ways, the models, and a stack of counting and models.

    Parameters
    ----------
    target, places
        What is forecast, and where the units lie.
    other_classes
        Classes whose past may tell of the target's future, see `largest_classes`.
    params, boosting
        How the blend and the trees learn; `params` also sets the length of the outcome, and how
        the whole area's level, with season and public holidays, is followed.

    Returns
    -------
    tuple
        Methods whose fits are kept, for the stack asks the others for theirs.
    """
    how = params or BlendParams()
    surfaces = own_surfaces() + other_surfaces(other_classes, target)
    blend = Blend("blend", target, places, surfaces, replace(how, knots=KNOTS))
    linear = LogLinear("log-linear", target, places, surfaces, how)
    # Methods that look at the same surfaces stand together, so that these are made once.
    counts, decayed, *smart = (
        Kept(method)
        for method in (
            all_history(target, places, params=how),
            ewma(target, places, params=how),
            blend,
            linear,
            Boosting("boosting", (blend, linear), boosting or BoostingParams()),
            SelfExciting("self-exciting", target, places, ExcitingParams(level=how.level)),
            Cox("Cox", target, places, CoxParams(level=how.level)),
        )
    )
    stack = Stack(
        "stack",
        target,
        (counts, decayed, *smart),
        StackParams(outcome_steps=how.outcome_steps),
    )
    return (
        last_window(target, places, params=how),
        kernel(target, places, params=how),
        promap(target, places, params=how),
        counts,
        decayed,
        *long_ewmas(target, places, params=how),
        *smart,
        stack,
    )

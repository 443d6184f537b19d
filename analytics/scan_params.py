"""How a cube is scanned in space and time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from analytics.cube import REPORTED
from geo.errors import InputError

Model = Literal["permutation", "poisson"]
Mode = Literal["prospective", "retrospective"]


@dataclass(frozen=True)
class ScanParams:
    """How a cube is scanned.

    Attributes
    ----------
    model
        ``permutation``: expected counts from the cube's own margins, no other data, blind to
        places that always have more; ``poisson``: expected in proportion to a baseline.
    mode
        ``prospective``: only stretches that last to the last step, for alarms; or
        ``retrospective``: all.
    radius_cells
        Largest radius of a disc, in cells.
    longest_steps
        Longest stretch.
    most_share
        Cylinders that expect more than this part of all incidents are left out.
    replicates
        Monte-Carlo runs; 999 allow p down to 0.001.
    enough
        The runs end as soon as so many of them reached the best ratio observed: what is plainly
        chance needs no more (Besag and Clifford 1991, doi:10.1093/biomet/78.2.301). 0: never.
    most_clusters
        How many clusters are listed, none overlapping another in space.
    alpha
        p up to which a cell of a cluster is labelled ``hot``.
    classes, found_by
        What is counted, see `Cube.series`.
    """

    model: Model = "permutation"
    mode: Mode = "prospective"
    radius_cells: int = 10
    longest_steps: int = 14
    most_share: float = 0.5
    replicates: int = 999
    enough: int = 0
    most_clusters: int = 10
    alpha: float = 0.05
    classes: tuple[str, ...] | None = None
    found_by: tuple[str, ...] = REPORTED

    def __post_init__(self) -> None:
        if self.model not in ("permutation", "poisson"):
            raise InputError(f"model is {self.model!r}: say 'permutation' or 'poisson'")
        if self.mode not in ("prospective", "retrospective"):
            raise InputError(f"mode is {self.mode!r}: say 'prospective' or 'retrospective'")
        if min(self.radius_cells, self.longest_steps - 1, self.replicates, self.enough) < 0:
            raise InputError(
                "radius_cells, replicates and enough must be 0 or more, longest_steps 1 or more"
            )
        if not 0 < self.most_share < 1:
            raise InputError(f"most_share is {self.most_share}; it must lie between 0 and 1")

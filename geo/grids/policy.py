"""How many households a grid may hold, what kinds of grid there are, and how they are named."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from geo.errors import InputError

Lang = Literal["zh", "en"]
Severity = Literal["error", "warning"]

BASIC, EXCLUSIVE, MICRO = "basic", "exclusive", "micro"
GRID_KINDS = {
    BASIC: ("基础网格", "basic grid"),
    EXCLUSIVE: ("专属网格", "exclusive grid"),
    MICRO: ("微网格", "micro-grid"),
}
HOST_KINDS = {
    "office": ("商务楼宇", "business building"),
    "park": ("园区", "business or industrial park"),
    "market": ("商圈市场", "shopping area or market"),
    "school": ("学校", "school"),
    "hospital": ("医院", "hospital"),
    "government": ("行政中心", "administrative centre"),
    "other": ("其他", "other"),
}


def host_kind_of(word: str) -> str:
    """Return the host kind that `word` names, as its key, its Chinese or its English name.

    Raises
    ------
    InputError
        If no kind has that name.
    """
    key = word.strip().lower()
    for kind, labels in HOST_KINDS.items():
        if key in {kind, *labels}:
            return kind
    known = ", ".join(f"{kind} ({labels[0]})" for kind, labels in HOST_KINDS.items())
    raise InputError(f"unknown kind of exclusive grid: {word!r}. Use one of: {known}.")


@dataclass(frozen=True)
class HouseholdPolicy:
    """The bounds of households of a grid, a rule of the place and not a constant.

    The defaults follow a published regulation: 300 to 500 households for a grid and 50 to 80
    for a micro-grid. Up to `tolerance` outside the bounds is a warning, further an error.
    """

    minimum: int = 300
    target: int = 500
    maximum: int = 500
    tolerance: int = 100
    micro_minimum: int = 50
    micro_maximum: int = 80
    micro_tolerance: int = 20

    def __post_init__(self) -> None:
        if not 0 < self.minimum <= self.target <= self.maximum:
            raise InputError(
                "household policy needs 0 < minimum <= target <= maximum, got "
                f"{self.minimum}, {self.target}, {self.maximum}."
            )
        if not 0 < self.micro_minimum <= self.micro_maximum:
            raise InputError("household policy needs 0 < micro_minimum <= micro_maximum.")
        if self.tolerance < 0 or self.micro_tolerance < 0:
            raise InputError("the tolerances of a household policy must not be negative.")

    def bounds(self, grid_kind: str) -> tuple[float, float, float]:
        """Return minimum, maximum and tolerance for a kind of grid; none bind an exclusive one."""
        if grid_kind == EXCLUSIVE:
            return 0.0, float("inf"), 0.0
        if grid_kind == MICRO:
            return self.micro_minimum, self.micro_maximum, self.micro_tolerance
        return self.minimum, self.maximum, self.tolerance

    def grade(self, households: float, grid_kind: str = BASIC) -> Severity | None:
        """Return how far a count is out of bounds: None, ``"warning"`` or ``"error"``."""
        low, high, tolerance = self.bounds(grid_kind)
        if low <= households <= high:
            return None
        if low - tolerance <= households <= high + tolerance:
            return "warning"
        return "error"

"""How large the simulated district is, and where on the globe it is put."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from geo.errors import InputError

METRIC_CRS = "EPSG:4549"
"""CGCS2000, 3-degree Gauss-Kruger, central meridian 120 E."""
ORIGIN_M = (595_100.0, 3_941_700.0)
"""Centre of the district in `METRIC_CRS`: open water of the Yellow Sea, so no real place."""
TIME_ZONE = "Asia/Shanghai"
DISTRICT_CODE = "990101"
"""No province has the prefix 99, so that the code means no real place either."""
DISTRICT_NAME = "澜海区（模拟）"
DISTRICT_NAME_EN = "Lanhai District (simulated)"
DEFAULT_SEED = 20261101


@dataclass(frozen=True)
class DemoSize:
    """Scale of the simulated district.

    Attributes
    ----------
    basic_grids
        Number of basic grids that the households are laid out for.
    households_per_grid
        Mean households of a basic grid; below 500, so that whole buildings fit under the cap.
    communities, streets
        Number of areas of these levels.
    cameras
        Number of cameras, off-line and unfiled ones included.
    people
        Staff of the grid teams; fewer than the posts (two per basic grid), so some hold two.
    incidents_per_week
        Mean number of background incidents that happen in a week, reported or not.
    first_day, last_day
        First and last local day of the incidents, both included.
    """

    basic_grids: int = 63
    households_per_grid: int = 475
    communities: int = 24
    streets: int = 5
    cameras: int = 640
    people: int = 123
    incidents_per_week: float = 1_250.0
    first_day: date = date(2023, 11, 1)
    last_day: date = date(2026, 10, 31)

    def __post_init__(self) -> None:
        """Refuse sizes that no town can be made for."""
        if not 2 <= self.streets <= self.communities <= self.basic_grids:
            raise InputError("a demo district needs 2 <= streets <= communities <= basic_grids")
        if not self.basic_grids < self.people <= 2 * self.basic_grids:
            raise InputError("people must be more than the basic grids and at most two per grid")
        if not 300 <= self.households_per_grid <= 500:
            raise InputError("households_per_grid must lie within 300..500")
        if self.last_day <= self.first_day:
            raise InputError("last_day must come after first_day")
        if self.cameras < 1 or self.incidents_per_week <= 0:
            raise InputError("cameras and incidents_per_week must be positive")

    @property
    def days(self) -> int:
        """Number of days from the first to the last, both included."""
        return (self.last_day - self.first_day).days + 1

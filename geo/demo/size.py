"""How large the simulated district is, and where on the globe it is put."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

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
    last_hour
        Hour of the last day at which the data were handed over; what is reported, walked or
        watched later is not in yet.
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
    last_hour: float = 24.0

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
        if not 0.0 < self.last_hour <= 24.0:
            raise InputError("last_hour must lie above 0 and at most at 24")
        if self.cameras < 1 or self.incidents_per_week <= 0:
            raise InputError("cameras and incidents_per_week must be positive")

    @property
    def days(self) -> int:
        """Number of days from the first to the last, both included."""
        return (self.last_day - self.first_day).days + 1

    @property
    def last_whole_day(self) -> date:
        """The last day of which all is in."""
        return self.last_day - timedelta(days=int(self.last_hour < 24.0))

    @property
    def handed_over(self) -> datetime:
        """The moment at which the data end, zoned."""
        midnight = datetime.combine(self.last_day, time(), tzinfo=ZoneInfo(TIME_ZONE))
        return midnight + timedelta(hours=self.last_hour)


def size_until(last_day: date, *, now: datetime) -> DemoSize:
    """Return the usual size, three years that end on a day, or with this minute of today.

    Parameters
    ----------
    last_day
        The last local day.
    now
        Zoned.

    Raises
    ------
    InputError
        The day has not begun yet.
    """
    local = now.astimezone(ZoneInfo(TIME_ZONE))
    if local.date() < last_day:
        raise InputError(f"{last_day} has not begun yet: the data can end today at the latest")
    hour = 24.0 if local.date() > last_day else max(1, local.hour * 60 + local.minute) / 60.0
    first_day = last_day - timedelta(days=DemoSize().days - 1)
    return DemoSize(first_day=first_day, last_day=last_day, last_hour=hour)

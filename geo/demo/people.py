"""Teams, staff numbers, posts, units and shifts; nobody here has a name."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import geopandas as gpd
import numpy as np
import pandas as pd

from geo.demo.size import TIME_ZONE, DemoSize
from geo.demo.town import Town
from geo.errors import InputError

LEADER, OFFICER = "grid_leader", "grid_officer"
ROLE_NAMES = {LEADER: ("网格长", "Grid leader"), OFFICER: ("专职网格员", "Grid officer")}
DUTY = {
    "foot": ((time(8), time(12)), (time(14), time(18))),
    "vehicle": ((time(8), time(16)), (time(16), time(0)), (time(0), time(8))),
    "drone": ((time(9), time(12)), (time(14), time(17))),
    "camera_desk": ((time(8), time(16)), (time(16), time(0)), (time(0), time(8))),
    "volunteer": ((time(18, 30), time(21)),),
    "joint": ((time(19), time(1)),),
}
"""When each kind of unit is on duty; an end at or before the start means the next day."""


@dataclass(frozen=True)
class Staff:
    """Who can be sent out.

    Attributes
    ----------
    people
        ``staff_no``, ``title``: a number and a post title, nothing else.
    posts
        ``staff_no``, ``role``, ``area_code``, ``unit_ref``, ``valid_from``.
    units
        ``source_ref``, ``kind``, ``name``, ``name_en``, ``headcount``, ``home_station``,
        ``area_code``.
    shifts
        ``unit_ref``, ``starts_at``, ``ends_at`` with time zone, for the seven days after
        the last incident.
    """

    people: pd.DataFrame
    posts: pd.DataFrame
    units: pd.DataFrame
    shifts: pd.DataFrame


def appoint_staff(
    size: DemoSize, town: Town, grids: gpd.GeoDataFrame, stations: gpd.GeoDataFrame
) -> Staff:
    """Give every basic grid a leader and an officer, some of whom hold two posts.

    Parameters
    ----------
    size
        Number of people.
    town, stations
        Where units belong.
    grids
        Grids with ``code``, ``grid_kind``, ``parent_code`` and ``name``, in code order.

    Returns
    -------
    Staff
        One foot team per basic grid, further units per street and for the district.
    """
    basic = grids[grids["grid_kind"] == "basic"].sort_values("code", ignore_index=True)
    doubles = 2 * len(basic) - size.people
    if not 0 <= doubles < len(basic):
        raise InputError(f"{size.people} people cannot hold two posts in {len(basic)} grids")
    units = unit_table(town, basic, stations)
    posts = post_table(size, basic, doubles)
    held = posts.sort_values("role").drop_duplicates("staff_no").sort_values("staff_no")
    people = pd.DataFrame(
        {
            "staff_no": held["staff_no"].to_numpy(),
            "title": [ROLE_NAMES[role][0] for role in held["role"]],
        }
    )
    return Staff(people, posts, units, shift_table(units, size.last_day + timedelta(days=1)))


def post_table(size: DemoSize, basic: gpd.GeoDataFrame, doubles: int) -> pd.DataFrame:
    """Return two posts per basic grid; `doubles` leaders also hold the next grid's lead.

    The double posts are spread evenly, and both grids of a pair share a community where the
    community has two.
    """
    codes = basic["code"].to_numpy()
    lead = np.arange(len(codes))
    pairs = np.flatnonzero(basic["parent_code"].to_numpy()[1:] == basic["parent_code"][:-1])
    chosen: list[int] = []
    for pair in pairs[np.argsort((pairs * 37) % 101, kind="stable")]:
        if len(chosen) < doubles and all(abs(pair - other) > 1 for other in chosen):
            chosen.append(int(pair))
    for pair in chosen:
        lead[pair + 1] = pair
    lead = np.unique(lead, return_inverse=True)[1]
    officer = lead.max() + 1 + np.arange(len(codes))
    number = np.concatenate((lead, officer)) + 1
    return pd.DataFrame(
        {
            "staff_no": [f"LH{n:04d}" for n in number],
            "role": np.repeat([LEADER, OFFICER], len(codes)),
            "area_code": np.tile(codes, 2),
            "unit_ref": np.tile([f"U-FOOT-{n + 1:02d}" for n in range(len(codes))], 2),
            "valid_from": size.first_day,
        }
    )


def unit_table(town: Town, basic: gpd.GeoDataFrame, stations: gpd.GeoDataFrame) -> pd.DataFrame:
    """Return every unit with its home station and the area it belongs to."""
    ref = dict(zip(stations["name_en"], stations["source_ref"], strict=True))
    by_area = stations[stations["kind"] == "service"].set_index("area_code")["source_ref"]
    police = stations[stations["kind"] == "police"]["source_ref"].to_numpy()
    district = town.streets["parent_code"].iloc[0]
    rows = [
        unit("foot", n, f"{name}服务团队", f"Grid team {n + 1:02d}", 2, by_area[parent], code)
        for n, (name, parent, code) in enumerate(
            zip(basic["name"], basic["parent_code"], basic["code"], strict=True)
        )
    ]
    for n, (name, name_en, code) in enumerate(
        zip(town.streets["name"], town.streets["name_en"], town.streets["code"], strict=True)
    ):
        stem = name_en.removesuffix(" Street Office")
        rows.append(unit("vehicle", n, f"{name}巡逻车组", f"{stem} car", 3, police[n], code))
        rows.append(unit("joint", n, f"{name}4+N联勤队", f"{stem} joint team", 6, police[n], code))
        for half, word in enumerate(("一", "二")):
            rows.append(
                unit("volunteer", 2 * n + half, f"{name}志愿巡防{word}队",
                     f"{stem} volunteers {half + 1}", 8, police[n], code)
            )  # fmt: skip
    base, desk = ref["Drone Base"], ref["District Command Centre"]
    for n, word in enumerate(("一", "二")):
        rows.append(unit("drone", n, f"高空巡查{word}组", f"Drone crew {n + 1}", 2, base, district))
        rows.append(
            unit("camera_desk", n, f"视频监控{word}席", f"Camera desk {n + 1}", 2, desk, district)
        )
    return pd.DataFrame(rows)


def unit(
    kind: str, number: int, name: str, name_en: str, headcount: int, home: str, area_code: str
) -> dict[str, object]:
    """Return one unit's row."""
    return {
        "source_ref": f"U-{kind.upper().replace('_', '-')}-{number + 1:02d}",
        "kind": kind,
        "name": name,
        "name_en": name_en,
        "headcount": headcount,
        "home_station": home,
        "area_code": area_code,
    }


def shift_table(units: pd.DataFrame, first_day: date, *, days: int = 7) -> pd.DataFrame:
    """Return when each unit is on duty, from `first_day` on; units of a kind take turns.

    Round-the-clock kinds share the day: unit n of the kind starts with shift n.
    """
    zone = ZoneInfo(TIME_ZONE)
    rows = []
    for kind, group in units.groupby("kind", sort=True):
        duty = DUTY[str(kind)]
        turns = len(duty) == 3
        for place, ref in enumerate(group["source_ref"]):
            for day in range(days):
                for begin, end in [duty[(place + day) % 3]] if turns else duty:
                    starts = datetime.combine(first_day + timedelta(days=day), begin, tzinfo=zone)
                    late = timedelta(days=1 if end <= begin else 0)
                    ends = datetime.combine(starts.date() + late, end, tzinfo=zone)
                    rows.append({"unit_ref": ref, "starts_at": starts, "ends_at": ends})
    return pd.DataFrame(rows).sort_values(["unit_ref", "starts_at"], ignore_index=True)

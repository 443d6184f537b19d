"""What a look at positions found, said in English and Chinese."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from geo.crs.readings import Reading
from geo.crs.systems import Crs

Lang = Literal["en", "zh"]


@dataclass(frozen=True)
class Diagnosis:
    """How raw positions lie to a boundary and what would put them inside.

    Attributes
    ----------
    n_points, n_missing
        Rows with and without a position.
    share_outside
        Share outside as declared, 0 to 1; 0 without points.
    declared
        The system that the positions were said to be in.
    place
        Name of the place that the boundary belongs to, may be empty.
    fits
        Other readings that put most points inside, best first; usually none or one.
    shifted
        The reading as WGS-84, GCJ-02 or BD-09 that explains the points beyond one side of the
        boundary; None when the points cannot tell, which is the usual case.
    """

    n_points: int
    n_missing: int
    share_outside: float
    declared: Crs
    place: str
    fits: tuple[Reading, ...] = ()
    shifted: Reading | None = None

    def message(self, lang: Lang = "en") -> str:
        """Say in one sentence what was found and what to do next."""
        return _message_zh(self) if lang == "zh" else _message_en(self)


def percent(share: float) -> str:
    """Write a share without rounding some to none or most to all."""
    value = 100 * share
    if 0 < value < 0.1:
        return "< 0.1 %"
    if 99.9 < value < 100:
        return "> 99.9 %"
    whole = value == round(value) or 9.95 <= value <= 99
    return f"{value:.0f} %" if whole else f"{value:.1f} %"


def _message_en(found: Diagnosis) -> str:
    if not found.n_points:
        return "no row has a position"
    place = found.place or "the boundary"
    text = f"{percent(found.share_outside)} of {found.n_points:,} points fall outside {place}"
    if found.fits:
        ways = [_way_en(reading, found.declared) for reading in found.fits]
        inside = " or ".join(
            f"{percent(reading.share_inside)} fall inside {way}"
            for reading, (way, _) in zip(found.fits, ways, strict=True)
        )
        return f"{text}; {inside}: {ways[0][1]}"
    if found.shifted is not None:
        left, crs = percent(1 - found.shifted.share_inside), found.shifted.crs
        return (
            f"{text}, along one side; as {crs.label} only {left} of the places would: "
            f'ask where the data come from and set crs = "{crs.name}" in the mapping'
        )
    if found.share_outside > 0.5:
        return (
            f"{text}; no other reading fits either (x and y swapped, signs changed, the metric "
            "systems in use there): check the columns and crs in the mapping, and the boundary"
        )
    return text


def _way_en(reading: Reading, declared: Crs) -> tuple[str, str]:
    read, ways, advice = "", [], []
    if reading.crs != declared:
        read = f"read as {reading.crs.label} "
        advice.append(f'set crs = "{reading.crs.name}" in the mapping')
    if reading.swapped:
        ways.append("with x and y swapped")
        advice.append("set x/y the other way round in the mapping")
    for wrong, axis, side in (
        (reading.negate_x, "longitude", "west"),
        (reading.negate_y, "latitude", "south"),
    ):
        if wrong:
            ways.append(f"with the sign of the {axis} changed")
            advice.append(f"mend the sign of the {axis} in the file ({side} is negative)")
    return (read + " and ".join(ways)).rstrip(), " and ".join(advice)


def _message_zh(found: Diagnosis) -> str:
    if not found.n_points:
        return "没有任何一行带有位置"
    place = found.place or "辖区边界"
    text = f"{found.n_points:,} 个点中有 {percent(found.share_outside)} 落在{place}之外"
    if found.fits:
        ways = [_way_zh(reading, found.declared) for reading in found.fits]
        inside = "；".join(
            f"若{way}，则 {percent(reading.share_inside)} 落在其内"
            for reading, (way, _) in zip(found.fits, ways, strict=True)
        )
        return f"{text}；{inside}：{ways[0][1]}"
    if found.shifted is not None:
        left = percent(1 - found.shifted.share_inside)
        return (
            f"{text}，且集中在一侧；若按 {found.shifted.crs.label} 读取，仅 {left} 的位置在外："
            f'请核实数据来源，并在映射文件中设置 crs = "{found.shifted.crs.name}"'
        )
    if found.share_outside > 0.5:
        return (
            f"{text}；交换 x、y，改变正负号，或按当地常用的投影坐标系读取均不相符："
            "请检查映射文件中的列与 crs，以及辖区边界"
        )
    return text


def _way_zh(reading: Reading, declared: Crs) -> tuple[str, str]:
    ways, advice = [], []
    if reading.crs != declared:
        ways.append(f"按 {reading.crs.label} 读取")
        advice.append(f'请在映射文件中设置 crs = "{reading.crs.name}"')
    if reading.swapped:
        ways.append("交换 x、y")
        advice.append("请在映射文件中把 x 与 y 对调")
    for wrong, axis, side in (
        (reading.negate_x, "经度", "西经"),
        (reading.negate_y, "纬度", "南纬"),
    ):
        if wrong:
            ways.append(f"改变{axis}的正负号")
            advice.append(f"请在文件中更正{axis}的正负号（{side}为负）")
    return "并".join(ways), "；".join(advice)

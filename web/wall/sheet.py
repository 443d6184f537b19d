"""The printed sheet of a map: a picture, its legend, and what has to stand on every map."""

from __future__ import annotations

import base64
from datetime import datetime
from html import escape
from importlib.resources import files
from io import BytesIO
from typing import Annotated, Any

from PIL import Image, UnidentifiedImageError
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from geo.errors import InputError
from web.language import PageLang

MOST_PIXELS = 4096 * 4096
_FORMATS = ("JPEG", "PNG")
Label = Annotated[str, Field(max_length=80)]


class Entry(BaseModel):
    """One line of a legend."""

    model_config = ConfigDict(extra="forbid")

    colour: Annotated[str, Field(pattern=r"^#[0-9a-fA-F]{6}$")]
    label: Label


class Legend(BaseModel):
    """The legend of one layer."""

    model_config = ConfigDict(extra="forbid")

    title: Label
    entries: Annotated[list[Entry], Field(max_length=20)]


LEGENDS = TypeAdapter(Annotated[list[Legend], Field(max_length=20)])
WORDS = {
    "title": ("指挥大屏地图", "Map of the wall"),
    "data": ("数据日期", "Data date"),
    "none": ("无数据", "no data"),
    "printed": ("输出时间", "Printed"),
    "by": ("输出人", "By"),
    "crs": ("坐标系", "Coordinates"),
    "crs_of": ("CGCS2000/WGS-84 经纬度；分析 EPSG:{srid}", "WGS-84 / CGCS2000; EPSG:{srid}"),
    "approval": ("审图号", "Map approval"),
    "internal": ("内部使用", "INTERNAL USE"),
    "simulated": ("模拟数据", "SIMULATED"),
    "legend": ("图例", "Legend"),
}


def read_legends(text: str) -> list[Legend]:
    """Return the legends of a request.

    Raises
    ------
    InputError
        They are not of the form that `Legend` has.
    """
    try:
        return LEGENDS.validate_json(text)
    except ValidationError as error:
        raise InputError(f"legend: {error.errors()[0]['msg']}", code="bad-legend") from error


def read_picture(content: bytes) -> bytes:
    """Return a picture drawn anew as JPEG, so that nothing else of the file remains.

    Raises
    ------
    InputError
        It is no JPEG or PNG, or too large.
    """
    try:
        with Image.open(BytesIO(content), formats=_FORMATS) as image:
            if image.width * image.height > MOST_PIXELS:
                raise InputError(f"picture: more than {MOST_PIXELS:,} pixels", code="picture-large")
            made = BytesIO()
            image.convert("RGB").save(made, "JPEG", quality=88)
    except (UnidentifiedImageError, OSError, Image.DecompressionBombError) as error:
        raise InputError("picture: it is no JPEG or PNG", code="no-picture") from error
    return made.getvalue()


def write_sheet(
    picture: bytes, legends: list[Legend], place: dict[str, Any], *, lang: PageLang, by: str,
    now: datetime, last: datetime | None,
) -> bytes:  # fmt: skip
    """Return the sheet as PDF, A3 across.

    Parameters
    ----------
    picture
        As `read_picture` gave it.
    place
        The jurisdiction: its names, ``metric_srid``, ``map_approval_no``, ``simulated``.
    last
        Time of the newest incident, in the jurisdiction's zone, as `now` is.
    """
    html = sheet_html(picture, legends, place, lang=lang, by=by, now=now, last=last)
    # Takes a second to import, and most processes of the service never print.
    from weasyprint import HTML
    from weasyprint.urls import URLFetcher

    # The picture is in the page itself; no address is ever asked.
    own = URLFetcher(allowed_protocols=("data",), allow_redirects=False, fail_on_errors=True)
    document = HTML(string=html, url_fetcher=own)
    written: bytes = document.write_pdf()
    return written


def sheet_html(
    picture: bytes, legends: list[Legend], place: dict[str, Any], *, lang: PageLang, by: str,
    now: datetime, last: datetime | None,
) -> str:  # fmt: skip
    """Return the sheet as HTML, every value escaped."""

    def word(key: str) -> str:
        return WORDS[key][1 if lang == "en" else 0]

    name = place["name_en"] if lang == "en" and place["name_en"] else place["name"]
    colours = sorted({entry.colour.lower() for legend in legends for entry in legend.entries})
    swatches = "".join(f".c{colour[1:]}{{background:{colour}}}" for colour in colours)
    facts = [
        (word("data"), f"{last:%Y-%m-%d %H:%M}" if last else word("none")),
        (word("crs"), word("crs_of").format(srid=place["metric_srid"])),
        (word("printed"), f"{now:%Y-%m-%d %H:%M %Z}"),
        (word("by"), by),
    ]
    approval = place["map_approval_no"]
    box = f"{word('approval')} {approval}" if approval else word("internal")
    simulated = f'<p class="box">{word("simulated")}</p>' if place["simulated"] else ""
    style = files("web").joinpath("wall", "sheet.css").read_text("utf-8")
    return (
        f'<!doctype html><html lang="{"en" if lang == "en" else "zh-CN"}"><head>'
        f'<meta charset="utf-8"><title>{escape(name)} · {word("title")}</title>'
        f"<style>{style}{swatches}</style></head><body>"
        f"<h1>{escape(name)} · {word('title')}</h1>"
        f'<img alt="" src="data:image/jpeg;base64,{base64.b64encode(picture).decode()}">'
        f"<footer><section><h2>{word('legend')}</h2>{''.join(map(_legend, legends))}</section>"
        f"<section><dl>{''.join(f'<dt>{a}</dt><dd>{escape(b)}</dd>' for a, b in facts)}</dl>"
        f'<p class="box">{escape(box)}</p>{simulated}</section></footer></body></html>'
    )


def _legend(legend: Legend) -> str:
    rows = "".join(
        f'<li><span class="swatch c{entry.colour[1:].lower()}"></span>{escape(entry.label)}</li>'
        for entry in legend.entries
    )
    return f"<div><h3>{escape(legend.title)}</h3><ul>{rows}</ul></div>"

"""The shift sheet of a unit: its way on a map, stops with times, what to look for; for print."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from html import escape
from typing import Literal

from patrol.planning.sketch import Drawing, sketch_svg

Lang = Literal["zh", "en", "both"]
Words = tuple[str, str]

_TEXT: dict[str, Words] = {
    "title": ("班次任务单", "Shift sheet"),
    "simulated": ("模拟数据，非真实情况", "SIMULATED data, not a real place"),
    "not_approved": ("未经批准：不得据此执行", "Not approved: nobody goes out on this sheet"),
    "unit": ("单元", "Unit"),
    "shift": ("班次", "Shift"),
    "way": ("全程", "Way"),
    "stops": ("到访点", "Stops"),
    "plan": ("方案", "Plan"),
    "approved": ("批准人", "Approved by"),
    "internal": ("内部使用，未送审地图", "Internal use, map not submitted for approval"),
    "approval_no": ("审图号", "Map approval no."),
    "straight": ("无道路数据：按直线绘制", "No roads known: straight lines"),
    "number": ("序", "No."),
    "time": ("时间", "Time"),
    "place": ("地点与原因", "Place and why"),
    "check": ("核查要点", "To look for"),
    "done": ("完成", "Done"),
    "must": ("必到", "must"),
    "rest": ("休息", "Rest"),
    "none": ("本班次无到访点", "No stop in this shift"),
    "rule": (
        "只针对地点，不针对个人；计划时间仅供参考，突发情况以现场为准。",
        "Places are visited, never persons. Times are a guide: what happens on the ground decides.",
    ),
}
MODES: dict[str, Words] = {"foot": ("步巡", "on foot"), "vehicle": ("车巡", "by vehicle")}


@dataclass(frozen=True)
class SheetStop:
    """One visit: from arrival to departure, where and why; local times."""

    ordinal: int
    start: datetime
    leave: datetime
    ref: str
    place: Words
    reason: Words
    must: bool
    checks: tuple[Words, ...] = ()


@dataclass(frozen=True, eq=False)
class Sheet:
    """What one unit carries in a shift.

    Attributes
    ----------
    plan_label
        Day and version of the plan.
    approved_by
        Empty while nobody approved it: the sheet says so.
    starts, ends
        Local times of the way.
    drawing
        The map, see `patrol.planning.sketch`.
    uneven
        Why the work of the units is not even; empty where it is.
    shift
        Name of the shift; empty where a plan tells none apart.
    """

    unit: str
    mode: str
    place: Words
    plan_label: str
    approved_by: str
    starts: datetime
    ends: datetime
    travel_m: float
    on_roads: bool
    simulated: bool
    approval_no: str | None
    stops: tuple[SheetStop, ...]
    drawing: Drawing = field(default_factory=Drawing)
    uneven: Words = ("", "")
    shift: Words = ("", "")


def sheets_html(
    sheets: Sequence[Sheet], *, lang: Lang = "both", style_href: str | None = None
) -> str:
    """Return sheets as HTML, one a page; the same text makes the PDF.

    Parameters
    ----------
    style_href
        Where the style is served, for pages under a content policy that allows none inline;
        None writes it into the page, so that a file stands alone.
    """
    style = (
        f"<style>{SHEET_CSS}</style>" if style_href is None
        else f'<link rel="stylesheet" href="{escape(style_href)}">'
    )  # fmt: skip
    return _page("\n".join(_sheet(sheet, lang) for sheet in sheets), style, lang)


def _page(body: str, style: str, lang: Lang) -> str:
    title = _say("title", lang)
    return (
        f'<!doctype html>\n<html lang="{"en" if lang == "en" else "zh-CN"}"><head>'
        f'<meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">{style}'
        f"</head><body>\n{body}\n</body></html>\n"
    )


def sheets_pdf(
    sheets: Sequence[Sheet], *, lang: Lang = "both",
    tell: Callable[[int, int], None] = lambda done, of: None,
) -> bytes:  # fmt: skip
    """Return the same sheets as PDF, A4; nothing is fetched from anywhere.

    Each sheet's pages are counted by themselves: a unit is handed its own sheet alone.

    Parameters
    ----------
    tell
        Is told after each sheet how many are set, and of how many.
    """
    from weasyprint import CSS, HTML
    from weasyprint.text.fonts import FontConfiguration

    def refuse(url: str, *_: object, **__: object) -> dict[str, object]:
        raise ValueError(f"a sheet refers to nothing outside itself: {url}")

    fonts = FontConfiguration()
    style, documents = CSS(string=SHEET_CSS, font_config=fonts), []
    for done, sheet in enumerate(sheets, start=1):
        page = HTML(string=_page(_sheet(sheet, lang), "", lang), url_fetcher=refuse)
        documents.append(page.render(stylesheets=[style], font_config=fonts))
        tell(done, len(sheets))
    pages = [page for document in documents for page in document.pages]
    return bytes(documents[0].copy(pages).write_pdf())


def _sheet(sheet: Sheet, lang: Lang) -> str:
    notes = [] if sheet.approved_by else [_say("not_approved", lang)]
    notes += [_say("simulated", lang)] if sheet.simulated else []
    notes += [] if sheet.on_roads else [_say("straight", lang)]
    notes += [_pick(sheet.uneven, lang)] if any(sheet.uneven) else []
    place = _pick(sheet.place, lang)
    marked = "".join(f'<p class="note">{escape(note)}</p>' for note in notes)
    facts = "".join(
        f"<dt>{escape(_say(key, lang))}</dt><dd>{escape(value)}</dd>"
        for key, value in _facts(sheet, lang)
    )
    stamp = (
        f"{_say('approval_no', lang)} {sheet.approval_no}" if sheet.approval_no
        else _say("internal", lang)
    )  # fmt: skip
    return (
        f"<article><h1>{escape(_say('title', lang))} · {escape(place)}</h1>{marked}<dl>{facts}</dl>"
        f"<figure>{sketch_svg(sheet.drawing, label=f'{sheet.unit} {sheet.plan_label}')}"
        f"<figcaption>{escape(stamp)}</figcaption></figure>"
        f"{_stops(sheet, lang)}<footer>{escape(_say('rule', lang))}</footer></article>"
    )


def _facts(sheet: Sheet, lang: Lang) -> list[tuple[str, str]]:
    mode = _pick(MODES.get(sheet.mode, (sheet.mode, sheet.mode)), lang)
    visits = sum(stop.ref != "rest" for stop in sheet.stops)
    return [
        ("unit", f"{sheet.unit} · {mode}"),
        (
            "shift",
            f"{_pick(sheet.shift, lang)} {sheet.starts:%Y-%m-%d %H:%M} – "
            f"{sheet.ends:%H:%M}".strip(),
        ),
        ("way", f"{sheet.travel_m / 1000:.1f} km"),
        ("stops", str(visits)),
        ("plan", sheet.plan_label),
        ("approved", sheet.approved_by or "—"),
    ]


def _stops(sheet: Sheet, lang: Lang) -> str:
    if not sheet.stops:
        return f"<p>{escape(_say('none', lang))}</p>"
    heads = "".join(
        f'<th scope="col">{escape(_say(key, lang))}</th>'
        for key in ("number", "time", "place", "check", "done")
    )
    rows = "".join(_stop(stop, lang) for stop in sheet.stops)
    return f"<table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>"


def _stop(stop: SheetStop, lang: Lang) -> str:
    rest = stop.ref == "rest"
    name = _say("rest", lang) if rest else _pick(stop.place, lang)
    must = f' <b class="must">{escape(_say("must", lang))}</b>' if stop.must and not rest else ""
    why = "" if rest else f"<small>{_lines(stop.reason, lang)}</small>"
    checks = "".join(f"<li>{escape(_pick(check, lang))}</li>" for check in stop.checks)
    box = "" if rest else '<span class="box"></span>'
    return (
        f'<tr class="{"rest" if rest else "stop"}"><td>{stop.ordinal}</td>'
        f"<td>{stop.start:%H:%M}–{stop.leave:%H:%M}</td>"
        f"<td><strong>{escape(name)}</strong>{must}{why}</td>"
        f"<td>{f'<ul>{checks}</ul>' if checks else ''}</td><td>{box}</td></tr>"
    )


def _lines(words: Words, lang: Lang) -> str:
    both: Callable[[str], str] = escape
    return "<br>".join(both(part) for part in (words if lang == "both" else (_pick(words, lang),)))


def _pick(words: Words, lang: Lang) -> str:
    if lang == "both":
        return words[0] if words[0] == words[1] else f"{words[0]} {words[1]}"
    return words[lang == "en"]


def _say(key: str, lang: Lang) -> str:
    return _pick(_TEXT[key], lang)


SHEET_CSS = """
@page { size: A4; margin: 12mm 12mm 14mm;
  @bottom-right { content: counter(page) " / " counter(pages); font-size: 8pt; color: #5a6672; } }
* { box-sizing: border-box; }
body { font: 10pt/1.45 "Noto Sans CJK SC", "Noto Sans SC", "Source Han Sans SC", "PingFang SC",
  "Microsoft YaHei", "Noto Sans", system-ui, sans-serif; color: #16212b; background: #fff;
  max-width: 190mm; margin: 0 auto; padding: 4mm; }
@media print { body { padding: 0; line-height: 1.35; } }
article + article { break-before: page; }
h1 { font-size: 16pt; margin: 0 0 2mm; }
.note { margin: 0 0 1.5mm; padding: 1mm 3mm; border-left: 1.2mm solid #a3180f; background: #fbeeec;
  color: #7d1109; font-weight: 600; }
dl { display: grid; grid-template-columns: max-content 1fr max-content 1fr max-content 1fr;
  gap: 1mm 3mm; margin: 2mm 0 3mm; }
dt { color: #5a6672; } dd { margin: 0; font-weight: 600; }
figure { margin: 0 0 3mm; } svg { display: block; width: 100%; height: auto;
  border: 0.3mm solid #c3ccd5; }
figcaption { text-align: right; font-size: 8pt; color: #5a6672; margin-top: 1mm; }
table { border-collapse: collapse; table-layout: fixed; width: 100%; font-size: 9pt; }
th, td { border-bottom: 0.25mm solid #c3ccd5; padding: 1mm 1.5mm; text-align: left;
  vertical-align: top; }
th { background: #e9edf1; } thead { display: table-header-group; } tr { break-inside: avoid; }
th:nth-child(1) { width: 10mm; } th:nth-child(2) { width: 27mm; } th:nth-child(4) { width: 46mm; }
th:nth-child(5) { width: 15mm; } td:nth-child(1) { text-align: right; }
td:nth-child(2) { white-space: nowrap; }
small { display: block; font-size: 7.5pt; color: #46535f; } ul { margin: 0; padding-left: 4mm; }
.rest td { color: #5a6672; background: #f5f7f9; } .must { color: #a3180f; }
.box { display: inline-block; width: 5mm; height: 5mm; border: 0.4mm solid #16212b; }
footer { break-before: avoid; margin-top: 2mm; font-size: 8pt; color: #5a6672; }
"""

"""A plan on one page, Chinese and English, as Markdown and as HTML."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from typing import Literal

import pandas as pd

from patrol.plans import Plan
from patrol.reasons import Lang

SummaryLang = Literal["zh", "en", "both"]
Found = Sequence[tuple[str, str]]
Table = tuple[Sequence[str], list[list[str]]]

TOP_ROWS = 10

_TEXT: dict[str, tuple[str, str]] = {
    "title": ("巡逻计划", "Patrol plan"),
    "draft": ("草案：未经人员审批不得执行", "Draft: nobody goes out before a person approves it"),
    "simulated": ("模拟数据，非真实情况", "SIMULATED data, not a real place"),
    "hours": ("总时长（小时）", "Hours in all"),
    "grids": ("网格数", "Grids"),
    "unknown": ("情况不明的网格（无上报，不等于安全）", "Unknown grids (no report; not safe)"),
    "explore": ("探索时长（小时）", "Hours to explore"),
    "bounds": ("每格下限 / 上限（小时）", "Floor / cap of a grid (hours)"),
    "data": ("数据时段", "Data window"),
    "forecast": ("预测方法", "Forecast by"),
    "made": ("生成时间与版本", "Made at, by version"),
    "most": ("时长最多的网格", "Grids with most hours"),
    "trend": ("趋势改变最多的网格", "Grids that trend changed most"),
    "found": ("本期发现", "What was found"),
    "equity": ("各社区的需求与时长", "Need and hours by community"),
    "method": ("方法说明", "Method"),
    "method_text": (
        "时长按预测的上报量分配（无预测时按近期水平与已证实的趋势），每格有下限与上限，并留出一部分用于探索。"
        "仅使用上报数据，巡逻自行发现的问题不计入需求；只针对地点，不针对个人。",
        "Hours follow the forecast of reports (without one, their recent level and proven "
        "trends), with a floor and a cap for each grid and a share to explore. Reported "
        "incidents only: what patrols found themselves is not counted as need. Places are "
        "planned for, never persons.",
    ),
}
_HEADS: dict[str, tuple[str, str]] = {
    "code": ("编码", "Code"),
    "name": ("名称", "Name"),
    "community": ("社区", "Community"),
    "hours": ("小时", "Hours"),
    "trend_h": ("趋势", "By trend"),
    "reason": ("理由", "Reason"),
    "grids": ("网格", "Grids"),
    "households": ("户数", "Households"),
    "need_share": ("需求占比", "Share of need"),
    "hours_share": ("时长占比", "Share of hours"),
    "per_1000": ("每千户小时", "Hours per 1,000 households"),
}


@dataclass(frozen=True)
class _Page:
    """What one language's page says, free of any markup."""

    title: str
    notes: list[str]
    facts: list[tuple[str, str]]
    tables: list[tuple[str, Table]]
    method: tuple[str, str]
    found: list[str]
    found_title: str


def plan_markdown(plan: Plan, *, lang: SummaryLang = "both", found: Found = ()) -> str:
    """Return the page as Markdown.

    Parameters
    ----------
    found
        What analytics found, each in Chinese and in English; named before the grids.
    """
    pages = (_markdown(_page(plan, one, found)) for one in _languages(lang))
    return "\n\n---\n\n".join(pages) + "\n"


def plan_html(plan: Plan, *, lang: SummaryLang = "both", found: Found = ()) -> str:
    """Return the page as HTML that stands alone and prints on A4; see `plan_markdown`."""
    title = escape(_page(plan, _languages(lang)[0]).title)
    body = "\n".join(
        f'<article lang="{"zh-CN" if one == "zh" else "en"}">'
        f"{_html(_page(plan, one, found))}</article>"
        for one in _languages(lang)
    )
    return (
        f'<!DOCTYPE html>\n<html lang="{"en" if lang == "en" else "zh-CN"}"><head>'
        f'<meta charset="utf-8"><title>{title}</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{_CSS}</style></head><body>\n{body}\n</body></html>\n"
    )


def _languages(lang: SummaryLang) -> tuple[Lang, ...]:
    return ("zh", "en") if lang == "both" else (lang,)


def _page(plan: Plan, lang: Lang, found: Found = ()) -> _Page:
    context, items = plan.context, plan.items
    place = context.name_zh if lang == "zh" else context.name_en
    notes = [_say("draft", lang)] + ([_say("simulated", lang)] if context.simulated else [])
    most = items.sort_values(["hours", "code"], ascending=[False, True], kind="stable")
    moved = items.assign(size=items["trend_h"].abs()).query("size > 0")
    moved = moved.sort_values(["size", "code"], ascending=[False, True], kind="stable")
    return _Page(
        title=f"{_say('title', lang)} {context.plan_date.isoformat()} · {place}",
        notes=notes,
        facts=_facts(plan, lang),
        tables=[
            (_say("most", lang), _grid_table(most, lang)),
            (_say("trend", lang), _grid_table(moved, lang)),
            (_say("equity", lang), _equity_table(plan.equity, lang)),
        ],
        method=(_say("method", lang), _say("method_text", lang)),
        found_title=_say("found", lang),
        found=[sentences[lang == "en"] for sentences in found],
    )


def _facts(plan: Plan, lang: Lang) -> list[tuple[str, str]]:
    context, items = plan.context, plan.items
    bounds = [(reason.floor_h, reason.cap_h) for reason in plan.reasons[:1]]
    method = context.method_zh if lang == "zh" else context.method_en
    window = f"{context.data_from:%Y-%m-%d %H:%M} – {context.data_until:%Y-%m-%d %H:%M %Z}"
    return [
        (_say("hours", lang), f"{items['hours'].sum():g}"),
        (_say("grids", lang), str(len(items))),
        (_say("unknown", lang), str(int(items["unknown"].sum()))),
        (_say("explore", lang), f"{items['explore_h'].sum():g}"),
        *((_say("bounds", lang), f"{floor:g} / {cap:g}") for floor, cap in bounds),
        (_say("data", lang), window),
        *(((_say("forecast", lang), method),) if method else ()),
        (_say("made", lang), f"{context.made_at:%Y-%m-%d %H:%M %Z}, {context.code_version}"),
    ]


def _grid_table(items: pd.DataFrame, lang: Lang) -> Table:
    columns = ["code", "name", "community", "hours", "trend_h"]
    heads = [_HEADS[name][lang == "en"] for name in [*columns, "reason"]]
    rows = [
        [str(code), str(name), str(community), f"{hours:.2f}", f"{trend:+.2f}", str(reason)]
        for code, name, community, hours, trend, reason in items[[*columns, f"reason_{lang}"]]
        .head(TOP_ROWS)
        .itertuples(index=False)
    ]
    return heads, rows


def _equity_table(equity: pd.DataFrame, lang: Lang) -> Table:
    names = ["community", "grids", "households", "need_share", "hours", "hours_share", "per_1000"]
    rows = [
        [
            str(row["community"]),
            str(row["grids"]),
            f"{row['households']:.0f}",
            f"{row['need_share']:.1%}",
            f"{row['hours']:.2f}",
            f"{row['hours_share']:.1%}",
            _figure(row["hours_per_1000_households"]),
        ]
        for row in equity.to_dict("records")
    ]
    return [_HEADS[name][lang == "en"] for name in names], rows


def _figure(value: float) -> str:
    return "—" if math.isnan(value) else f"{value:.2f}"


def _say(key: str, lang: Lang) -> str:
    return _TEXT[key][lang == "en"]


def _markdown(page: _Page) -> str:
    lines = [f"# {_md(page.title)}", *(f"**{_md(note)}**" for note in page.notes)]
    lines.append("\n".join(f"- {_md(name)}: {_md(value)}" for name, value in page.facts))
    if page.found:
        lines.append(f"## {_md(page.found_title)}")
        lines.append("\n".join(f"- {_md(sentence)}" for sentence in page.found))
    for title, table in page.tables:
        lines += [f"## {_md(title)}", _table(table, _md_row)]
    lines += [f"## {_md(page.method[0])}", _md(page.method[1])]
    return "\n\n".join(lines)


def _table(table: Table, row: Callable[[Sequence[str]], str]) -> str:
    heads, rows = table
    return "\n".join([row(heads), "|" + " --- |" * len(heads), *(row(cells) for cells in rows)])


def _md_row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(_md(cell) for cell in cells) + " |"


def _md(text: str) -> str:
    """Return text that Markdown shows as it is, HTML included."""
    quoted = escape(text, quote=False).replace("\\", "\\\\")
    for sign in ("|", "*", "_", "`", "[", "]", "#"):
        quoted = quoted.replace(sign, f"\\{sign}")
    return " ".join(quoted.split())


def _html(page: _Page) -> str:
    notes = "".join(f"<p class=note>{escape(note)}</p>" for note in page.notes)
    facts = "".join(f"<dt>{escape(k)}</dt><dd>{escape(v)}</dd>" for k, v in page.facts)
    found = "".join(f"<li>{escape(sentence)}</li>" for sentence in page.found)
    found = f"<h2>{escape(page.found_title)}</h2><ul>{found}</ul>" if found else ""
    tables = "".join(f"<h2>{escape(t)}</h2>{_html_table(table)}" for t, table in page.tables)
    method = f"<h2>{escape(page.method[0])}</h2><p>{escape(page.method[1])}</p>"
    return f"<h1>{escape(page.title)}</h1>{notes}<dl>{facts}</dl>{found}{tables}{method}"


def _html_table(table: Table) -> str:
    heads, rows = table
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in heads)
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in cells) + "</tr>" for cells in rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


_CSS = """
:root { color-scheme: light; }
body { font: 15px/1.5 "Noto Sans CJK SC", "Source Han Sans SC", "PingFang SC",
  "Microsoft YaHei", "Noto Sans", system-ui, sans-serif; color: #1b2430; max-width: 60rem;
  margin: 2rem auto; padding: 0 1rem; }
article + article { border-top: 2px solid #1b2430; margin-top: 2.5rem; padding-top: 1rem; }
h1 { font-size: 1.6rem; margin: 0 0 .5rem; } h2 { font-size: 1.15rem; margin: 1.5rem 0 .4rem; }
.note { font-weight: 600; color: #8a2c0d; margin: .2rem 0; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .15rem 1rem; margin: 1rem 0; }
dt { color: #55606e; } dd { margin: 0; font-weight: 600; }
table { border-collapse: collapse; width: 100%; font-size: .9rem; }
th, td { text-align: left; padding: .3rem .5rem; border-bottom: 1px solid #d5dae0;
  vertical-align: top; }
th { background: #eef1f4; } td:nth-child(n+4) { font-variant-numeric: tabular-nums; }
@media print { body { margin: 0; font-size: 11px; } article + article { break-before: page; } }
"""

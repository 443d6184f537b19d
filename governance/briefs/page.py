"""One template for the brief: HTML, in Chinese or English, from which the PDF is made, too."""

from __future__ import annotations

from html import escape
from typing import Literal
from zoneinfo import ZoneInfo

from governance.briefs.store import Brief
from governance.indicators.definitions import INDICATORS
from governance.posts.roles import role_name

Lang = Literal["zh", "en"]
MOST_CLASSES = 10
MOST_CASES = 12
WORDS: dict[str, tuple[str, str]] = {
    "title": ("网格月度简报", "Monthly brief"),
    "simulated": ("模拟数据", "SIMULATED DATA"),
    "written": ("生成时间", "Written"),
    "households": ("户", "households"),
    "said": ("本月要点", "In short"),
    "classes": ("各类问题", "Problems by class"),
    "class": ("类别", "Class"),
    "month": ("本月", "This month"),
    "before": ("前三月月均", "Mean of three months before"),
    "change": ("变化", "Change"),
    "indicators": ("指标", "Indicators"),
    "indicator": ("指标", "Indicator"),
    "value": ("数值", "Value"),
    "counted": ("分子 / 分母", "Good / due"),
    "grade": ("等次", "Grade"),
    "definition": ("定义", "Definition"),
    "open": ("在办案件", "Open cases"),
    "number": ("编号", "Number"),
    "state": ("状态", "State"),
    "due": ("期限", "Deadline"),
    "late": ("逾期", "late"),
    "none": ("无", "none"),
    "note": (
        "巡查发现的问题只出现在巡查到的地方，不能单独说明需求；未巡查不等于安全。",
        "What patrols find exists only where they went and is no plain evidence of need; ground "
        "that nobody patrolled is unknown, not safe.",
    ),
}
STYLE = """
@page { size: A4; margin: 18mm 16mm; @bottom-right { content: counter(page) " / " counter(pages);
  font-size: 8pt; color: #5a6672; } }
body { font: 10pt/1.5 "Noto Sans CJK SC", "Noto Sans SC", "Source Han Sans SC", "PingFang SC",
  "Microsoft YaHei", sans-serif; color: #16212b; max-width: 46rem; margin: 0 auto; }
h1 { font-size: 17pt; margin: 0; } h2 { font-size: 12pt; margin: 6mm 0 1mm; }
.sub { color: #46535f; margin: 0 0 2mm; }
.mark { color: #7d1109; font-weight: 600; }
table { border-collapse: collapse; width: 100%; } caption { text-align: left; color: #46535f; }
th, td { text-align: left; padding: 1mm 2mm; border-bottom: 0.2mm solid #ccd4db;
  vertical-align: top; }
th { background: #eef1f4; } .n { text-align: right; font-variant-numeric: tabular-nums; }
.small { font-size: 8pt; color: #46535f; }
"""


def brief_html(brief: Brief, *, lang: Lang, zone: ZoneInfo) -> str:
    """Return the brief as a page of its own; every word of the data is escaped."""
    name = brief.name if lang == "zh" else brief.name_en
    month = f"{brief.period.start:%Y-%m}"
    title = f"{_say('title', lang)} {month} · {name}"
    mark = f'<p class="mark">{_say("simulated", lang)}</p>' if brief.simulated else ""
    homes = f"{brief.households:,} {_say('households', lang)} · " if brief.households else ""
    parts = [
        f'<!doctype html><html lang="{"zh-CN" if lang == "zh" else "en"}"><head>',
        f'<meta charset="utf-8"><title>{escape(title)}</title><style>{STYLE}</style></head><body>',
        f"<main><h1>{escape(title)}</h1>{mark}",
        f'<p class="sub">{escape(brief.code)} · {homes}{_say("written", lang)} '
        f"{brief.written_at.astimezone(zone):%Y-%m-%d %H:%M}</p>",
        f"<h2>{_say('said', lang)}</h2><ul>",
        *(f"<li>{escape(line)}</li>" for line in sentences(brief, lang=lang)),
        f"</ul><h2>{_say('classes', lang)}</h2>",
        _classes(brief, lang),
        f"<h2>{_say('indicators', lang)}</h2>",
        _indicators(brief, lang),
        f"<h2>{_say('open', lang)}</h2>",
        _cases(brief, lang, zone),
        f'<p class="small">{_say("note", lang)}</p></main></body></html>',
    ]
    return "\n".join(parts)


def brief_pdf(html: str) -> bytes:
    """Return the page as a PDF; nothing is fetched from anywhere."""
    from weasyprint import HTML  # heavy: a command that writes HTML alone does not wait for it

    made: bytes = HTML(string=html).write_pdf()
    return made


def sentences(brief: Brief, *, lang: Lang) -> list[str]:
    """Return what the month says in a few sentences."""
    zh = lang == "zh"
    now = int(brief.classes["incidents"].sum())
    lines = [f"本月记录问题{now}件。" if zh else f"{now} problems were recorded this month."]
    known = brief.classes["before"].notna().all() and len(brief.classes) > 0
    if known:
        before = float(brief.classes["before"].sum())
        lines[0] = (
            f"本月记录问题{now}件，前三月月均{before:.1f}件。" if zh
            else f"{now} problems were recorded, against {before:.1f} a month before."
        )  # fmt: skip
        top = brief.classes.iloc[0]
        rise = float(top["incidents"]) - float(top["before"])
        if rise > 2 * max(float(top["before"]), 1.0) ** 0.5:
            lines.append(
                f"上升最多：{top['name']}，{top['incidents']}件，月均{float(top['before']):.1f}件。"
                if zh else
                f"Rose most: {top['name_en']}, {top['incidents']} against "
                f"{float(top['before']):.1f} a month."
            )  # fmt: skip
    late, open_ = int(brief.open_cases["late"].sum()), len(brief.open_cases)
    lines.append(
        f"在办案件{open_}件，其中逾期{late}件。" if zh else f"{open_} cases are open, {late} late."
    )
    if brief.vacant:
        names = [role_name(role)[0 if zh else 1] for role in brief.vacant]
        lines.append(f"缺岗：{'、'.join(names)}。" if zh else f"Vacant: {', '.join(names)}.")
    if brief.found_by_patrol is not None:
        share = float(brief.found_by_patrol)
        lines.append(
            f"其中{share:.0%}由巡查发现。" if zh else f"Patrols found {share:.0%} of the problems."
        )
    return lines


def _say(word: str, lang: Lang) -> str:
    return WORDS[word][0 if lang == "zh" else 1]


def _table(heads: list[str], rows: list[list[str]], lang: Lang) -> str:
    if not rows:
        return f"<p>{_say('none', lang)}</p>"
    numbers = [cell.startswith('<td class="n">') for cell in rows[0]]
    head = "".join(
        f'<th scope="col"{" class=n" if number else ""}>{escape(text)}</th>'
        for text, number in zip(heads, numbers, strict=True)
    )
    body = "".join(f"<tr>{''.join(cells)}</tr>" for cells in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _cell(text: str, *, number: bool = False) -> str:
    return f'<td class="n">{escape(text)}</td>' if number else f"<td>{escape(text)}</td>"


def _classes(brief: Brief, lang: Lang) -> str:
    rows = []
    for row in (
        brief.classes.sort_values("incidents", ascending=False)
        .head(MOST_CLASSES)
        .to_dict("records")
    ):
        before = row["before"]
        change = "—" if before is None else f"{row['incidents'] - float(before):+.1f}"
        rows.append([
            _cell(str(row["name" if lang == "zh" else "name_en"])),
            _cell(str(row["incidents"]), number=True),
            _cell("—" if before is None else f"{float(before):.1f}", number=True),
            _cell(change, number=True),
        ])  # fmt: skip
    return _table([_say(w, lang) for w in ("class", "month", "before", "change")], rows, lang)


def _indicators(brief: Brief, lang: Lang) -> str:
    rows = []
    for row in brief.indicators.to_dict("records"):
        item = INDICATORS[str(row["indicator"])]
        zh = lang == "zh"
        words = f"{item.good_zh} / {item.due_zh}" if zh else f"{item.good_en} / {item.due_en}"
        value = "—" if row["value"] is None else f"{row['value']:.1%}"
        rows.append([
            f"<td>{escape(item.zh if zh else item.en)}"
            f'<br><span class="small">{escape(words)}</span></td>',
            _cell(value, number=True), _cell(f"{row['good']} / {row['due']}", number=True),
            _cell(str(row["grade"] or "—")),
        ])  # fmt: skip
    heads = [_say(w, lang) for w in ("indicator", "value", "counted", "grade")]
    return _table(heads, rows, lang)


def _cases(brief: Brief, lang: Lang, zone: ZoneInfo) -> str:
    rows = []
    for row in brief.open_cases.head(MOST_CASES).to_dict("records"):
        due = row["due_at"]
        when = "—" if due is None or due != due else f"{due.astimezone(zone):%Y-%m-%d %H:%M}"
        late = f" {_say('late', lang)}" if row["late"] else ""
        rows.append([
            _cell(str(row["number"])),
            _cell(str(row["class" if lang == "zh" else "class_en"] or "—")),
            _cell(str(row["state"])), _cell(when + late),
        ])  # fmt: skip
    more = len(brief.open_cases) - MOST_CASES
    rest = f'<p class="small">+ {more}</p>' if more > 0 else ""
    return _table([_say(w, lang) for w in ("number", "class", "state", "due")], rows, lang) + rest

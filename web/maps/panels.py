"""The words around a map: head, side panel, and the box that the law asks for."""

from __future__ import annotations

from datetime import timedelta
from html import escape

from web.i18n import Lang, say
from web.maps.layers import MapMeta

MOST_CHANGES = 8


def head_html(meta: MapMeta, lang: Lang) -> str:
    """Return the head: place, plan date, data window, and whether the data are made up."""
    name = {"zh": meta.name_zh, "en": meta.name_en, "both": f"{meta.name_zh} {meta.name_en}"}[lang]
    lines = [f"<h1>{escape(name)} · {escape(say(meta.key('title'), lang))}</h1>"]
    if meta.plan_date is not None:
        status = f" · {say('draft', lang)}" if meta.plan_status == "draft" else ""
        text = f"{say('plan_date', lang)} {meta.plan_date.isoformat()}{status}"
        lines.append(f"<p>{escape(text)}</p>")
    if meta.simulated:
        lines.append(f'<strong class="gb-simulated">{escape(say("simulated", "both"))}</strong>')
    return f'<header class="gb-head">{"".join(lines)}</header>'


def info_box_html(meta: MapMeta, lang: Lang) -> str:
    """Return the box in the lower left: approval number or notice, data date, CRS."""
    lines = []
    if meta.approval_no:
        lines.append(_approval(f"{say('approval', lang)}：{meta.approval_no}"))
    if meta.audience == "internal":
        lines.append(_approval(say("internal", lang)))
    if meta.simulated:
        lines.append(_approval(say("simulated", "both")))
    lines.append(f"<p>{escape(say(meta.key('data_window'), lang))}: {escape(_window(meta))}</p>")
    lines.append(
        f"<p>{escape(say('crs', lang))}: WGS 84 (EPSG:4326); {escape(meta.metric_crs)}</p>"
    )
    return f'<aside class="gb-box" id="gb-box">{"".join(lines)}</aside>'


def side_html(meta: MapMeta, lang: Lang) -> str:
    """Return the side panel: room for layer switch and legend, then where it all comes from."""
    return (
        '<aside class="gb-side">'
        f"{_changes(meta, lang)}"
        f'<section id="gb-switch" aria-label="{escape(say("layers", lang))}">'
        f"<h2>{escape(say('layers', lang))}</h2></section>"
        f'<section id="gb-legend" aria-label="{escape(say("legend", lang))}">'
        f"<h2>{escape(say('legend', lang))}</h2></section>"
        f'<section class="gb-about">{_about(meta, lang)}</section>'
        "</aside>"
    )


def _changes(meta: MapMeta, lang: Lang) -> str:
    """Return the list of what changed, first of all: it is why one looks every week."""
    if meta.changes is None or meta.audience == "public":
        return ""
    languages = (0, 1) if lang == "both" else (int(lang == "en"),)
    items = "".join(
        f"<li>{''.join(f'<p>{escape(sentences[one])}</p>' for one in languages)}</li>"
        for sentences in meta.changes[:MOST_CHANGES]
    )
    rest = len(meta.changes) - MOST_CHANGES
    more = f"<p class=gb-note>+ {rest}</p>" if rest > 0 else ""
    body = f"<ol>{items}</ol>{more}" if items else f"<p>{escape(say('no_change', lang))}</p>"
    title = escape(say("changes", lang))
    return f'<section id="gb-changes" aria-label="{title}"><h2>{title}</h2>{body}</section>'


def _about(meta: MapMeta, lang: Lang) -> str:
    facts = {
        "made_at": f"{meta.made_at:%Y-%m-%d %H:%M %Z}",
        "generator": f"Gridbeat 巡格 {meta.code_version}",
    }
    body = _facts({say(key, lang): value for key, value in facts.items()})
    sources = "".join(f"<li>{escape(source)}</li>" for source in meta.sources)
    if sources:
        body += f'<h3 class="gb-result">{escape(say("sources", lang))}</h3>'
        body += f'<ul class="gb-sources">{sources}</ul>'
    notes = [
        say(meta.key("method_note"), one) for one in (("zh", "en") if lang == "both" else (lang,))
    ]
    details = "".join(f'<p class="gb-note">{escape(note)}</p>' for note in notes)
    for result, values in meta.parameters.items():
        details += f'<h3 class="gb-result">{escape(result)}</h3>'
        details += _facts({key: str(value) for key, value in values.items()})
    title = escape(say("parameters", lang))
    return f"{body}<details><summary>{title}</summary>{details}</details>"


def _facts(facts: dict[str, str]) -> str:
    rows = "".join(f"<dt>{escape(k)}</dt><dd>{escape(v)}</dd>" for k, v in facts.items())
    return f"<dl>{rows}</dl>"


def _approval(text: str) -> str:
    return f'<p class="gb-approval">{escape(text)}</p>'


def _window(meta: MapMeta) -> str:
    """Return first and last day, or the only one; the window's end is not part of it."""
    first = f"{meta.data_from:%Y-%m-%d}"
    last = f"{meta.data_until - timedelta(microseconds=1):%Y-%m-%d}"
    return first if first == last else f"{first} – {last}"

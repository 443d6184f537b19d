/** The wall's panel of cases: what is late, open by level, solved at its level, today's flow. */

import { call } from "../shared/api";
import { dueClock, levelWord, nameLevels, runClocks, stateWord } from "../shared/cases";
import { h } from "../shared/dom";
import { redraw } from "../shared/redraw";
import { clock, language, named, number, translator } from "../shared/words";

interface Late {
  case_id: number;
  number: string;
  level: string;
  state: string;
  due_at: string;
  lon: number;
  lat: number;
  area_id: number | null;
  area: string | null;
  area_en: string | null;
  class: string | null;
  class_en: string | null;
}

interface Cases {
  due: { overdue: number; soon: number; later: number; none: number };
  levels: { level: string; names: [string, string] | null; open: number; overdue: number; closed: number }[];
  closed: { cases: number; at_level: number };
  flow: Record<"reported" | "filed" | "dispatched" | "resolved" | "closed" | "climbed", number>;
  late: Late[];
  as_of: string;
}

const FLOW = ["reported", "filed", "dispatched", "resolved", "closed", "climbed"] as const;
const AGAIN_MS = 30_000;

const t = translator({
  cases: ["案件", "Cases"],
  overdue: ["逾期", "overdue"],
  soon: ["4小时内到期 {n}", "{n} due in 4 h"],
  open: ["在办 {n}", "{n} open"],
  level: ["层级", "Level"],
  level_open: ["在办", "Open"],
  level_overdue: ["逾期", "Overdue"],
  level_closed: ["30天结案", "Closed, 30 d"],
  solved: ["未上报即结案 {p}%（30天 {m}/{n}件）", "Solved at level {p} % ({m} of {n} in 30 days)"],
  solved_unknown: ["30天内无结案，本级办结率未知", "Nothing closed in 30 days: solved at level unknown"],
  today: ["今日", "Today"],
  flow_reported: ["上报", "reported"],
  flow_filed: ["立案", "filed"],
  flow_dispatched: ["派遣", "dispatched"],
  flow_resolved: ["处置", "resolved"],
  flow_closed: ["结案", "closed"],
  flow_climbed: ["上升", "climbed"],
  as_of: ["截至 {at}", "as of {at}"],
  none_late: ["没有逾期或临期案件", "No case is late or soon due"],
});

export class CasePanel {
  private readonly place = h("section", { class: "panel cases", "aria-labelledby": "panel-cases" });
  private heard = 0;
  private waiting = 0;

  constructor(
    side: HTMLElement,
    private readonly code: string | null,
    private readonly zone: string,
    private readonly goTo: (lon: number, lat: number, area: number | null) => void,
  ) {
    side.append(this.place);
    runClocks(() => 0);
    void this.load();
    window.setInterval(() => void this.load(), AGAIN_MS); // what nobody moves becomes late by itself
  }

  /** A case moved: look anew, many moves at once. */
  hear(at: number): void {
    this.heard = Math.max(this.heard, at);
    this.loadSoon(800);
  }

  private loadSoon(ms: number): void {
    window.clearTimeout(this.waiting);
    this.waiting = window.setTimeout(() => void this.load(), ms * (1 + Math.random()));
  }

  private async load(): Promise<void> {
    const query = this.code === null ? "" : `?jurisdiction=${encodeURIComponent(this.code)}`;
    try {
      const told = await call<Cases>(`/api/v1/wall/cases${query}`);
      this.draw(told);
      // The server keeps its answer for some seconds: ask again until it knows of what was heard.
      if (Date.parse(told.as_of) / 1000 < this.heard) this.loadSoon(2000);
    } catch {
      // The wall's own banner says that the server is away; the panel keeps the time that it is of.
    }
  }

  private draw(told: Cases): void {
    const { due, closed } = told;
    const open = due.overdue + due.soon + due.later + due.none;
    const solved = closed.cases === 0
      ? t("solved_unknown")
      : t("solved", { p: number((100 * closed.at_level) / closed.cases), m: number(closed.at_level), n: number(closed.cases) });
    redraw(
      this.place,
      h("h2", { id: "panel-cases" }, t("cases")),
      h("p", { class: "as-of" }, t("as_of", { at: clock(new Date(told.as_of), this.zone) })),
      h(
        "div",
        { class: "headline" },
        h("p", { class: "big", "data-overdue": due.overdue }, number(due.overdue)),
        h("p", { class: due.overdue > 0 ? "verdict above" : "verdict within" }, t("overdue"), h("span", {}, `${t("soon", { n: number(due.soon) })} · ${t("open", { n: number(open) })}`)),
      ),
      this.levels(told),
      h("p", { class: "hint", "data-spare": 0.8 }, solved),
      h("p", { class: "hint flow", "data-spare": 0.9 }, `${t("today")}${language() === "en" ? ": " : "："}`, ...FLOW.map((one) => h("span", {}, `${t(`flow_${one}`)} `, h("b", {}, number(told.flow[one]))))),
      this.late(told.late),
    );
  }

  private levels(told: Cases): HTMLElement {
    nameLevels(Object.fromEntries(told.levels.map((row) => [row.level, row.names])));
    const head = [t("level"), t("level_open"), t("level_overdue"), t("level_closed")].map((word) => h("th", { scope: "col" }, word));
    const rows = told.levels.map((row) =>
      h("tr", { "data-level": row.level }, h("th", { scope: "row" }, levelWord(row.level)),
        h("td", {}, number(row.open)), h("td", { class: row.overdue > 0 ? "bad" : null }, number(row.overdue)), h("td", {}, number(row.closed))),
    );
    return h("table", { class: "levels", "data-spare": 0.7 }, h("thead", {}, h("tr", {}, ...head)), h("tbody", {}, ...rows));
  }

  private late(late: Late[]): HTMLElement {
    if (late.length === 0) return h("p", { class: "nothing" }, t("none_late"));
    return h(
      "ol",
      { class: "late" },
      ...late.slice(0, 4).map((one) =>
        h(
          "li",
          { "data-late": one.case_id, "data-spare": 5 },
          h("button", { type: "button", class: "plain", onclick: () => this.goTo(one.lon, one.lat, one.area_id) },
            `${one.class === null ? one.number : named({ name: one.class, name_en: one.class_en })} · ${one.area === null ? "—" : named({ name: one.area, name_en: one.area_en })}`),
          h("span", { class: "when" }, `${levelWord(one.level)} · ${stateWord(one.state)}`),
          dueClock(one.due_at),
        ),
      ),
    );
  }
}

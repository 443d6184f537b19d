/** The panels beside the map: each number with the time that it is of. */

import { h } from "../shared/dom";
import { redraw } from "../shared/redraw";
import { ago, clock, language, named, number } from "../shared/words";
import { hourChart, intervalChart, shareBar, weekLine } from "./chart";
import type { Alert, Grid, Mover, WallState } from "./data";
import { t, type Word } from "./words";

/** So many alerts fit beside the other panels; the rest is counted. */
const SHOWN = 3;

/** The worker looks every minute: later than this, no alert says nothing. */
const WATCHED_S = 300;

/** What makes room for a legend of many layers, and for alerts, the highest first. */
const SPARE: Record<string, number> = { plan: 0.5, looks: 1, movers: 0.6 };

export interface PanelDoes {
  goTo: (lon: number, lat: number, area: number | null) => void;
  acknowledge: ((alert: Alert) => void) | null;
}

export class Panels {
  private readonly places: Record<string, HTMLElement> = {};

  constructor(
    private readonly left: HTMLElement,
    private readonly right: HTMLElement,
    private readonly does: PanelDoes,
  ) {
    for (const [name, side] of [["today", left], ["plan", left], ["looks", left], ["alerts", right], ["movers", right]] as const) {
      const made = h("section", { class: `panel ${name}`, "aria-labelledby": `panel-${name}`, "data-spare": SPARE[name] });
      this.places[name] = made;
      side.append(made);
    }
  }

  /** Which side this screen shows: the first the numbers, the last what to do; one screen both. */
  arrange(column: number, across: number): void {
    this.left.hidden = column !== 1;
    this.right.hidden = column !== across;
  }

  draw(state: WallState): void {
    const zone = state.place.time_zone;
    const asOf = clock(new Date(state.as_of * 1000), zone, { day: state.is_old });
    this.fill("today", state.is_old ? t("today_of", { day: state.today.day }) : t("today"), asOf, todayPanel(state));
    const made = state.plan ? clock(new Date(state.plan.made_at * 1000), zone, { day: true }) : asOf;
    this.fill("plan", t("plan"), made, planPanel(state));
    const seen = state.looks ? clock(new Date(state.looks.last_at * 1000), zone, { day: true }) : asOf;
    this.fill("looks", t("looks"), seen, looksPanel(state));
    this.fill("movers", t("movers"), asOf, this.moversPanel(state));
    this.drawAlerts(state, new Date());
  }

  drawAlerts(state: WallState, now: Date): void {
    const alerts = state.alerts;
    const zone = state.place.time_zone;
    const unwatched = notWatched(state.watched_at, zone, now);
    const waiting = alerts.filter((alert) => alert.acknowledged_at === null).length;
    const head = waiting > 0 ? t("waiting", { n: waiting }) : "";
    const list = h("ol", { class: "alerts-list" }, ...alerts.slice(0, SHOWN).map((alert) => this.alert(alert, zone, now)));
    const at = t("as_of", { at: clock(unwatched && state.watched_at !== null ? new Date(state.watched_at * 1000) : now, zone, { day: unwatched !== null }) });
    const parts = [
      h("h2", { id: "panel-alerts" }, t("alerts"), head ? h("span", { class: "count" }, head) : null),
      state.watched_at === null ? null : h("p", { class: "as-of" }, at),
      unwatched === null ? null : h("p", { class: "verdict unknown" }, unwatched),
      alerts.length > 0 ? list : unwatched === null ? h("p", { class: "nothing" }, t("no_alerts")) : null,
      alerts.length > SHOWN ? h("p", { class: "hint" }, t("more_alerts", { n: alerts.length - SHOWN })) : null,
    ];
    redraw(this.places.alerts!, ...parts);
    this.places.alerts!.classList.toggle("urgent", alerts.some((a) => a.acknowledged_at === null && a.severity === 3));
  }

  private alert(alert: Alert, zone: string, now: Date): HTMLLIElement {
    const title = language() === "en" ? alert.title_en : alert.title_zh;
    const age = ago(now.getTime() / 1000 - alert.raised_at);
    const place = alert.lon === null || alert.lat === null ? null : ([alert.lon, alert.lat] as const);
    const name = place
      ? h("button", { type: "button", class: "plain", onclick: () => this.does.goTo(place[0], place[1], alert.area_id) }, title)
      : h("span", {}, title);
    const state = alert.acknowledged_at === null
      ? this.does.acknowledge && h("button", { type: "button", class: "main", onclick: () => this.does.acknowledge?.(alert) }, t("acknowledge"), h("span", { class: "quiet" }, ` ${title}`))
      : h("span", { class: "done" }, t("acknowledged", { who: alert.acknowledged_by ?? "", at: clock(new Date(alert.acknowledged_at * 1000), zone) }));
    return h(
      "li", { class: `alert s${alert.severity} ${alert.acknowledged_at === null ? "open" : "taken"}`, "data-alert": alert.alert_id },
      h("span", { class: "severity" }, t(`severity_${alert.severity}` as Word)),
      h("div", { class: "what" }, name, h("span", { class: "when" }, age, alert.times > 1 ? ` · ${t("times", { n: alert.times })}` : "")),
      state || null,
    );
  }

  private moversPanel(state: WallState): HTMLElement[] {
    const grids = new Map(state.grids.map((grid) => [grid.area_id, grid]));
    if (state.movers.up.length + state.movers.down.length === 0) return [h("p", { class: "nothing" }, t("no_movers"))];
    const table = (word: Word, list: Mover[]): HTMLElement =>
      h("div", { class: `mover-list ${word}` }, h("h3", {}, t(word)), h("ul", {}, ...list.slice(0, 3).map((mover, place) => this.mover(mover, place, grids.get(mover.area_id)))));
    return [h("p", { class: "hint", "data-spare": 4 }, t("movers_hint")), table("up", state.movers.up), table("down", state.movers.down)];
  }

  private mover(mover: Mover, place: number, grid: Grid | undefined): HTMLElement | null {
    if (grid === undefined) return null;
    const name = named(grid);
    const trend = grid.trend === "rising" || grid.trend === "falling" ? t(grid.trend) : "";
    return h(
      "li", { "data-spare": place || null },
      h("button", { type: "button", class: "plain", title: t("show_here", { name }), onclick: () => this.does.goTo(grid.lon, grid.lat, grid.area_id) }, name),
      weekLine(grid.weeks, `${name}: ${grid.weeks.join(", ")}`) as unknown as HTMLElement,
      h("span", { class: "figure" }, `${number(mover.before)} → ${number(mover.after)}`),
      trend ? h("span", { class: `tag ${grid.trend}` }, trend) : null,
    );
  }

  private fill(name: string, title: string, asOf: string, content: (HTMLElement | SVGElement | null)[]): void {
    redraw(
      this.places[name]!,
      h("h2", { id: `panel-${name}` }, title),
      h("p", { class: "as-of" }, t("as_of", { at: asOf })),
      ...content,
    );
  }
}

/** Why an empty list of alerts would say nothing; null while somebody looks for them. */
function notWatched(at: number | null, zone: string, now: Date): string | null {
  if (at === null) return t("never_watched");
  return now.getTime() / 1000 - at > WATCHED_S ? t("not_watched", { at: clock(new Date(at * 1000), zone, { day: true }) }) : null;
}

function todayPanel(state: WallState): (HTMLElement | SVGElement | null)[] {
  const today = state.today;
  const big = h("p", { class: "big" }, number(today.counted));
  const chart = h("div", { "data-spare": 1.5 }, hourChart(today.hours, today.expected_hours, today.hour, `${t("by_hour")}: ${today.hours.join(", ")}`) as unknown as HTMLElement);
  const all = h("p", { class: "hint", "data-spare": 3 }, t("all_found", { n: number(today.found) }));
  if (today.expected === null) {
    const why = today.why === "forecast_over" ? t("forecast_over", { from: today.forecast_from ?? "" }) : t(today.why as Word);
    return [h("div", { class: "headline" }, big, h("p", { class: "verdict unknown" }, why)), chart, all];
  }
  const [low, high] = [today.low_now!, today.high_now!];
  const verdict: Word = today.counted > high ? "above" : today.counted < low ? "below" : "within";
  const now = t("expected_now", { n: number(today.expected_now!), low: number(low), high: number(high) });
  return [
    h("div", { class: "headline" }, big, h("p", { class: `verdict ${verdict}` }, t(verdict), h("span", {}, now))),
    intervalChart(low, today.expected_now!, high, today.counted, `${today.counted}; ${now}`),
    chart,
    h("p", { class: "hint", "data-spare": 2 }, t("expected_day", {
      n: number(today.expected), low: number(today.low!), high: number(today.high!), share: Math.round((today.interval ?? 0.9) * 100),
    })),
    all,
  ];
}

function planPanel(state: WallState): (HTMLElement | SVGElement | null)[] {
  const plan = state.plan;
  if (plan === null) return [h("p", { class: "nothing" }, t("no_plan"))];
  const share = plan.done_h === null ? null : plan.done_h / Math.max(plan.planned_h, 0.01);
  return [
    h(
      "div", { class: "headline" },
      h("p", { class: "big" }, share === null ? "—" : `${number(100 * Math.min(1, share))}`, share === null ? null : h("small", {}, "%")),
      h("p", { class: share === null ? "verdict unknown" : "verdict" }, share === null ? t("done_unknown") : t("done", { n: number(plan.done_h!, 1) }), h("span", {}, t(share === null ? "planned_untracked" : "planned", { n: number(plan.planned_h) }))),
    ),
    share === null ? null : shareBar([{ value: Math.min(1, share), kind: "done" }, { value: Math.max(0, 1 - share), kind: "rest" }], `${Math.round(share * 100)} %`),
    h("p", { class: "hint" }, `${t("plan_of", { day: plan.day, version: plan.version })} · ${t(`status_${plan.status}` as Word)}`),
    plan.grids_begun === null ? null : h("p", { class: "hint" }, t("grids_begun", { n: plan.grids_begun, all: plan.grids })),
  ];
}

function looksPanel(state: WallState): (HTMLElement | SVGElement | null)[] {
  const looks = state.looks;
  if (looks === null) {
    return [h("div", { class: "headline" }, h("p", { class: "big" }, "—"), h("p", { class: "verdict unknown" }, t("looks_unknown")))];
  }
  const percent = (share: number): string => `${number(100 * share)} %`;
  const rest = Math.max(0, 1 - looks.week - looks.never);
  return [
    h(
      "div", { class: "headline" },
      h("p", { class: "big" }, number(100 * looks.day), h("small", {}, "%")),
      h("p", { class: "verdict" }, t("looks_day"), h("span", {}, `${t("looks_week")} ${percent(looks.week)} · ${t("looks_never")} ${percent(looks.never)}`)),
    ),
    shareBar(
      [{ value: looks.day, kind: "day" }, { value: Math.max(0, looks.week - looks.day), kind: "week" }, { value: rest, kind: "old" }, { value: looks.never, kind: "never" }],
      `${t("looks_day")} ${percent(looks.day)}, ${t("looks_week")} ${percent(looks.week)}, ${t("looks_never")} ${percent(looks.never)}`,
    ),
    h("p", { class: "hint", "data-spare": 4 }, t("looks_median", { ago: ago(looks.median_s) })),
  ];
}

/** What is in a plan beside its hours: changes, routes, camera rounds, drones, done, history. */

import { h } from "../shared/dom";
import { clock, language, number } from "../shared/words";
import { fileOf, type Changes, type DoneRow, type Flight, type PlanView, type Round, type Routes } from "./data";
import { signed } from "./grids";
import { t } from "./words";

type Rows = (string | Node)[][];

function table(heads: string[], rows: Rows): HTMLElement {
  return h(
    "table",
    {},
    h("thead", {}, h("tr", {}, ...heads.map((one) => h("th", { scope: "col" }, one)))),
    h("tbody", {}, ...rows.map((row) => h("tr", {}, ...row.map((cell) => h("td", {}, cell))))),
  );
}

const note = (text: string): HTMLElement => h("p", { class: "note" }, text);
const link = (href: string, text: string): HTMLElement => h("a", { href, target: "_blank", rel: "noopener" }, text);

export function changesTab(changes: Changes | null, names: Map<number, string>, choose: (areaId: number) => void): HTMLElement {
  if (changes === null || changes.before === null) return h("div", {}, note(changes?.sentences[0] ?? ""));
  return h(
    "div",
    {},
    h("h3", {}, t("compared_with", { day: changes.before_day ?? "", plan: changes.before })),
    h("ul", { class: "sentences" }, ...changes.sentences.map((one) => h("li", {}, one))),
    table(
      [t("grid"), t("h"), t("reason")],
      changes.rows.map((row) => [
        h("button", { type: "button", class: "link", onclick: () => choose(row.area_id) }, names.get(row.area_id) ?? row.name),
        h("span", { class: row.change_min > 0 ? "up" : "down" }, signed(row.change_min / 60)),
        row.why,
      ]),
    ),
  );
}

/** A day of a plan with its weekday, in the language of the page. */
export function dayName(day: string): string {
  const weekday = new Intl.DateTimeFormat(language() === "en" ? "en-GB" : "zh-CN", { weekday: "short", timeZone: "UTC" });
  return `${day} ${weekday.format(new Date(`${day}T12:00:00Z`))}`;
}

/** Routes of a plan, of the chosen day where it has several, with what units carry. */
export function routesTab(plan: PlanView, routes: Routes | null, zone: string, day: string | null, names: Map<number, string>): HTMLElement {
  const id = plan.plan.plan_id;
  const ofDay = (values: Record<string, string> = {}): Record<string, string> => ({ ...values, ...(day === null ? {} : { day }) });
  if (routes === null) return h("div", {}, note(t("no_routes")));
  const files = h(
    "p",
    { class: "files" },
    link(fileOf(id, "sheets.html", ofDay()), t("sheets")),
    link(fileOf(id, "sheets.pdf", ofDay({ both: "true" })), "PDF"),
    link(fileOf(id, "calendar.ics", ofDay()), "iCalendar"),
    link(fileOf(id, "routes.gpx", ofDay()), "GPX"),
    link(fileOf(id, "routes.geojson", ofDay()), "GeoJSON"),
    day === null ? link(fileOf(id, "areas.csv"), "CSV") : null,
  );
  const whole = day === null ? null : h(
    "p",
    { class: "files" },
    t("all_days"),
    link(fileOf(id, "sheets.html"), t("sheets")),
    link(fileOf(id, "calendar.ics"), "iCalendar"),
    link(fileOf(id, "routes.gpx"), "GPX"),
    link(fileOf(id, "routes.geojson"), "GeoJSON"),
    link(fileOf(id, "areas.csv"), "CSV"),
  );
  const ways = routes.features.filter((one) => one.properties.kind === "route");
  const cards = ways.map((way) => {
    const unit = String(way.properties.unit);
    const stops = routes.features.filter((one) => one.properties.kind === "stop" && one.properties.route_id === way.properties.route_id);
    const visits = stops.filter((one) => one.properties.stop_ref !== "rest");
    const time = (value: unknown): string => clock(new Date(String(value)), zone);
    return h(
      "details",
      {},
      h("summary", {}, h("strong", {}, unit), ` ${t(String(way.properties.mode) as "foot")} · ${time(way.properties.starts_at)}–${time(way.properties.ends_at)} · ${t(visits.length === 1 ? "one_stop" : "stops", { n: visits.length, km: number(Number(way.properties.travel_m) / 1000, 1) })}`),
      h("ol", {}, ...visits.map((stop) => h("li", {}, `${time(stop.properties.start_at)}–${time(stop.properties.leave_at)} ${names.get(Number(stop.properties.area_id)) ?? stop.properties.stop_ref}`, stop.properties.must ? h("b", { class: "must" }, ` ${t("must")}`) : null))),
      h("p", { class: "files" }, link(fileOf(id, "sheets.html", ofDay({ unit })), `${t("sheet")} ${unit}`), link(fileOf(id, "sheets.pdf", ofDay({ unit })), "PDF")),
    );
  });
  return h("div", {}, h("h3", {}, t("files")), files, whole, ...cards);
}

export function roundsTab(rounds: Round[], zone: string): HTMLElement {
  if (rounds.length === 0) return h("div", {}, note(t("no_rounds")));
  return h(
    "div",
    {},
    ...rounds.map((round) => {
      const slots = new Map<string, Round["looks"]>();
      for (const look of round.looks) {
        const slot = `${look.due_at} ${look.watcher}`;
        slots.set(slot, [...(slots.get(slot) ?? []), look]);
      }
      const cameras = new Set(round.looks.map((look) => look.camera_id)).size;
      return h(
        "section",
        {},
        h("h3", {}, t("looks", { n: round.looks.length, cameras, watchers: round.watchers })),
        table(
          [t("when"), t("watcher"), t("cameras")],
          [...slots.values()].slice(0, 60 * round.watchers).map((looks) => [clock(new Date(looks[0]!.due_at), zone), String(looks[0]!.watcher), looks.map((look) => look.camera_name).join(t("and"))]),
        ),
      );
    }),
  );
}

export function flightsTab(planId: number, flights: Flight[], zone: string): HTMLElement {
  if (flights.length === 0) return h("div", {}, note(t("no_flights")));
  return h(
    "div",
    {},
    ...flights.map((flight) =>
      h(
        "section",
        { class: "flight" },
        h("h3", {}, `${flight.mission} · ${flight.flight_no} · ${flight.drone}`),
        h("p", {}, t("takes_off", { at: clock(new Date(flight.takes_off_at), zone, { day: true }), min: number(flight.duration_s / 60, 1) })),
        h("p", { class: flight.may_fly ? "verdict good" : "verdict bad" }, t(flight.may_fly ? "may_fly" : "may_not_fly")),
        flight.due_at ? h("p", { class: "warn" }, t("apply_by", { at: clock(new Date(flight.due_at), zone, { day: true }) })) : null,
        h("ul", {}, ...flight.breaches.map((one) => h("li", {}, h("b", { class: one.weight === "refused" ? "must" : "warn" }, t(one.weight)), ` ${one.words}${one.article ? ` (§${one.article})` : ""}`))),
        note(flight.ground),
        flight.may_fly
          ? h("p", { class: "files" }, t("mission_file"), ...["plan", "waypoints", "kmz", "kml", "gpx"].map((form) => link(`/api/v1/plans/${planId}/flights/${flight.flight_id}/mission.${form}`, form)))
          : null,
      ),
    ),
  );
}

export function doneTab(rows: DoneRow[], names: Map<number, string>, compare: HTMLElement | null): HTMLElement {
  const made = h("div", {}, note(t("place_only")), compare);
  if (rows.length === 0) {
    made.append(note(t("not_yet")));
    return made;
  }
  const sorted = [...rows].sort((a, b) => b.planned_min - (b.done_min ?? b.planned_min) - (a.planned_min - (a.done_min ?? a.planned_min)));
  const most = Math.max(60, ...rows.map((row) => Math.max(row.planned_min, row.done_min ?? 0)));
  made.append(
    table(
      [t("grid"), t("means"), t("planned"), t("was_done"), ""],
      sorted.map((row) => [
        names.get(row.area_id) ?? String(row.area_id),
        t(`by_${row.source}`),
        number(row.planned_min / 60, 2),
        row.done_min === null ? h("span", { class: "unknown" }, t("unknown")) : number(row.done_min / 60, 2),
        h("span", { class: "bars" }, h("progress", { max: most, value: row.planned_min, "aria-label": t("planned") }), row.done_min === null ? null : h("progress", { max: most, value: row.done_min, class: "done", "aria-label": t("was_done") })),
      ]),
    ),
  );
  return made;
}

export function lifeTab(plan: PlanView, names: Map<number, string>, zone: string): HTMLElement {
  const status: Record<string, string> = { draft: "draft", edit: "edited", approve: "approved", publish: "published", execute: "executed", compare: "compared", withdraw: "withdrawn" };
  const when = (at: string): string => clock(new Date(at), zone, { day: true });
  const steps = [
    ...plan.steps.map((step) => ({ at: step.at, row: [t((status[step.action] ?? "draft") as "draft"), step.actor, step.reason] })),
    ...plan.replans.map((one) => ({ at: one.confirmed_at, row: [t("replanned"), one.confirmed_by, one.confirmed_why] })),
  ].sort((a, b) => new Date(a.at).getTime() - new Date(b.at).getTime());
  const made = h("div", {}, table([t("when"), t("what"), t("by"), t("reason")], steps.map((step) => [when(step.at), ...step.row])));
  if (plan.edits.length > 0) {
    const what = (edit: PlanView["edits"][number]): string => {
      const name = names.get(edit.area_id ?? -1) ?? "";
      if (edit.kind === "set_minutes") return `${name} ${number((edit.minutes_before ?? 0) / 60, 2)} → ${number((edit.minutes ?? 0) / 60, 2)} ${t("h")}`;
      if (edit.kind === "pin_stop") return t("mark_pin", { minutes: edit.minutes ?? 0 });
      if (edit.kind === "forbid_area") return t("mark_area", { name });
      return edit.kind === "forbid_cell" ? t("mark_cell") : t("lift");
    };
    made.append(h("h3", {}, t("edits")), table([t("what"), t("by"), t("reason")], plan.edits.map((edit) => [what(edit), edit.edited_by, edit.reason])));
  }
  return made;
}

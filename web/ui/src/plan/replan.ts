/** An incident in the middle of a shift: which it is, who would go, what each unit drops, and who says so. */

import type { FeatureCollection, Point } from "geojson";
import { call, may } from "../shared/api";
import { h } from "../shared/dom";
import { clock, language } from "../shared/words";
import type { PlanView, Replan, ReplanUnit } from "./data";
import { t } from "./words";

const RECENT = 12;

export interface Happened {
  /** Number of a report; null where a place on the map is meant. */
  incident: number | null;
  within_min: number;
  stay_min: number;
}

interface Report {
  occurred_at: string;
  area_id: number | null;
  category_name: string;
  category_name_en: string | null;
}

/** Whether a plan is walked today, so that an incident can change who goes where. */
export function canReplan(view: PlanView, today: string): boolean {
  return may("plans.write") && may("jobs.run") && view.plan.status === "published" && view.days.includes(today) && view.gathered.routes.length > 0;
}

/** Ask what has happened: one of the newest reports or a place on the map, and how soon to be there. */
export async function askHappened(names: Map<number, string>, zone: string): Promise<Happened | null> {
  const found = await call<FeatureCollection<Point, Report>>(`/ogc/collections/incidents/items?limit=${RECENT}`);
  const option = (value: string, text: string, checked: boolean): HTMLElement =>
    h("label", { class: "check" }, h("input", { type: "radio", name: "happened", value, checked }), text);
  const name = (one: Report): string => (language() === "en" ? (one.category_name_en ?? one.category_name) : one.category_name);
  const reports = found.features.map((one) =>
    option(String(one.id), `${clock(new Date(one.properties.occurred_at), zone, { day: true })} · ${name(one.properties)} · ${names.get(one.properties.area_id ?? -1) ?? t("outside_grids")}`, false),
  );
  const within = h("input", { id: "within", type: "number", min: 1, max: 240, value: 15, required: true });
  const stay = h("input", { id: "stay", type: "number", min: 1, max: 240, value: 20, required: true });
  const form = h(
    "form",
    { method: "dialog", class: "happened" },
    h("h2", { id: "happened-title" }, t("replan_title")),
    h("fieldset", {}, h("legend", {}, t("what_happened")), option("map", t("place_on_map"), true), ...reports),
    h("div", { class: "pair" }, h("div", {}, h("label", { for: "within" }, t("within_min")), within), h("div", {}, h("label", { for: "stay" }, t("stay_min")), stay)),
    h("p", { class: "note" }, t("replan_note")),
    h("div", { class: "row" }, h("button", { type: "button", onclick: () => dialog.close("cancel") }, t("cancel")), h("button", { type: "submit", value: "ok", class: "main" }, t("see_who_goes"))),
  );
  const dialog = h("dialog", { "aria-labelledby": "happened-title" }, form);
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      const chosen = form.querySelector<HTMLInputElement>("input[name=happened]:checked")!.value;
      resolve(dialog.returnValue === "ok" ? { incident: chosen === "map" ? null : Number(chosen), within_min: Number(within.value), stay_min: Number(stay.value) } : null);
      dialog.remove();
    });
    document.body.append(dialog);
    dialog.showModal();
    form.querySelector<HTMLInputElement>("input[name=happened]:checked")!.focus();
  });
}

interface Shown {
  names: Map<number, string>;
  zone: string;
  confirm: () => void;
  leave: () => void;
}

/** A proposal: who goes and when, each unit before and after, and what puts it into force. */
export function proposalBox(found: Replan, { names, zone, confirm, leave }: Shown): HTMLElement {
  const time = (at: string): string => clock(new Date(at), zone);
  const where = (ref: string, unit: ReplanUnit): string => {
    const goer = found.goes.find((one) => one.ref === ref);
    if (goer) return goer.words;
    const area = [...unit.before, ...unit.after].find((one) => one.stop_ref === ref)?.area_id ?? null;
    return area === null ? ref : (names.get(area) ?? ref);
  };
  const visit = (unit: ReplanUnit, lost: Set<string>, gained: Set<string>) => (one: ReplanUnit["before"][number]): HTMLElement => {
    const text = `${time(one.start_at)}–${time(one.leave_at)} ${where(one.stop_ref, unit)}`;
    return h("li", {}, lost.has(one.stop_ref) ? h("del", {}, text) : gained.has(one.stop_ref) ? h("ins", {}, text) : text);
  };
  const card = (unit: ReplanUnit): HTMLElement => {
    const lost = new Set([...unit.dropped, ...Object.keys(unit.given)]);
    const gained = new Set(unit.gets);
    const lines = [
      ...unit.gets.map((ref) => t("unit_gets", { what: where(ref, unit), at: time(unit.after.find((one) => one.stop_ref === ref)!.start_at) })),
      ...unit.dropped.map((ref) => t("unit_drops", { what: where(ref, unit), at: time(unit.before.find((one) => one.stop_ref === ref)!.start_at) })),
      ...Object.entries(unit.given).map(([ref, to]) => t("unit_gives", { what: where(ref, unit), to })),
    ];
    return h(
      "details",
      { open: unit.gets.some((ref) => found.goes.some((one) => one.ref === ref)) },
      h("summary", {}, h("strong", {}, unit.unit), ` ${t(unit.mode as "foot")}`, h("ul", {}, ...lines.map((one) => h("li", {}, one)))),
      h("div", { class: "pair" }, h("div", {}, h("h4", {}, t("before")), h("ol", {}, ...unit.before.map(visit(unit, lost, gained)))), h("div", {}, h("h4", {}, t("after")), h("ol", {}, ...unit.after.map(visit(unit, lost, gained))))),
    );
  };
  const mayConfirm = may("plans.approve");
  return h(
    "section",
    { class: "proposal", "aria-labelledby": "proposal-title" },
    h("h3", { id: "proposal-title", tabindex: -1 }, t("proposal", { at: time(found.at) })),
    ...found.goes.map((one) => h("p", { class: "verdict good" }, t("goes", { unit: one.unit, at: time(one.arrives_at), what: one.words }))),
    ...(found.nobody_reaches.length > 0 ? [h("p", { class: "verdict bad" }, t("nobody_reaches"))] : []),
    h("p", {}, t("proposal_sum", { units: found.units.length, dropped: found.dropped, same: found.same })),
    ...found.units.map(card),
    h("p", { class: "note" }, t("holds_until", { at: time(found.holds_until) })),
    mayConfirm ? null : h("p", { class: "note" }, t("others_confirm")),
    h("div", { class: "row" }, h("button", { type: "button", id: "leave-proposal", onclick: leave }, t("back_to_routes")), mayConfirm ? h("button", { type: "button", id: "confirm-replan", class: "main", onclick: confirm }, t("confirm_replan")) : null),
  );
}


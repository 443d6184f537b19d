/** What stands above a plan: its figures, and what must be known of it. */

import { h } from "../shared/dom";
import { number } from "../shared/words";
import type { Desk, PlanView } from "./data";
import { t } from "./words";

/** Hours, expected coverage, and of when the data are. */
export function headline(view: PlanView, info: Desk): HTMLElement {
  const { plan, coverage } = view;
  const share = coverage.share === null ? "?" : `${number(coverage.share * 100, 1)} %`;
  const how = coverage.cover_h !== null ? t("coverage_by", { hours: number(coverage.cover_h, 2), unknown: coverage.unknown_areas }) : t("coverage_how", { dwell: coverage.dwell_min, visible: coverage.visible_min, unknown: coverage.unknown_areas });
  const covered = { covered: number(coverage.covered, 1), need: number(coverage.need, 1), share, days: plan.days };
  const until = plan.parameters?.data?.until?.slice(0, 10);
  return h(
    "dl",
    { class: "figures" },
    h("div", {}, h("dt", {}, t("hours_all")), h("dd", {}, `${number(plan.hours, 2)} ${t("h")}`)),
    h("div", { title: how }, h("dt", {}, t("coverage")), h("dd", {}, t(plan.days > 1 ? "coverage_of_days" : "coverage_of", covered)), h("dd", { class: "quiet" }, how)),
    until ? h("div", {}, h("dt", {}, info.jurisdiction.simulated ? t("simulated") : t("internal")), h("dd", {}, t("as_of", { day: until }))) : null,
  );
}

/** What must be known before anything else: how the night went, whether the plan is in force. */
export function notices(view: PlanView | null, info: Desk): HTMLElement {
  const said = [...(view?.night?.words ?? (info.night?.words ?? []))];
  const latest = info.night;
  if (latest && latest.outcome === "failed" && view?.plan.plan_id !== latest.plan_id) said.unshift(...latest.words.filter((one) => !said.includes(one)));
  const plan = view?.plan;
  const force = plan && ["published", "executed", "compared"].includes(plan.status);
  const items = said.map((one) => h("li", { class: "warn" }, one));
  if (plan) items.push(h("li", {}, t(force ? "in_force" : "not_in_force")));
  if (view === null) items.push(h("li", {}, t("none")));
  return h("ul", {}, ...items);
}

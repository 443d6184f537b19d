/** Indicators of the process, in all or by one thing, with what each counts. */

import { call } from "../shared/api";
import { h } from "../shared/dom";
import { language, number } from "../shared/words";
import { attempt, labelled, note, table } from "./parts";
import { t } from "./words";

const GROUPINGS = ["all", "area", "department", "post", "class", "month"] as const;
type Grouping = (typeof GROUPINGS)[number];

interface Value {
  indicator: string;
  good: number;
  due: number;
  value: number | null;
  grade: string | null;
}
interface Indicators {
  indicators: { code: string; zh: string; en: string; good_zh: string; good_en: string; due_zh: string; due_en: string }[];
  groups: { group: string | null; zh: string; en: string; values: Value[] }[];
}

let by: Grouping = "all";
let span: { since: string; until: string } | null = null;

export function indicatorsTab(today: string): HTMLElement {
  span ??= { since: daysBefore(today, 29), until: today };
  const choice = h("select", { id: "ind-by" }, ...GROUPINGS.map((one) => h("option", { value: one }, t(`ind_${one}`))));
  choice.value = by;
  const since = h("input", { type: "date", id: "ind-since", required: true, value: span.since });
  const until = h("input", { type: "date", id: "ind-until", required: true, value: span.until });
  const told = h("div", { "aria-live": "polite" });
  const look = async (): Promise<void> => {
    by = choice.value as Grouping;
    span = { since: since.value, until: until.value };
    const asked = new URLSearchParams(span);
    if (by !== "all") asked.set("by", by);
    draw(told, await call<Indicators>(`/api/v1/indicators?${asked}`));
  };
  for (const field of [choice, since, until]) field.addEventListener("change", () => void attempt(look));
  void attempt(look);
  return h("div", {}, h("div", { class: "fields" }, labelled(t("ind_by"), choice), labelled(t("ind_since"), since), labelled(t("ind_until"), until)), told);
}

function draw(place: HTMLElement, found: Indicators): void {
  const english = language() === "en";
  const heads = [t("ind_group"), ...found.indicators.map((one) => (english ? one.en : one.zh))];
  const rows = found.groups.map((group) => [english ? group.en : group.zh, ...group.values.map(cell)]);
  place.replaceChildren(
    table(t("indicators"), heads, rows),
    note(t("ind_nothing")),
    h("h3", {}, t("ind_definitions")),
    h("dl", {}, ...found.indicators.flatMap((one) => [h("dt", {}, english ? one.en : one.zh), h("dd", {}, english ? `${one.good_en} / ${one.due_en}` : `${one.good_zh} / ${one.due_zh}`)])),
  );
}

function cell(one: Value): Node | string {
  if (one.value === null) return h("span", { class: "none" }, "—");
  return h("span", {}, `${number(one.value * 100, 1)} % ${one.grade ?? ""}`, h("small", {}, t("ind_of", { good: number(one.good), due: number(one.due) })));
}

function daysBefore(day: string, days: number): string {
  return new Date(Date.parse(`${day}T12:00:00Z`) - days * 86_400_000).toISOString().slice(0, 10);
}

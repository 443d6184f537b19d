/** Indicators of the process, in all or by one thing, with what each counts. */

import { call, may, send } from "../shared/api";
import { toast } from "../shared/dialog";
import { h } from "../shared/dom";
import { language, number } from "../shared/words";
import { attempt, labelled, note, sendForm, table } from "./parts";
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
  return h("div", {}, h("div", { class: "fields" }, labelled(t("ind_by"), choice), labelled(t("ind_since"), since), labelled(t("ind_until"), until)), told, may("records.export") ? recordForm(since, until) : "");
}

/** Exports one person's steps of the chosen days as evidence; why is written down. */
function recordForm(since: HTMLInputElement, until: HTMLInputElement): HTMLElement {
  const staff = h("input", { id: "record-staff", required: true, maxlength: 64, autocomplete: "off" });
  const reason = h("input", { id: "record-reason", required: true, maxlength: 500, autocomplete: "off" });
  const form = sendForm(t("record"), [labelled(t("staff_no"), staff), labelled(t("why"), reason)], t("record_do"), async () => {
    const body = { staff_no: staff.value, since: since.value, until: until.value, reason: reason.value };
    const answer = await send("/api/v1/indicators/record", { body });
    saveFile(await answer.blob(), `record-${staff.value}-${since.value}-${until.value}.csv`);
    toast(t("record_done"));
    reason.value = "";
  });
  form.querySelector("h3")!.after(note(t("record_note")));
  return form;
}

function saveFile(content: Blob, name: string): void {
  const url = URL.createObjectURL(content);
  h("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
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

/** Asking for long work: the night's run or a plan's ways; how far it is, and a way to stop it. */

import { h } from "../shared/dom";
import { toast } from "../shared/dialog";
import { askJob, readJob, readResult, stopJob, type Desk } from "./data";
import { t } from "./words";

const LOOK_MS = 1000;

/** Ask for a night: the day, hours, floors, caps, exploration, units and parts; null if cancelled. */
export function askNight(desk: Desk): Promise<Record<string, unknown> | null> {
  const tomorrow = new Date(new Date(`${desk.today}T12:00:00Z`).getTime() + 86_400_000).toISOString().slice(0, 10);
  const field = (id: string, text: string, attributes: Record<string, string | number | boolean | null>): HTMLInputElement => {
    const input = h("input", { id: `night-${id}`, ...attributes });
    form.append(h("label", { for: `night-${id}` }, text), input);
    return input;
  };
  const form = h("form", { method: "dialog", class: "night-form" });
  const kinds = new Map<string, number>();
  for (const unit of desk.units) kinds.set(unit.kind, (kinds.get(unit.kind) ?? 0) + 1);
  const units = [...kinds].map(([kind, count]) => `${t(kind as "foot")} ${count}`).join(t("and")) || "0";
  form.append(h("h2", { id: "night-title" }, t("night_title")), h("p", { class: "note wide" }, t("units_on", { units })));
  const day = field("day", t("plan_date"), { type: "date", value: tomorrow, required: true });
  const days = field("days", t("days"), { type: "number", min: 1, max: 7, value: 1, required: true });
  const hours = field("hours", t("total"), { type: "number", min: 0.25, max: 100000, step: 0.25, value: 120, required: true });
  const floor = field("floor", t("floor"), { type: "number", min: 0, max: 1440, step: 15, placeholder: "15 / 30" });
  const cap = field("cap", t("cap"), { type: "number", min: 0.25, max: 24, step: 0.25 });
  const explore = field("explore", t("explore"), { type: "number", min: 0, max: 100, step: 1, placeholder: "5 / 10" });
  const from = field("from", t("shift_from"), { type: "time", value: "08:00", required: true });
  const length = field("length", t("shift_hours"), { type: "number", min: 1, max: 12, step: 0.5, value: 8, required: true });
  const watchers = field("watchers", t("watchers"), { type: "number", min: 1, max: 50, value: 2, required: true });
  const spots = field("spots", t("spots"), { type: "number", min: 1, max: 200, value: 12, required: true });
  const byKind = h("details", { class: "wide" }, h("summary", {}, t("by_kinds")));
  const shifts = h("textarea", { id: "night-shifts", rows: 3, placeholder: "08:00-16:00=早班/early" });
  byKind.append(h("label", { for: "night-shifts" }, t("more_shifts")), shifts);
  const perKind = (["foot", "vehicle", "drone", "camera_desk"] as const).map((kind) => {
    const input = h("input", { id: `night-${kind}`, type: "number", min: 0, max: 10000, step: 0.25 });
    byKind.append(h("label", { for: `night-${kind}` }, t("hours_kind", { kind: t(kind) })), input);
    return { kind, input };
  });
  form.append(byKind);
  const parts = (["routes", "cameras", "flights"] as const).map((name) => {
    const box = h("input", { type: "checkbox", id: `part-${name}`, checked: true });
    return { name: name === "cameras" ? "rounds" : name, box, label: h("label", { for: `part-${name}`, class: "check" }, box, t(name)) };
  });
  form.append(
    h("fieldset", { class: "wide" }, h("legend", {}, t("parts")), ...parts.map((one) => one.label)),
    h("div", { class: "row wide" }, h("button", { type: "button", onclick: () => dialog.close("cancel") }, t("cancel")), h("button", { type: "submit", value: "ok", class: "main" }, t("start"))),
  );
  const dialog = h("dialog", { "aria-labelledby": "night-title" }, form);
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      const units = Object.fromEntries(perKind.filter((one) => Number(one.input.value) > 0).map((one) => [one.kind, [Number(one.input.value)]]));
      const asked = {
        shifts: shifts.value.split("\n").map((line) => line.trim()).filter(Boolean),
        ...(Object.keys(units).length > 0 ? { units } : { hours: Number(hours.value) }),
        plan_date: day.value, days: Number(days.value),
        ...(floor.value ? { floor_min: Number(floor.value) } : {}), ...(explore.value ? { explore_share: Number(explore.value) / 100 } : {}),
        shift_from: from.value, shift_hours: Number(length.value), watchers: Number(watchers.value), spots: Number(spots.value),
        ...(cap.value ? { cap_h: Number(cap.value) } : {}),
        ...Object.fromEntries(parts.map((one) => [one.name, one.box.checked])),
      };
      resolve(dialog.returnValue === "ok" ? asked : null);
      dialog.remove();
    });
    document.body.append(dialog);
    dialog.showModal();
    hours.focus();
  });
}

/** Make a plan or its ways; returns the plan, or null if there is none. */
export async function followNight(process: string, inputs: Record<string, unknown>, place: HTMLElement): Promise<number | null> {
  const made = await followJob<{ plan: number | null }>(process, inputs, place, t("night_run"));
  if (made !== null && made.plan === null) toast(t("night_of", { outcome: t("night_failed") }), { bad: true });
  return made?.plan ?? null;
}

/** Do a job and show how far `work` is in `place`; returns what came of it, or null if it failed or was stopped. */
export async function followJob<T>(process: string, inputs: Record<string, unknown>, place: HTMLElement, work: string): Promise<T | null> {
  const job = await askJob(process, inputs);
  const bar = h("progress", { max: 100, value: 0, "aria-label": t("waiting") });
  const text = h("span", { role: "status" }, t("waiting"));
  place.replaceChildren(bar, text, h("button", { type: "button", onclick: () => void stopJob(job.jobID) }, t("stop_job")));
  place.hidden = false;
  try {
    for (;;) {
      await new Promise((resolve) => window.setTimeout(resolve, LOOK_MS));
      const now = await readJob(job.jobID);
      if (now.status === "running") {
        bar.value = now.progress ?? 0;
        text.textContent = t("running", { work, share: now.progress ?? 0, what: now.message ?? "" });
      }
      if (now.status === "successful") return await readResult<T>(job.jobID);
      if (now.status === "failed" || now.status === "dismissed") {
        if (now.status === "failed") toast(t("failed", { why: now.message ?? "" }), { bad: true, seconds: 15 });
        return null;
      }
    }
  } finally {
    place.hidden = true;
  }
}

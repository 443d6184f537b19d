/** Who is on duty now, the roster of a day, and units put on duty. */

import { call } from "../shared/api";
import { toast } from "../shared/dialog";
import { h } from "../shared/dom";
import { clock, number } from "../shared/words";
import type { Duty, Shift } from "./data";
import { attempt, labelled, note, sendForm, table } from "./parts";
import { t } from "./words";

type Kind = "foot" | "vehicle" | "drone" | "camera_desk" | "volunteer" | "joint";

export async function dutyTab(day: string, editable: boolean, reload: () => Promise<void>): Promise<HTMLElement> {
  const duty = await call<Duty>(`/api/v1/posts/duty?on=${day}`);
  const kind = (one: string): string => t(one as Kind);
  const found = h("div", {}, h("h3", {}, `${t("on_duty")} · ${clock(new Date(duty.now), duty.zone)}`));
  if (duty.on_duty.length === 0) found.append(note(t("none_on_duty")));
  else found.append(table(t("on_duty"), [t("unit"), t("kind"), t("headcount"), t("until")], duty.on_duty.map((one) => [one.unit, kind(one.kind), number(one.headcount), clock(new Date(one.until), duty.zone)])));
  found.append(h("h3", {}, `${t("roster")} · ${duty.day}`));
  if (duty.roster.length === 0) found.append(note(t("no_roster")));
  else {
    const heads = [t("unit"), t("kind"), t("headcount"), t("starts"), t("ends"), ...(editable ? [""] : [])];
    found.append(table(t("roster"), heads, duty.roster.map((one) => row(one, duty, kind(one.kind), editable, reload))));
  }
  if (editable && duty.units.length > 0) found.append(shiftForm(duty, reload));
  return found;
}

function row(one: Shift, duty: Duty, kind: string, editable: boolean, reload: () => Promise<void>): (Node | string)[] {
  const from = new Date(one.starts_at);
  const cells: (Node | string)[] = [one.unit, kind, number(one.headcount), clock(from, duty.zone, { day: true }), clock(new Date(one.ends_at), duty.zone, { day: true })];
  if (!editable) return cells;
  if (from.getTime() <= new Date(duty.now).getTime()) return [...cells, ""];
  const off = async (): Promise<void> => {
    await call(`/api/v1/posts/duty/${one.shift_id}`, { method: "DELETE" });
    toast(t("removed"));
    await reload();
  };
  return [...cells, h("button", { type: "button", "aria-label": `${t("remove")} ${one.unit} ${clock(from, duty.zone)}`, onclick: () => void attempt(off) }, t("remove"))];
}

function shiftForm(duty: Duty, reload: () => Promise<void>): HTMLElement {
  const unit = h("select", { id: "shift-unit" }, ...duty.units.map((one) => h("option", { value: one.ref }, one.area ? `${one.name}（${one.area}）` : one.name)));
  const start = h("input", { id: "shift-start", type: "time", required: true, value: "08:00" });
  const stop = h("input", { id: "shift-end", type: "time", required: true, value: "16:00" });
  return sendForm(t("add_shift"), [labelled(t("unit"), unit), labelled(t("starts"), start), labelled(t("ends"), stop)], t("add_shift_do"), async () => {
    const starts = zoned(duty.day, start.value, duty.zone);
    let ends = zoned(duty.day, stop.value, duty.zone);
    // An end at or before the beginning is of the next day.
    if (ends <= starts) ends = zoned(nextDay(duty.day), stop.value, duty.zone);
    await call("/api/v1/posts/duty", { body: { unit_ref: unit.value, starts_at: starts.toISOString(), ends_at: ends.toISOString() } });
    toast(t("saved"));
    await reload();
  });
}

function nextDay(day: string): string {
  return new Date(new Date(`${day}T12:00:00Z`).getTime() + 86_400_000).toISOString().slice(0, 10);
}

/** A wall clock's reading in the jurisdiction's zone as a moment. */
function zoned(day: string, time: string, zone: string): Date {
  const wanted = Date.parse(`${day}T${time}:00Z`);
  const read = (at: number): number => Date.parse(`${new Date(at).toLocaleString("sv-SE", { timeZone: zone }).replace(" ", "T")}Z`);
  const first = wanted - (read(wanted) - wanted);
  return new Date(first - (read(first) - wanted));
}

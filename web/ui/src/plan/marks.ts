/** Marks of a plan: stops that are pinned and ground that is forbidden, held or to come. */

import { h } from "../shared/dom";
import type { EditIn, MarkView } from "./data";
import type { Edits } from "./edits";
import { t } from "./words";

interface Marked {
  held: MarkView[];
  edits: Edits;
  names: Map<number, string>;
  by: string;
  editable: boolean;
}

/** Marks that are not saved yet, as they will be. */
export function pendingMarks(edits: Edits, by: string): { edit: EditIn; mark: MarkView }[] {
  return edits.all
    .filter((one) => ["pin_stop", "forbid_area", "forbid_cell"].includes(one.kind))
    .map((edit) => ({ edit, mark: { mark: "", kind: edit.kind as MarkView["kind"], by, reason: edit.reason ?? "", minutes: edit.minutes ?? null, area_id: edit.area_id ?? null, geometry: edit.geometry ?? null } }));
}

/** Marks that hold and those to come, each with what lifts it; null where there are none. */
export function marksBox(marked: Marked): HTMLElement | null {
  const { edits, names, editable } = marked;
  const lifted = new Set(edits.all.filter((one) => one.kind === "unpin_stop" || one.kind === "allow").map((one) => one.mark));
  const held = (marked.held).filter((one) => !lifted.has(one.mark));
  const pending = pendingMarks(edits, marked.by);
  if (held.length + pending.length === 0) return null;
  const text = (mark: MarkView): string => {
    if (mark.kind === "pin_stop") return t("mark_pin", { minutes: mark.minutes ?? 0 });
    return mark.kind === "forbid_area" ? t("mark_area", { name: names.get(mark.area_id ?? -1) ?? "" }) : t("mark_cell");
  };
  const lift = (mark: MarkView): void => edits.add({ kind: mark.kind === "pin_stop" ? "unpin_stop" : "allow", mark: mark.mark });
  return h(
    "details",
    { class: "marks", open: pending.length > 0 },
    h("summary", {}, `${t("marks")} (${held.length + pending.length})`),
    h(
      "ul",
      {},
      ...held.map((mark) => h("li", {}, text(mark), h("small", {}, ` ${mark.by}: ${mark.reason}`), editable ? h("button", { type: "button", class: "small", onclick: () => lift(mark) }, t("lift")) : null)),
      ...pending.map(({ edit, mark }) => h("li", { class: "pending" }, text(mark), h("small", {}, ` ${t("pending")}`), h("button", { type: "button", class: "small", onclick: () => edits.drop(edit) }, t("lift")))),
    ),
  );
}

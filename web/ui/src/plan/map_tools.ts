/** What stands over the plan's map: its measure, its layers, and how a stop or a cell is placed. */

import { may } from "../shared/api";
import { h } from "../shared/dom";
import type { Measure, PlanMap } from "./map";
import { t } from "./words";

interface Does {
  redraw: () => void;
  pin: () => unknown;
  forbid: () => unknown;
}

/** The measure that colours the map, its layers, and what is placed on it by who may edit. */
export function mapTools(map: PlanMap, does: Does): HTMLElement {
  const measures: Measure[] = ["hours", "expected", "trend", "change"];
  const measure = h("select", { id: "measure" }, ...measures.map((one) => h("option", { value: one }, t(`c_${one}`))));
  measure.addEventListener("change", () => {
    map.measure = measure.value as Measure;
    does.redraw();
  });
  const toggle = (name: "hotspots" | "trends" | "routes" | "flights"): HTMLElement => {
    const made = h("button", { type: "button", "aria-pressed": String(map.layers.has(name)) }, t(name));
    made.addEventListener("click", () => {
      if (!map.layers.delete(name)) map.layers.add(name);
      made.setAttribute("aria-pressed", String(map.layers.has(name)));
      does.redraw();
    });
    return made;
  };
  const edit = may("plans.write")
    ? [
        h("button", { type: "button", id: "pin-map", onclick: () => does.pin() }, t("pin_map")),
        h("button", { type: "button", id: "forbid-map", onclick: () => does.forbid() }, t("forbid_cell")),
      ]
    : [];
  return h("div", { class: "map-tools" }, h("label", { for: "measure" }, t("show")), measure, toggle("hotspots"), toggle("trends"), toggle("routes"), toggle("flights"), ...edit);
}

/** What asks for a place on the map, by a click or under the cross, and the bar that says how. */
export function placeAsker(map: PlanMap): { bar: HTMLElement; ask: (then: (lon: number, lat: number) => void) => void } {
  const bar = h("div", { class: "placing", hidden: true, role: "status" });
  document.addEventListener("placingend", () => (bar.hidden = true));
  const ask = (then: (lon: number, lat: number) => void): void => {
    bar.replaceChildren(
      h("span", {}, t("place_help")),
      h("button", { type: "button", class: "main", onclick: () => map.placeAtCross() }, t("here")),
      h("button", { type: "button", onclick: () => map.stopPlacing() }, t("cancel")),
    );
    bar.hidden = false;
    map.startPlacing(then);
  };
  return { bar, ask };
}

/** Ask for how long a pinned stop is visited; null where it is not pinned after all. */
export function askMinutes(): Promise<number | null> {
  const field = h("input", { id: "pin-minutes", type: "number", min: 5, max: 240, step: 5, value: 15, required: true });
  const dialog = h(
    "dialog",
    { "aria-labelledby": "pin-title" },
    h("form", { method: "dialog" }, h("h2", { id: "pin-title" }, t("pin")), h("label", { for: "pin-minutes" }, t("pin_minutes")), field, h("div", { class: "row" }, h("button", { type: "button", onclick: () => dialog.close("cancel") }, t("cancel")), h("button", { type: "submit", value: "ok", class: "main" }, t("pin")))),
  );
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      resolve(dialog.returnValue === "ok" ? Number(field.value) : null);
      dialog.remove();
    });
    document.body.append(dialog);
    dialog.showModal();
    field.focus();
  });
}

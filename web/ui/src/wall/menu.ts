/** The wall's menu: layers, colours, measures, the tour with its bookmarks, steering, exports. */

import { may } from "../shared/api";
import { h } from "../shared/dom";
import type { Address } from "./address";
import { SWITCHES } from "./switches";
import type { StoredResult } from "./data";
import { chosenResult, keyOf, resultName } from "./results";
import { bookmarkList, type Stop } from "./tour";
import { t, type Word } from "./words";

const COLOURS = ["against", "level", "trend", "load", "done_share", "none"] as const;
export const MEASURES = ["count", "per_km2", "per_household", "per_patrol_hour", "finds_per_hour"] as const;

export interface MenuDoes {
  has: (layer: string) => boolean;
  isTouring: () => boolean;
  /** The layers, the colour or the measure in the address are other ones now. */
  changed: () => void;
  toggleTour: () => void;
  bookmark: () => void;
  show: (stop: Stop) => void;
  /** Draw the menu anew. */
  again: () => void;
  direct: () => void;
  release: () => void;
  png: () => void;
  pdf: () => void;
}

export function menuParts(address: Address, results: StoredResult[], does: MenuDoes): HTMLElement[] {
  const button = (word: Word, act: () => void): HTMLElement => h("button", { type: "button", onclick: act }, t(word));
  const tour = h("button", { type: "button", "aria-pressed": String(does.isTouring()), onclick: does.toggleTour }, t("tour"));
  return [
    h("fieldset", {}, h("legend", {}, t("layers")), ...boxes(address, does)),
    ...(may("results.read") && results.length > 0 ? [resultField(address, results, does.changed)] : []),
    radios(t("colour"), "colour", COLOURS, address, does.changed),
    radios(t("measure"), "measure", MEASURES, address, does.changed),
    h("div", { class: "row" }, tour, button("bookmark", does.bookmark)),
    bookmarkList(does.show, does.again),
    ...(may("wall.direct") ? [h("div", { class: "row" }, button("direct", does.direct), button("release", does.release))] : []),
    h("div", { class: "row" }, button("png", does.png), button("pdf", does.pdf)),
  ];
}

function boxes(address: Address, does: MenuDoes): HTMLElement[] {
  const shown = Object.entries(SWITCHES).filter(([name, one]) => (one.needs === undefined || may(one.needs)) && does.has(name));
  return shown.map(([name, one]) => {
    const input = h("input", { type: "checkbox", checked: address.layers.includes(name) });
    input.addEventListener("change", () => {
      address.layers = Object.keys(SWITCHES).filter((other) => (other === name ? input.checked : address.layers.includes(other)));
      does.changed();
    });
    return h("label", {}, input, t(one.word), one.zoom ? h("small", {}, ` (${t("zoom_in")})`) : null);
  });
}

function resultField(address: Address, results: StoredResult[], changed: () => void): HTMLElement {
  const chosen = chosenResult(results, address.result);
  const options = results.map((one) => h("option", { value: keyOf(one), selected: one === chosen }, resultName(one)));
  const field = h("select", { "aria-label": t("result_which") }, ...options);
  field.addEventListener("change", () => {
    address.result = field.value;
    if (!address.layers.includes("result")) address.layers = [...address.layers, "result"];
    changed();
  });
  return h("label", { class: "result" }, t("result_which"), field);
}

function radios(title: string, key: "colour" | "measure", words: readonly Word[], address: Address, changed: () => void): HTMLElement {
  return h(
    "fieldset", { class: "radios" }, h("legend", {}, title),
    ...words.map((word) => {
      const input = h("input", { type: "radio", name: key, value: word, checked: address[key] === word });
      input.addEventListener("change", () => {
        address[key] = word;
        if (key === "measure" && !address.layers.includes("hexagons")) address.layers = [...address.layers, "hexagons"];
        changed();
      });
      return h("label", {}, input, t(word));
    }),
  );
}

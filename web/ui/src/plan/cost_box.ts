/** What the edits cost in expected coverage, and what becomes of them: undone, discarded, saved. */

import { h } from "../shared/dom";
import { language } from "../shared/words";
import type { Cost, Head } from "./data";
import { t } from "./words";

/** A change of expected coverage smaller than this is none, reports a day. */
const NO_CHANGE = 0.005;

export interface CostShown {
  cost: Cost | null;
  balance: boolean;
  isEmpty: boolean;
  editable: boolean;
  /** The newest version, where an older one is shown that could be edited otherwise. */
  newer: Head | null;
}

export interface CostDoes {
  balance: (on: boolean) => void;
  undo: () => void;
  discard: () => void;
  save: () => void;
  open: (plan: number) => void;
}

export function costBox(shown: CostShown, does: CostDoes): HTMLElement[] {
  const { cost } = shown;
  const words = cost ? (language() === "en" ? cost.words.en : cost.words.zh) : t("cost_none");
  const tone = cost && cost.change < -NO_CHANGE ? "bad" : cost && cost.change > NO_CHANGE ? "good" : "";
  const parts: HTMLElement[] = [h("h2", {}, t("cost")), h("p", { class: `words ${tone}`, "aria-live": "polite", id: "cost-words" }, words)];
  if (shown.editable) parts.push(...actions(shown, does));
  else if (shown.newer) {
    const newer = shown.newer;
    parts.push(h("p", { class: "note" }, t("only_newest", { version: newer.version })), h("button", { type: "button", onclick: () => does.open(newer.plan_id) }, t("load_newest")));
  }
  return parts;
}

function actions(shown: CostShown, does: CostDoes): HTMLElement[] {
  const balance = h("input", { type: "checkbox", id: "balance", checked: shown.balance });
  balance.addEventListener("change", () => does.balance(balance.checked));
  const disabled = shown.isEmpty;
  return [
    h("label", { for: "balance", class: "check" }, balance, t("balance")),
    h(
      "div", { class: "row" },
      h("button", { type: "button", disabled, onclick: does.undo }, t("undo")),
      h("button", { type: "button", disabled, onclick: does.discard }, t("discard")),
      h("button", { type: "button", id: "save", class: "main", disabled, onclick: does.save }, t("save")),
    ),
  ];
}

/** The tabs beside the map; arrow keys go from one to the next. */

import { h } from "../shared/dom";
import { redraw } from "../shared/redraw";
import { t } from "./words";

export const TABS = ["grids", "changes", "routes", "cameras", "flights", "done", "life"] as const;
export type Tab = (typeof TABS)[number];

export function drawTabBar(bar: HTMLElement, panel: HTMLElement, chosen: Tab, open: (name: Tab) => void): void {
  const tab = (name: Tab): HTMLElement => {
    const isChosen = name === chosen;
    return h("button", {
      type: "button", role: "tab", id: `tab-${name}`, "aria-selected": String(isChosen), "aria-controls": "panel", tabindex: isChosen ? 0 : -1, onclick: () => open(name),
    }, name === "cameras" ? t("tab_cameras") : t(name));
  };
  redraw(bar, ...TABS.map(tab));
  panel.setAttribute("aria-labelledby", `tab-${chosen}`);
  bar.onkeydown = (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (step === undefined) return;
    const next = TABS[(TABS.indexOf(chosen) + step + TABS.length) % TABS.length]!;
    open(next);
    document.getElementById(`tab-${next}`)?.focus();
    event.preventDefault();
  };
}

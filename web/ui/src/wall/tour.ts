/** Bookmarks of this browser, and the tour that goes from one to the next by itself. */

import { h } from "../shared/dom";
import { language, named } from "../shared/words";
import type { View, WallState } from "./data";
import { t } from "./words";

export interface Stop extends View {
  name: string;
}
/** A timer may come a little before its time. */
const EARLY_MS = 50;
const KEY = "gridbeat-wall-bookmarks";

export function readBookmarks(): Stop[] {
  try {
    const found: unknown = JSON.parse(localStorage.getItem(KEY) ?? "[]");
    return Array.isArray(found) ? (found as Stop[]).filter((stop) => Array.isArray(stop.center) && Number.isFinite(stop.zoom)) : [];
  } catch {
    return [];
  }
}

export function writeBookmarks(stops: Stop[]): void {
  localStorage.setItem(KEY, JSON.stringify(stops));
}

/** Where a tour goes: the bookmarks, or without any the alerts and the grids that moved most. */
export function stopsOf(state: WallState, whole: View): Stop[] {
  const kept = readBookmarks();
  if (kept.length > 0) return kept;
  const grids = new Map(state.grids.map((grid) => [grid.area_id, grid]));
  const near = [
    ...state.alerts.filter((alert) => alert.lon !== null).slice(0, 4).map((alert) => ({ name: language() === "en" ? alert.title_en : alert.title_zh, lon: alert.lon!, lat: alert.lat! })),
    ...state.movers.up.slice(0, 4).flatMap((mover) => {
      const grid = grids.get(mover.area_id);
      return grid ? [{ name: named(grid), lon: grid.lon, lat: grid.lat }] : [];
    }),
  ];
  return [
    { ...whole, name: t("whole") },
    ...near.map((place) => ({ ...whole, name: place.name, center: [place.lon, place.lat] as [number, number], zoom: Math.max(whole.zoom + 1.6, 14.6) })),
  ];
}

/** Goes by the clock, so that screens with the same stops are at the same one. */
export class Tour {
  private timer = 0;

  constructor(
    private readonly stops: () => Stop[],
    private readonly go: (stop: Stop) => void,
  ) {}

  /** Begin, or with 0 seconds end. */
  run(seconds: number): void {
    window.clearTimeout(this.timer);
    this.timer = 0;
    if (seconds <= 0) return;
    const pace = Math.max(5, seconds) * 1000;
    const next = (): void => {
      const now = Date.now() + EARLY_MS;
      const stops = this.stops();
      const stop = stops[Math.floor(now / pace) % stops.length];
      if (stop) this.go(stop);
      this.timer = window.setTimeout(next, pace - (now % pace) + EARLY_MS);
    };
    next();
  }

  get isOn(): boolean {
    return this.timer !== 0;
  }
}

/** The list of bookmarks with a way to each and a way to remove it. */
export function bookmarkList(go: (stop: Stop) => void, changed: () => void): HTMLElement {
  const stops = readBookmarks();
  return h(
    "ul", { class: "bookmarks" },
    ...stops.map((stop, n) =>
      h(
        "li", {},
        h("button", { type: "button", class: "plain", onclick: () => go(stop) }, stop.name),
        h("button", {
          type: "button", "aria-label": t("remove", { name: stop.name }),
          onclick: () => {
            writeBookmarks(stops.filter((_, other) => other !== n));
            changed();
          },
        }, "×"),
      ),
    ),
  );
}

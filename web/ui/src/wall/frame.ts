/** What holds the picture: the map's size in pixels of this screen, its legend, and the shift against burn-in. */

import type { Map as MapLibreMap } from "maplibre-gl";
import { byId, h } from "../shared/dom";
import type { Legend } from "./paint";
import { mapScale } from "./tiling";

export const SHIFT_MS = 60_000;

export function legendBox(legend: Legend): HTMLElement {
  return h(
    "section", {},
    legend.title ? h("h3", {}, legend.title) : null,
    h("ul", {}, ...legend.entries.map((entry) => {
      const swatch = h("span", { class: `swatch ${entry.shape ?? "fill"}`, "aria-hidden": "true" });
      swatch.style.setProperty("--colour", entry.colour);
      return h("li", {}, swatch, entry.label);
    })),
  );
}

/** Move everything by some pixels, so that no edge burns into a screen that hangs for years. */
export function shiftPixels(): void {
  const step = Math.floor(Date.now() / SHIFT_MS) % 9;
  const [x, y] = [(step % 3) - 1, Math.floor(step / 3) - 1];
  byId("frame").style.transform = `translate(${x * 3}px, ${y * 3}px)`;
}

export function sizeMap(map: MapLibreMap | null): void {
  byId("map").style.setProperty("--scale", String(mapScale()));
  map?.setPixelRatio(mapScale() * devicePixelRatio);
}

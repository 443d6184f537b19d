/** The map under every page: MapLibre from this server, with no glyphs, sprites or addresses outside. */

import {
  addProtocol,
  AttributionControl,
  Map as MapLibreMap,
  NavigationControl,
  ScaleControl,
  setWorkerUrl,
  type MapOptions,
} from "maplibre-gl";
import workerUrl from "maplibre-gl/dist/maplibre-gl-worker.mjs?url";
import "maplibre-gl/dist/maplibre-gl.css";
import { basemapStyle, roadNames, type BasemapSettings } from "./basemap";
import { StampControl } from "./stamp";
import { language, translator } from "./words";

setWorkerUrl(workerUrl);

const t = translator({
  map: ["地图：方向键移动，加减号缩放，Shift加方向键旋转", "Map: arrow keys move, plus and minus zoom, Shift with arrow keys turns"],
});

export interface MapPlace {
  /** West, south, east, north in degrees. */
  bounds: [number, number, number, number];
}

/** Make a map on the basemap; its canvas takes the keyboard's focus. */
export async function createMap(
  options: Omit<MapOptions, "style"> & { settings?: BasemapSettings | null; controls?: boolean; stamp?: boolean },
): Promise<MapLibreMap> {
  // A page that says by itself of when its map is and for whom has no stamp on it.
  const { settings = null, controls = true, stamp = true, ...rest } = options;
  if (settings?.pmtiles) {
    const { Protocol } = await import("pmtiles");
    addProtocol("pmtiles", new Protocol().tile);
  }
  await document.fonts.load('16px "Noto Sans SC Variable"', "巡格 Gridbeat").catch(() => []);
  const map = new MapLibreMap({
    attributionControl: false,
    style: basemapStyle(settings),
    localIdeographFontFamily: '"Noto Sans SC Variable", "Noto Sans CJK SC", sans-serif',
    locale: { "Map.Title": t("map") },
    ...rest,
  });
  map.getCanvas().setAttribute("lang", language() === "en" ? "en" : "zh-CN");
  if (stamp) map.addControl(new StampControl(), "bottom-right");
  if (controls) map.addControl(new NavigationControl({ showCompass: false }), "bottom-right");
  map.addControl(new ScaleControl({ unit: "metric" }), "bottom-left");
  if (settings?.tianditu) map.addControl(new AttributionControl({ customAttribution: "天地图 Tianditu" }));
  await new Promise<void>((resolve) => map.once("style.load", () => resolve()));
  map.addLayer(roadNames());
  return map;
}

/** Draw the basemap in the colours of the theme as it is now; a page adds its own layers again. */
export function restyle(map: MapLibreMap, settings: BasemapSettings | null, add: () => void): void {
  map.setStyle(basemapStyle(settings), { diff: false });
  map.once("style.load", () => {
    map.addLayer(roadNames());
    add();
  });
}

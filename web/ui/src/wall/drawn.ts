/** How each of the wall's layers is drawn: sources, colours by theme and age, the order from below. */

import type { ExpressionSpecification, LayerSpecification, Map as MapLibreMap } from "maplibre-gl";
import { gridNames, textPaint, tileSource } from "../shared/basemap";
import { token } from "../shared/theme";
import { language } from "../shared/words";
import type { WallState } from "./data";
import { ages, ramp } from "./scales";
import { EMERGING } from "./words";

export interface Moment {
  night: boolean;
  /** Of when points and looks are aged, seconds since 1970. */
  now: number;
}
/** Letters on the map, in its own pixels: as high as 1rem beside it (docs/wall.md). */
export const LETTERS_PX = 16;
const HOUR = 3600;
export const EMERGING_COLOUR: Record<string, [night: string, day: string]> = {
  new_hot: ["#ff5ea8", "#b3005e"],
  consecutive_hot: ["#ff8fc4", "#c2348a"],
  intensifying_hot: ["#ff6a3d", "#b93a00"],
  persistent_hot: ["#f0b240", "#8f5a00"],
  diminishing_hot: ["#9ed8a8", "#2f7d46"],
  sporadic_hot: ["#c9b8f0", "#6a4fb0"],
  oscillating_hot: ["#8fb7e8", "#2f6aa8"],
  historical_hot: ["#8795a3", "#66737f"],
};

export function addSources(map: MapLibreMap, state: WallState, hexagonDays: string): void {
  const run = (kind: string): string => `?run=${state.runs[kind]?.run ?? 1}`;
  map.addSource("hexagons", { ...tileSource("incidents", { most: 13, query: hexagonDays }) });
  map.addSource("hotspots", tileSource("results", { most: 15, query: run("hotspots") }));
  map.addSource("emerging", tileSource("results", { most: 15, query: run("emerging") }));
  map.addSource("blind", tileSource("results", { most: 15, query: run("blind_spots") }));
  map.addSource("cameras", tileSource("cameras", { least: 11 }));
  map.addSource("camera-views", tileSource("camera_views", { least: 13 }));
  map.addSource("looks", tileSource("looks", { least: 13, most: 15 }));
  map.addSource("drones", tileSource("drone_routes", { least: 9 }));
  map.addSource("routes", tileSource("routes", { least: 9 }));
  map.addSource("stations", tileSource("stations", { least: 10 }));
  map.addSource("live", { type: "geojson", data: { type: "FeatureCollection", features: [] } });
  map.addSource("arrivals", { type: "geojson", data: { type: "FeatureCollection", features: [] } });
  for (const id of ["tracks", "units"]) map.addSource(id, { type: "geojson", data: { type: "FeatureCollection", features: [] } });
}

export function drawnLayers(moment: Moment): LayerSpecification[] {
  const [warm, cold] = [token("up"), token("down")];
  const emerging = ["match", ["get", "label"], ...Object.entries(EMERGING_COLOUR).flatMap(([label, pair]) => [label, pair[moment.night ? 0 : 1]]), "#888888"] as unknown as ExpressionSpecification;
  const isEmerging = ["in", ["get", "label"], ["literal", Object.keys(EMERGING_COLOUR)]] as unknown as ExpressionSpecification;
  const ageRamp = ages();
  const age: ExpressionSpecification = ["-", moment.now, ["get", "t"]];
  return [
    { id: "hexagons", type: "fill", source: "hexagons", "source-layer": "hexagons", maxzoom: 14, paint: { "fill-color": ramp()[0]!, "fill-opacity": 0.72, "fill-outline-color": token("map-ground") } },
    {
      id: "grids-fill", type: "fill", source: "grids", "source-layer": "areas",
      paint: {
        "fill-color": ["coalesce", ["feature-state", "colour"], token("map-ground")] as unknown as ExpressionSpecification,
        "fill-opacity": ["case", ["==", ["coalesce", ["feature-state", "colour"], ""], ""], 0, 0.5] as unknown as ExpressionSpecification,
      },
    },
    {
      id: "looks", type: "fill", source: "looks", "source-layer": "looks", filter: ["has", "t"],
      paint: { "fill-antialias": false, "fill-opacity": 0.6, "fill-color": ["step", age, ageRamp[0]!, 4 * HOUR, ageRamp[1]!, 24 * HOUR, ageRamp[2]!, 72 * HOUR, ageRamp[3]!, 168 * HOUR, ageRamp[4]!] },
    },
    { id: "looks-never", type: "fill", source: "looks", "source-layer": "looks", filter: ["!", ["has", "t"]], paint: { "fill-pattern": "hatch", "fill-opacity": 0.55 } },
    { id: "blind", type: "fill", source: "blind", "source-layer": "results", paint: { "fill-color": token("s-4"), "fill-opacity": 0.5 } },
    {
      id: "hotspots", type: "fill", source: "hotspots", "source-layer": "results", filter: ["in", ["get", "label"], ["literal", ["hot", "cold"]]],
      paint: { "fill-color": ["match", ["get", "label"], "hot", warm, cold], "fill-opacity": ["interpolate", ["linear"], ["coalesce", ["get", "q"], 0.05], 0, 0.45, 0.05, 0.22] },
    },
    {
      id: "hotspots-line", type: "line", source: "hotspots", "source-layer": "results", filter: ["in", ["get", "label"], ["literal", ["hot", "cold"]]],
      paint: { "line-color": ["match", ["get", "label"], "hot", warm, cold], "line-width": 1.4 },
    },
    { id: "emerging", type: "fill", source: "emerging", "source-layer": "results", filter: isEmerging, paint: { "fill-color": emerging, "fill-opacity": 0.3 } },
    { id: "emerging-line", type: "line", source: "emerging", "source-layer": "results", filter: isEmerging, paint: { "line-color": emerging, "line-width": 2.4 } },
    { id: "camera-views", type: "fill", source: "camera-views", "source-layer": "camera_views", paint: { "fill-color": token("s-1"), "fill-opacity": 0.18, "fill-outline-color": token("s-1") } },
    {
      id: "grids-line", type: "line", source: "grids", "source-layer": "areas",
      paint: {
        "line-color": ["case", ["boolean", ["feature-state", "chosen"], false], token("focus"), token("map-area")] as unknown as ExpressionSpecification,
        "line-width": ["case", ["boolean", ["feature-state", "chosen"], false], 4, 1] as unknown as ExpressionSpecification,
        "line-opacity": 0.85,
      },
    },
    { id: "routes", type: "line", source: "routes", "source-layer": "routes", paint: { "line-color": token("s-3"), "line-width": 3, "line-opacity": 0.85 } },
    { id: "drones", type: "line", source: "drones", "source-layer": "drone_routes", paint: { "line-color": token("s-4"), "line-width": 2.5, "line-dasharray": [2, 1.5] } },
    {
      id: "cameras", type: "circle", source: "cameras", "source-layer": "cameras", minzoom: 12,
      paint: { "circle-radius": ["interpolate", ["linear"], ["zoom"], 12, 2, 16, 5], "circle-color": ["match", ["get", "status"], "online", token("s-1"), token("unknown")], "circle-stroke-width": 1, "circle-stroke-color": token("map-ground") },
    },
    { id: "stations", type: "circle", source: "stations", "source-layer": "stations", minzoom: 12, paint: { "circle-radius": 6, "circle-color": token("map-ground"), "circle-stroke-color": token("s-3"), "circle-stroke-width": 3 } },
    { id: "tracks", type: "line", source: "tracks", layout: { "line-cap": "round", "line-join": "round" }, paint: { "line-color": token("s-2"), "line-width": 2.5, "line-opacity": 0.7 } },
    {
      id: "units", type: "circle", source: "units",
      paint: { "circle-radius": 7, "circle-color": ["case", ["get", "old"], token("unknown"), token("s-2")], "circle-stroke-width": 2, "circle-stroke-color": token("ink") },
    },
    { id: "live", type: "circle", source: "live", paint: pointPaint(moment) },
    {
      id: "arrivals", type: "circle", source: "arrivals",
      paint: { "circle-radius": 14, "circle-color": "rgba(0,0,0,0)", "circle-stroke-color": token("ink"), "circle-stroke-width": 2.5 },
    },
    {
      id: "emerging-names", type: "symbol", source: "emerging", "source-layer": "results", filter: isEmerging, minzoom: 14.2,
      layout: { "text-field": ["match", ["get", "label"], ...Object.entries(EMERGING).flatMap(([label, pair]) => [label, pair[language() === "en" ? 1 : 0]]), ""] as never, "text-size": LETTERS_PX },
      paint: textPaint(),
    },
    {
      id: "unit-names", type: "symbol", source: "units",
      layout: { "text-field": ["get", "text"], "text-size": LETTERS_PX, "text-offset": [0, 1.3], "text-anchor": "top" }, paint: textPaint(),
    },
    { id: "station-names", type: "symbol", source: "stations", "source-layer": "stations", minzoom: 14, layout: { "text-field": ["get", "name"], "text-size": LETTERS_PX, "text-offset": [0, 1.2], "text-anchor": "top" }, paint: textPaint() },
    gridNames(LETTERS_PX),
  ] as LayerSpecification[];
}

/** How incidents are drawn by their age. */
export function pointPaint(moment: Moment): Record<string, unknown> {
  const age = ["-", moment.now, ["get", "t"]];
  return {
    "circle-radius": ["interpolate", ["linear"], ["zoom"], 11, ["step", age, 4.5, HOUR, 3.5, 6 * HOUR, 2.6], 16, ["step", age, 9, HOUR, 7, 6 * HOUR, 5.5]],
    "circle-color": ["step", age, moment.night ? "#ffffff" : "#101a24", HOUR, token("s-1"), 24 * HOUR, token("unknown")],
    "circle-opacity": ["interpolate", ["linear"], age, 0, 1, 6 * HOUR, 0.8, 24 * HOUR, 0.45, 48 * HOUR, 0.25],
    "circle-stroke-width": ["step", age, 1.5, HOUR, 0.5],
    "circle-stroke-color": token("map-ground"),
  };
}

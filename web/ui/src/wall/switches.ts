/** The wall's layers by name: what is switched on and off, who may, and from which zoom on. */

import type { Word } from "./words";

/** Layers that may be switched, in the order of the menu, and the layers of the map that they are. */
export const SWITCHES: Record<string, { word: Word; ids: string[]; needs?: string; zoom?: number }> = {
  grids: { word: "layer_grids", ids: ["grids-fill", "grids-line", "grid-names"] },
  live: { word: "layer_live", ids: ["live", "arrivals"], needs: "incidents.read" },
  hexagons: { word: "layer_hexagons", ids: ["hexagons"], needs: "incidents.read" },
  hotspots: { word: "layer_hotspots", ids: ["hotspots", "hotspots-line"], needs: "results.read" },
  emerging: { word: "layer_emerging", ids: ["emerging", "emerging-line", "emerging-names"], needs: "results.read" },
  cameras: { word: "layer_cameras", ids: ["cameras"], needs: "cameras.read", zoom: 12 },
  camera_views: { word: "layer_camera_views", ids: ["camera-views"], needs: "cameras.read", zoom: 13 },
  blind: { word: "layer_blind", ids: ["blind"], needs: "results.read" },
  looks: { word: "layer_looks", ids: ["looks", "looks-never"], zoom: 13 },
  routes: { word: "layer_routes", ids: ["routes"], needs: "plans.read" },
  tracks: { word: "layer_tracks", ids: ["tracks", "units", "unit-names"], needs: "tracks.read" },
  drones: { word: "layer_drones", ids: ["drones"], needs: "plans.read" },
  result: { word: "layer_result", ids: ["result-fill", "result-line"], needs: "results.read" },
  stations: { word: "layer_stations", ids: ["stations", "station-names"], zoom: 12 },
};
/** Kinds of results that have a layer of their own, and its source. */
export const RUN_SOURCES: Record<string, string> = { hotspots: "hotspots", emerging: "emerging", blind_spots: "blind" };

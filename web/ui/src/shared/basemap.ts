/** The style under every map: ground, water, buildings, roads and areas out of our own tiles. */

import type { LayerSpecification, SourceSpecification, StyleSpecification } from "maplibre-gl";
import { token } from "./theme";
import { language } from "./words";

/** What the server was told to draw below: nothing more, an operator's file, or Tianditu. */
export interface BasemapSettings {
  pmtiles: string | null;
  tianditu: { tiles: string[]; labels: string[] } | null;
}

const FONT = ["Noto Sans SC Variable"];
const MAIN = ["match", ["slice", ["get", "kind"], 0, 4], ["moto", "trun", "prim", "seco"], true, false];

export function tiles(layer: string, query = ""): string[] {
  return [`${location.origin}/tiles/${layer}/{z}/{x}/{y}${query}`];
}

/** A source of our tiles; `most` is the zoom past which the same tiles are enlarged. */
export function tileSource(layer: string, { least = 0, most = 16, query = "" } = {}): SourceSpecification {
  return { type: "vector", tiles: tiles(layer, query), minzoom: least, maxzoom: most };
}

/** Return a whole style; it names no glyphs, so that all text is drawn with local fonts. */
export function basemapStyle(settings: BasemapSettings | null = null): StyleSpecification {
  const sources: Record<string, SourceSpecification> = {
    water: tileSource("water", { least: 8 }),
    roads: tileSource("roads", { least: 9, most: 15 }),
    buildings: tileSource("buildings", { least: 14, most: 15 }),
    districts: tileSource("areas", { most: 14, query: "?level=district" }),
    // Numbers of a grid are joined to its shape by its number.
    grids: { ...tileSource("areas", { least: 8, most: 15, query: "?level=grid" }), promoteId: { areas: "id" } } as SourceSpecification,
    "grid-labels": tileSource("area_labels", { least: 11, most: 15, query: "?level=grid" }),
  };
  const layers: LayerSpecification[] = [
    { id: "background", type: "background", paint: { "background-color": token("map-ground") } },
  ];
  if (settings?.tianditu) addRaster(sources, layers, settings.tianditu);
  if (settings?.pmtiles) addFile(sources, layers, settings.pmtiles);
  layers.push(...ownLayers(settings?.tianditu !== undefined && settings?.tianditu !== null));
  return { version: 8, sources, layers };
}

function ownLayers(overPicture: boolean): LayerSpecification[] {
  const made: LayerSpecification[] = overPicture
    ? []
    : [
        { id: "water", type: "fill", source: "water", "source-layer": "water", paint: { "fill-color": token("map-water") } },
        {
          id: "buildings", type: "fill", source: "buildings", "source-layer": "buildings", minzoom: 14,
          paint: { "fill-color": token("map-building"), "fill-opacity": ["interpolate", ["linear"], ["zoom"], 14, 0.4, 16, 1] },
        },
        road("roads-edge", token("map-road-edge"), 2.2, null),
        road("roads", token("map-road"), 0, null),
        road("roads-main", token("map-road-main"), 1.2, MAIN),
      ];
  made.push({
    id: "district-line", type: "line", source: "districts", "source-layer": "areas",
    paint: { "line-color": token("map-area"), "line-width": 2.5, "line-dasharray": [4, 2] },
  });
  return made;
}

function road(id: string, colour: string, wider: number, filter: unknown): LayerSpecification {
  const width = (main: number, other: number): unknown => ["case", MAIN, main + wider, other + wider];
  return {
    id, type: "line", source: "roads", "source-layer": "roads",
    ...(filter ? { filter: filter as never } : {}),
    layout: { "line-cap": "round", "line-join": "round" },
    paint: {
      "line-color": colour,
      "line-width": [
        "interpolate", ["exponential", 1.6], ["zoom"], 10, width(0.8, 0.2), 14, width(2.4, 0.8), 17, width(9, 5),
      ] as never,
    },
  };
}

/** Names of grids, as a page places them among its own layers; a wall's are as large as its other letters. */
export function gridNames(size?: number): LayerSpecification {
  return {
    id: "grid-names", type: "symbol", source: "grid-labels", "source-layer": "area_labels", minzoom: 13.2,
    layout: {
      "text-field": language() === "en" ? ["coalesce", ["get", "name_en"], ["get", "name"]] : ["get", "name"], "text-font": FONT, "text-max-width": 7, "text-padding": 6,
      "text-size": size ?? ["interpolate", ["linear"], ["zoom"], 13, 11, 16, 16],
    },
    paint: textPaint(),
  };
}

/** Names of roads, last of all so that they lie over what a page draws. */
export function roadNames(): LayerSpecification {
  return {
    id: "road-names", type: "symbol", source: "roads", "source-layer": "roads", minzoom: 14,
    filter: ["!=", ["coalesce", ["get", "name"], ""], ""],
    layout: {
      "symbol-placement": "line", "text-field": ["get", "name"], "text-font": FONT, "symbol-spacing": 400,
      "text-size": ["interpolate", ["linear"], ["zoom"], 14, 11, 17, 14],
    },
    paint: textPaint(),
  };
}

export function textPaint(): Record<string, string | number> {
  return { "text-color": token("map-text"), "text-halo-color": token("map-halo"), "text-halo-width": 1.4 };
}

function addRaster(
  sources: Record<string, SourceSpecification>, layers: LayerSpecification[], given: { tiles: string[]; labels: string[] },
): void {
  for (const [id, addresses] of [["tianditu", given.tiles], ["tianditu-labels", given.labels]] as const) {
    sources[id] = { type: "raster", tiles: [...addresses], tileSize: 256, maxzoom: 18 };
    layers.push({ id, type: "raster", source: id });
  }
}

/** An operator's file in the schema of Protomaps: earth, water, landuse, roads and places. */
function addFile(sources: Record<string, SourceSpecification>, layers: LayerSpecification[], address: string): void {
  sources.file = { type: "vector", url: `pmtiles://${new URL(address, location.origin).href}` };
  const name = language() === "en" ? ["coalesce", ["get", "name:en"], ["get", "name"]] : ["coalesce", ["get", "name:zh"], ["get", "name"]];
  layers.push(
    { id: "file-water", type: "fill", source: "file", "source-layer": "water", filter: ["==", ["geometry-type"], "Polygon"], paint: { "fill-color": token("map-water") } },
    { id: "file-roads", type: "line", source: "file", "source-layer": "roads", paint: { "line-color": token("map-road"), "line-width": ["interpolate", ["linear"], ["zoom"], 10, 0.4, 16, 3] } },
    { id: "file-buildings", type: "fill", source: "file", "source-layer": "buildings", minzoom: 14, paint: { "fill-color": token("map-building") } },
    {
      id: "file-places", type: "symbol", source: "file", "source-layer": "places",
      layout: { "text-field": name as never, "text-font": FONT, "text-size": 13 }, paint: textPaint(),
    },
  );
}

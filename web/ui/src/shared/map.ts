/** The map under every page: MapLibre from this server, with no glyphs, sprites or addresses outside. */

import { Map as MapLibreMap, setWorkerUrl, type MapOptions, type StyleSpecification } from "maplibre-gl";
import workerUrl from "maplibre-gl/dist/maplibre-gl-worker.mjs?url";
import "maplibre-gl/dist/maplibre-gl.css";

setWorkerUrl(workerUrl);

/** A style without glyphs: MapLibre then draws Chinese and Latin letters with local fonts. */
export function emptyStyle(background: string): StyleSpecification {
  return {
    version: 8,
    sources: {},
    layers: [{ id: "background", type: "background", paint: { "background-color": background } }],
  };
}

export function createMap(options: MapOptions): MapLibreMap {
  return new MapLibreMap({ attributionControl: false, ...options });
}

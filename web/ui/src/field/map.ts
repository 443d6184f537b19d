/** The map of the tablet: own grids, tasks, the route and its stops; tiles from the device. */

import type { FeatureCollection } from "geojson";
import { addProtocol, NavigationControl, type GeoJSONSource, type Map as MapLibreMap } from "maplibre-gl";
import { textPaint } from "../shared/basemap";
import { urgency } from "../shared/cases";
import { createMap, restyle } from "../shared/map";
import { token } from "../shared/theme";
import type { Route, Today } from "./day";

const NOTHING: FeatureCollection = { type: "FeatureCollection", features: [] };
const FONT = ["Noto Sans SC Variable"];
type Bounds = [number, number, number, number];

/** The map's own worker is none of the service worker's clients: tiles are asked for by the page. */
function askHere(url: string): { url: string } {
  return { url: url.startsWith(`${location.origin}/tiles/`) ? url.replace(`${location.origin}/`, "kept://") : url };
}

async function keptTile({ url }: { url: string }, abort: AbortController): Promise<{ data: ArrayBuffer }> {
  const answer = await fetch(url.replace("kept://", `${location.origin}/`), { signal: abort.signal });
  if (!answer.ok) throw new Error(`${answer.status} ${url}`);
  return { data: await answer.arrayBuffer() };
}

export class FieldMap {
  opened: (caseId: number) => void = () => undefined;
  private fitted = false;
  private readonly drawn = new Map<string, FeatureCollection>();

  private constructor(private readonly map: MapLibreMap) {
    this.addLayers();
    document.addEventListener("themechange", () => restyle(map, null, () => this.addLayers()));
    map.on("click", "tasks", (event) => {
      const hit = event.features?.[0];
      if (hit) this.opened(Number(hit.properties.case_id));
    });
  }

  static async make(container: HTMLElement, bounds: Bounds | null): Promise<FieldMap> {
    addProtocol("kept", keptTile);
    const map = await createMap({ container, controls: false, transformRequest: askHere, ...(bounds ? { bounds, fitBoundsOptions: { padding: 24 } } : { center: [105, 35], zoom: 3 }) });
    map.addControl(new NavigationControl({ visualizePitch: false }), "top-right");
    // How much of the ground is drawn, for whoever looks from outside.
    map.on("idle", () => {
      container.dataset.roads = String(map.queryRenderedFeatures({ layers: ["roads"] }).length);
    });
    const made = new FieldMap(map);
    made.fitted = bounds !== null;
    return made;
  }

  private addLayers(): void {
    for (const name of ["own", "way", "stops", "tasks"]) this.map.addSource(name, { type: "geojson", data: this.drawn.get(name) ?? NOTHING });
    this.map.addLayer({ id: "own", type: "line", source: "own", paint: { "line-color": token("act"), "line-width": 2.5 } });
    this.map.addLayer({ id: "way", type: "line", source: "way", layout: { "line-join": "round" }, paint: { "line-color": token("s-3"), "line-width": 4, "line-opacity": 0.75 } });
    this.map.addLayer({
      id: "stops", type: "circle", source: "stops",
      paint: { "circle-radius": 11, "circle-color": ["case", ["get", "done"], token("s-3"), token("card")], "circle-stroke-color": token("s-3"), "circle-stroke-width": 2.5 },
    });
    this.map.addLayer({
      id: "stop-numbers", type: "symbol", source: "stops",
      layout: { "text-field": ["to-string", ["get", "ordinal"]], "text-font": FONT, "text-size": 12, "text-allow-overlap": true },
      paint: { "text-color": ["case", ["get", "done"], token("card"), token("ink")] },
    });
    this.map.addLayer({
      id: "tasks", type: "circle", source: "tasks",
      paint: {
        "circle-radius": 12,
        "circle-color": ["match", ["get", "urgency"], "late", token("bad"), "soon", token("warn"), "later", token("s-1"), token("unknown")],
        "circle-stroke-color": token("card"), "circle-stroke-width": 2.5,
      },
    });
    this.map.addLayer({
      id: "task-names", type: "symbol", source: "tasks", minzoom: 13,
      layout: { "text-field": ["get", "label"], "text-font": FONT, "text-size": 13, "text-offset": [0, 1.5] }, paint: textPaint(),
    });
  }

  show(today: Today | null): void {
    if (today === null) return;
    this.set("own", today.grids.shapes);
    if (!this.fitted && today.grids.bounds) {
      this.map.fitBounds(today.grids.bounds, { padding: 24, duration: 0 });
      this.fitted = true;
    }
    this.set("tasks", {
      type: "FeatureCollection",
      features: today.tasks
        .filter((task) => task.actions.length > 0)
        .map((task) => ({
          type: "Feature", geometry: { type: "Point", coordinates: [task.lon, task.lat] },
          properties: { case_id: task.case_id, label: task.category ?? task.number, urgency: urgency(task.due_at, Date.now()) },
        })),
    });
  }

  showRoute(route: Route | null): void {
    this.set("way", route ? { type: "FeatureCollection", features: [{ type: "Feature", geometry: route.way, properties: {} }] } : NOTHING);
    this.set("stops", {
      type: "FeatureCollection",
      features: (route?.stops ?? []).map((stop) => ({
        type: "Feature", geometry: { type: "Point", coordinates: [stop.lon, stop.lat] },
        properties: { ordinal: stop.ordinal, done: Boolean(stop.visit) },
      })),
    });
  }

  /** Turn to a route's stops, so that their numbers can be told apart. */
  turnTo(route: Route): void {
    const lons = route.stops.map((stop) => stop.lon);
    const lats = route.stops.map((stop) => stop.lat);
    if (lons.length === 0) return;
    this.map.fitBounds([Math.min(...lons), Math.min(...lats), Math.max(...lons), Math.max(...lats)], { padding: 40, maxZoom: 16, duration: 0 });
  }

  focus(lon: number, lat: number): void {
    this.map.easeTo({ center: [lon, lat], zoom: Math.max(this.map.getZoom(), 15) });
  }

  centre(): { lon: number; lat: number } {
    const at = this.map.getCenter();
    return { lon: at.lng, lat: at.lat };
  }

  resize(): void {
    this.map.resize();
  }

  private set(name: string, data: FeatureCollection): void {
    this.drawn.set(name, data);
    this.map.getSource<GeoJSONSource>(name)?.setData(data);
  }
}

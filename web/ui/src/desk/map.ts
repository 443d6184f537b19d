/** The map of the desk: where the queue's cases are, the place of the call, the case that is open. */

import type { FeatureCollection } from "geojson";
import { Marker, type GeoJSONSource, type Map as MapLibreMap } from "maplibre-gl";
import { call } from "../shared/api";
import { textPaint } from "../shared/basemap";
import { urgency, type CaseRow, type CaseView } from "../shared/cases";
import { createMap, restyle } from "../shared/map";
import { token } from "../shared/theme";

type Bounds = [number, number, number, number];
const COLOURS = ["match", ["get", "urgency"], "late", "bad", "soon", "warn", "later", "s-1", "unknown"];

export class DeskMap {
  private pin: Marker;
  private queue: FeatureCollection = { type: "FeatureCollection", features: [] };
  private focus: Marker | null = null;
  picked: (lon: number, lat: number) => void = () => undefined;
  opened: (caseId: number) => void = () => undefined;

  private constructor(private readonly map: MapLibreMap) {
    this.pin = new Marker({ color: token("act"), draggable: true }).setLngLat(map.getCenter());
    this.pin.on("dragend", () => {
      const at = this.pin.getLngLat();
      this.picked(at.lng, at.lat);
    });
    this.addLayers();
    document.addEventListener("themechange", () => restyle(map, null, () => this.addLayers()));
    map.on("click", (event) => {
      const hit = map.queryRenderedFeatures(event.point, { layers: ["queue"] })[0];
      if (hit) this.opened(Number(hit.properties.case_id));
      else this.picked(event.lngLat.lng, event.lngLat.lat);
    });
  }

  static async make(container: HTMLElement): Promise<DeskMap> {
    const { bounds } = await call<{ bounds: Bounds }>("/tiles/areas");
    const map = await createMap({ container, bounds, fitBoundsOptions: { padding: 12 } });
    map.getCanvas().style.cursor = "crosshair";
    return new DeskMap(map);
  }

  private addLayers(): void {
    this.map.addLayer({
      id: "grid-line", type: "line", source: "grids", "source-layer": "areas",
      paint: { "line-color": token("map-area"), "line-width": 1, "line-opacity": 0.6 },
    });
    this.map.addSource("queue", { type: "geojson", data: this.queue });
    this.map.addLayer({
      id: "queue", type: "circle", source: "queue",
      paint: {
        "circle-radius": ["interpolate", ["linear"], ["zoom"], 11, 4, 16, 9],
        "circle-color": COLOURS.map((part) => (typeof part === "string" && !["match", "late", "soon", "later"].includes(part) ? token(part) : part)) as never,
        "circle-stroke-color": token("card"),
        "circle-stroke-width": 1.5,
      },
    });
    this.map.addLayer({
      id: "queue-number", type: "symbol", source: "queue", minzoom: 14,
      layout: { "text-field": ["get", "label"], "text-font": ["Noto Sans SC Variable"], "text-size": 12, "text-offset": [0, 1.4] },
      paint: textPaint(),
    });
  }

  /** Put the pin of the call somewhere, or away. */
  put(place: { lon: number; lat: number } | null, { near = false } = {}): void {
    if (place === null) {
      this.pin.remove();
      return;
    }
    this.pin.setLngLat([place.lon, place.lat]).addTo(this.map);
    if (near || !this.map.getBounds().contains([place.lon, place.lat])) {
      this.map.easeTo({ center: [place.lon, place.lat], zoom: Math.max(this.map.getZoom(), 15) });
    }
  }

  draw(rows: CaseRow[]): void {
    const features = rows.map((row) => ({
      type: "Feature" as const,
      geometry: { type: "Point" as const, coordinates: [row.lon, row.lat] },
      properties: { case_id: row.case_id, label: row.number.slice(-6), urgency: urgency(row.due_at, Date.now()) },
    }));
    this.queue = { type: "FeatureCollection", features };
    this.map.getSource<GeoJSONSource>("queue")?.setData(this.queue);
  }

  show(view: CaseView | null): void {
    this.focus?.remove();
    this.focus = null;
    if (view === null) return;
    this.focus = new Marker({ color: token("bad") }).setLngLat([view.lon, view.lat]).addTo(this.map);
    this.map.easeTo({ center: [view.lon, view.lat], zoom: Math.max(this.map.getZoom(), 14.5) });
  }
}

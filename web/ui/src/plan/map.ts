/** The map of the desk: hours, forecast, hotspots, ways, marks; a place is picked by pointer or keys. */

import type { FeatureCollection, Geometry } from "geojson";
import type { ExpressionSpecification, GeoJSONSource, LayerSpecification, Map as MapLibreMap } from "maplibre-gl";
import { call } from "../shared/api";
import { textPaint, tileSource, type BasemapSettings } from "../shared/basemap";
import { h } from "../shared/dom";
import { createMap, restyle } from "../shared/map";
import { theme, token } from "../shared/theme";
import { number } from "../shared/words";
import { breaks, diverging, ramp } from "../wall/scales";
import type { Area, Areas, Flight, MarkView, Routes } from "./data";
import { t } from "./words";

export type Measure = "hours" | "change" | "expected" | "trend";
const FONT = ["Noto Sans SC Variable"];
const EMPTY: FeatureCollection = { type: "FeatureCollection", features: [] };

export interface Shown {
  areas: Areas | null;
  hours: Map<number, number>;
  change: Map<number, number>;
  routes: Routes | null;
  flights: Pick<Flight, "geometry" | "may_fly">[];
  marks: MarkView[];
  hotspotRun: number | null;
  trendRun: number | null;
}

export class PlanMap {
  measure: Measure = "hours";
  layers = new Set(["hotspots", "routes", "flights"]);
  selected: number | null = null;
  picked: (areaId: number) => void = () => undefined;
  private placing: ((lon: number, lat: number) => void) | null = null;
  private shown: Shown = { areas: null, hours: new Map(), change: new Map(), routes: null, flights: [], marks: [], hotspotRun: null, trendRun: null };
  private readonly cross = h("div", { class: "cross", hidden: true, "aria-hidden": "true" });
  readonly legend = h("div", { class: "legend" });

  private constructor(
    private readonly map: MapLibreMap,
    settings: BasemapSettings,
    container: HTMLElement,
  ) {
    container.append(this.cross, this.legend);
    this.addLayers();
    map.on("click", (event) => {
      if (this.placing) return this.place(event.lngLat.lng, event.lngLat.lat);
      const hit = map.queryRenderedFeatures(event.point, { layers: ["plan-fill"] })[0];
      if (hit) this.picked(Number(hit.properties.area_id));
    });
    map.getCanvas().addEventListener("keydown", (event) => {
      if (!this.placing) return;
      if (event.key === "Enter") {
        event.preventDefault(); // the same press must not answer the question that it opens
        this.placeAtCross();
      } else if (event.key === "Escape") this.stopPlacing();
    });
    document.addEventListener("themechange", () => restyle(map, settings, () => this.addLayers()));
  }

  static async make(container: HTMLElement, bounds: [number, number, number, number]): Promise<PlanMap> {
    const settings = await call<BasemapSettings>("/api/v1/basemap");
    const map = await createMap({ container, bounds, fitBoundsOptions: { padding: 16 }, settings });
    return new PlanMap(map, settings, container);
  }

  show(shown: Partial<Shown>): void {
    this.shown = { ...this.shown, ...shown };
    this.fill();
  }

  /** Ask for a place: a click, or Enter with the cross on it. */
  startPlacing(then: (lon: number, lat: number) => void): void {
    this.placing = then;
    this.cross.hidden = false;
    this.map.getCanvas().style.cursor = "crosshair";
    this.map.getCanvas().focus();
  }
  placeAtCross(): void {
    const centre = this.map.getCenter();
    this.place(centre.lng, centre.lat);
  }
  stopPlacing(): void {
    this.placing = null;
    this.cross.hidden = true;
    this.map.getCanvas().style.cursor = "";
    document.dispatchEvent(new CustomEvent("placingend"));
  }
  private place(lon: number, lat: number): void {
    const then = this.placing;
    this.stopPlacing();
    then?.(Number(lon.toFixed(6)), Number(lat.toFixed(6)));
  }

  select(areaId: number | null, { fly = true } = {}): void {
    this.selected = areaId;
    if (this.map.getLayer("plan-selected")) this.map.setFilter("plan-selected", ["==", ["get", "area_id"], areaId ?? -1]);
    const area = this.shown.areas?.features.find((one) => one.properties.area_id === areaId);
    if (area && fly) {
      const [lon, lat] = middle(area.geometry);
      this.map.easeTo({ center: [lon, lat], zoom: Math.max(this.map.getZoom(), 14) });
    }
  }

  private addLayers(): void {
    const { map } = this;
    for (const id of ["plan-areas", "plan-routes", "plan-flights", "plan-marks"]) map.addSource(id, { type: "geojson", data: EMPTY });
    const layers: LayerSpecification[] = [
      { id: "plan-fill", type: "fill", source: "plan-areas", paint: { "fill-color": ["get", "colour"], "fill-opacity": 0.62 } },
      { id: "plan-unknown", type: "line", source: "plan-areas", filter: ["get", "unknown"], paint: { "line-color": token("unknown"), "line-width": 2.5, "line-dasharray": [1.5, 1.5] } },
      { id: "plan-line", type: "line", source: "plan-areas", paint: { "line-color": token("map-area"), "line-width": 0.8 } },
      { id: "plan-selected", type: "line", source: "plan-areas", filter: ["==", ["get", "area_id"], this.selected ?? -1], paint: { "line-color": token("focus"), "line-width": 4 } },
      { id: "plan-routes", type: "line", source: "plan-routes", filter: ["==", ["get", "kind"], "route"], layout: { "line-cap": "round", "line-join": "round" }, paint: { "line-color": ["get", "colour"], "line-width": 3, "line-opacity": 0.9 } },
      { id: "plan-stops", type: "circle", source: "plan-routes", filter: ["all", ["==", ["get", "kind"], "stop"], ["!=", ["get", "stop_ref"], "rest"]], minzoom: 12.5, paint: { "circle-radius": ["interpolate", ["linear"], ["zoom"], 12.5, 2.5, 15, 6], "circle-color": token("card"), "circle-stroke-color": ["case", ["get", "must"], token("bad"), token("ink")], "circle-stroke-width": 1.5 } },
      { id: "plan-flights", type: "line", source: "plan-flights", paint: { "line-color": ["case", ["get", "may_fly"], token("s-3"), token("bad")], "line-width": 2.5, "line-dasharray": [2, 1.5] } },
      { id: "plan-shut", type: "fill", source: "plan-marks", filter: ["!=", ["geometry-type"], "Point"], paint: { "fill-color": token("bad"), "fill-opacity": 0.35 } },
      { id: "plan-pins", type: "circle", source: "plan-marks", filter: ["==", ["geometry-type"], "Point"], paint: { "circle-radius": 9, "circle-color": token("bad"), "circle-stroke-color": token("card"), "circle-stroke-width": 3 } },
      { id: "plan-hours", type: "symbol", source: "plan-areas", minzoom: 11.5, layout: { "text-field": ["get", "label"], "text-font": FONT, "text-size": ["interpolate", ["linear"], ["zoom"], 11.5, 11, 15, 15] }, paint: { ...textPaint(), "text-halo-width": 1.8 } },
    ];
    for (const layer of layers) map.addLayer(layer);
    this.fill();
  }

  private fill(): void {
    const { shown } = this;
    const values = new Map<number, number | null>();
    for (const one of shown.areas?.features ?? []) values.set(one.properties.area_id, this.value(one.properties));
    const colour = this.scale([...values.values()].filter((value): value is number => value !== null));
    const features = (shown.areas?.features ?? []).map((one) => {
      const value = values.get(one.properties.area_id) ?? null;
      return { ...one, properties: { area_id: one.properties.area_id, unknown: one.properties.unknown, colour: value === null ? token("card-2") : colour(value), label: this.label(value) } };
    });
    this.set("plan-areas", { type: "FeatureCollection", features });
    this.set("plan-routes", this.layers.has("routes") && shown.routes ? coloured(shown.routes) : EMPTY);
    const flights = shown.flights.map((one) => ({ type: "Feature" as const, geometry: one.geometry, properties: { may_fly: one.may_fly } }));
    this.set("plan-flights", this.layers.has("flights") ? { type: "FeatureCollection", features: flights } : EMPTY);
    this.set("plan-marks", { type: "FeatureCollection", features: shown.marks.flatMap((one) => this.markShape(one)) });
    this.showResults();
  }

  private markShape(mark: MarkView): FeatureCollection["features"] {
    const geometry = mark.geometry ?? this.shown.areas?.features.find((one) => one.properties.area_id === mark.area_id)?.geometry;
    return geometry ? [{ type: "Feature", geometry, properties: { kind: mark.kind } }] : [];
  }

  private value(area: Area): number | null {
    if (this.measure === "hours") return this.shown.hours.get(area.area_id) ?? area.hours;
    if (this.measure === "change") return this.shown.change.get(area.area_id) ?? 0;
    if (this.measure === "trend") return area.trend_h;
    return area.need_week;
  }

  private label(value: number | null): string {
    if (value === null) return "?";
    const signed = this.measure === "change" || this.measure === "trend";
    return `${signed && value > 0 ? "+" : ""}${number(value, Number.isInteger(value) ? 0 : this.measure === "expected" ? 1 : 2)}`;
  }

  private scale(values: number[]): (value: number) => string {
    if (this.measure === "change" || this.measure === "trend") {
      const most = Math.max(0.25, ...values.map(Math.abs));
      const [down, still, up] = diverging();
      this.drawLegend([[down, `−${number(most, 2)}`], [still, "0"], [up, `+${number(most, 2)}`]]);
      return (value) => (value === 0 ? still : mix(still, value > 0 ? up : down, Math.min(1, Math.abs(value) / most)));
    }
    const limits = breaks(values);
    const colours = ramp();
    this.drawLegend(colours.slice(0, limits.length + 1).map((one, k) => [one, k < limits.length ? `< ${number(limits[k]!, 1)}` : `≥ ${number(limits.at(-1) ?? 0, 1)}`]));
    return (value) => colours[limits.filter((limit) => value >= limit).length]!;
  }

  private drawLegend(entries: [string, string][]): void {
    const name = { hours: "c_hours", change: "c_change", expected: "c_expected", trend: "c_trend" } as const;
    const swatch = (colour: string): HTMLElement => {
      const made = h("span", { class: "swatch" });
      made.style.background = colour;
      return made;
    };
    this.legend.replaceChildren(
      ...[
      h("strong", {}, t(name[this.measure])),
      ...entries.map(([colour, text]) => h("span", {}, swatch(colour), text)),
      h("span", { class: "dashed" }, t("unknown")),
      this.layers.has("hotspots") ? h("span", { class: "outlined" }, t("hot")) : null,
      ...(this.layers.has("trends") ? [h("span", {}, swatch(token("up")), t("rising")), h("span", {}, swatch(token("down")), t("falling"))] : []),
      ].filter((one): one is HTMLElement => one !== null),
    );
  }

  /** Hot cells as outlines, cells that rise or fall as hatched colours, of the plan's own results. */
  private showResults(): void {
    const { shown } = this;
    const sure: ExpressionSpecification = ["<", ["coalesce", ["get", "q"], 1], 0.1];
    const hot: ExpressionSpecification = ["all", sure, [">", ["coalesce", ["get", "score"], 0], 0]];
    const moves: ExpressionSpecification = ["all", sure, ["!=", ["coalesce", ["get", "slope"], 0], 0]];
    const colour = theme() === "night" ? "#ff5ea8" : "#b3005e";
    this.results("hot", this.layers.has("hotspots") ? shown.hotspotRun : null, { type: "line", filter: hot, paint: { "line-color": colour, "line-width": 2 } });
    this.results("move", this.layers.has("trends") ? shown.trendRun : null, {
      type: "fill", filter: moves,
      paint: { "fill-color": ["case", [">", ["get", "slope"], 0], token("up"), token("down")], "fill-opacity": 0.75, "fill-outline-color": token("card") },
    });
  }

  private results(prefix: string, run: number | null, look: { type: "line" | "fill"; filter: ExpressionSpecification; paint: object }): void {
    const { map } = this;
    const id = run === null ? null : `${prefix}-${run}`;
    for (const layer of map.getStyle().layers.filter((one) => one.id.startsWith(`${prefix}-`) && one.id !== id)) map.removeLayer(layer.id);
    if (run === null || id === null || map.getLayer(id)) return;
    if (!map.getSource(id)) map.addSource(id, tileSource("results", { most: 16, query: `?run=${run}` }));
    map.addLayer({ id, source: id, "source-layer": "results", ...look } as LayerSpecification, "plan-routes");
  }

  private set(id: string, data: FeatureCollection<Geometry>): void {
    this.map.getSource<GeoJSONSource>(id)?.setData(data);
  }
}

const COLOURS = ["s-1", "s-2", "s-3", "s-4"];

function coloured(routes: Routes): FeatureCollection {
  const units = [...new Set(routes.features.map((one) => String(one.properties.unit)))];
  return {
    type: "FeatureCollection",
    features: routes.features.map((one) => ({ ...one, properties: { ...one.properties, colour: token(COLOURS[units.indexOf(String(one.properties.unit)) % 4]!) } })),
  };
}

function mix(from: string, to: string, share: number): string {
  const parse = (text: string): number[] => [1, 3, 5].map((at) => Number.parseInt(text.slice(at, at + 2), 16));
  const [a, b] = [parse(from), parse(to)];
  return `rgb(${a.map((value, k) => Math.round(value + (b[k]! - value) * share)).join(",")})`;
}

export function middle(geometry: Geometry): [number, number] {
  const points: [number, number][] = [];
  const walk = (part: unknown): void => {
    if (Array.isArray(part) && typeof part[0] === "number") points.push([part[0], Number(part[1])]);
    else if (Array.isArray(part)) part.forEach(walk);
  };
  if ("coordinates" in geometry) walk(geometry.coordinates);
  const [x, y] = [points.map((one) => one[0]), points.map((one) => one[1])];
  return [(Math.min(...x) + Math.max(...x)) / 2, (Math.min(...y) + Math.max(...y)) / 2];
}

/** A square of so many metres around a place. */
export function squareAround(lon: number, lat: number, metres: number): Geometry {
  const dy = metres / 2 / 111_320;
  const dx = dy / Math.cos((lat * Math.PI) / 180);
  const corner = (sx: number, sy: number): [number, number] => [Number((lon + sx * dx).toFixed(6)), Number((lat + sy * dy).toFixed(6))];
  return { type: "Polygon", coordinates: [[corner(-1, -1), corner(1, -1), corner(1, 1), corner(-1, 1), corner(-1, -1)]] };
}

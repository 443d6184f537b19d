/** The wall's own layers over the basemap: how each is drawn, and what its legend says. */

import type { ExpressionSpecification, GeoJSONSource, LayerSpecification, Map as MapLibreMap, VectorTileSource } from "maplibre-gl";
import { may } from "../shared/api";
import { gridNames, textPaint, tiles, tileSource } from "../shared/basemap";
import { token } from "../shared/theme";
import { ago, language } from "../shared/words";
import type { Days, Point, UnitSeen, WallState } from "./data";
import { gridColour, gridLegend, gridLimits, gridValue, hatch, measureColour, measured, measureLegend, type Legend, type LegendEntry } from "./paint";
import { chosenResult, isByScore, resultLayers, resultLegend, scoreColours } from "./results";
import { ages, breaks, ramp } from "./scales";
import { EMERGING, t, type Word } from "./words";

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
const RUN_SOURCES: Record<string, string> = { hotspots: "hotspots", emerging: "emerging", blind_spots: "blind" };
const HOUR = 3600;
const UNIT_OLD_S = 900;
const EMERGING_COLOUR: Record<string, [night: string, day: string]> = {
  new_hot: ["#ff5ea8", "#b3005e"],
  consecutive_hot: ["#ff8fc4", "#c2348a"],
  intensifying_hot: ["#ff6a3d", "#b93a00"],
  persistent_hot: ["#f0b240", "#8f5a00"],
  diminishing_hot: ["#9ed8a8", "#2f7d46"],
  sporadic_hot: ["#c9b8f0", "#6a4fb0"],
  oscillating_hot: ["#8fb7e8", "#2f6aa8"],
  historical_hot: ["#8795a3", "#66737f"],
};

export class Layers {
  /** Of when points and looks are aged, seconds since 1970. */
  now = 0;
  private limits: Record<string, number[]> = {};
  private readonly painted = new Map<number, string | null>();

  constructor(
    private readonly map: MapLibreMap,
    private state: WallState,
    private readonly night: () => boolean,
  ) {
    this.now = state.as_of;
  }

  /** Add all sources and layers, in the colours of now; again after each change of style. */
  add(): void {
    const { map, state } = this;
    this.painted.clear();
    for (const key of Object.keys(this.limits)) if (key.startsWith("result:")) delete this.limits[key];
    map.addImage("hatch", hatch(token("unknown")), { pixelRatio: 2 });
    const run = (kind: string): string => `?run=${state.runs[kind]?.run ?? 1}`;
    map.addSource("hexagons", { ...tileSource("incidents", { most: 13, query: this.daysQuery() }) });
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
    for (const layer of this.specifications()) {
      if (this.isDrawable(layer)) map.addLayer(layer, "road-names");
    }
    this.addResult();
  }

  private resultKey = "";

  /** Draw another of the stored results in the layer that can show any of them. */
  chooseResult(key: string): void {
    if (key === this.resultKey && this.map.getSource("result")) return;
    this.resultKey = key;
    if (!this.map.getSource("hexagons")) return; // it is added with all others
    this.replaceResult();
  }

  private replaceResult(): void {
    const isShown = SWITCHES.result!.ids.some((id) => this.map.getLayer(id) && this.map.getLayoutProperty(id, "visibility") !== "none");
    for (const id of SWITCHES.result!.ids) if (this.map.getLayer(id)) this.map.removeLayer(id);
    if (this.map.getSource("result")) this.map.removeSource("result");
    this.addResult();
    this.show("result", isShown);
  }

  private addResult(): void {
    const result = may("results.read") ? chosenResult(this.state.results, this.resultKey) : null;
    if (result === null) return;
    this.map.addSource("result", tileSource("results", { most: 15, query: `?run=${result.run}` }));
    const above = this.map.getLayer("grids-line") ? "grids-line" : "road-names";
    for (const layer of resultLayers(result)) this.map.addLayer(layer, above);
  }

  /** The legend of the chosen result; coloured by its figure where its labels tell nothing. */
  private paintResult(): Legend | null {
    const result = chosenResult(this.state.results, this.resultKey);
    if (result === null || !this.has("result")) return null;
    if (!isByScore(result)) return resultLegend(result, []);
    const key = `result:${result.run}`;
    const ids = SWITCHES.result!.ids.filter((id) => this.map.getLayer(id));
    const seen = this.map.queryRenderedFeatures({ layers: ids });
    if (seen.length > 0 && this.limits[key] === undefined) {
      this.limits[key] = breaks(seen.map((feature) => Number(feature.properties.score)));
      for (const id of ids) this.map.setPaintProperty(id, id === "result-fill" ? "fill-color" : "line-color", scoreColours(this.limits[key]!) as never);
    }
    return resultLegend(result, this.limits[key] ?? []);
  }

  /** A result that was never computed has no layer, rather than an empty one. */
  private isDrawable(layer: LayerSpecification): boolean {
    // Tracks of staff are for few: without the permission there is neither layer nor switch.
    if (SWITCHES.tracks!.ids.includes(layer.id)) return may("tracks.read");
    const kind = { hotspots: "hotspots", emerging: "emerging", blind: "blind_spots" }[layer.id.split("-")[0]!];
    return kind === undefined || this.state.runs[kind] !== undefined;
  }

  has(name: string): boolean {
    return (SWITCHES[name]?.ids ?? []).some((id) => this.map.getLayer(id) !== undefined);
  }

  show(name: string, on: boolean): void {
    for (const id of SWITCHES[name]?.ids ?? []) {
      if (this.map.getLayer(id)) this.map.setLayoutProperty(id, "visibility", on ? "visible" : "none");
    }
  }

  /** Take a newer document: newer results are drawn; true if there are kinds of them that were not there. */
  update(state: WallState): boolean {
    const before = this.state;
    this.state = state;
    if (Object.keys(before.runs).sort().join() !== Object.keys(state.runs).sort().join()) return true;
    for (const [kind, source] of Object.entries(RUN_SOURCES)) {
      const run = state.runs[kind]?.run;
      if (run !== before.runs[kind]?.run) this.map.getSource<VectorTileSource>(source)?.setTiles(tiles("results", `?run=${run}`));
    }
    const [old, now] = [before, state].map((one) => chosenResult(one.results, this.resultKey)?.run);
    if (old !== now) this.replaceResult();
    return false;
  }

  private specifications(): LayerSpecification[] {
    const [warm, cold] = [token("up"), token("down")];
    const emerging = ["match", ["get", "label"], ...Object.entries(EMERGING_COLOUR).flatMap(([label, pair]) => [label, pair[this.night() ? 0 : 1]]), "#888888"] as unknown as ExpressionSpecification;
    const isEmerging = ["in", ["get", "label"], ["literal", Object.keys(EMERGING_COLOUR)]] as unknown as ExpressionSpecification;
    const ageRamp = ages();
    const age: ExpressionSpecification = ["-", this.now, ["get", "t"]];
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
        paint: { "fill-opacity": 0.6, "fill-color": ["step", age, ageRamp[0]!, 4 * HOUR, ageRamp[1]!, 24 * HOUR, ageRamp[2]!, 72 * HOUR, ageRamp[3]!, 168 * HOUR, ageRamp[4]!] },
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
      { id: "live", type: "circle", source: "live", paint: this.pointPaint() },
      {
        id: "arrivals", type: "circle", source: "arrivals",
        paint: { "circle-radius": 14, "circle-color": "rgba(0,0,0,0)", "circle-stroke-color": token("ink"), "circle-stroke-width": 2.5 },
      },
      {
        id: "emerging-names", type: "symbol", source: "emerging", "source-layer": "results", filter: isEmerging, minzoom: 14.2,
        layout: { "text-field": ["match", ["get", "label"], ...Object.entries(EMERGING).flatMap(([label, pair]) => [label, pair[language() === "en" ? 1 : 0]]), ""] as never, "text-size": 13 },
        paint: textPaint(),
      },
      {
        id: "unit-names", type: "symbol", source: "units",
        layout: { "text-field": ["get", "text"], "text-size": 13, "text-offset": [0, 1.3], "text-anchor": "top" }, paint: textPaint(),
      },
      { id: "station-names", type: "symbol", source: "stations", "source-layer": "stations", minzoom: 14, layout: { "text-field": ["get", "name"], "text-size": 12, "text-offset": [0, 1.2], "text-anchor": "top" }, paint: textPaint() },
      gridNames(),
    ] as LayerSpecification[];
  }

  private pointPaint(): Record<string, unknown> {
    const age = ["-", this.now, ["get", "t"]];
    return {
      "circle-radius": ["interpolate", ["linear"], ["zoom"], 11, ["step", age, 4.5, HOUR, 3.5, 6 * HOUR, 2.6], 16, ["step", age, 9, HOUR, 7, 6 * HOUR, 5.5]],
      "circle-color": ["step", age, this.night() ? "#ffffff" : "#101a24", HOUR, token("s-1"), 24 * HOUR, token("unknown")],
      "circle-opacity": ["interpolate", ["linear"], age, 0, 1, 6 * HOUR, 0.8, 24 * HOUR, 0.45, 48 * HOUR, 0.25],
      "circle-stroke-width": ["step", age, 1.5, HOUR, 0.5],
      "circle-stroke-color": token("map-ground"),
    };
  }

  /** Let points and looks grow older. */
  age(now: number): void {
    this.now = now;
    if (!this.map.getLayer("live")) return;
    for (const [name, value] of Object.entries(this.pointPaint())) {
      if (JSON.stringify(value).includes('"t"')) this.map.setPaintProperty("live", name as "circle-radius", value as never);
    }
  }

  /** Draw incidents of a span, and rings around those that came in just now. */
  drawPoints(points: Point[], arrivals: Point[]): void {
    const collection = (list: Point[]): Parameters<GeoJSONSource["setData"]>[0] => ({
      type: "FeatureCollection",
      features: list.map((p) => ({
        type: "Feature", geometry: { type: "Point", coordinates: [p.lon, p.lat] }, properties: { t: p.t, id: p.id },
      })),
    });
    this.map.getSource<GeoJSONSource>("live")?.setData(collection(points));
    this.map.getSource<GeoJSONSource>("arrivals")?.setData(collection(arrivals));
  }

  /** Draw units on duty with their trails; a position of more than 15 minutes ago is grey, each says its age. */
  drawUnits(units: UnitSeen[], at: number): void {
    this.map.getSource<GeoJSONSource>("tracks")?.setData({
      type: "FeatureCollection",
      features: units.map((unit) => ({ type: "Feature", geometry: unit.trail, properties: {} })),
    });
    this.map.getSource<GeoJSONSource>("units")?.setData({
      type: "FeatureCollection",
      features: units.map((unit) => ({
        type: "Feature", geometry: { type: "Point", coordinates: [unit.lon, unit.lat] },
        properties: { old: at - unit.at > UNIT_OLD_S, text: `${unit.name} · ${ago(at - unit.at)}` },
      })),
    });
  }

  /** One step of the rings that grow around new incidents; `phase` from 0 to 1. */
  pulse(phase: number): void {
    if (!this.map.getLayer("arrivals")) return;
    this.map.setPaintProperty("arrivals", "circle-radius", 8 + 18 * phase);
    this.map.setPaintProperty("arrivals", "circle-stroke-opacity", 1 - phase);
  }

  /** Show the hexagons of other days; null for the last four weeks. */
  private day: string | null = null;
  showDay(day: string | null): void {
    if (day === this.day) return;
    this.day = day;
    this.map.getSource<VectorTileSource>("hexagons")?.setTiles(tiles("incidents", this.daysQuery()));
  }

  private daysQuery(): string {
    const last = new Date(`${this.day ?? this.state.today.day}T00:00:00Z`);
    const shift = (days: number): string => new Date(last.getTime() + days * 86_400_000).toISOString().slice(0, 10);
    return `?since=${this.day ? shift(-6) : shift(-27)}&until=${shift(1)}`;
  }

  /** Colour the hexagons that are in sight by a measure; returns the legend. */
  paintHexagons(measure: string): Legend {
    const isThere = this.map.getLayer("hexagons") !== undefined;
    const seen = isThere ? this.map.queryRenderedFeatures({ layers: ["hexagons"] }) : [];
    // While days play the limits stay, so that a colour means the same on each of them.
    const key = `${measure}:${Math.floor(this.map.getZoom() / 2)}:${this.day === null ? "" : "day"}`;
    if (seen.length > 0 && this.limits[key] === undefined) {
      this.limits[key] = breaks(seen.map((feature) => measured(feature.properties, measure)).filter((n) => n !== null));
    }
    const limits = this.limits[key] ?? [];
    const colour = measureColour(measure, limits);
    // Setting what is set already draws anew as well, and this is called whenever drawing has ended.
    if (isThere && JSON.stringify(this.map.getPaintProperty("hexagons", "fill-color")) !== JSON.stringify(colour)) {
      this.map.setPaintProperty("hexagons", "fill-color", colour as never);
    }
    return measureLegend(measure, limits, this.day ? t("last_7") : t("last_28"));
  }

  /** Colour the grids; returns the legend, or null where they are not coloured. */
  paintGrids(colour: string, days: Days | null, place: number | null): Legend | null {
    const values = new Map<number, number | null>();
    for (const grid of this.state.grids) values.set(grid.area_id, gridValue(grid, colour, days, place));
    const limits = gridLimits(this.state.grids, colour, days, place);
    for (const [id, value] of values) {
      const painted = colour === "none" ? null : value === null ? token("unknown") : gridColour(value, colour, limits);
      // Each state that is set draws the map anew, also one that is as it was: a wall would never rest.
      if (this.painted.get(id) === painted) continue;
      this.painted.set(id, painted);
      if (painted === null) this.map.removeFeatureState({ source: "grids", sourceLayer: "areas", id }, "colour");
      else this.map.setFeatureState({ source: "grids", sourceLayer: "areas", id }, { colour: painted });
    }
    return gridLegend(colour, limits, [...values.values()].includes(null), place !== null && days ? days.days[place]! : null);
  }

  private emergingLabels(): Set<string> {
    const run = this.state.results.find((one) => one.kind === "emerging" && one.unit === "cell");
    return new Set((run?.labels ?? []).map((one) => one.label));
  }

  choose(before: number | null, now: number | null): void {
    for (const [id, chosen] of [[before, false], [now, true]] as const) {
      if (id !== null) this.map.setFeatureState({ source: "grids", sourceLayer: "areas", id }, { chosen });
    }
  }

  /** The legends of the other layers that are shown. */
  legends(shown: string[]): Legend[] {
    const found: Legend[] = [];
    const zoom = this.map.getZoom();
    const dot = (colour: string, label: string): LegendEntry => ({ colour, label, shape: "dot" });
    const line = (colour: string, label: string): LegendEntry => ({ colour, label, shape: "line" });
    if (shown.includes("live")) {
      found.push({
        title: t("layer_live"),
        entries: [dot(this.night() ? "#ffffff" : "#101a24", t("age_hour")), dot(token("s-1"), t("age_day")), dot(token("unknown"), t("age_older"))],
      });
    }
    if (shown.includes("hotspots") && this.has("hotspots")) {
      found.push({ title: `${t("layer_hotspots")} · ${t("significant")}`, entries: [{ colour: token("up"), label: language() === "en" ? "hot" : "热点" }, { colour: token("down"), label: language() === "en" ? "cold" : "冷点" }] });
    }
    if (shown.includes("emerging") && this.has("emerging")) {
      found.push({
        title: t("layer_emerging"),
        // Those that were found: eight names of which three are there say less.
        entries: Object.entries(EMERGING).filter(([label]) => this.emergingLabels().has(label)).map(([label, pair]) => ({ colour: EMERGING_COLOUR[label]![this.night() ? 0 : 1], label: pair[language() === "en" ? 1 : 0], shape: "line" as const })),
      });
    }
    const result = shown.includes("result") ? this.paintResult() : null;
    if (result !== null) found.push(result);
    if (shown.includes("looks") && zoom >= 13) {
      const words: Word[] = ["seen_4h", "seen_24h", "seen_3d", "seen_7d", "seen_older"];
      found.push({
        title: t("layer_looks"),
        entries: [...words.map((word, n) => ({ colour: ages()[n]!, label: t(word) })), { colour: token("unknown"), label: t("seen_never"), shape: "hatch" as const }],
      });
    }
    const single: LegendEntry[] = [];
    if (shown.includes("cameras")) single.push(dot(token("s-1"), t("layer_cameras")));
    if (shown.includes("camera_views")) single.push({ colour: token("s-1"), label: t("layer_camera_views") });
    if (shown.includes("blind") && this.has("blind")) single.push({ colour: token("s-4"), label: t("layer_blind") });
    if (shown.includes("routes")) single.push(line(token("s-3"), t("layer_routes")));
    if (shown.includes("tracks") && this.has("tracks")) {
      single.push(line(token("s-2"), t("layer_tracks")), dot(token("s-2"), t("unit_now")), dot(token("unknown"), t("unit_old")));
    }
    if (shown.includes("drones")) single.push(line(token("s-4"), t("layer_drones")));
    if (shown.includes("stations")) single.push(dot(token("s-3"), t("layer_stations")));
    if (single.length > 0) found.push({ title: "", entries: single });
    return found;
  }
}

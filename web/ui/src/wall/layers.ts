/** The wall's own layers over the basemap: added, switched, filled, coloured by numbers, and aged. */

import type { GeoJSONSource, LayerSpecification, Map as MapLibreMap, VectorTileSource } from "maplibre-gl";
import { may } from "../shared/api";
import { tiles, tileSource } from "../shared/basemap";
import { token } from "../shared/theme";
import { ago } from "../shared/words";
import type { Days, Point, UnitSeen, WallState } from "./data";
import { addSources, drawnLayers, LETTERS_PX, pointPaint, type Moment } from "./drawn";
import { layerLegends } from "./legends";
import { gridColour, gridLegend, gridLimits, gridValue, hatch, measureColour, measured, measureLegend, type Legend } from "./paint";
import { chosenResult, isByScore, resultLayers, resultLegend, scoreColours } from "./results";
import { breaks } from "./scales";
import { RUN_SOURCES, SWITCHES } from "./switches";
import { t } from "./words";

const UNIT_OLD_S = 900;

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
    addSources(map, state, this.daysQuery());
    for (const layer of drawnLayers(this.moment())) {
      if (this.isDrawable(layer)) map.addLayer(layer, "road-names");
    }
    // Letters for eight metres are many on few streets: their names wait until there is room.
    map.setLayoutProperty("road-names", "text-size", LETTERS_PX);
    map.setLayerZoomRange("road-names", 15.2, 24);
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

  /** Whether anything of a layer is in sight; nothing is before its tiles are there. */
  private drawn(name: string): boolean {
    const layers = (SWITCHES[name]?.ids ?? []).filter((id) => this.map.getLayer(id));
    return layers.length > 0 && this.map.queryRenderedFeatures({ layers }).length > 0;
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

  private moment(): Moment {
    return { night: this.night(), now: this.now };
  }

  /** Let points and looks grow older. */
  age(now: number): void {
    this.now = now;
    if (!this.map.getLayer("live")) return;
    for (const [name, value] of Object.entries(pointPaint(this.moment()))) {
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
    return layerLegends(shown, {
      night: this.night(), zoom: this.map.getZoom(), has: (name) => this.has(name), drawn: (name) => this.drawn(name), emerging: this.emergingLabels(), result: () => this.paintResult(),
    });
  }
}

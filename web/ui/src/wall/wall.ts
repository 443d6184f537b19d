/** The map wall: full screen, no hands; everything that it shows says of when it is. */

import type { Map as MapLibreMap } from "maplibre-gl";
import { call, may, send } from "../shared/api";
import type { BasemapSettings } from "../shared/basemap";
import { ask } from "../shared/dialog";
import { byId, h } from "../shared/dom";
import { Live, type LiveState } from "../shared/live";
import { createMap, restyle } from "../shared/map";
import { beginPage, languageButton, pageLinks, sayReady, themeButton } from "../shared/page";
import { redraw } from "../shared/redraw";
import { theme } from "../shared/theme";
import { named } from "../shared/words";
import { readAddress, writeAddress, type Address } from "./address";
import { CasePanel } from "./cases";
import { readAlerts, readDays, readState, type Alert, type Days, type WallState } from "./data";
import { savePdf, savePng, stampLines } from "./exports";
import { keepFitting } from "./fit";
import { legendBox, SHIFT_MS, shiftPixels, sizeMap } from "./frame";
import { gridCard } from "./grid_card";
import { Incidents } from "./incidents";
import { Layers } from "./layers";
import { SWITCHES } from "./switches";
import { menuParts } from "./menu";
import type { Legend } from "./paint";
import { Panels } from "./panels";
import { Sight, startOf } from "./sight";
import { Signs } from "./signs";
import { Steering } from "./steering";
import { mapScale, partOf } from "./tiling";
import { TimeBar, type TimeChoice } from "./time";
import { readBookmarks, stopsOf, Tour, writeBookmarks } from "./tour";
import { Units } from "./units";
import { t } from "./words";
import "./wall.css";
import "./cases.css";

const REFRESH_MS = 60_000;
const UNITS_MS = 30_000;
const TOUR_S = 20;

class Wall {
  private days: Days | null = null;
  private choice: TimeChoice = { mode: "live" };
  private chosen: number | null = null;
  private legends: Legend[] = [];
  private connection: LiveState = "connecting";
  private readonly layers: Layers;
  private readonly incidents: Incidents;
  private readonly panels: Panels;
  private readonly cases: CasePanel;
  private readonly time: TimeBar;
  private readonly tour: Tour;
  private readonly steering: Steering;
  private refreshing = 0;
  private readonly signs = new Signs();
  private readonly sight: Sight;
  private readonly units: Units;

  constructor(
    private readonly map: MapLibreMap,
    private state: WallState,
    private readonly address: Address,
    private readonly basemap: BasemapSettings,
  ) {
    this.layers = new Layers(map, state, () => theme() === "night");
    this.incidents = new Incidents(this.layers);
    this.units = new Units(this.layers, address, () => this.choice.mode === "live");
    this.sight = new Sight(map, address, () => this.state.place.bounds, () => {
      this.switchLayers();
      this.menu();
    });
    this.panels = new Panels(byId("left"), byId("right"), {
      goTo: (lon, lat, area) => this.goTo(lon, lat, area),
      acknowledge: may("alerts.write") ? (alert) => void this.acknowledge(alert) : null,
    });
    for (const side of ["left", "right"]) keepFitting(byId(side));
    this.cases = new CasePanel(byId("right"), address.code, state.place.time_zone, (lon, lat, area) => this.goTo(lon, lat, area));
    const column = ((address.screen.number - 1) % address.screen.across) + 1;
    this.panels.arrange(column, address.screen.across);
    // Each screen is a map by itself and has its legend, also those without panels.
    if (column === 1) byId("left").append(byId("legend"));
    this.time = new TimeBar(byId("time"), state.place.time_zone, (choice) => this.look(choice));
    this.tour = new Tour(() => stopsOf(this.state, this.sight.whole()), (stop) => this.sight.show(stop, 4000));
    this.steering = new Steering({
      wall: address.wall, timeZone: state.place.time_zone, tour: this.tour, tourSeconds: () => address.tour,
      view: () => this.sight.view(), show: (view, duration) => this.sight.show(view, duration),
    });
  }

  async begin(): Promise<void> {
    this.layers.chooseResult(this.address.result);
    this.layers.add();
    this.menu();
    this.draw();
    this.map.on("idle", () => this.paint());
    this.map.on("moveend", () => this.sight.remember());
    this.map.on("resize", () => this.sight.keepPart());
    this.map.on("click", "grids-fill", (event) => this.choose(Number(event.features?.[0]?.id ?? 0) || null));
    document.addEventListener("themechange", () => restyle(this.map, this.basemap, () => this.restyled()));
    this.listen();
    await this.load();
    this.tour.run(this.address.tour);
    this.menu();
    window.setInterval(() => this.tick(), 1000);
    window.setInterval(() => void this.refresh(), REFRESH_MS);
    window.setInterval(() => shiftPixels(), SHIFT_MS);
    if (may("tracks.read")) window.setInterval(() => void this.units.read(), UNITS_MS);
    await this.steering.read();
    sayReady();
  }

  private restyled(): void {
    this.layers.add();
    this.switchLayers();
    this.drawPoints();
    this.units.draw();
    this.paint();
  }

  private async load(): Promise<void> {
    const code = this.address.code;
    this.days = await readDays(code);
    if (may("incidents.read")) await this.incidents.load(code);
    this.time.setEnd(this.state.as_of, this.days.days);
    this.switchLayers();
    this.drawPoints();
    this.paint();
  }

  /** Fetch the document anew; events that come together are answered by one fetch. */
  private async refresh(): Promise<void> {
    try {
      this.state = await readState(this.address.code);
      this.signs.renewed();
      if (this.layers.update(this.state)) restyle(this.map, this.basemap, () => this.restyled());
      this.draw();
      this.time.setEnd(this.state.as_of, this.days?.days ?? []);
      this.paint();
      // The document is kept for some seconds: ask again until it knows of what was heard here.
      if (this.state.is_old && this.incidents.newest > this.state.as_of) this.refreshSoon();
    } catch {
      // The numbers keep saying of when they are, and soon that they are old.
      this.signs.stale(this.state);
    }
  }

  private refreshSoon(): void {
    if (this.refreshing) return;
    // Spread over some seconds, so that hundreds of screens do not ask at once.
    this.refreshing = window.setTimeout(() => {
      this.refreshing = 0;
      void this.refresh();
    }, 2000 + Math.random() * 4000);
  }

  private listen(): void {
    new Live({
      kinds: ["incident", "alert", "plan", "case"],
      wall: this.address.wall,
      last: this.state.last_event,
      onEvent: (kind, body) => this.heard(kind, body),
      onLayer: (layer) => this.redraw(layer),
      onState: (state, heardAt) => {
        const wasAway = this.connection === "lost";
        this.connection = state;
        this.signs.connected(this.state, state, heardAt);
        // Who steers is not in the log of events: what was missed is asked for.
        if (wasAway && state === "connected") void this.steering.read();
      },
      onDirect: () => void this.steering.read(),
      onReset: () => location.reload(),
    });
  }

  private heard(kind: string, body: Record<string, unknown>): void {
    if (kind === "case") {
      this.cases.hear(Number(body.at));
      return;
    }
    if (kind === "incident") {
      if (this.incidents.hear(body)) {
        // What was old is not any more: the document says of when it is now.
        if (this.state.is_old) void this.refresh();
        this.drawPoints();
      }
    }
    if (kind === "alert") window.setTimeout(() => void this.readAlerts(), 700 + Math.random() * 500);
    this.refreshSoon();
    byId("heard").textContent = String(Number(byId("heard").textContent) + 1);
  }

  private async readAlerts(): Promise<void> {
    Object.assign(this.state, await readAlerts(this.address.code));
    this.panels.drawAlerts(this.state, new Date());
  }

  /** A layer of tiles changed: its sources ask again, and the server's cache answers for all. */
  private redraw(layer: string): void {
    const sources: Record<string, string[]> = {
      areas: ["grids", "grid-labels"], cameras: ["cameras", "camera-views"], looks: ["looks"], drones: ["drones"],
      incidents: ["hexagons"], plans: ["routes"], results: ["hotspots", "emerging", "blind", "result"], ground: ["roads", "buildings", "water"],
    };
    for (const id of layer === "*" ? Object.values(sources).flat() : (sources[layer] ?? [])) {
      if (this.map.getSource(id)) this.map.refreshTiles(id);
    }
    if (layer === "results" || layer === "looks") this.refreshSoon();
  }

  private async acknowledge(alert: Alert): Promise<void> {
    const note = await ask({ title: t("acknowledge_title"), text: alert.title_zh === alert.title_en ? alert.title_zh : `${alert.title_zh} / ${alert.title_en}`, label: t("acknowledge_note"), ok: t("acknowledge"), optional: true });
    if (note === null) return;
    await send(`/api/v1/alerts/${alert.alert_id}/acknowledge`, { body: { note } });
    await this.readAlerts();
  }

  // What is shown.

  private draw(): void {
    this.panels.draw(this.state);
    const place = this.state.place;
    byId("place").textContent = named(place);
    byId("simulated").hidden = !place.simulated;
    byId("stamp").replaceChildren(...stampLines(this.state).map((line) => h("span", { class: line === t("internal") ? "internal" : "" }, line)));
    this.signs.old(this.state);
    this.signs.connected(this.state, this.connection);
  }

  private tick(): void {
    const now = new Date();
    byId("clock").textContent = now.toLocaleTimeString("en-GB", { timeZone: this.state.place.time_zone });
    byId("date").textContent = now.toLocaleDateString("sv-SE", { timeZone: this.state.place.time_zone });
    this.signs.stale(this.state);
    const isLeft = (): boolean => this.incidents.arrivals(this.choice.mode).length > 0;
    if (isLeft() && !matchMedia("(prefers-reduced-motion: reduce)").matches) this.incidents.pulse(() => this.drawPoints(), isLeft);
    if (now.getSeconds() === 0 && this.choice.mode === "live") {
      this.layers.age(this.moment());
      this.drawPoints();
    }
  }

  /** Of when the points are shown: now, the newest data's time, or the hour that is looked back to. */
  private moment(): number {
    if (this.choice.mode === "hours") return this.choice.at;
    return this.state.is_old ? this.state.as_of : Date.now() / 1000;
  }

  private drawPoints(): void {
    const shown = this.incidents.draw(this.moment(), this.choice.mode);
    this.time.tell(this.choice.mode === "days" || !may("incidents.read") ? null : shown);
  }

  private look(choice: TimeChoice): void {
    this.choice = choice;
    void this.units.read();
    this.showHexagonDay();
    document.body.classList.toggle("back", choice.mode !== "live");
    this.drawPoints();
    this.paint();
  }

  /** Hours of patrols are of the last four weeks: what is divided by them is not shown by day. */
  private showHexagonDay(): void {
    const isByHour = ["per_patrol_hour", "finds_per_hour"].includes(this.address.measure);
    const day = this.choice.mode === "days" ? (this.days?.days[this.choice.index] ?? null) : null;
    this.layers.showDay(isByHour ? null : day);
  }

  /** Colour what is joined to tiles, and say how in the legend. */
  private paint(): void {
    if (!this.map.getLayer("grids-fill")) return;
    const shown = this.address.layers;
    const place = this.choice.mode === "days" ? this.choice.index : null;
    const legends: Legend[] = [];
    if (shown.includes("grids")) {
      // Of days gone by, counts alone are kept: what is known of now must not stand under a past date.
      const colour = place !== null && this.address.colour !== "none" ? "level" : this.address.colour;
      const legend = this.layers.paintGrids(colour, this.days, place);
      if (legend) legends.push({ ...legend, title: `${t("layer_grids")} · ${legend.title}` });
    }
    if (shown.includes("hexagons")) {
      const isFar = this.map.getZoom() < 14;
      legends.push(isFar ? this.layers.paintHexagons(this.address.measure) : { title: `${t("layer_hexagons")} · ${t("farther")}`, entries: [] });
    }
    legends.push(...this.layers.legends(shown));
    if (JSON.stringify(legends) === JSON.stringify(this.legends)) return;
    this.legends = legends;
    byId("legend").replaceChildren(...legends.map(legendBox));
  }

  private switchLayers(): void {
    for (const name of Object.keys(SWITCHES)) this.layers.show(name, this.address.layers.includes(name));
    this.units.readFirst();
  }

  private goTo(lon: number, lat: number, area: number | null): void {
    this.choose(area);
    this.sight.goTo(lon, lat);
  }

  private choose(area: number | null): void {
    this.layers.choose(this.chosen, area);
    this.chosen = area;
    const grid = this.state.grids.find((one) => one.area_id === area);
    const box = byId("grid");
    box.hidden = grid === undefined;
    if (grid !== undefined) redraw(box, ...gridCard(grid, () => this.choose(null)));
  }

  // The menu.

  private menu(): void {
    redraw(byId("menu-body"), ...menuParts(this.address, this.state.results, {
      has: (layer) => this.layers.has(layer),
      isTouring: () => this.tour.isOn,
      changed: () => this.changed(),
      toggleTour: () => this.toggleTour(),
      bookmark: () => void this.bookmark(),
      show: (stop) => this.sight.show(stop, 1500),
      again: () => this.menu(),
      direct: () => void this.steering.direct(),
      release: () => void this.steering.release(),
      png: () => void savePng(this.map, this.state, this.legends),
      pdf: () => void savePdf(this.map, this.state, this.address.code, this.legends),
    }));
  }

  private toggleTour(): void {
    this.address.tour = this.tour.isOn ? 0 : TOUR_S;
    this.tour.run(this.address.tour);
    writeAddress(this.address);
    this.menu();
  }

  private changed(): void {
    this.layers.chooseResult(this.address.result);
    this.switchLayers();
    this.showHexagonDay();
    this.paint();
    writeAddress(this.address);
    this.menu();
  }

  private async bookmark(): Promise<void> {
    const name = await ask({ title: t("bookmark"), label: t("bookmark_name") });
    if (!name) return;
    writeBookmarks([...readBookmarks(), { ...this.sight.view(), name: name.slice(0, 60) }]);
    this.menu();
  }
}

async function begin(): Promise<void> {
  const session = await beginPage("wall", { title: t("title"), header: false, fallback: "night" });
  const address = readAddress(session.screen);
  const [state, basemap] = await Promise.all([readState(address.code), call<BasemapSettings>("/api/v1/basemap")]);
  byId("product").textContent = t("title");
  byId("menu-name").textContent = t("menu");
  byId("legend").setAttribute("aria-label", t("legend"));
  byId("left-out").textContent = t("left_out");
  byId("simulated").textContent = t("simulated");
  byId("map").setAttribute("aria-label", t("map"));
  byId("tools").append(...(session.screen === null ? [pageLinks("wall", session)] : []), languageButton(), themeButton());
  if (address.screen.of > 1) byId("screen").textContent = t("screen", { n: address.screen.number, of: address.screen.of });
  byId("screen").hidden = address.screen.of === 1;
  sizeMap(null);
  const start = startOf(state.place.bounds, address);
  const map = await createMap({
    container: "map", settings: basemap, center: partOf(start, address.screen), zoom: start.zoom,
    stamp: false, pixelRatio: mapScale() * devicePixelRatio, maxCanvasSize: [8192, 8192],
    dragRotate: false, pitchWithRotate: false, maxPitch: 0, fadeDuration: 0,
  });
  window.addEventListener("resize", () => sizeMap(map));
  await new Wall(map, state, address, basemap).begin();
}

void begin();

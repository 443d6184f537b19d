/** The map wall: full screen, no hands; everything that it shows says of when it is. */

import type { Map as MapLibreMap } from "maplibre-gl";
import { call, may, send } from "../shared/api";
import type { BasemapSettings } from "../shared/basemap";
import { ask } from "../shared/dialog";
import { byId, h } from "../shared/dom";
import { Live, type LiveState } from "../shared/live";
import { createMap, restyle } from "../shared/map";
import { beginPage, languageButton, pageLinks, themeButton } from "../shared/page";
import { redraw } from "../shared/redraw";
import { theme } from "../shared/theme";
import { named } from "../shared/words";
import { readAddress, writeAddress, type Address } from "./address";
import { CasePanel } from "./cases";
import { readAlerts, readDays, readState, readUnits, type Alert, type Days, type UnitSeen, type View, type WallState } from "./data";
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
import { Signs } from "./signs";
import { Steering } from "./steering";
import { fitWall, mapScale, partOf, wallPadding } from "./tiling";
import { TimeBar, type TimeChoice } from "./time";
import { readBookmarks, stopsOf, Tour, writeBookmarks } from "./tour";
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
  private units: { at: number; units: UnitSeen[] } = { at: 0, units: [] };
  private readonly layers: Layers;
  private readonly incidents: Incidents;
  private readonly panels: Panels;
  private readonly cases: CasePanel;
  private readonly time: TimeBar;
  private readonly tour: Tour;
  private readonly steering: Steering;
  private refreshing = 0;
  private readonly signs = new Signs();
  /** Where the whole wall looks, of which this screen shows a part. */
  private aim: View;

  constructor(
    private readonly map: MapLibreMap,
    private state: WallState,
    private readonly address: Address,
    private readonly basemap: BasemapSettings,
  ) {
    this.layers = new Layers(map, state, () => theme() === "night");
    this.incidents = new Incidents(this.layers);
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
    this.tour = new Tour(() => stopsOf(this.state, this.whole()), (stop) => this.show(stop, 4000));
    this.steering = new Steering({
      wall: address.wall, timeZone: state.place.time_zone, tour: this.tour, tourSeconds: () => address.tour,
      view: () => this.view(), show: (view, duration) => this.show(view, duration),
    });
    this.aim = startOf(state, address);
  }

  async begin(): Promise<void> {
    this.layers.chooseResult(this.address.result);
    this.layers.add();
    this.menu();
    this.draw();
    this.map.on("idle", () => this.paint());
    this.map.on("moveend", () => this.remember());
    this.map.on("resize", () => this.keepPart());
    this.map.on("click", "grids-fill", (event) => this.choose(Number(event.features?.[0]?.id ?? 0) || null));
    document.addEventListener("themechange", () => restyle(this.map, this.basemap, () => this.restyled()));
    this.listen();
    await this.load();
    this.tour.run(this.address.tour);
    this.menu();
    window.setInterval(() => this.tick(), 1000);
    window.setInterval(() => void this.refresh(), REFRESH_MS);
    window.setInterval(() => shiftPixels(), SHIFT_MS);
    if (may("tracks.read")) window.setInterval(() => void this.readUnits(), UNITS_MS);
    await this.steering.read();
    document.body.dataset.ready = "true";
  }

  private restyled(): void {
    this.layers.add();
    this.switchLayers();
    this.drawPoints();
    this.layers.drawUnits(this.units.units, Date.now() / 1000);
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

  /** Where units on duty are: asked only while it is looked at, for each read is logged. */
  private async readUnits(): Promise<void> {
    if (!may("tracks.read")) return;
    const isShown = this.address.layers.includes("tracks") && this.choice.mode === "live" && !document.hidden;
    if (this.choice.mode !== "live") this.units = { at: 0, units: [] };
    try {
      if (isShown) this.units = await readUnits(this.address.code);
    } catch {
      // What is shown says its age, which goes on growing.
    }
    this.layers.drawUnits(this.units.units, Date.now() / 1000);
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
    this.state.alerts = await readAlerts(this.address.code);
    this.panels.drawAlerts(this.state.alerts, this.state.place.time_zone, new Date());
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
    void this.readUnits();
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
    if (shown.includes("hexagons") && this.map.getZoom() < 14) legends.push(this.layers.paintHexagons(this.address.measure));
    legends.push(...this.layers.legends(shown));
    if (JSON.stringify(legends) === JSON.stringify(this.legends)) return;
    this.legends = legends;
    byId("legend").replaceChildren(...legends.map(legendBox));
  }

  private switchLayers(): void {
    for (const name of Object.keys(SWITCHES)) this.layers.show(name, this.address.layers.includes(name));
    if (this.address.layers.includes("tracks") && this.units.at === 0) void this.readUnits();
  }

  // Where it looks.

  private whole(): View {
    return { ...this.view(), ...fitWall(this.state.place.bounds, this.address.screen, wallPadding()) };
  }

  private view(): View {
    const at = this.map.getCenter();
    const { layers, colour, measure } = this.address;
    return { center: [Number(at.lng.toFixed(5)), Number(at.lat.toFixed(5))], zoom: Number(this.map.getZoom().toFixed(2)), layers, colour, measure };
  }

  private show(view: View, duration: number): void {
    if (view.layers.join() !== this.address.layers.join() || view.colour !== this.address.colour || view.measure !== this.address.measure) {
      Object.assign(this.address, { layers: view.layers, colour: view.colour, measure: view.measure });
      this.switchLayers();
      this.menu();
    }
    this.aim = view;
    const target = { center: partOf(view, this.address.screen), zoom: view.zoom };
    if (matchMedia("(prefers-reduced-motion: reduce)").matches) this.map.jumpTo(target);
    else this.map.easeTo({ ...target, duration });
  }

  /** Screens that meet must go on meeting when their size changes. */
  private keepPart(): void {
    if (this.address.screen.of > 1) this.map.jumpTo({ center: partOf(this.aim, this.address.screen), zoom: this.aim.zoom });
  }

  private goTo(lon: number, lat: number, area: number | null): void {
    this.choose(area);
    this.show({ ...this.view(), center: [lon, lat], zoom: Math.max(14.6, this.map.getZoom()) }, 1200);
  }

  private choose(area: number | null): void {
    this.layers.choose(this.chosen, area);
    this.chosen = area;
    const grid = this.state.grids.find((one) => one.area_id === area);
    const box = byId("grid");
    box.hidden = grid === undefined;
    if (grid !== undefined) redraw(box, ...gridCard(grid, () => this.choose(null)));
  }

  private remember(): void {
    if (this.address.screen.of > 1) return;
    const view = this.view();
    this.address.center = view.center;
    this.address.zoom = view.zoom;
    writeAddress(this.address);
  }

  // The menu.

  private menu(): void {
    redraw(byId("menu-body"), ...menuParts(this.address, this.state.results, {
      has: (layer) => this.layers.has(layer),
      isTouring: () => this.tour.isOn,
      changed: () => this.changed(),
      toggleTour: () => this.toggleTour(),
      bookmark: () => void this.bookmark(),
      show: (stop) => this.show(stop, 1500),
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
    writeBookmarks([...readBookmarks(), { ...this.view(), name: name.slice(0, 60) }]);
    this.menu();
  }
}

/** Where a wall looks at first: as its address says, or at the whole place. */
function startOf(state: WallState, address: Address): View {
  const { layers, colour, measure } = address;
  const place = address.center ? { center: address.center, zoom: address.zoom ?? 13 } : fitWall(state.place.bounds, address.screen, wallPadding());
  return { ...place, layers, colour, measure };
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
  const start = startOf(state, address);
  const map = await createMap({
    container: "map", settings: basemap, center: partOf(start, address.screen), zoom: start.zoom,
    pixelRatio: mapScale() * devicePixelRatio, maxCanvasSize: [8192, 8192],
    dragRotate: false, pitchWithRotate: false, maxPitch: 0, fadeDuration: 0,
  });
  window.addEventListener("resize", () => sizeMap(map));
  await new Wall(map, state, address, basemap).begin();
}

void begin();

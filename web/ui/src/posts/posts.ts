/** The page for people and posts: the map of vacancies beside coverage, teams, duty, stations, partners. */

import type { FeatureCollection } from "geojson";
import type { ExpressionSpecification, GeoJSONSource, LayerSpecification, Map as MapLibreMap } from "maplibre-gl";
import { call, may } from "../shared/api";
import { textPaint, type BasemapSettings } from "../shared/basemap";
import { h } from "../shared/dom";
import { createMap, restyle } from "../shared/map";
import { beginPage, sayReady } from "../shared/page";
import { token } from "../shared/theme";
import { language } from "../shared/words";
import { coverageTab } from "./coverage";
import type { Staffing, Vacancies } from "./data";
import { dutyTab } from "./duty";
import { indicatorsTab } from "./indicators";
import { note } from "./parts";
import { partnersTab, stationsTab } from "./places";
import { teamTab } from "./team";
import { t } from "./words";

const TABS = ["coverage", "team", "duty", "stations", "partners", "indicators"] as const;
type Tab = (typeof TABS)[number];
const EMPTY: FeatureCollection = { type: "FeatureCollection", features: [] };
const FONT = ["Noto Sans SC Variable"];

class Posts {
  private staffing: Staffing | null = null;
  private vacancies: Vacancies | null = null;
  private chosen: string | null = null;
  private tab: Tab = "coverage";
  private ticket = 0;
  private readonly day = h("input", { type: "date", id: "day", required: true });
  private readonly tabs = h("div", { class: "tabs", role: "tablist", "aria-label": t("parts") });
  private readonly panel = h("div", { class: "panel", role: "tabpanel", id: "panel", tabindex: 0 });

  constructor(
    private readonly map: MapLibreMap,
    settings: BasemapSettings,
    private readonly editable: boolean,
    main: HTMLElement,
    box: HTMLElement,
  ) {
    this.day.addEventListener("change", () => void this.load());
    const head = h("div", { class: "head" }, h("h1", {}, t("title")), h("label", { class: "day" }, h("span", {}, t("day")), this.day));
    main.append(box, h("section", { class: "side" }, head, editable ? "" : note(t("read_only")), this.tabs, this.panel));
    box.append(legend());
    this.addTabs();
    this.addLayers();
    document.addEventListener("themechange", () => restyle(map, settings, () => this.addLayers()));
    map.on("click", "vacant-fill", (event) => {
      const code = event.features?.[0]?.properties.code as string | undefined;
      if (code) void this.choose(code);
    });
  }

  async load(): Promise<void> {
    const on = this.day.value ? `?on=${this.day.value}` : "";
    [this.staffing, this.vacancies] = await Promise.all([call<Staffing>(`/api/v1/posts${on}`), call<Vacancies>(`/api/v1/posts/vacancies${on}`)]);
    this.day.value = this.staffing.on;
    this.fill();
    await this.draw();
  }

  private async choose(code: string): Promise<void> {
    this.chosen = code;
    this.fill();
    this.tab = "team";
    await this.draw();
    this.panel.querySelector<HTMLElement>("h2")?.focus();
  }

  private async draw(): Promise<void> {
    const ticket = ++this.ticket;
    this.markTab();
    const shown = await this.content();
    if (ticket !== this.ticket) return;
    const focused = this.panel.contains(document.activeElement) ? document.activeElement!.id : "";
    this.panel.replaceChildren(shown);
    if (focused) document.getElementById(focused)?.focus();
  }

  private async content(): Promise<HTMLElement> {
    const { staffing, editable } = this;
    if (staffing === null) return h("div", {});
    const reload = (): Promise<void> => this.load();
    const choose = (code: string): void => void this.choose(code);
    if (this.tab === "duty") return dutyTab(staffing.on, editable, reload);
    if (this.tab === "stations") return stationsTab(choose);
    if (this.tab === "indicators") return indicatorsTab(staffing.today);
    if (this.tab === "partners") return partnersTab(editable, reload);
    if (this.tab === "coverage") return coverageTab(staffing, editable, { choose, reload });
    const grid = staffing.grids.find((one) => one.code === this.chosen);
    return grid ? teamTab(staffing, grid, editable, reload) : h("div", {}, note(t("choose_grid")));
  }

  private addTabs(): void {
    for (const name of TABS) {
      this.tabs.append(h("button", { type: "button", role: "tab", id: `tab-${name}`, "aria-controls": "panel", onclick: () => this.open(name) }, t(name)));
    }
    this.tabs.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (step === undefined) return;
      event.preventDefault();
      const next = TABS[(TABS.indexOf(this.tab) + step + TABS.length) % TABS.length]!;
      this.open(next);
      document.getElementById(`tab-${next}`)?.focus();
    });
  }

  private markTab(): void {
    for (const name of TABS) {
      const button = document.getElementById(`tab-${name}`)!;
      button.ariaSelected = String(name === this.tab);
      button.tabIndex = name === this.tab ? 0 : -1;
    }
    this.panel.setAttribute("aria-labelledby", `tab-${this.tab}`);
  }

  private open(tab: Tab): void {
    this.tab = tab;
    void this.draw();
  }

  private addLayers(): void {
    this.map.addSource("vacant", { type: "geojson", data: EMPTY });
    const isGrid: ExpressionSpecification = ["has", "vacant"];
    const isPoint: ExpressionSpecification = ["==", ["geometry-type"], "Point"];
    const colour: ExpressionSpecification = ["case", ["==", ["get", "vacant"], 0], token("s-3"), ["<", ["get", "vacant"], 3], token("s-1"), token("s-2")];
    const layers: LayerSpecification[] = [
      { id: "vacant-fill", type: "fill", source: "vacant", filter: isGrid, paint: { "fill-color": colour, "fill-opacity": 0.5 } },
      { id: "vacant-line", type: "line", source: "vacant", filter: isGrid, paint: { "line-color": token("map-area"), "line-width": 1.2 } },
      { id: "vacant-chosen", type: "line", source: "vacant", filter: ["==", ["get", "chosen"], true], paint: { "line-color": token("focus"), "line-width": 4 } },
      { id: "vacant-count", type: "symbol", source: "vacant", filter: ["all", isGrid, [">", ["get", "vacant"], 0]], layout: { "text-field": ["concat", "−", ["to-string", ["get", "vacant"]]], "text-font": FONT, "text-size": 14, "text-allow-overlap": true }, paint: textPaint() },
      { id: "stations", type: "circle", source: "vacant", filter: isPoint, paint: { "circle-radius": 5, "circle-color": token("s-4"), "circle-stroke-color": token("map-halo"), "circle-stroke-width": 1.5 } },
      { id: "station-names", type: "symbol", source: "vacant", minzoom: 14, filter: isPoint, layout: { "text-field": ["get", "label"], "text-font": FONT, "text-size": 12, "text-offset": [0, 1.2] }, paint: textPaint() },
    ];
    for (const layer of layers) this.map.addLayer(layer);
    this.fill();
  }

  private fill(): void {
    const english = language() === "en";
    const features = (this.vacancies?.features ?? []).map((one) => ({
      ...one,
      properties: { ...one.properties, chosen: one.properties.code === this.chosen, label: (english && one.properties.name_en) || one.properties.name },
    }));
    this.map.getSource<GeoJSONSource>("vacant")?.setData({ type: "FeatureCollection", features });
  }
}

function legend(): HTMLElement {
  const keys = [["full", t("legend_full")], ["short", t("legend_short")], ["bare", t("legend_bare")], ["station", t("legend_station")]] as const;
  return h("ul", { class: "legend" }, ...keys.map(([key, text]) => h("li", { "data-key": key }, text)));
}

await beginPage("posts", { title: t("title") });
const [{ bounds }, settings] = await Promise.all([call<{ bounds: [number, number, number, number] }>("/tiles/areas"), call<BasemapSettings>("/api/v1/basemap")]);
const main = document.getElementById("main")!;
const box = h("section", { class: "map-box", "aria-label": t("map") });
main.append(box);
const map = await createMap({ container: box, bounds, fitBoundsOptions: { padding: 16 }, settings });
main.replaceChildren();
const page = new Posts(map, settings, may("posts.write"), main, box);
await page.load();
sayReady();

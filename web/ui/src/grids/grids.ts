/** The page for grids: see households and codes, draw a split, try a merge, confirm with a reason. */

import type { Feature, FeatureCollection, Geometry, LineString, MultiPolygon, Polygon } from "geojson";
import type { GeoJSONSource, LayerSpecification, Map as MapLibreMap } from "maplibre-gl";
import { TerraDraw, TerraDrawLineStringMode } from "terra-draw";
import { TerraDrawMapLibreGLAdapter } from "terra-draw-maplibre-gl-adapter";
import { call, may } from "../shared/api";
import { textPaint, type BasemapSettings } from "../shared/basemap";
import { ask, toast } from "../shared/dialog";
import { h } from "../shared/dom";
import { createMap, restyle } from "../shared/map";
import { beginPage, sayReady } from "../shared/page";
import { redraw } from "../shared/redraw";
import { token } from "../shared/theme";
import { language, number } from "../shared/words";
import { t } from "./words";

interface Grid {
  code: string;
  name: string;
  name_en: string | null;
  parent_code: string;
  kind: string;
  households: number | null;
  area_m2: number;
  host_unit: string | null;
}
type Grids = FeatureCollection<Polygon | MultiPolygon, Grid> & { today: string; policy: { minimum: number; target: number; maximum: number } };
interface Preview {
  ended: string[];
  begun: FeatureCollection<Polygon | MultiPolygon, Grid>;
  lineage: { old_code: string; new_code: string; share: number }[];
  findings: { severity: "error" | "warning"; words: string }[];
  micro: string[];
  ties: { incidents: number; units: number; posts: number };
  homes_known: boolean;
}
interface Wish {
  kind: "split" | "merge";
  codes: string[];
  on: string;
  geometries: Geometry[];
}
const FONT = ["Noto Sans SC Variable"];
const EMPTY: FeatureCollection = { type: "FeatureCollection", features: [] };

class Gridder {
  private grids: Grids | null = null;
  private readonly chosen = new Set<string>();
  private preview: Preview | null = null;
  private wish: Wish | null = null;
  private filter = "";
  private draw: TerraDraw | null = null;
  private readonly list = h("ul", { class: "grids" });
  private readonly tools = h("section", { class: "grid-tools", "aria-label": t("title") });
  private readonly found = h("section", { class: "found", "aria-live": "polite" });
  private readonly day = h("input", { type: "date", id: "on", required: true });
  private readonly retag = h("input", { type: "checkbox", id: "retag" });

  constructor(
    private readonly map: MapLibreMap,
    settings: BasemapSettings,
    private readonly editable: boolean,
    main: HTMLElement,
    box: HTMLElement,
  ) {
    const filter = h("input", { type: "search", id: "filter", placeholder: t("filter"), "aria-label": t("filter") });
    filter.addEventListener("input", () => {
      this.filter = filter.value.trim().toLowerCase();
      this.drawList();
    });
    box.append(legend());
    main.append(box, h("section", { class: "side" }, this.tools, this.found, h("h2", {}, t("list")), filter, this.list));
    this.addLayers();
    document.addEventListener("themechange", () => restyle(map, settings, () => this.addLayers()));
    map.on("click", (event) => {
      if (this.draw?.getMode() === "linestring") return;
      const hit = map.queryRenderedFeatures(event.point, { layers: ["all-fill"] })[0];
      if (hit) this.toggle(String(hit.properties.code));
    });
  }

  async load(): Promise<void> {
    const on = this.day.value;
    this.grids = await call<Grids>(`/api/v1/grids${on ? `?on=${on}` : ""}`);
    for (const { properties: one } of this.grids.features) if (language() === "en") one.name = one.name_en ?? one.name;
    if (!on) {
      const next = new Date(new Date(`${this.grids.today}T12:00:00Z`).getTime() + 86_400_000);
      this.day.value = next.toISOString().slice(0, 10);
      this.day.min = this.grids.today;
    }
    const codes = new Set(this.grids.features.map((one) => one.properties.code));
    for (const code of this.chosen) if (!codes.has(code)) this.chosen.delete(code);
    this.drawAll();
  }

  private toggle(code: string): void {
    if (!this.chosen.delete(code)) this.chosen.add(code);
    this.forget();
    this.drawAll();
    this.list.querySelector(`[data-code="${CSS.escape(code)}"]`)?.scrollIntoView({ block: "nearest" });
  }

  private forget(): void {
    this.preview = null;
    this.wish = null;
    this.stopDrawing();
  }

  private drawAll(): void {
    this.drawTools();
    this.drawFound();
    this.drawList();
    this.fill();
  }

  private drawTools(): void {
    const policy = this.grids?.policy;
    const n = this.chosen.size;
    const parts: (Node | null)[] = [
      h("h1", {}, t("title")),
      policy ? h("p", { class: "note" }, t("policy", policy)) : null,
      h("p", { role: "status" }, n === 0 ? t("none_chosen") : `${t("chosen", { n })}: ${[...this.chosen].join("、")}`),
    ];
    if (this.editable) {
      const typed = h("textarea", { id: "typed", rows: 3, placeholder: "121.0150,35.5990\n121.0150,35.6210" });
      parts.push(
        h("div", { class: "field" }, h("label", { for: "on" }, t("on")), this.day),
        h(
          "div",
          { class: "row" },
          h("button", { type: "button", id: "split", disabled: n !== 1, onclick: () => this.startDrawing() }, t("split")),
          h("button", { type: "button", id: "merge", disabled: n < 2, onclick: () => void this.tryOut({ kind: "merge", codes: [...this.chosen], on: this.day.value, geometries: [] }) }, t("merge")),
          h("button", { type: "button", disabled: n === 0, onclick: () => this.clear() }, t("clear")),
          h("button", { type: "button", onclick: () => void this.check() }, t("check")),
        ),
        n === 1 ? h("p", { class: "note" }, t("draw_help")) : null,
        n === 1 ? h("div", { class: "field" }, h("label", { for: "typed" }, t("typed")), typed, h("button", { type: "button", id: "use-typed", onclick: () => void this.useTyped(typed.value) }, t("use_typed"))) : null,
      );
    } else parts.push(h("p", { class: "note" }, t("read_only")));
    redraw(this.tools, ...parts);
  }

  private clear(): void {
    this.chosen.clear();
    this.forget();
    this.drawAll();
  }

  private async useTyped(text: string): Promise<void> {
    const points = text.trim().split(/\n+/).map((line) => line.split(/[,，\s]+/).filter(Boolean).map(Number));
    if (points.length < 2 || points.some((point) => point.length !== 2 || !point.every(Number.isFinite))) {
      toast(t("bad_typed"), { bad: true });
      return;
    }
    await this.split({ type: "LineString", coordinates: points });
  }

  private startDrawing(): void {
    this.stopDrawing();
    const colour = token("bad") as `#${string}`;
    this.draw = new TerraDraw({
      adapter: new TerraDrawMapLibreGLAdapter({ map: this.map }),
      modes: [new TerraDrawLineStringMode({ styles: { lineStringColor: colour, lineStringWidth: 3, closingPointColor: colour, closingPointWidth: 6 } })],
    });
    this.draw.start();
    this.draw.setMode("linestring");
    this.draw.on("finish", (id) => {
      const drawn = this.draw?.getSnapshot().find((one) => one.id === id)?.geometry;
      if (drawn?.type === "LineString") void this.split(drawn as LineString);
    });
    this.map.getCanvas().focus();
  }

  private stopDrawing(): void {
    if (this.draw?.enabled) this.draw.stop();
    this.draw = null;
  }

  private split(line: LineString): Promise<void> {
    return this.tryOut({ kind: "split", codes: [...this.chosen], on: this.day.value, geometries: [line] });
  }

  /** While the answer is awaited nothing can be confirmed: the wish before this one least of all. */
  private async tryOut(wish: Wish): Promise<void> {
    this.preview = null;
    this.wish = null;
    this.drawFound();
    this.found.setAttribute("aria-busy", "true");
    try {
      this.preview = await call<Preview>("/api/v1/grids/preview", { body: wish });
      this.wish = wish;
    } catch (error) {
      toast(error instanceof Error ? error.message : "", { bad: true, seconds: 12 });
    }
    this.found.setAttribute("aria-busy", "false");
    this.stopDrawing();
    this.drawFound();
    this.fill();
    if (this.preview) this.found.querySelector<HTMLElement>("h2")?.focus();
  }

  private drawFound(): void {
    const { preview } = this;
    if (preview === null) return this.found.replaceChildren();
    const shares = new Map(preview.lineage.map((one) => [one.new_code, one.share]));
    const rows = preview.begun.features.map(({ properties: one }) =>
      h("tr", {}, h("td", {}, h("code", {}, one.code)), h("td", {}, one.name), h("td", {}, this.homes(one)), h("td", {}, `${number(one.area_m2 / 1e6, 3)} km²`), h("td", {}, preview.ended.length === 1 ? t("share", { share: number((shares.get(one.code) ?? 0) * 100, 1) }) : "")),
    );
    const isBad = preview.findings.some((one) => one.severity === "error");
    this.found.replaceChildren(
      h("h2", { tabindex: -1 }, t("preview")),
      h("p", {}, `${t("ends")}: ${preview.ended.join("、")}`),
      h("table", {}, h("thead", {}, h("tr", {}, ...[t("code"), t("name"), t("households", { n: "" }).trim(), t("area"), t("begins")].map((one) => h("th", { scope: "col" }, one)))), h("tbody", {}, ...rows)),
      preview.homes_known ? "" : h("p", { class: "note" }, t("homes_unknown")),
      h("p", { class: "note" }, t("ties", preview.ties)),
      h("h3", {}, t("findings")),
      preview.findings.length === 0 ? h("p", { class: "good" }, t("no_findings")) : h("ul", {}, ...preview.findings.map((one) => h("li", { class: one.severity }, h("b", {}, t(one.severity)), ` ${one.words}`))),
      h("label", { for: "retag", class: "check" }, this.retag, t("retag")),
      h("div", { class: "row" }, h("button", { type: "button", onclick: () => this.clear() }, t("clear")), h("button", { type: "button", id: "confirm", class: "main", disabled: isBad, onclick: () => void this.confirm() }, t("confirm"))),
    );
  }

  private homes(one: Grid): HTMLElement {
    const policy = this.grids?.policy;
    if (one.kind === "exclusive") return h("span", { class: "note" }, [t("exclusive"), one.host_unit, one.households ? t("households", { n: number(one.households) }) : null].filter(Boolean).join(" · "));
    if (one.households === null) return h("span", { class: "unknown" }, t("unknown_households"));
    const text = t("households", { n: number(one.households) });
    if (policy && one.kind === "basic" && one.households > policy.maximum) return h("span", { class: "warning" }, `${text} · ${t("over")}`);
    if (policy && one.kind === "basic" && one.households < policy.minimum) return h("span", { class: "warning" }, `${text} · ${t("under")}`);
    return h("span", {}, text);
  }

  private async confirm(): Promise<void> {
    if (this.wish === null) return;
    const reason = await ask({ title: t("confirm").replace("…", ""), text: t("confirm_text"), label: t("confirm_why"), ok: t("confirm").replace("…", "") });
    if (!reason) return;
    const made = await call<Preview>("/api/v1/grids/changes", { body: { ...this.wish, reason, retag: this.retag.checked } });
    toast(t("done", { codes: made.begun.features.map((one) => one.properties.code).join("、") }), { seconds: 10 });
    this.clear();
    await this.load();
  }

  private async check(): Promise<void> {
    const { findings } = await call<{ findings: Preview["findings"] }>(`/api/v1/grids/findings?on=${this.day.value}`);
    const errors = findings.filter((one) => one.severity === "error").length;
    this.found.replaceChildren(
      h("h2", { tabindex: -1 }, t("checked", { errors, warnings: findings.length - errors })),
      h("ul", { class: "all" }, ...findings.slice(0, 200).map((one) => h("li", { class: one.severity }, h("b", {}, t(one.severity)), ` ${one.words}`))),
    );
    this.found.querySelector("h2")?.focus();
  }

  private drawList(): void {
    const shown = (this.grids?.features ?? []).map((one) => one.properties).filter((one) => this.filter === "" || `${one.name} ${one.code}`.toLowerCase().includes(this.filter));
    redraw(
      this.list,
      ...shown.map((one) => {
        const box = h("input", { type: "checkbox", id: `grid-${one.code}`, checked: this.chosen.has(one.code) });
        box.addEventListener("change", () => this.toggle(one.code));
        return h("li", { "data-code": one.code, "data-selected": this.chosen.has(one.code) }, h("label", { for: `grid-${one.code}`, class: "check" }, box, h("span", {}, h("strong", {}, one.name), " ", h("code", {}, one.code), h("br"), this.homes(one))));
      }),
    );
  }

  private addLayers(): void {
    if (this.map.hasImage("hatch")) this.map.removeImage("hatch");
    this.map.addImage("hatch", hatch(token("ink-2")));
    for (const id of ["all", "new"]) this.map.addSource(`grids-${id}`, { type: "geojson", data: EMPTY });
    const layers: LayerSpecification[] = [
      { id: "all-fill", type: "fill", source: "grids-all", paint: { "fill-color": ["get", "colour"], "fill-opacity": 0.5 } },
      { id: "exclusive", type: "fill", source: "grids-all", filter: ["==", ["get", "kind"], "exclusive"], paint: { "fill-pattern": "hatch", "fill-opacity": 0.8 } },
      { id: "all-line", type: "line", source: "grids-all", paint: { "line-color": token("map-area"), "line-width": 1.2 } },
      { id: "chosen", type: "line", source: "grids-all", filter: ["get", "chosen"], paint: { "line-color": token("focus"), "line-width": 4 } },
      { id: "new-fill", type: "fill", source: "grids-new", paint: { "fill-color": ["get", "colour"], "fill-opacity": 0.45 } },
      { id: "new-line", type: "line", source: "grids-new", paint: { "line-color": token("bad"), "line-width": 3 } },
      { id: "all-names", type: "symbol", source: "grids-all", minzoom: 12, layout: { "text-field": ["get", "label"], "text-font": FONT, "text-size": 12 }, paint: textPaint() },
      { id: "new-names", type: "symbol", source: "grids-new", layout: { "text-field": ["get", "label"], "text-font": FONT, "text-size": 14, "text-allow-overlap": true }, paint: textPaint() },
    ];
    for (const layer of layers) this.map.addLayer(layer);
    this.fill();
  }

  private fill(): void {
    const policy = this.grids?.policy;
    const colour = (one: Grid): string => {
      // The household rule is for basic grids: an exclusive one is a site with a host, hatched.
      if (one.kind === "exclusive" || one.households === null || !policy) return token("card-2");
      if (one.kind === "micro") return token("s-4");
      if (one.households > policy.maximum) return token("s-2");
      return one.households < policy.minimum ? token("s-1") : token("s-3");
    };
    const label = (one: Grid): string => {
      if (one.kind === "exclusive") return t("exclusive_short");
      return one.households === null ? "?" : number(one.households);
    };
    const all = (this.grids?.features ?? []).map((one) => ({ ...one, properties: { ...one.properties, colour: colour(one.properties), label: label(one.properties), chosen: this.chosen.has(one.properties.code) } }));
    this.map.getSource<GeoJSONSource>("grids-all")?.setData({ type: "FeatureCollection", features: all });
    const tones = ["s-1", "s-2", "s-3", "s-4"];
    const made: Feature[] = (this.preview?.begun.features ?? []).map((one, k) => ({ ...one, properties: { ...one.properties, colour: token(tones[k % 4]!), label: `${one.properties.code.slice(-3)} · ${label(one.properties)}` } }));
    this.map.getSource<GeoJSONSource>("grids-new")?.setData({ type: "FeatureCollection", features: made });
  }
}

/** Say what the colours mean; the hatch is no rating: such a grid has no household rule. */
function legend(): HTMLElement {
  const rows = (["within", "over", "under", "unknown", "micro", "exclusive"] as const).map((one) => h("li", {}, h("span", { class: `swatch ${one}`, "aria-hidden": "true" }), t(`legend_${one}`)));
  return h("section", { class: "legend", "aria-label": t("legend") }, h("ul", {}, ...rows));
}

/** Return a tile of thin diagonal lines in a colour given as #rrggbb. */
function hatch(colour: string): { width: number; height: number; data: Uint8Array } {
  const side = 12;
  const tone = [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16));
  const data = new Uint8Array(side * side * 4);
  for (let y = 0; y < side; y += 1)
    for (let x = 0; x < side; x += 1) if ((x + y) % side < 2) data.set([...tone, 255], 4 * (y * side + x));
  return { width: side, height: side, data };
}

const session = await beginPage("grids", { title: t("title") });
const [{ bounds }, settings] = await Promise.all([call<{ bounds: [number, number, number, number] }>("/tiles/areas"), call<BasemapSettings>("/api/v1/basemap")]);
const main = document.getElementById("main")!;
const box = h("section", { class: "map-box", "aria-label": t("map") });
main.append(box);
const map = await createMap({ container: box, bounds, fitBoundsOptions: { padding: 16 }, settings });
main.replaceChildren();
const page = new Gridder(map, settings, may("grids.write") && session.areas === null, main, box);
await page.load();
sayReady();

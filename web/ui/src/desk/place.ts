/** Where it is: by address, road or grid, typed and chosen by keyboard, or by a click on the map. */

import { call } from "../shared/api";
import { areaOf } from "../shared/cases";
import { h } from "../shared/dom";
import { named, number } from "../shared/words";
import type { DeskMap } from "./map";
import type { PlaceFound } from "./types";
import { t } from "./words";

export interface Place {
  lon: number | null;
  lat: number | null;
  area_id: number | null;
  text: string;
  /** A report's own place is not moved by a click. */
  fixed?: boolean;
}

const WAIT_MS = 200;
/** Less than this, whoever takes the call is told to look at the map. */
const SURE = 0.6;

export class PlaceField {
  value: Place | null = null;
  private found: PlaceFound[] = [];
  private marked = -1;
  private waiting = 0;
  /** How sure the place taken from the list is; 1 for a point on the map. */
  private sure = 1;
  readonly input = h("input", {
    id: "place", autocomplete: "off", role: "combobox", "aria-expanded": "false", "aria-controls": "places", "aria-autocomplete": "list",
    placeholder: t("place_hint"), maxlength: 100,
  });
  private readonly list = h("ul", { id: "places", role: "listbox", "aria-label": t("place"), hidden: true });
  private readonly grid = h("p", { class: "grid", role: "status" }, t("nowhere"));
  readonly element = h("div", { class: "place" }, this.input, this.list, this.grid);

  constructor(
    private readonly map: DeskMap,
    private readonly changed: () => void,
  ) {
    map.picked = (lon, lat) => {
      if (this.value?.fixed) return;
      this.put({ lon, lat, area_id: null, text: this.input.value.trim() });
      this.changed();
    };
    this.input.addEventListener("input", () => {
      window.clearTimeout(this.waiting);
      this.waiting = window.setTimeout(() => void this.search(), WAIT_MS);
    });
    this.input.addEventListener("keydown", (event) => this.key(event));
    this.input.addEventListener("blur", () => window.setTimeout(() => this.close(), 150));
  }

  clear(): void {
    this.value = null;
    this.input.value = "";
    this.input.readOnly = false;
    this.map.put(null);
    this.close();
    this.grid.textContent = t("nowhere");
  }

  put(place: Place): void {
    window.clearTimeout(this.waiting);
    this.value = place;
    this.sure = 1;
    this.input.value = place.text;
    this.input.readOnly = place.fixed ?? false;
    if (place.lon !== null && place.lat !== null) this.map.put({ lon: place.lon, lat: place.lat });
    this.close();
  }

  /** Say whose ground it is. */
  tell(area: { name: string | null; name_en: string | null } | null): void {
    if (this.value === null) return;
    const name = areaOf({ area: area?.name ?? null, area_en: area?.name_en });
    const grid = name ? t("in_grid", { name }) : t("no_grid");
    const unsure = this.sure < SURE;
    this.grid.textContent = unsure ? `${grid} · ${t("place_unsure", { p: number(this.sure * 100) })}` : grid;
    this.grid.dataset.bad = String(unsure);
  }

  tellProblem(message: string): void {
    this.grid.textContent = message;
    this.grid.dataset.bad = "true";
  }

  private async search(): Promise<void> {
    const words = this.input.value.trim();
    if (words === "") {
      this.close();
      return;
    }
    const before = this.value; // what is put meanwhile is not asked about again
    const { places } = await call<{ places: PlaceFound[] }>(`/api/v1/places?limit=8&q=${encodeURIComponent(words)}`);
    if (this.input.value.trim() !== words || before !== this.value) return;
    this.found = places;
    this.marked = places.length > 0 ? 0 : -1;
    this.draw();
    if (places.length === 0 && this.value === null) this.grid.textContent = t("place_none");
  }

  private draw(): void {
    this.list.replaceChildren(
      ...this.found.map((one, place) =>
        h(
          "li",
          {
            id: `place-${place}`, role: "option", "aria-selected": String(place === this.marked),
            onmousedown: (event: MouseEvent) => {
              event.preventDefault();
              this.take(place);
            },
          },
          h("b", {}, named(one)), h("small", {}, describe(one)),
        ),
      ),
    );
    this.list.hidden = this.found.length === 0;
    this.input.setAttribute("aria-expanded", String(this.found.length > 0));
    if (this.marked >= 0) this.input.setAttribute("aria-activedescendant", `place-${this.marked}`);
    else this.input.removeAttribute("aria-activedescendant");
  }

  private key(event: KeyboardEvent): void {
    if (this.list.hidden) return;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      const step = event.key === "ArrowDown" ? 1 : -1;
      this.marked = (this.marked + step + this.found.length) % this.found.length;
      this.draw();
    } else if (event.key === "Enter" && !event.ctrlKey) this.take(this.marked);
    else if (event.key === "Escape") this.close();
    else return;
    event.preventDefault();
  }

  private take(place: number): void {
    const one = this.found[place];
    if (one === undefined) return;
    const isArea = one.kind === "area";
    // What was said stays the address where it says more than the name that it was found by.
    const said = this.input.value.trim();
    const text = said.includes(one.name) || one.kind === "crossing" || one.note !== null ? said : one.name;
    this.put({ lon: isArea ? null : one.lon, lat: isArea ? null : one.lat, area_id: one.area_id, text });
    this.map.put({ lon: one.lon, lat: one.lat }, { near: true });
    this.sure = one.confidence;
    this.changed();
  }

  private close(): void {
    this.found = [];
    this.marked = -1;
    this.draw();
  }
}

/** What it is, how sure, and what stands in for what was asked. */
function describe(one: PlaceFound): string {
  const note = one.note === null ? null : one.note === "nearest_number" ? `${t("place_nearest_number")} ${one.detail}` : t(`place_${one.note}`);
  const detail = one.kind === "area" || one.kind === "station" ? one.detail : null;
  return [t(`place_kind_${one.kind}`), detail, note, t("place_sure", { p: number(one.confidence * 100) })].filter(Boolean).join(" · ");
}

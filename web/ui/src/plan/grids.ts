/** The list of grids: hours to drag, what changed, why, pins and forbidden ground; all by keyboard. */

import { h } from "../shared/dom";
import { redraw } from "../shared/redraw";
import { language, number } from "../shared/words";
import type { Area, Row, Shift } from "./data";
import type { Edits } from "./edits";
import { t } from "./words";

export type Sort = "hours" | "change" | "code" | "need";
const STEP_MIN = 15;

export interface GridView {
  areas: Area[];
  shifts: Shift[];
  /** Minutes from the day before by area; empty where there is none. */
  change: Map<number, number>;
  day: string | null;
  /** Rows that balancing would move, by key. */
  balanced: Map<string, number>;
  editable: boolean;
}

export const keyOf = (areaId: number, row: Row): string => `${areaId}/${row.shift_no}/${row.unit_kind}`;

export class GridList {
  sort: Sort = "hours";
  filter = "";
  shift = 0;
  private view: GridView = { areas: [], shifts: [], change: new Map(), day: null, balanced: new Map(), editable: false };
  selected: number | null = null;
  chosen: (areaId: number) => void = () => undefined;
  pin: (area: Area) => void = () => undefined;
  forbid: (area: Area) => void = () => undefined;
  private readonly list = h("ul", { class: "grids", id: "grid-list" });

  constructor(private readonly edits: Edits) {}

  element(): HTMLElement {
    const sorts: Sort[] = ["hours", "change", "need", "code"];
    const sort = h("select", { id: "sort" }, ...sorts.map((one) => h("option", { value: one, selected: one === this.sort }, t(`s_${one}`))));
    sort.addEventListener("change", () => {
      this.sort = sort.value as Sort;
      this.draw();
    });
    const filter = h("input", { id: "filter", type: "search", placeholder: t("filter"), "aria-label": t("filter"), value: this.filter });
    filter.addEventListener("input", () => {
      this.filter = filter.value.trim().toLowerCase();
      this.draw();
    });
    const head = h("div", { class: "list-head" }, filter, h("label", { for: "sort" }, t("sort")), sort);
    if (this.view.shifts.length > 1) head.append(...this.shiftChoice());
    return h("div", { class: "grid-panel" }, head, this.list);
  }

  private shiftChoice(): HTMLElement[] {
    const shift = h("select", { id: "shift" }, h("option", { value: 0 }, t("all_shifts")), ...this.view.shifts.map((one) => h("option", { value: one.shift_no, selected: one.shift_no === this.shift }, nameOf(one))));
    shift.addEventListener("change", () => {
      this.shift = Number(shift.value);
      this.draw();
    });
    return [h("label", { for: "shift" }, t("shift")), shift];
  }

  show(view: GridView): void {
    this.view = view;
    this.draw();
  }

  select(areaId: number): void {
    this.selected = areaId;
    for (const item of this.list.children) item.toggleAttribute("data-selected", (item as HTMLElement).dataset.area === String(areaId));
    this.list.querySelector(`[data-area="${areaId}"]`)?.scrollIntoView({ block: "nearest" });
  }

  /** Hours of an area as they would be with all that is not saved. */
  hoursOf(area: Area): number {
    return area.rows.reduce((sum, row) => sum + this.minutes(area, row), 0) / 60;
  }

  private minutes(area: Area, row: Row): number {
    return this.edits.minutesOf(area.area_id, row) ?? this.view.balanced.get(keyOf(area.area_id, row)) ?? row.minutes;
  }

  draw(): void {
    const wanted = this.view.areas.filter((one) => this.filter === "" || `${one.name} ${one.code}`.toLowerCase().includes(this.filter));
    const change = (one: Area): number => Math.abs(this.view.change.get(one.area_id) ?? 0);
    const order: Record<Sort, (a: Area, b: Area) => number> = {
      hours: (a, b) => b.hours - a.hours,
      change: (a, b) => change(b) - change(a),
      need: (a, b) => (b.need_week ?? -1) - (a.need_week ?? -1),
      code: () => 0,
    };
    wanted.sort((a, b) => order[this.sort](a, b) || a.code.localeCompare(b.code));
    redraw(this.list, ...wanted.map((area) => this.item(area)));
  }

  private item(area: Area): HTMLElement {
    const moved = this.view.change.get(area.area_id);
    const day = this.view.day;
    const select = h("button", { type: "button", class: "grid-name", id: `grid-${area.area_id}`, onclick: () => this.chosen(area.area_id) }, h("strong", {}, area.name), h("span", { class: "code" }, area.code));
    const tools = this.view.editable
      ? [
          h("button", { type: "button", class: "small", "aria-label": `${t("pin")} ${area.name}`, onclick: () => this.pin(area) }, t("pin_short")),
          h("button", { type: "button", class: "small", "aria-label": `${t("forbid")} ${area.name}`, onclick: () => this.forbid(area) }, t("forbid_short")),
        ]
      : [];
    const rows = area.rows.filter((row) => this.shift === 0 || row.shift_no === this.shift);
    return h(
      "li",
      { "data-area": area.area_id, "data-selected": area.area_id === this.selected, "data-edited": area.rows.some((row) => this.minutes(area, row) !== row.minutes) },
      h("div", { class: "grid-top" }, select, ...tools),
      ...rows.map((row) => this.slider(area, row)),
      h(
        "div",
        { class: "facts" },
        moved !== undefined && day ? h("span", { class: moved > 0 ? "up" : moved < 0 ? "down" : "" }, t("from_day", { day, change: signed(moved / 60) })) : null,
        area.unknown ? h("span", { class: "unknown" }, t("unknown")) : null,
      ),
      h("p", { class: "reason" }, language() === "en" ? area.reason_en : area.reason_zh),
    );
  }

  private slider(area: Area, row: Row): HTMLElement {
    const shift = this.view.shifts.find((one) => one.shift_no === row.shift_no);
    const words = { name: area.name, shift: shift ? nameOf(shift) : "", kind: t(row.unit_kind as "foot") };
    const minutes = this.minutes(area, row);
    const most = Math.max(...this.view.areas.flatMap((one) => one.rows.map((each) => each.minutes)), minutes, 60) * 1.25;
    const say = (value: number): string => t("value_h", { h: number(value / 60, 2) });
    const out = h("output", {}, say(minutes));
    const range = h("input", {
      type: "range", id: `hours-${area.area_id}-${row.shift_no}-${row.unit_kind}`, min: 0, max: Math.ceil(most / 60) * 60, step: STEP_MIN,
      value: minutes, disabled: !this.view.editable, "aria-label": t("hours_of", words), "aria-valuetext": say(minutes),
    });
    range.addEventListener("input", () => {
      out.textContent = say(Number(range.value));
      range.setAttribute("aria-valuetext", out.textContent);
    });
    range.addEventListener("change", () => this.edits.setMinutes(area, row, Number(range.value)));
    const several = area.rows.length > 1;
    const mark = minutes !== row.minutes ? h("span", { class: "was" }, `${number(row.minutes / 60, 2)} →`) : null;
    return h("div", { class: "hours" }, several ? h("span", { class: "kind" }, `${words.shift} ${words.kind}`) : null, range, mark, out);
  }
}

export const nameOf = (shift: { name: string; name_en: string }): string => (language() === "en" ? shift.name_en : shift.name);
export const signed = (value: number): string => `${value > 0 ? "+" : value < 0 ? "−" : "±"}${number(Math.abs(value), 2)}`;

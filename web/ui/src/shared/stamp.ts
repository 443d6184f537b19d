/** What stands on every map: of when its data are, in which coordinates, and for whom. */

import type { IControl } from "maplibre-gl";
import { call } from "./api";
import { h } from "./dom";
import { translator } from "./words";

const t = translator({
  stamp: ["本图说明", "About this map"],
  data_date: ["数据 {at}", "Data {at}"],
  no_data: ["尚无事件数据", "no incidents yet"],
  crs: ["CGCS2000/WGS-84 · EPSG:{srid}", "WGS-84/CGCS2000 · EPSG:{srid}"],
  approval: ["审图号：{no}", "Map approval no. {no}"],
  internal: ["内部使用", "INTERNAL USE"],
  simulated: ["模拟数据", "SIMULATED"],
});

interface Stamp {
  data_date: string | null;
  time_zone: string;
  metric_srid: number;
  map_approval_no: string | null;
  simulated: boolean;
}

/** A corner of the map that says it; without an answer it says "internal use" alone. */
export class StampControl implements IControl {
  private readonly box = h("div", { class: "maplibregl-ctrl map-stamp", role: "note", "aria-label": t("stamp") }, h("b", {}, t("internal")));

  onAdd(): HTMLElement {
    void call<Stamp>("/api/v1/map-stamp").then(
      (found) => this.box.replaceChildren(...linesOf(found)),
      () => undefined, // no network or nothing to show: the box stays as it is
    );
    return this.box;
  }

  onRemove(): void {
    this.box.remove();
  }
}

function linesOf(found: Stamp): HTMLElement[] {
  const at = found.data_date === null ? t("no_data") : new Date(found.data_date).toLocaleString("sv-SE", { timeZone: found.time_zone }).slice(0, 16);
  return [
    h("span", {}, t("data_date", { at })),
    h("span", {}, t("crs", { srid: found.metric_srid })),
    h("b", {}, found.map_approval_no ? t("approval", { no: found.map_approval_no }) : t("internal")),
    ...(found.simulated ? [h("span", {}, t("simulated"))] : []),
  ];
}

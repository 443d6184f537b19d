/** How numbers become colours, and the legends that say so. */

import type { ExpressionSpecification } from "maplibre-gl";
import { language, number } from "../shared/words";
import { token } from "../shared/theme";
import type { Days, Grid } from "./data";
import { breaks, colourOf, diverging, ramp } from "./scales";
import { t, type Word } from "./words";

export interface LegendEntry {
  colour: string;
  label: string;
  shape?: "fill" | "line" | "dot" | "hatch";
}
export interface Legend {
  title: string;
  entries: LegendEntry[];
}

/** What a hexagon's count is divided by, as a property of the tiles and as its factor. */
const OVER: Record<string, { of: "n" | "finds"; by: string; factor: number } | null> = {
  count: null,
  per_km2: { of: "n", by: "km2", factor: 1 },
  per_household: { of: "n", by: "h", factor: 1000 },
  per_patrol_hour: { of: "n", by: "p", factor: 1 },
  finds_per_hour: { of: "finds", by: "p", factor: 1 },
};

/** A measure of a hexagon; null where what it is divided by is not recorded. */
export function measured(properties: Record<string, unknown>, measure: string): number | null {
  const over = OVER[measure] ?? null;
  if (over === null) return Number(properties.n);
  const by = Number(properties[over.by] ?? 0);
  return by > 0 ? (over.factor * Number(properties[over.of] ?? 0)) / by : null;
}

/** The same for the map: how a hexagon is coloured, in the grey of the unknown where nothing is recorded. */
export function measureColour(measure: string, limits: number[]): ExpressionSpecification | string {
  const colours = ramp();
  const over = OVER[measure] ?? null;
  const value = over === null ? ["get", "n"] : ["/", ["*", over.factor, ["coalesce", ["get", over.of], 0]], ["get", over.by]];
  const steps: unknown[] = ["step", value, colours[0]];
  limits.forEach((limit) => steps.push(limit, colourOf(limit * 1.0001, limits, colours)));
  const colour = limits.length === 0 ? colours[0] : steps;
  if (over === null) return colour as ExpressionSpecification;
  return ["case", [">", ["coalesce", ["get", over.by], 0], 0], colour, token("unknown")] as unknown as ExpressionSpecification;
}

export function measureLegend(measure: string, limits: number[], span: string): Legend {
  const entries = classes(limits, ramp());
  if ((OVER[measure] ?? null) !== null && measure !== "per_km2") entries.push({ colour: token("unknown"), label: t("not_recorded") });
  return { title: `${t(measure as Word)} · ${span}`, entries };
}

/** What a grid is coloured by; null is unknown. */
export function gridValue(grid: Grid, colour: string, days: Days | null, place: number | null): number | null {
  if (colour === "trend") return grid.trend === null || grid.trend === "untested" ? null : { rising: 1, falling: -1 }[grid.trend] ?? 0;
  if (colour === "load") return grid.open_n;
  if (colour === "against") {
    const n = grid.weeks.at(-1) ?? 0;
    if (grid.expected === null || grid.low === null || grid.high === null) return null;
    return n > grid.high ? 1 : n < grid.low ? -1 : 0;
  }
  if (colour === "done_share") return grid.done_min === null || !grid.planned_min ? null : Math.min(1, grid.done_min / grid.planned_min);
  return place === null || days === null ? (grid.weeks.at(-1) ?? 0) : weekUntil(days, grid.area_id, place);
}

/** Reports of a grid in the seven days that end with one. */
function weekUntil(days: Days, area: number, place: number): number {
  const counts = days.counts[String(area)];
  return counts ? counts.slice(Math.max(0, place - 6), place + 1).reduce((a, b) => a + b, 0) : 0;
}

/** Limits of classes; by day those of all days together, so that a colour means the same while it plays. */
export function gridLimits(grids: Grid[], colour: string, days: Days | null, place: number | null): number[] {
  if (["trend", "against", "done_share"].includes(colour)) return [];
  if (place === null || days === null) return breaks(grids.map((grid) => gridValue(grid, colour, days, null)).filter((n) => n !== null));
  return breaks(grids.flatMap((grid) => days.days.slice(6).map((_, n) => weekUntil(days, grid.area_id, n + 6))));
}

export function gridColour(value: number, colour: string, limits: number[]): string {
  const [down, still, up] = diverging();
  if (colour === "against" || colour === "trend") return value > 0 ? up : value < 0 ? down : still;
  if (colour === "done_share") return ramp()[Math.min(4, Math.floor(value * 5))]!;
  return value === 0 ? ramp()[0]! : colourOf(value, limits, ramp());
}

export function gridLegend(colour: string, limits: number[], hasUnknown: boolean, day: string | null): Legend | null {
  if (colour === "none") return null;
  const unknown = hasUnknown ? [{ colour: token("unknown"), label: t("unknown") }] : [];
  if (colour === "trend") {
    const [down, still, up] = diverging();
    return { title: `${t("trend")} · ${t("per_week")}`, entries: [{ colour: up, label: t("rising") }, { colour: still, label: language() === "en" ? "no trend" : "无显著趋势" }, { colour: down, label: t("falling") }, ...unknown] };
  }
  if (colour === "against") {
    const [down, still, up] = diverging();
    return { title: `${t("against")} · ${t("last_7")}`, entries: [{ colour: up, label: t("more_than") }, { colour: still, label: t("within") }, { colour: down, label: t("less_than") }, ...unknown] };
  }
  if (colour === "done_share") {
    return { title: t("done_share"), entries: [...ramp().map((c, n) => ({ colour: c, label: `${n * 20}–${n * 20 + 20} %` })), ...unknown] };
  }
  const title = colour === "load" ? t("load") : day ? `${t("level_all")} · ${t("last_7")} → ${day}` : `${t("level")} · ${t("last_7")}`;
  return { title, entries: [...classes(limits, ramp()), ...unknown] };
}

export function classes(limits: number[], colours: string[]): LegendEntry[] {
  if (limits.length === 0) return [{ colour: colours[0]!, label: "0" }];
  const digits = limits.some((limit) => limit % 1 !== 0) ? 1 : 0;
  const say = (value: number): string => number(value, digits);
  return [
    { colour: colours[0]!, label: `≤ ${say(limits[0]!)}` },
    ...limits.map((limit, n) => ({
      colour: colourOf(limit * 1.0001, limits, colours),
      label: limits[n + 1] === undefined ? `> ${say(limit)}` : `${say(limit)} – ${say(limits[n + 1]!)}`,
    })),
  ];
}

export function hatch(colour: string): ImageData {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = 16;
  const pen = canvas.getContext("2d")!;
  pen.strokeStyle = colour;
  pen.lineWidth = 2;
  for (const shift of [-16, 0, 16]) {
    pen.beginPath();
    pen.moveTo(shift, 16);
    pen.lineTo(shift + 16, 0);
    pen.stroke();
  }
  return pen.getImageData(0, 0, 16, 16);
}
